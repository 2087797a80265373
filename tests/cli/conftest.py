"""The real command, in a process of its own, and a run that it trained."""

import io
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import pytest

from nmt.cli import main
from nmt.runs.directory import RunDirectory

Command = Callable[..., "subprocess.CompletedProcess[bytes]"]
Inside = Callable[..., "Done"]

NOUNS = {"chat": "cat", "chien": "dog", "livre": "book", "cheval": "horse"}
ADJECTIVES = {"petit": "small", "grand": "big", "vieux": "old", "jeune": "young"}
VERBS = {"voit": "sees", "aime": "likes", "trouve": "finds"}

RECIPE = """
seed = 5

[corpus]
path = "text"

[tokenizer]
vocabulary_size = 300

[model]
hidden_size = 32
embedding_size = 16
encoder_layers = 1
decoder_layers = 1

[training]
epochs = 2
tokens_per_batch = 256
threads = 1
precision = "fp32"

[search]
beam = 2
robust = false
"""


def write_corpus(folder: Path, pairs: int = 120) -> None:
    """Sentences such as "le petit chat voit le vieux chien.", different ones in each split."""
    draw = random.Random(3)
    sentences = [
        (f"le {a1} {n1} {v} le {a2} {n2}.", f"the {e1} {m1} {w} the {e2} {m2}.")
        for a1, e1 in ADJECTIVES.items()
        for n1, m1 in NOUNS.items()
        for v, w in VERBS.items()
        for a2, e2 in ADJECTIVES.items()
        for n2, m2 in NOUNS.items()
    ]
    chosen = draw.sample(sentences, pairs + 20)
    folder.mkdir(parents=True)
    for split, part in (("train", chosen[20:]), ("dev", chosen[:10]), ("test", chosen[10:20])):
        for number, language in enumerate(("fr", "en")):
            text = "".join(pair[number] + "\n" for pair in part)
            (folder / f"{split}.{language}").write_text(text)


def make_command(folder: Path, cache: Path) -> Command:
    """The ``nmt`` command, run in a folder."""

    def command(
        *arguments: str | Path, input: bytes | None = b"", **environment: str
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "nmt", *map(str, arguments)],
            cwd=folder,
            env=clean_environment(cache) | environment,
            input=input,
            capture_output=True,
            timeout=600,
        )

    return command


@contextmanager
def start(folder: Path, cache: Path, *arguments: str) -> Iterator[Any]:
    """The ``nmt`` command, started in a folder, to talk to; killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "nmt", *arguments],
        cwd=folder,
        env=clean_environment(cache),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def clean_environment(cache: Path) -> dict[str, str]:
    """What the command sees of the outside: nothing that changes what it does."""
    strange = ("NMT_", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return kept | {"HF_DATASETS_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a recipe and its text, and no runs."""
    write_corpus(tmp_path / "text")
    (tmp_path / "toy.toml").write_text(RECIPE)
    return tmp_path


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where prepared corpora are kept."""
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture
def command(folder: Path, cache: Path) -> Command:
    """The ``nmt`` command, run in `folder`."""
    return make_command(folder, cache)


@dataclass(frozen=True)
class Done:
    """What the command came to."""

    code: int
    lines: list[str]
    errors: list[str]


@pytest.fixture
def inside(
    folder: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Inside:
    """The ``nmt`` command in this process, which has imported torch once and for all."""
    for name, value in clean_environment(cache).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NMT_MODEL", raising=False)
    monkeypatch.chdir(folder)

    def command(*arguments: str | Path, input: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["nmt", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(input))))
        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as exit:
            main()
        signal.signal(signal.SIGTERM, before)
        written = capfdbinary.readouterr()
        return Done(
            int(exit.value.code or 0),
            written.out.decode().splitlines(),
            written.err.decode().splitlines(),
        )

    return command


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe that the command has trained, once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "trained"
    with filelock.FileLock(f"{shared}.lock"):
        if not shared.exists():
            making = shared.with_name("trained-making")
            shutil.rmtree(making, ignore_errors=True)
            write_corpus(making / "text")
            (making / "toy.toml").write_text(RECIPE)
            done = make_command(making, base / "cache")("train", "toy.toml")
            assert done.returncode == 0, done.stderr.decode()
            (making / "stdout.txt").write_bytes(done.stdout)
            (making / "stderr.txt").write_bytes(done.stderr)
            making.rename(shared)
    return shared


@pytest.fixture
def trained(shared_run: Path, folder: Path) -> Path:
    """A copy of the trained run, where the command looks for it first.

    Its dev BLEU is given, so that it is the same on every machine.
    """
    shutil.copytree(shared_run / "checkpoints" / "toy", folder / "checkpoints" / "toy")
    # the folder with the text has moved too
    config = folder / "checkpoints" / "toy" / "config.toml"
    moved = config.read_text().replace(str(shared_run) + "-making", str(folder))
    config.write_text(moved)
    trained = RunDirectory(folder / "checkpoints" / "toy")
    trained.finish(trained.card.read_text(), 30.0)
    return trained.path
