"""Nothing of what is sent comes back as something that a browser would run."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from nmt.errors import ServerError
from nmt.server.guard import CLIENT, Guard, is_allowed
from nmt.server.metrics import Metrics
from nmt.server.settings import Settings

from .conftest import MakeClient

pytestmark = pytest.mark.slow

TAGS = [
    "<script>alert(1)</script>",
    "<ScRiPt >alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script>",
    "<script>alert`1`</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<img src=x onerror=alert(1)>",
    "<img src='x' onerror='alert(1)'/>",
    "<img/src=`x`onerror=alert(1)>",
    "<img src=x:alert(alt) onerror=eval(src) alt=1>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text x=9 y=9>x</text></a></svg>",
    "<body onload=alert(1)>",
    "<body onpageshow=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<form action=javascript:alert(1)><input type=submit>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input onfocus=alert(1) autofocus>",
    "<select onfocus=alert(1) autofocus>",
    "<textarea onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<base href=//evil.example/>",
    "<template><script>alert(1)</script></template>",
]
STRINGS = [
    '"><script>alert(1)</script>',
    "'-alert(1)-'",
    '"};alert(1);//',
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "javascript:alert(1)",
    "\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
]
PAYLOADS = TAGS + STRINGS
FIELDS = {
    "/translate": ("q", "source", "target", "format", "alternatives", "details", "prefix"),
    "/next": ("q", "source", "target", "prefix", "count"),
    "/detect": ("q",),
}
VALID = {"q": "le chat", "source": "fr", "target": "en"}


def is_harmless(response: Any) -> bool:
    """Whether no browser takes an answer for a page, nor would find a tag in it if one did."""
    return (
        response.headers["content-type"] == "application/json"
        and response.headers["x-content-type-options"] == "nosniff"
        and "script-src 'self'" in response.headers["content-security-policy"]
        and not re.search("[<>]", response.text)
        and response.status_code < 500
    )


def test_there_are_at_least_fifty_payloads() -> None:
    assert len(set(PAYLOADS)) >= 50


@pytest.mark.parametrize("path", list(FIELDS))
def test_no_field_brings_a_payload_into_a_page(client: TestClient, path: str) -> None:
    for payload in PAYLOADS:
        for field in FIELDS[path]:
            response = client.post(path, json=VALID | {field: payload})
            assert is_harmless(response), (field, payload)


def test_no_other_place_brings_a_payload_into_a_page(client: TestClient) -> None:
    for payload in PAYLOADS:
        for sent in (
            {"json": {"q": [{payload: payload}], payload: payload}},
            {"content": json.dumps(payload), "headers": {"content-type": "application/json"}},
            {"data": VALID | {"source": payload, payload: payload}},
            {"params": VALID | {"q": payload, "target": payload}},
        ):
            assert is_harmless(client.post("/translate", **sent)), sent


def test_html_that_is_translated_is_no_page(client: TestClient) -> None:
    for payload in TAGS:
        response = client.post("/translate", json=VALID | {"q": payload, "format": "html"})
        assert is_harmless(response)
        assert response.status_code == 200


def test_no_path_and_no_header_brings_a_payload_into_a_page(client: TestClient) -> None:
    for payload in PAYLOADS:
        line = payload.replace("\r\n", " ")
        for path in (f"/{quote(payload)}", f"/page/{quote(payload)}", f"/docs/{quote(payload)}"):
            assert is_harmless(client.get(path))
        for header in ("Host", "Content-Type", "Accept", "Origin", "Referer", "User-Agent"):
            headers = {header: line.encode()}
            assert is_harmless(client.post("/translate", headers=headers)), (header, line)


def test_pages_run_only_scripts_of_this_server(client: TestClient) -> None:
    for path in ("/", "/docs"):
        response = client.get(path)
        assert response.status_code == 200
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"<script(?![^>]*\ssrc=\"(page|docs)/)", response.text)
        assert not re.search(r"(https?:)?//(?!localhost)", "".join(sources(response.text)))


def sources(page: str) -> list[str]:
    """What a page loads."""
    loaded = re.findall(r"<(?:script|link|img)\b[^>]*\s(?:src|href)=\"([^\"]*)\"", page)
    assert loaded
    return loaded


def test_no_other_site_may_read_answers(client: TestClient) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for response in (
        client.get("/languages", headers=headers),
        client.post("/translate", json=VALID, headers=headers),
        client.options("/translate", headers=headers),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_a_name_is_answered_to_where_that_was_said(make_client: MakeClient) -> None:
    client = make_client(hosts=("Translate.example.org",))
    for host, status in (
        ("translate.example.org", 200),
        ("TRANSLATE.example.org:443", 200),
        ("example.org", 400),
        ("xtranslate.example.org", 400),
    ):
        assert client.get("/live", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    "host", ["", ":80", "[::1", "[::1]x", "localhost:x", "localhost:²", "1.2.3"]
)
def test_what_is_no_host_is_not_allowed(host: str) -> None:
    assert not is_allowed(host, frozenset())


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # nobody whom to believe
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.9, 198.51.100.1"], "198.51.100.1"),  # the first is made up
        ("127.0.0.1", ["192.0.2.9", "198.51.100.1 , 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["nobody"], "127.0.0.1"),
        ("127.0.0.1", ["10.0.0.1"], "10.0.0.1"),
        ("::ffff:127.0.0.1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("testclient", ["198.51.100.1"], "testclient"),
    ],
)
def test_a_client_is_who_connects_or_whom_a_trusted_proxy_names(
    peer: str, forwarded: list[str], client: str
) -> None:
    found = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope[CLIENT])

    guard = Guard(app, Settings(proxies=("127.0.0.1", "10.0.0.0/8")), Metrics())
    headers = [(b"host", b"localhost")]
    headers += [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1), "headers": headers, "path": "/", "method": "GET"}
    asyncio.run(guard(scope, None, None))  # type: ignore[arg-type]
    assert found == [client]


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ServerError, match=r"--trusted-proxy proxy\.example: this is no address"):
        Guard(None, Settings(proxies=("proxy.example",)), Metrics())  # type: ignore[arg-type]
