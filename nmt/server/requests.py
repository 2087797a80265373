"""What a request asks for: its body read in time and up to a size, its fields checked by pydantic.

The models are the one description of the requests: `spec` makes the page of the API from them.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import parse_qsl

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from nmt.errors import SearchError
from nmt.server.errors import GONE, Refused
from nmt.server.settings import Limits
from nmt.text.normalise import check_text

MOST_FIELDS = 1_000
MOST_DRAINED = 20
"""How many times larger than allowed a body may be that is read to its end before it is refused."""
FORM_TYPES = ("", "application/x-www-form-urlencoded")
AUTO = "auto"
"""The source language of a text whose language is to be found."""
FLAGS = {"true": True, "false": False}
PROBLEMS = {
    "missing": "is missing: give one, such as {example}",
    "string_type": "is not a text",
    "string_unicode": "is not text: it holds half a character",
    "string_pattern_mismatch": "is not the code of a language, such as en",
    "literal_error": "is neither text nor html",
    "int_type": "is not a whole number of at least 0",
    "greater_than_equal": "is not a whole number of at least 0",
    "bool_type": "is neither true nor false",
}
"""What is said of the errors that pydantic finds."""
TOO_MUCH = {
    "maxLength": "has {size} characters: give at most {most} at a time",
    "maxItems": "is a list of {size} texts: give at most {most} at a time",
    "maximum": "is too large: ask for at most {most}",
}


@dataclass(frozen=True)
class AtMost:
    """Marks a field that a limit of the server bounds; the limits are the validation's context.

    Attributes:
        keyword: What it bounds, as JSON Schema has it.
        limit: Its name in `Limits`. The schema has it in the place of the number, which
            `nmt.server.spec` fills in.
    """

    keyword: str
    limit: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> Any:
        return {**handler(core), self.keyword: self.limit}

    def _check(self, value: Any, info: ValidationInfo) -> Any:
        most = getattr(info.context, self.limit)
        size = value if isinstance(value, int) else len(value)
        if size > most:
            raise _problem(TOO_MUCH[self.keyword].format(size=size, most=most))
        return value


def _problem(words: str) -> PydanticCustomError:
    return PydanticCustomError("problem", "{words}", {"words": words})


def _check_characters(text: str) -> str:
    try:
        check_text(text)
    except SearchError:
        raise _problem("is not text: it holds a NUL or half a character") from None
    return text


def _read_number(value: Any) -> Any:
    is_spelt_out = isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value)
    return int(value) if is_spelt_out else value


def _read_flag(value: Any) -> Any:
    return FLAGS.get(value.lower(), value) if isinstance(value, str) else value


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "text"


Characters = Annotated[str, AfterValidator(_check_characters)]
Text = Annotated[Characters, AtMost("maxLength", "text_characters")]
TextList = Annotated[list[Text], AtMost("maxItems", "texts")]
Texts = Annotated[
    Annotated[Text, Tag("text")] | Annotated[TextList, Tag("list")], Discriminator(_kind)
]
Prefix = Annotated[Characters, AtMost("maxLength", "prefix_characters")]
Code = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,32}$")]
Number = Annotated[
    int,
    Field(ge=0, json_schema_extra={"type": ["integer", "string"], "pattern": "^[0-9]{1,9}$"}),
    BeforeValidator(_read_number),
    AtMost("maximum", "alternatives"),
]
Flag = Annotated[
    bool,
    Field(json_schema_extra={"type": ["boolean", "string"], "pattern": "^([Tt]rue|[Ff]alse)$"}),
    BeforeValidator(_read_flag),
]


def _allow_null(schema: dict[str, Any]) -> None:
    """Null is as good as nothing, wherever nothing is allowed."""
    for name in schema["properties"].keys() - set(schema["required"]):
        field = schema["properties"][name]
        types = field["type"] if isinstance(field["type"], list) else [field["type"]]
        field["type"] = [*types, "null"]
        if "enum" in field:
            field["enum"] = [*field["enum"], None]


class Asked(BaseModel):
    """What a request asks for; fields that are not known, such as ``api_key``, are ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, frozen=True, json_schema_extra=_allow_null
    )

    @classmethod
    def example(cls) -> dict[str, Any]:
        """A request as it may be sent."""
        fields = cls.model_fields.items()
        return {name: field.examples[0] for name, field in fields if field.examples}


class DetectRequest(Asked):
    """What ``/detect`` is asked for."""

    q: Text = Field(description="The text.", examples=["Je suis étudiant"])


class NextRequest(DetectRequest):
    """What ``/next`` is asked for."""

    source: Code = Field(description="The language of the text.", examples=["fr"])
    target: Code = Field(description="The language to translate into.", examples=["en"])
    prefix: Prefix = Field("", description="What the translation begins with.", examples=["I am "])
    count: Number = Field(5, description="How many words, at most.")


