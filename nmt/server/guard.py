"""What every request goes through first and last: who sent it, the Host, headers, the counts.

A web page elsewhere can make its own name lead to this machine ("DNS rebinding") and so read what a
server at 127.0.0.1 answers, were it not for the name in the Host header. An address cannot be led
elsewhere, and so is as good as ``localhost``. No answer allows another site to read it (no CORS).
"""

import ipaddress
import re
import sys
import time
from collections.abc import Collection, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nmt.errors import ServerError
from nmt.server.errors import Refused
from nmt.server.metrics import Metrics
from nmt.server.responses import refusal
from nmt.server.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOCALHOST = "localhost"
HOST = re.compile(r"(?:(?P<name>[^][:]+)|\[(?P<address>[0-9a-f:.]+)\])(?::[0-9]*)?")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cache-control", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Of every answer."""
UNKNOWN = "other"
"""Stands for all paths that are no route, in the counts."""
CLIENT = "nmt.client"
"""Where the scope of a request says which client sent it."""
NETWORK_BITS = 64
"""Of an IPv6 address: who has one has all that begin with these."""
SLASHES = re.compile("/{2,}")
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
        self._proxies = [_network(proxy) for proxy in settings.proxies]
        self._logs = settings.logs_requests
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[CLIENT] = self._client_of(scope)
        scope["path"] = SLASHES.sub("/", scope["path"])  # of a client whose address ends in one
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

    def _client_of(self, scope: Scope) -> str:
        """Who sent a request: the last address on its way that is no trusted proxy's."""
        peer = scope["client"][0] if scope["client"] else ""
        forwarded = ",".join(values_of("x-forwarded-for", scope["headers"]))
        client = peer
        for hop in (peer, *reversed(forwarded.split(","))):
            address = _address(hop.strip())
            if address is None:
                break
            client = client_name(address)
            if not any(address in proxy for proxy in self._proxies):
                break
        return client

    def _checked(self, scope: Scope) -> ASGIApp:
        headers = {name for name, _ in scope["headers"]}
        if headers >= {b"content-length", b"transfer-encoding"}:
            # Proxies disagree on which of them counts, and so on where the request ends.
            return refusal(
                Refused(400, "Content-Length and Transfer-Encoding contradict each other"),
                closes=True,
            )
        hosts = values_of("host", scope["headers"])
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


def is_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is one that the server answers to.

    Args:
        host: A name or an address, perhaps with a port; IPv6 in brackets.
        names: The names besides ``localhost``, in small letters.
    """
    match = HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match["name"] or match["address"]
    return name == LOCALHOST or name in names or _address(name) is not None


def values_of(header: str, headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """All values of a header."""
    return [value.decode("latin-1") for name, value in headers if name == header.encode()]


def client_name(address: Address) -> str:
    """Who has an address, among clients."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))


def _address(text: str) -> Address | None:
    """The address that a text is, also an IPv4 one written as IPv6; None if it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ServerError(
            f"--trusted-proxy {text}: this is no address: name one such as 127.0.0.1 or 10.0.0.0/8"
        ) from None
