"""Which names the server answers to, and what a browser may do with its answers.

A web page elsewhere can make its own name lead to this machine ("DNS rebinding") and so read what a
server at 127.0.0.1 answers, were it not for the name in the Host header. An address cannot be led
elsewhere, and so is as good as ``localhost``. No answer allows another site to read it (no CORS).
"""

import ipaddress
import re
from collections.abc import Collection, Iterable

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
    return name == LOCALHOST or name in names or _is_address(name)


def hosts_of(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The values of all Host headers."""
    return [value.decode("latin-1") for name, value in headers if name == b"host"]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
