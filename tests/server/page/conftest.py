"""A real server with a tiny model, and a real browser that opens its page."""

import json
import shutil
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn import Config, Server

from nmt.server.app import make_app
from nmt.server.connections import protocol_of
from nmt.server.models import Models
from nmt.server.settings import Settings
from nmt.text.language_id import Detector

# Looked for first to last; none is ever downloaded.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NOTE_VIOLATIONS = """
  window.violations = [];
  addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
  });
"""
PAIR = {"source": "fr", "target": "en"}


@dataclass(frozen=True)
class Api:
    """The server as another program would use it."""

    url: str

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def details(self, text: str, prefix: str | None = None) -> Any:
        """The details of a translation as the page asks for them."""
        more = {} if prefix is None else {"prefix": prefix}
        return self.post("translate", q=text, **PAIR, alternatives=4, details=True, **more)[
            "details"
        ]

    def best(self, text: str) -> str:
        return str(self.details(text)["hypotheses"][0]["text"])


@pytest.fixture(scope="session")
def api(dictionary: Models, detector: Detector) -> Iterator[Api]:
    """The real server at a port of this machine, with a model that is a dictionary."""
    settings = Settings(port=0, threads=2)
    app = make_app(dictionary, detector, settings)
    server = Server(Config(app, http=protocol_of(settings.limits), ws="none", log_config=None))
    with socket.create_server((settings.host, 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield Api(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The Chromium of this machine.

    For one module: as long as Playwright runs there is an event loop in this thread, and no other
    test may start one.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"there is no browser to test the page in: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Opened:
    """The page in the browser, and what went wrong in it."""

    page: Any
    mistakes: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.violations")
        return found


def until(page: Any, expression: str, argument: Any = None) -> Any:
    """Wait until an expression is true in the page; what it is then.

    Playwright's own way evaluates a string in the page, which the page forbids.
    """
    end = time.monotonic() + 120
    while not (value := page.evaluate(expression, argument)):
        assert time.monotonic() < end, f"{expression} ({argument}) did not come true"
        time.sleep(0.01)
    return value


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, api: Api) -> Iterator[Open]:
    """Opens the page; afterwards there must have been no mistake, dialog or forbidden request.

    Its arguments: `address` after the server's, `routes` to answer otherwise than the server does,
    and what a browser context takes. Errors that the test provokes are named in `expected`.
    """
    contexts = []
    opened: list[tuple[Opened, tuple[str, ...]]] = []

    def open_page(
        address: str = "",
        routes: dict[str, Callable[[Any], None]] | None = None,
        expected: tuple[str, ...] = (),
        **settings: Any,
    ) -> Any:
        context = browser.new_context(**settings)
        context.set_default_timeout(120_000)
        context.add_init_script(NOTE_VIOLATIONS)
        contexts.append(context)
        found = Opened(context.new_page())
        note = found.mistakes.append
        found.page.on("pageerror", lambda error: note(f"error: {error}"))
        found.page.on(
            "dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        found.page.on(
            "console", lambda said: note(said.text) if said.type in ("error", "warning") else None
        )
        found.page.on(
            "request",
            lambda request: (
                None if request.url.startswith((api.url, "data:")) else note(request.url)
            ),
        )
        for path, answer in (routes or {}).items():
            found.page.route(f"**/{path}", answer)
        opened.append((found, expected))
        found.page.goto(api.url + address)
        until(found.page, "document.querySelector('#source-language').value")
        return found.page

    yield open_page
    for found, expected in opened:
        assert found.violations() == []
        assert [each for each in found.mistakes if not any(part in each for part in expected)] == []
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Open) -> Any:
    """The page on a desktop."""
    return open_page()
