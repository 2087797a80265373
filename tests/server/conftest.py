"""Exported models of random weights in both directions, and the server: in process and for real."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from nmt.config import RunConfig, override
from nmt.export.run import export_run
from nmt.files import write_atomically
from nmt.model.seq2seq import build
from nmt.model.weights import named_weights, weights_bytes
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.server.app import make_app
from nmt.server.models import Model, Models
from nmt.server.settings import Limits, Settings
from nmt.text.language_id import Detector
from nmt.text.tokenizer import train_tokenizer
from tests.server.page.model import make_translator

SETTINGS = [
    "model.hidden_size=16",
    "model.embedding_size=8",
    "tokenizer.vocabulary_size=300",
    # of random weights everything would be copied, for they never end a sentence
    "search.robust=false",
    "search.max_length_factor=0.1",
    "search.max_length_extra=8",
]
TEXT = ["le chat dort dans la maison", "the cat sleeps in the house", "<b>it's</b> & Where?"] * 9

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def served_runs(tmp_path_factory: pytest.TempPathFactory) -> list[RunDirectory]:
    """An exported run from fr to en, and one back."""
    folder = tmp_path_factory.mktemp("served")
    exported: list[RunDirectory] = []
    for source, target in (("fr", "en"), ("en", "fr")):
        languages = [f"corpus.source={source}", f"corpus.target={target}"]
        config = override(RunConfig(), SETTINGS + languages)
        run = create_run(folder / f"{source}-{target}-training", config)
        train_tokenizer(TEXT, config.tokenizer, run.joint_model)
        weights = weights_bytes(named_weights(build(config.model, 300, 300, seed=len(exported))))
        write_atomically(run.model_file, weights)
        exported.append(run.copy_to(folder / f"{source}-{target}"))
        export_run(run, exported[-1], config, None)
    return exported


@pytest.fixture(scope="session")
def served_models(served_runs: list[RunDirectory]) -> Models:
    """The same, loaded."""
    return Models.load(served_runs)


@pytest.fixture(scope="session")
def detector() -> Detector:
    """What finds languages; it takes a second to load."""
    return Detector(["en", "fr"])


@pytest.fixture
def make_client(served_models: Models, detector: Detector) -> Iterator[MakeClient]:
    """Makes a client of a server within this process, given its limits."""
    clients = []

    def make(hosts: tuple[str, ...] = (), **limits: Any) -> TestClient:
        settings = Settings(hosts=hosts, limits=Limits(**limits), threads=2)
        app = make_app(served_models, detector, settings)
        client = TestClient(app, "http://localhost:5000", raise_server_exceptions=False)
        clients.append(client.__enter__())
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """A client of a server within this process."""
    return make_client()


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A model that is a dictionary: what it says makes sense."""
    translator = make_translator(tmp_path_factory.mktemp("dictionary"))
    return Models([Model("fr", "en", translator)])


@pytest.fixture(scope="session")
def sensible_client(dictionary: Models, detector: Detector) -> Iterator[TestClient]:
    """A client of a server within this process, with that model."""
    app = make_app(dictionary, detector, Settings(threads=2))
    with TestClient(app, "http://localhost:5000", raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Served:
    """The real command, serving.

    Attributes:
        process: It.
        port: Where it listens, at 127.0.0.1.
    """

    process: "subprocess.Popen[str]"
    port: int

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout_s: float = 120.0) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def ask(self, path: str, body: Any) -> bytes:
        """A request as it goes over the wire, and the whole answer."""
        with self.connect() as connection:
            connection.sendall(post(path, body))
            return everything(connection)


def post(path: str, body: Any, close: bool = True) -> bytes:
    """A request as it goes over the wire."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n{'Connection: close' if close else 'X-Keep: 1'}\r\n\r\n"
    ).encode() + data


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def serving(runs: list[RunDirectory], *options: str) -> Iterator[Served]:
    """The real command, killed at the end if it still runs."""
    models = [word for run in runs for word in ("--model", str(run.path))]
    command = [sys.executable, "-m", "nmt", "serve", "--port", "0", "--threads", "1"]
    with subprocess.Popen(
        [*command, *models, *options], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            lines: list[str] = []
            while not (found := re.match(r"serving at http://[^:]+:(\d+)", (lines or [""])[-1])):
                lines.append(process.stderr.readline())
                assert lines[-1], lines
            yield Served(process, int(found[1]))
        finally:
            process.kill()


@pytest.fixture
def start_serving(served_runs: list[RunDirectory]) -> Callable[..., Any]:
    """Starts the real command with the models."""
    return lambda *options: serving(served_runs, *options)


def until(claim: Callable[[], bool], timeout_s: float = 120.0) -> None:
    """Wait for something to be true."""
    give_up = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < give_up, "it never was"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def lasting_server(served_runs: list[RunDirectory]) -> Iterator[Served]:
    """The real command with the models, one for many tests."""
    with serving(served_runs, "--client-timeout", "600") as served:
        yield served
