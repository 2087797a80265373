"""A server that gets malformed requests: each is answered, and neither memory nor files grow."""

import json
import os
import random
import re
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from hostile_processes import Started, Verdict, start
from hostile_text import fuzzed

REQUESTS, QUICK_REQUESTS = 20_000, 500
MOST_GROWTH_MB = 30
"""Between a tenth of the requests and all of them."""
ANSWER_S = 60.0
GOOD = {"q": "Le chat dort.", "source": "fr", "target": "en"}


def trials(folder: Path, model: Path, is_quick: bool) -> Iterator[Verdict]:
    """So many requests, one after the other; then a damaged model, and the end."""
    requests, draw = QUICK_REQUESTS if is_quick else REQUESTS, random.Random(20)
    own = shutil.copytree(model, folder / "model")
    options = ["--port", "0", "--threads", "1", "--client-timeout", "5"]
    server = start(["serve", "--model", own, *options], folder, cpu_s=3_600)
    port = _port(server)
    expected = _answer(port, _post(GOOD))
    before = used = _used(server.pid)
    malformed = _malformed()
    for number in range(requests):
        if number == requests // 10:
            before = _used(server.pid)
        yield _verdict(port, number, malformed, draw, expected)
    while (used := _used(server.pid))[1] > before[1] and requests:
        requests -= requests // 2 + 1  # connections are closed a moment later
        time.sleep(0.2)
    growth_mb, descriptors = used[0] - before[0], used[1] - before[1]
    yield Verdict("memory", f"{growth_mb:.0f} MB more" if growth_mb > MOST_GROWTH_MB else "")
    yield Verdict("descriptors", f"{descriptors} more" if descriptors > 0 else "")
    (folder / "new").write_bytes(b"no graph")
    (folder / "new").rename(own / "export" / "step.onnx")
    same = _answer(port, _post(GOOD)) == expected
    yield Verdict("a model damaged in place", "" if same else "another answer")
    os.kill(server.pid, signal.SIGHUP)
    same = _until_said(server, "goes on with the models of before") and (
        _answer(port, _post(GOOD)) == expected
    )
    yield Verdict("a damaged model on SIGHUP", "" if same else "another answer", same)
    os.kill(server.pid, signal.SIGTERM)
    ended = server.wait()
    yield Verdict("its end", ended.problem() or ("" if ended.code == 0 else f"exit {ended.code}"))


def _verdict(
    port: int, number: int, malformed: Mapping[str, bytes], draw: random.Random, expected: bytes
) -> Verdict:
    """Of a good request each tenth time, of fuzzed text, fuzzed JSON or one that is malformed."""
    if number % 10 == 0:
        problem = "" if _answer(port, _post(GOOD)) == expected else "another answer"
        return Verdict(f"request {number}: good", problem)
    if number % 10 == 1:
        name, sent = "fuzzed text", _post({**GOOD, "q": fuzzed(draw), "format": "html"})
    elif number % 10 in (2, 3):
        body = bytearray(json.dumps({**GOOD, "alternatives": 3}).encode())
        for _ in range(3):
            body[draw.randrange(len(body))] = draw.randrange(256)
        name, sent = "fuzzed JSON", _request(bytes(body))
    else:
        name = list(malformed)[number % len(malformed)]
        sent = malformed[name]
    answer = _answer(port, sent)
    status = int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    problem = "" if 200 <= status < 500 else f"answered {answer[:200]!r} to {sent[:300]!r}"
    return Verdict(f"request {number}: {name}", problem, status >= 400)


