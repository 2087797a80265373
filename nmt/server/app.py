"""The routes: what is answered where."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from nmt.errors import NmtError
from nmt.server.batching import Batcher
from nmt.server.documentation import documentation_page
from nmt.server.errors import GONE, Refused
from nmt.server.guard import CLIENT, Guard
from nmt.server.metrics import Metrics
from nmt.server.models import Model, Models
from nmt.server.requests import (
    AUTO,
    DetectRequest,
    NextRequest,
    TranslateRequest,
    read_request,
)
from nmt.server.responses import details, joined_texts, json_answer, next_words, refusal
from nmt.server.settings import Settings
from nmt.server.spec import make_spec
from nmt.server.texts import shares
from nmt.server.work import (
    CopyMarkup,
    CopySentences,
    FindNextWords,
    Job,
    Piece,
    TranslateMarkup,
    TranslateSentences,
)
from nmt.text.language_id import Detection, Detector
from nmt.text.languages import language_name
from nmt.text.sentences import DividedText, divide
from nmt.translator.loading import cores

FOLDER = Path(__file__).parent
PAGE = FOLDER / "page"
DOCS = FOLDER / "docs"
RETRY_S = 1

Result = TypeVar("Result")


class Server:
    """What the routes do.

    Args:
        models: What translates.
        detector: What finds the language of a text.
        settings: How the server is run.
    """

    def __init__(self, models: Models, detector: Detector, settings: Settings) -> None:
        self.metrics = Metrics()
        self._models = models
        self._detector = detector
        self._limits = settings.limits
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._spec = make_spec(settings.limits)
        threads = cores() if settings.threads is None else settings.threads
        self._batcher = Batcher(threads, self._limits.waiting, self.metrics.note_batch)
        self.metrics.waiting = lambda: self._batcher.waiting

    @asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """As long as this lasts, what is asked for is done."""
        self._batcher.start()
        try:
            yield
        finally:
            self._batcher.close()

    async def translate(self, request: Request) -> Response:
        """``POST /translate``."""
        self._batcher.refuse_beyond_share(request.scope[CLIENT])
        wanted = await read_request(request, TranslateRequest, self._limits)
        found = [self._detected(text, wanted) for text in wanted.texts]
        sources = [wanted.source if each is None else each.language for each in found]
        target = self._models.code_of(wanted.target)
        model_of = {
            source: None
            if wanted.source == AUTO and source == target
            else self._model(source, wanted.target)
            for source in set(sources)
        }
        models = [model_of[source] for source in sources]
        self.metrics.note_characters(sum(map(len, wanted.texts)))
        translate = self._translate_markup if wanted.format == "html" else self._translate_texts
        answer = await self._while_connected(
            request, translate(wanted, models, request.scope[CLIENT])
        )
        if wanted.source == AUTO:
            languages = [each.as_dict() for each in found if each is not None]
            answer["detectedLanguage"] = languages if wanted.is_list else languages[0]
        return json_answer(answer)

    async def _translate_markup(
        self, wanted: TranslateRequest, models: Sequence[Model | None], client: str
    ) -> dict[str, Any]:
        jobs = [
            Job(CopyMarkup() if model is None else TranslateMarkup(model), Piece(text))
            for model, text in zip(models, wanted.texts, strict=True)
        ]
        found = await self._batcher.results(jobs, client)
        answer: dict[str, Any] = {"translatedText": found if wanted.is_list else found[0]}
        if wanted.has("alternatives"):
            # A document has one translation.
            answer["alternatives"] = [[] for _ in found] if wanted.is_list else []
        return answer

    async def _translate_texts(
        self, wanted: TranslateRequest, models: Sequence[Model | None], client: str
    ) -> dict[str, Any]:
        turn = self._turns.setdefault(client, asyncio.Lock())
        async with turn:  # one request of a client in a round of the event loop
            self._batcher.refuse_beyond_share(client)
            pairs = zip(models, wanted.texts, strict=True)
            texts = [_divided(model, text) for model, text in pairs]
            each_jobs = [_jobs(wanted, *pair) for pair in zip(models, texts, strict=True)]
            await asyncio.sleep(0)
        jobs = [job for jobs in each_jobs for job in jobs]
        if len(jobs) > self._limits.sentences:
            raise Refused(
                400,
                f"q has {len(jobs)} sentences: give at most {self._limits.sentences} at a time",
            )
        found = iter(await self._batcher.results(jobs, client))
        each = [(text, [next(found) for _ in text.sentences]) for text in texts]
        ranked = [joined_texts(text, translations) for text, translations in each]

        def listed(values: list[Any]) -> Any:
            return values if wanted.is_list else values[0]

        answer: dict[str, Any] = {"translatedText": listed([best for best, *_ in ranked])}
        if wanted.has("alternatives"):
            answer["alternatives"] = listed([others for _, *others in ranked])
        if wanted.details:
            answer["details"] = listed([details(*text) for text in each])
        return answer

    async def next(self, request: Request) -> Response:
        """``POST /next``."""
        self._batcher.refuse_beyond_share(request.scope[CLIENT])
        wanted = await read_request(request, NextRequest, self._limits)
        model = self._model(wanted.source, wanted.target)
        text = _divided(model, wanted.q)
        if not text.sentences:
            raise Refused(400, "q is empty: there is nothing to translate")
        begun = shares(wanted.prefix, text) or [""]
        piece = Piece(text.sentences[len(begun) - 1].text, begun[-1])
        jobs = [Job(FindNextWords(model, max(1, wanted.count)), piece)]
        [found] = await self._while_connected(
            request, self._batcher.results(jobs, request.scope[CLIENT])
        )
        return json_answer(next_words(found[: wanted.count]))

    async def detect(self, request: Request) -> Response:
        """``POST /detect``."""
        wanted = await read_request(request, DetectRequest, self._limits)
        return json_answer([each.as_dict() for each in self._detector.likely(wanted.q)])

    async def languages(self, request: Request) -> Response:
        """``GET /languages``."""
        return json_answer(self._models.listed())

    async def frontend_settings(self, request: Request) -> Response:
        """``GET /frontend/settings``."""
        source, target = self._models.directions[0]
        return json_answer(
            {
                "alternativesLimit": self._limits.alternatives,
                "apiKeys": False,
                "charLimit": self._limits.text_characters,
                "detailsLimit": self._limits.details_characters,
                "filesTranslation": False,
                "frontendTimeout": 500,
                "keyRequired": False,
                "language": {
                    "source": {"code": source, "name": language_name(source)},
                    "target": {"code": target, "name": language_name(target)},
                },
                "suggestions": False,
                "supportedFilesFormat": [],
                "textsLimit": self._limits.texts,
            }
        )

    async def live(self, request: Request) -> Response:
        """``GET /live``, ``GET /health``: the process answers."""
        return json_answer({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """``GET /ready``: it can translate."""
        if not self._batcher.is_ready:
            raise Refused(503, "not translating", RETRY_S)
        return json_answer({"status": "ok"})

    async def count(self, request: Request) -> Response:
        """``GET /metrics``."""
        return PlainTextResponse(
            self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def spec(self, request: Request) -> Response:
        """``GET /spec``."""
        return json_answer(self._spec)

    async def documentation(self, request: Request) -> Response:
        """``GET /docs``."""
        url = f"{request.url.scheme}://{request.headers['host']}"
        return HTMLResponse(documentation_page(self._spec, url))

    async def page(self, request: Request) -> Response:
        """``GET /``."""
        return FileResponse(PAGE / "index.html")

    def _detected(self, text: str, wanted: TranslateRequest) -> Detection | None:
        """The language of a text, where that is to be found; it may be the one asked for."""
        if wanted.source != AUTO:
            return None
        target = self._models.code_of(wanted.target)
        sources = self._models.sources_of(target)
        if not sources:
            raise Refused(400, f"no model here translates into {wanted.target}")
        if self._detector.is_clearly(text, target, sources):
            return self._detector.best_of(text, [target])
        return self._detector.best_of(text, sources)

    def _model(self, source: str, target: str) -> Model:
        model = self._models.find(source, target)
        if model is None:
            here = ", ".join(f"{source} to {target}" for source, target in self._models.directions)
            raise Refused(400, f"no model here translates from {source} to {target}, only {here}")
        return model

    async def _while_connected(self, request: Request, awaited: Awaitable[Result]) -> Result:
        """Wait for something as long as the client does, but not longer than the deadline.

        Raises:
            Refused: It takes too long, or the client is not there any more.
        """
        work = asyncio.ensure_future(awaited)
        gone = asyncio.ensure_future(_until_gone(request))
        try:
            done, _ = await asyncio.wait(
                (work, gone),
                timeout=self._limits.deadline_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if work in done:
                return work.result()
            if gone in done:
                raise Refused(GONE, "the client has gone")
            raise Refused(503, f"not done within {self._limits.deadline_s:g} seconds", RETRY_S)
        finally:
            work.cancel()
            gone.cancel()


def make_app(models: Models, detector: Detector, settings: Settings) -> ASGIApp:
    """The application that answers requests."""
    server = Server(models, detector, settings)
    app = Starlette(
        routes=[
            Route("/", server.page),
            Mount("/page", StaticFiles(directory=PAGE)),
            Route("/docs", server.documentation),
            Mount("/docs", StaticFiles(directory=DOCS)),
            Route("/spec", server.spec),
            Route("/translate", server.translate, methods=["POST"]),
            Route("/next", server.next, methods=["POST"]),
            Route("/detect", server.detect, methods=["POST"]),
            Route("/languages", server.languages),
            Route("/frontend/settings", server.frontend_settings),
            Route("/health", server.live),
            Route("/live", server.live),
            Route("/ready", server.ready),
            Route("/metrics", server.count),
        ],
        exception_handlers={
            Refused: _refuse,
            NmtError: _refuse_text,
            HTTPException: _refuse_path,
            Exception: _apologise,
        },
        lifespan=server.running,
    )
    app.router.redirect_slashes = False
    return Guard(app, settings, server.metrics)


def _divided(model: Model | None, text: str) -> DividedText:
    if model is None:
        return divide(text, by_sentence=False)
    translator = model.translator
    by_sentence = translator.options.split_sentences
    return divide(text, by_sentence=by_sentence, into_spaced=translator.into_spaced)


def _jobs(wanted: TranslateRequest, model: Model | None, text: DividedText) -> list[Job]:
    """What is to be done for a text; without a model, it stays as it is."""
    if model is None:
        return [Job(CopySentences(), Piece(sentence.text)) for sentence in text.sentences]
    begun = shares(wanted.prefix, text) if wanted.has("prefix") else []
    begun += [""] * (len(text.sentences) - len(begun))
    work = TranslateSentences(model, wanted.alternatives, wanted.details, wanted.has("prefix"))
    return [
        Job(work, Piece(sentence.text, prefix))
        for sentence, prefix in zip(text.sentences, begun, strict=True)
    ]


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refusal(error)


async def _refuse_text(request: Request, error: Exception) -> Response:
    return refusal(Refused(400, str(error)))


async def _refuse_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reasons = {404: "there is nothing here: see /docs", 405: "not with this method: see /docs"}
    answer = refusal(Refused(error.status_code, reasons.get(error.status_code, error.detail)))
    answer.headers.update(error.headers or {})
    return answer


async def _apologise(request: Request, error: Exception) -> Response:
    return refusal(Refused(500, "a mistake of this server; its log has more"))
