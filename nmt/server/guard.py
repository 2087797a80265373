"""What every request goes through first and last: the Host, headers of the answer, the counts."""

import sys
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nmt.server.answers import refusal
from nmt.server.metrics import Metrics
from nmt.server.refusals import Refused
from nmt.server.security import HEADERS, hosts_of, is_allowed
from nmt.server.settings import Settings

UNKNOWN = "other"
"""Stands for all paths that are no route, in the counts."""
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Guard:
    """Lets requests through to the application that name the server rightly.

    Args:
        app: The application.
        settings: Which names are right, and whether requests are logged.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*settings.hosts, settings.host))
        self._logs = settings.logs_requests
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        self._metrics.in_progress += 1
        try:
            await self._checked(scope)(scope, receive, noting_send)
        finally:
            self._metrics.in_progress -= 1
            self._note(scope, status, time.perf_counter() - started)

    def _checked(self, scope: Scope) -> ASGIApp:
        hosts = hosts_of(scope["headers"])
        if len(hosts) == 1 and is_allowed(hosts[0], self._names):
            return self._app
        return refusal(
            Refused(
                400,
                "this server does not answer to the name in the Host header: start it with "
                "--allowed-host NAME",
            )
        )

    def _note(self, scope: Scope, status: int, elapsed_s: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", UNKNOWN)
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN
        self._metrics.note_request(method, path, status, elapsed_s)
        if self._logs:
            print(f"{method} {path} {status} {1000 * elapsed_s:.1f} ms", file=sys.stderr)