def _malformed() -> dict[str, bytes]:
    """Requests that are wrong in some way, complete as far as they say how long they are."""
    texts = {"a number": 5, "nothing": None, "a table": {"a": 1}, "numbers": [1, 2], "empty": ""}
    fields: dict[str, Mapping[str, object]] = {
        **{f"a text that is {name}": {**GOOD, "q": text} for name, text in texts.items()},
        "two slashes": GOOD,
        "a number as text": {**GOOD, "alternatives": "2"},
        "a huge number": {**GOOD, "alternatives": 10**400},
        "a language with its country": {**GOOD, "source": "fr-FR", "target": "EN"},
        "an unknown language": {**GOOD, "source": "\x1b[31m"},
        "a list as language": {**GOOD, "source": ["fr"]},
        "many texts": {**GOOD, "q": ["a"] * 2_000},
        "a long text": {**GOOD, "q": "a" * 100_000},
        "tags that are not closed": {**GOOD, "q": "<b>" * 1_000, "format": "html"},
        "another format": {**GOOD, "format": "pdf"},
    }
    bodies = {
        "a lone surrogate": b'{"q": "\\ud800", "source": "fr", "target": "en"}',
        "not a number": b'{"q": "a", "source": "fr", "target": "en", "alternatives": NaN}',
        "5,000 digits": b'{"q": "a", "source": "fr", "target": "en", "alternatives": %s}'
        % (b"9" * 5_000),
        "deep JSON": b"[" * 90_000,
        "deep tables": b'{"a":' * 20_000,
        "a deep text": b'{"q": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "no UTF-8": b'{"q": "\xff\xfe"}',
        "nothing": b"",
        "a list": b"[]",
        "the same key twice": b'{"q": "a", "q": "b", "source": "fr", "target": "en"}',
        "a large body": b" " * 300_000,
    }
    heads = {
        "length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n",
        "a length that is none": b"Content-Length: 1e3\r\n",
        "a negative length": b"Content-Length: -3\r\n",
        "a chunk of no size": b"Transfer-Encoding: chunked\r\n",
        "a NUL": b"X: \0\r\n",
        "no colon": b"nothing\r\n",
        "a long header": b"X: " + b"y" * 100_000 + b"\r\n",
        "many headers": b"X: y\r\n" * 20_000,
        "an unknown type": b"Content-Type: image/png\r\nContent-Length: 0\r\n",
        "no boundary": b"Content-Type: multipart/form-data\r\nContent-Length: 0\r\n",
    }
    lines = {
        "a path up": b"GET /../../../etc/passwd HTTP/1.1",
        "a path up, escaped": b"GET /docs/%2e%2e/%2e%2e/settings.py HTTP/1.1",
        "a NUL in the path": b"GET /%00 HTTP/1.1",
        "another method": b"BREW /translate HTTP/1.1",
        "a version that is none": b"GET / HTTP/7.7",
        "an absolute path": b"GET http://evil.example/ HTTP/1.1",
        "a long path": b"GET /" + b"a" * 50_000 + b" HTTP/1.1",
    }
    end = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    sent = {name: _post(each, "//translate") for name, each in fields.items()}
    sent |= {name: _request(body) for name, body in bodies.items()}
    sent |= {
        name: b"POST /translate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        + head
        + b"\r\nzz\r\n\r\n"
        for name, head in heads.items()
    }
    sent |= {name: line + end for name, line in lines.items()}
    return sent | {
        "another host": b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    }


def _post(fields: Mapping[str, object], path: str = "/translate") -> bytes:
    return _request(json.dumps(fields).encode(), path)


def _request(body: bytes, path: str = "/translate") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _answer(port: int, sent: bytes) -> bytes:
    """All that is answered; a server may end a connection before it has read all."""
    parts = []
    with socket.create_connection(("127.0.0.1", port), ANSWER_S) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0] + b"\r\n\r\n" + body  # without the date


def _port(server: Started) -> int:
    if not _until_said(server, "serving at "):
        raise SystemExit(f"the server did not start: {server.err.read_text()}")
    found = re.search(r"serving at http://[^:]+:(\d+)", server.err.read_text())
    assert found is not None
    return int(found[1])


def _until_said(server: Started, text: str) -> bool:
    """Wait until a server has said something on standard error."""
    for _ in range(1_200):
        if text in server.err.read_text():
            return True
        time.sleep(0.05)
    return False


def _used(pid: int) -> tuple[float, int]:
    """Resident memory in MB, and open descriptors, of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(f"/proc/{pid}/fd"))