class TranslateRequest(Asked):
    """What ``/translate`` is asked for."""

    q: Texts = Field(description="A text, or a list of texts.", examples=["Je suis étudiant"])
    source: Code = Field(
        description=f"The language of the text; {AUTO} where that is to be found.", examples=["fr"]
    )
    target: Code = Field(description="The language to translate into.", examples=["en"])
    format: Literal["text", "html"] = Field(
        "text", description="With html, tags land around the right words."
    )
    alternatives: Number = Field(0, description="Translations besides the best; none of html.")
    details: Flag = Field(
        False,
        description="Whether to tell words, scores and what each word attended to, of short texts "
        "(detailsLimit of /frontend/settings); not for html.",
    )
    prefix: Prefix = Field(
        "", description="What the translation of the one text begins with; no html."
    )

    @property
    def is_list(self) -> bool:
        """Whether the texts came as a list, so that the answer is one."""
        return isinstance(self.q, list)

    @property
    def texts(self) -> list[str]:
        """What to translate."""
        return self.q if isinstance(self.q, list) else [self.q]

    def has(self, name: str) -> bool:
        """Whether a field was given."""
        return name in self.model_fields_set

    @model_validator(mode="after")
    def _check_together(self, info: ValidationInfo) -> Self:
        limits: Any = info.context
        characters, most = sum(map(len, self.texts)), limits.details_characters
        if self.details and characters > most:
            raise Refused(
                400,
                f"details of {characters} characters are too many: ask for those of at most {most}",
            )
        if self.format == "html" and (self.details or self.has("prefix")):
            raise Refused(400, "details and prefix are for texts, not for html: leave one out")
        if self.has("prefix") and len(self.texts) != 1:
            raise Refused(400, "a prefix is for one text: give one")
        return self


AnyRequest = TypeVar("AnyRequest", bound=Asked)


async def read_request(request: Request, model: type[AnyRequest], limits: Limits) -> AnyRequest:
    """What a request asks for: in its body or, where that is empty, in its query.

    Raises:
        Refused: It is too large, too slow or not what it says that it is, the client has gone, or
            a field is missing, wrong or too much.
    """
    values = await _read_values(request, limits)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given, context=limits)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    name, *within = first["loc"]
    problem = PROBLEMS.get(first["type"], first["msg"]).format(
        example=model.example().get(str(name))
    )
    places = "".join(f"[{place}]" for place in within if isinstance(place, int))
    raise Refused(400, f"{name}{places} {problem.format(example=model.example().get(str(name)))}")


async def _read_values(request: Request, limits: Limits) -> dict[str, Any]:
    body = await _read_body(request, limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _read_json(body)
    if kind == "multipart/form-data":
        return await _read_multipart(request, body)
    if kind in FORM_TYPES and (kind or not body):
        return _read_form(body or request.scope["query_string"])
    raise Refused(
        415, "the body is of an unknown type: send application/json, or a form with its type"
    )


async def _read_body(request: Request, limits: Limits) -> bytes:
    too_large = Refused(413, f"the body is too large: send at most {limits.body_bytes} bytes")
    announced = int(request.headers.get("content-length", "0"))
    if announced > limits.body_bytes and "expect" in request.headers:
        raise too_large  # the client waits to hear it
    body = b""
    size = 0
    try:
        async with asyncio.timeout(limits.client_s):
            async for part in request.stream():
                size += len(part)
                # A client that is cut off while it sends may never read why.
                if max(size, announced) > MOST_DRAINED * limits.body_bytes:
                    raise too_large
                if size <= limits.body_bytes:
                    body += part
    except TimeoutError:
        raise Refused(408, "the body did not come in time") from None
    except ClientDisconnect:
        raise Refused(GONE, "the client has gone") from None
    if size > limits.body_bytes:
        raise too_large
    return body


def _read_json(body: bytes) -> dict[str, Any]:
    """The fields of a JSON object, strictly: UTF-8, no key twice, no NaN, not nested endlessly."""
    try:
        value = json.loads(
            body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
        )
    except RecursionError:
        raise Refused(400, "the body is JSON that is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error.msg} (character {error.pos})") from None
    except ValueError:
        # Python reads no number of more than some thousand digits.
        raise Refused(400, "the body is JSON with a number that is too long") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object, such as {'q': 'text'}")
    return value


def _refuse_constant(name: str) -> float:
    raise Refused(400, f"the body is not JSON: {name} is no number there")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Refused(400, "the body is JSON with a key twice: leave one out")
    return values


def _read_form(body: bytes) -> dict[str, Any]:
    """The fields of a form as HTML sends it, or of a query."""
    try:
        pairs = parse_qsl(
            body.decode(),  # not only percent-encoded: `curl -d` sends letters as they are
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeDecodeError:
        raise Refused(400, "the form is not in UTF-8") from None
    except ValueError:
        raise Refused(400, f"the form has more than {MOST_FIELDS} fields") from None
    return _fields_of(pairs)


async def _read_multipart(request: Request, body: bytes) -> dict[str, Any]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS)
    try:
        body.decode()
        form = await parser.parse()
    except UnicodeError:  # of the body, or of what the form says that it is in instead
        raise Refused(400, "the form is not in UTF-8") from None
    except (MultiPartException, KeyError):
        raise Refused(400, "the form is not multipart/form-data without files") from None
    return _fields_of([(name, str(value)) for name, value in form.multi_items()])


def _fields_of(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form: ``q`` is a list where there are several."""
    texts = [value for name, value in pairs if name == "q"]
    values: dict[str, Any] = dict(pairs)
    if len(values) + max(0, len(texts) - 1) < len(pairs):
        raise Refused(400, "a field of the form is there twice: leave one out")
    return values | ({"q": texts} if len(texts) > 1 else {})
