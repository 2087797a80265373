"""The real command, over real sockets: slow clients, clients that go, and how it ends."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from nmt.cli.serve import serve as serve_command
from nmt.errors import ServerError
from nmt.runs.directory import RunDirectory
from nmt.server.models import Models

from .conftest import Served, everything, post, serving, until

pytestmark = pytest.mark.slow

Start = Callable[..., Any]

REQUEST = {"q": "le chat dort", "source": "fr", "target": "en"}
LARGE = REQUEST | {"q": [f"le chat dort dans la maison {i} " * 4 for i in range(100)]}


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> Any:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def metric(served: Served, name: str) -> float:
    with served.connect() as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = everything(connection).decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_once_all_that_was_accepted_is_answered(
    start_serving: Start, number: int
) -> None:
    with start_serving() as served, ExitStack() as stack:
        connections = [stack.enter_context(served.connect()) for _ in range(6)]
        for connection in connections:
            connection.sendall(post("/translate", LARGE))
        until(lambda: metric(served, "nmt_requests_in_progress") == 7)
        served.process.send_signal(number)
        answers = [everything(connection) for connection in connections]
        assert [status(answer) for answer in answers] == [200] * 6
        assert all(len(body(answer)["translatedText"]) == 100 for answer in answers)
        assert served.process.wait(20) == 0
        assert served.process.stderr.read() == ""


def test_translations_over_a_socket_are_those_of_the_translator_and_nothing_imports_torch(
    start_serving: Start, served_models: Any
) -> None:
    with start_serving("--log") as served:
        answer = served.ask("/translate", REQUEST)
        expected = served_models.find("fr", "en").translator.translate([REQUEST["q"]])
        assert body(answer) == {"translatedText": expected[0].text}
        back = REQUEST | {"source": "en", "target": "fr"}
        expected = served_models.find("en", "fr").translator.translate([REQUEST["q"]])
        assert body(served.ask("/translate", back)) == {"translatedText": expected[0].text}
        maps = Path(f"/proc/{served.process.pid}/maps")
        if maps.exists():
            assert "onnxruntime" in maps.read_text()
            assert "torch" not in maps.read_text()
        served.process.terminate()
        logged = served.process.stderr.read()
        assert re.fullmatch(r"(POST /translate 200 [0-9.]+ ms\n){2}", logged), "and no texts"


def test_a_client_that_goes_frees_its_place(start_serving: Start) -> None:
    longer = LARGE | {"q": [text * 3 for text in LARGE["q"]]}  # it is seen waiting on any machine
    with start_serving() as served:
        for _ in range(3):
            connections = [served.connect() for _ in range(4)]
            for connection in connections:
                connection.sendall(post("/translate", longer))
            until(lambda: metric(served, "nmt_sentences_waiting") > 300)
            for connection in connections:
                connection.close()
            until(lambda: metric(served, "nmt_sentences_waiting") == 0)
        assert status(served.ask("/translate", REQUEST)) == 200
        name = 'nmt_requests_total{method="POST",path="/translate",status="499"}'
        until(lambda: metric(served, name) == 12)
        assert metric(served, "nmt_batch_sentences_sum") < 600, "what was not begun never was"


def test_slow_clients_are_given_up(start_serving: Start) -> None:
    whole = post("/translate", REQUEST)
    with start_serving("--client-timeout", "1") as served, ExitStack() as stack:
        silent, dripping, in_head, in_body, in_second = (
            stack.enter_context(served.connect()) for _ in range(5)
        )
        in_head.sendall(whole[:40])
        in_body.sendall(whole[:-5])
        in_second.sendall(post("/translate", REQUEST, close=False) + whole[:40])
        with suppress(OSError):  # a byte now and then is no way to stay
            for byte in whole[:-1]:
                dripping.sendall(bytes([byte]))
                time.sleep(0.1)
            pytest.fail("it was listened to until the last byte but one")
        assert [ended(each) for each in (silent, dripping, in_head)] == [b""] * 3
        assert ended(in_second).count(b"HTTP/1.1 200") == 1
        answer = ended(in_body)
        assert (status(answer), body(answer)) == (408, {"error": "the body did not come in time"})


def test_slow_clients_keep_nobody_waiting(lasting_server: Served) -> None:
    whole = post("/translate", REQUEST)
    with ExitStack() as stack:
        slow = [stack.enter_context(lasting_server.connect()) for _ in range(3)]
        slow[1].sendall(whole[:40])
        slow[2].sendall(whole[:-5])
        assert status(lasting_server.ask("/translate", REQUEST)) == 200
        slow[2].sendall(whole[-5:])
        assert status(everything(slow[2])) == 200, "it had been waited for meanwhile"


def ended(connection: socket.socket) -> bytes:
    """What came before the server ended the connection, in whatever way."""
    try:
        return everything(connection)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    "head",
    [
        b"Host: evil.example",
        b"Host: localhost.evil.example",
        b"Host: localhost:80:80",
        b"Host: <script>alert(1)</script>",
        b"Host: localhost\r\nHost: evil.example",
        b"Host:",
        b"X: y",
    ],
)
def test_only_the_right_host_is_answered(lasting_server: Served, head: bytes) -> None:
    with lasting_server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + head + b"\r\nConnection: close\r\n\r\n")
        answer = everything(connection)
    assert status(answer) == 400
    assert b"<" not in answer


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:5000", "[::1]:1", "10.0.0.1"]
)
def test_localhost_and_addresses_are_right(lasting_server: Served, host: str) -> None:
    with lasting_server.connect() as connection:
        request = f"GET /live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert status(everything(connection)) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000,
        b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 6\r\n\r\n",
        b"POST /translate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_a_4xx(lasting_server: Served, sent: bytes) -> None:
    with lasting_server.connect() as connection:
        connection.sendall(sent)
        assert 400 <= status(connection.recv(65536)) < 502
    assert status(lasting_server.ask("/translate", REQUEST)) == 200


def test_a_large_request_does_not_keep_small_ones_waiting(start_serving: Start) -> None:
    very_large = LARGE | {"q": ["\n".join([text] * 5) for text in LARGE["q"]]}
    with start_serving() as served, served.connect() as large:
        large.sendall(post("/translate", very_large))
        until(lambda: metric(served, "nmt_sentences_waiting") > 200)
        assert status(served.ask("/translate", REQUEST)) == 200
        assert metric(served, "nmt_sentences_waiting") > 0, "the large one is not over yet"
        assert status(everything(large)) == 200


def test_an_answer_does_not_wait_for_acknowledgements(lasting_server: Served) -> None:
    elapsed_s = []
    with lasting_server.connect() as connection:
        for _ in range(20):
            started = time.perf_counter()
            connection.sendall(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while b"ok" not in answer:
                answer += connection.recv(65536)
            elapsed_s.append(time.perf_counter() - started)
    assert min(elapsed_s) < 0.035, "a delayed acknowledgement takes 0.04 s"


def test_connections_that_say_nothing_make_room_and_where_all_ask_more_are_turned_away(
    start_serving: Start,
) -> None:
    longer = LARGE | {"q": [text * 5 for text in LARGE["q"]], "alternatives": 20}
    with start_serving("--max-connections", "5") as served, ExitStack() as stack:

        def ask() -> socket.socket:
            connection = stack.enter_context(served.connect(60))
            connection.sendall(post("/translate", longer))
            return connection

        idle = [stack.enter_context(served.connect()) for _ in range(5)]
        idle[1].sendall(b"POST /translate HTTP/1.1\r\nHost:")
        idle[2].sendall(post("/translate", REQUEST)[:-1])
        busy = [ask() for _ in range(5)]
        assert [ended(each) for each in idle] == [b""] * 5
        # one that has not been read yet may be closed for the one that tries
        until(lambda: b"HTTP/1.1 503" in tried(served) or bool(busy.append(ask())))
        refusal = tried(served)
        assert status(refusal) == 503
        assert b"\r\nretry-after: 1\r\n" in refusal
        assert body(refusal) == {"error": "too many connections: try again"}
        for connection in busy:
            connection.close()
        assert status(served.ask("/translate", REQUEST)) == 200


def tried(served: Served) -> bytes:
    """What comes to a connection that says nothing, for a moment."""
    with served.connect(0.5) as connection, suppress(OSError):
        return everything(connection)
    return b""


def test_a_body_has_one_length(lasting_server: Served) -> None:
    sent = post("/translate", REQUEST).replace(
        b"Connection: close", b"Transfer-Encoding: chunked", 1
    )
    with lasting_server.connect() as connection:
        connection.sendall(sent)
        answer = everything(connection)
    assert status(answer) == 400
    assert b"contradict each other" in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_many_requests_leave_memory_and_descriptors_as_they_were(lasting_server: Served) -> None:
    folder = Path(f"/proc/{lasting_server.process.pid}")
    if not folder.exists():
        pytest.skip("counts in /proc")

    def descriptors() -> int:
        return len(list((folder / "fd").iterdir()))

    def memory_kb(times: int) -> int:
        """Of the server after so many requests of each kind."""
        with lasting_server.connect() as connection:
            for _ in range(times):
                for ask in (REQUEST, REQUEST | {"target": "zz"}):
                    connection.sendall(post("/translate", ask, close=False))
                    while b"}" not in connection.recv(65536):
                        pass
        for _ in range(times // 10):
            lasting_server.ask("/detect", {"q": "chat"})
        found = re.search(r"VmRSS:\s+(\d+)", (folder / "status").read_text())
        assert found is not None
        return int(found[1])

    before_kb, before = memory_kb(100), descriptors()
    assert memory_kb(500) - before_kb < 3_000
    until(lambda: descriptors() <= before)


def exported_copies(runs: list[RunDirectory], folder: Path) -> list[RunDirectory]:
    return [RunDirectory(Path(shutil.copytree(run.path, folder / run.path.name))) for run in runs]


def test_what_a_server_has_read_stays_as_it_is_until_it_is_told_to_read_anew(
    served_runs: list[RunDirectory], tmp_path: Path
) -> None:
    runs = exported_copies(served_runs, tmp_path)
    forward, backward = runs
    with serving(runs) as served:
        this_way = REQUEST | {"details": True}  # with scores, which any weight changes
        other_way = this_way | {"source": "en", "target": "fr"}
        before, back = (body(served.ask("/translate", way)) for way in (this_way, other_way))
        assert before != back
        # the weights of one model for those of the other, byte for byte into the same files
        for file in backward.export.iterdir():
            written = (forward.export / file.name).open("r+b")
            with written:
                written.write(file.read_bytes())
                written.truncate()
        assert body(served.ask("/translate", this_way)) == before
        served.process.send_signal(signal.SIGHUP)
        lines = iter(served.process.stderr.readline, "the models are read anew\n")
        assert [line.split(":")[0] for line in lines] == ["fr to en", "en to fr"]
        assert body(served.ask("/translate", this_way)) == back
        (forward.export / "step.onnx").write_bytes(b"damaged")
        served.process.send_signal(signal.SIGHUP)
        said = served.process.stderr.readline()
        assert said.startswith("goes on with the models of before: ")
        assert "step.onnx: this file is damaged" in said
        assert body(served.ask("/translate", this_way)) == back
        assert body(served.ask("/translate", other_way)) == back


def test_models_of_other_directions_are_not_taken_over(served_models: Models) -> None:
    models = Models([model for model in [served_models.find("fr", "en")] if model])
    with pytest.raises(ServerError, match="in other directions now"):
        models.take_over(served_models)
    assert models.directions == [("fr", "en")]


def refused(*arguments: str | Path) -> str:
    """What the command says when it refuses to start: one line."""
    done = subprocess.run(
        [sys.executable, "-m", "nmt", "serve", *map(str, arguments)],
        env={name: of for name, of in os.environ.items() if name != "NMT_MODEL"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_port_that_is_taken_is_said(
    lasting_server: Served, served_runs: list[RunDirectory]
) -> None:
    said = refused("--model", served_runs[0].path, "--port", str(lasting_server.port))
    port = lasting_server.port
    assert said == (
        f"nmt: 127.0.0.1, port {port}: cannot listen here: {os.strerror(errno.EADDRINUSE)}: name "
        "another --host or --port\n"
    )


def test_a_run_without_export_is_refused_with_what_to_do(
    served_runs: list[RunDirectory],
) -> None:
    path = served_runs[0].path.with_name("fr-en-training")
    said = refused("--model", path, "--port", "0")
    assert said.endswith(f"write its export first with `nmt export {path}`\n")


def test_of_two_models_for_a_direction_the_first_is_used(
    served_runs: list[RunDirectory], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = served_runs[0], RunDirectory(tmp_path / "second")
    second.path.symlink_to(first.path)
    models = Models.load([first, second])
    assert models.directions == [("fr", "en")]
    assert "second is left out: another model before it" in capsys.readouterr().err


def test_without_a_model_the_latest_run_is_served_and_what_came_with_nmt_beside_it(
    served_runs: list[RunDirectory],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NMT_MODEL", raising=False)
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", tmp_path / "site" / "nmt")
    monkeypatch.setattr("nmt.server.running.serve", lambda runs, settings: Models.load(runs))
    for run in served_runs:
        copy = RunDirectory(tmp_path / "site" / "nmt" / "checkpoints" / run.path.name)
        shutil.copytree(run.path, copy.path)
        copy.shipped_mark.write_text("")
    serve_command()
    forward = "fr to en: fr-en (came with nmt)\n"
    backward = "en to fr: en-fr (came with nmt)\n"
    assert capsys.readouterr().err == forward + backward
    shutil.copytree(served_runs[0].path, "checkpoints/own")
    serve_command()
    assert capsys.readouterr().err == "fr to en: checkpoints/own\n" + backward
    serve_command(models=[Path("checkpoints/own")])
    assert capsys.readouterr().err == "fr to en: checkpoints/own\n"
    unfinished = RunDirectory(Path("checkpoints/training"))
    shutil.copytree(served_runs[0].path.with_name("fr-en-training"), unfinished.path)
    later = time.time() + 9
    os.utime(unfinished.model_file, (later, later))
    serve_command()
    assert capsys.readouterr().err == "fr to en: checkpoints/own\n" + backward, "passed over"
