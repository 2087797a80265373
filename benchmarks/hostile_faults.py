"""Kills, signals, full disks, read-only folders and a clock that jumps: nothing is lost."""

import ctypes
import mmap
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hostile_processes import Ended, Verdict, nmt

STARTER = Path(__file__).parent.parent / "corpora" / "starter"
SETTINGS = (
    "tokenizer.vocabulary_size=400 model.hidden_size=16 model.embedding_size=8 "
    "training.epochs=2 training.tokens_per_batch=256 training.checkpoint_every=5 "
    "training.validation_sentences=8 training.threads=1 corpus.test="
).split()
KILLS = 20
SIGNALS = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT)
EVENTS = frozenset({"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"})
LIMITS = (10_000, 30_000, 60_000)
"""Bytes that a file may have where the disk is full."""
CAPABILITIES_VERSION, DAC_OVERRIDE = 0x20080522, 1
TRAINING_CPU_S = 300

Act = Callable[[], object]


class Moments:
    """Counts what a command does to the files of a folder, and acts at one of these moments.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._count = mmap.mmap(-1, 8)  # of this process and of those that are forked

    @property
    def count(self) -> int:
        """How many there were in the last command."""
        return int.from_bytes(self._count[:8], "little")

    def act_at(self, moment: int, act: Act) -> Act:
        """What a process has to do before its command, to act at a moment (never at 0)."""

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if event in EVENTS and str(arguments[0]).startswith(self._folder):
                self._count[:8] = (self.count + 1).to_bytes(8, "little")
                if self.count == moment:
                    act()

        def prepare() -> None:
            self._count[:8] = bytes(8)
            sys.addaudithook(watch)

        return prepare


def trials(folder: Path, model: Path, is_quick: bool) -> Iterator[Verdict]:
    """Outputs that cannot be written; then a small training in all weathers, unless quick."""
    yield from _outputs(folder, model)
    if not is_quick:
        yield from _trainings(folder)


def trained(folder: Path, name: str, prepare: Act = lambda: None) -> Ended:
    """The small training, from where it was."""
    corpus = folder / "corpus"
    if not corpus.exists():
        corpus.mkdir()
        for split, lines in (("train", 200), ("dev", 12)):
            for language in ("fr", "en"):
                text = (STARTER / f"{split}.{language}").read_text("utf-8").split("\n")[:lines]
                (corpus / f"{split}.{language}").write_text("\n".join(text) + "\n", "utf-8")
        (folder / "recipe.toml").write_text("")
    settings = [word for each in (*SETTINGS, f"corpus.path={corpus}") for word in ("--set", each)]
    command: list[str | Path] = [
        "train",
        "recipe.toml",
        "--run",
        folder / name,
        "--resume",
        *settings,
    ]
    return nmt(command, folder, prepare=prepare, cpu_s=TRAINING_CPU_S)


def _outputs(folder: Path, model: Path) -> Iterator[Verdict]:
    """Translations that cannot be written."""
    translate: list[str | Path] = ["translate", "--model", model]
    (folder / "input.txt").write_text("Le chat dort.\n" * 300)
    (folder / "closed").mkdir(mode=0o555)
    (folder / "lines.txt").write_text("mine\n")

    def to_full_disk() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)

    cases: dict[str, tuple[list[str | Path], Act]] = {
        "standard output on a full disk": ([*translate, "Oui."], to_full_disk),
        "--alignments on a full disk": (
            [*translate, "--alignments", "/dev/full", "Oui."],
            lambda: None,
        ),
        "--output in a read-only folder": (
            [*translate, "--input", "input.txt", "--output", "closed/out.txt"],
            _without_privilege,
        ),
        "--output on a full disk": (
            [*translate, "--input", "input.txt", "--output", "out.txt"],
            lambda: _limit_files(1_000),
        ),
        "--html on a full disk": (
            ["explain", "--model", model, "Oui.", "--html", "why.html"],
            lambda: _limit_files(1_000),
        ),
        "--attention in a read-only folder": (
            [*translate, "Oui.", "--attention", "closed/a.svg"],
            _without_privilege,
        ),
    }
    for name, (command, prepare) in cases.items():
        found = nmt(command, folder, prepare=prepare)
        problem = found.problem() or ("" if found.code == 2 else "it says that all is well")
        yield Verdict(name, problem, found.code == 2)


def _trainings(folder: Path) -> Iterator[Verdict]:
    moments = Moments(folder / "whole")
    whole = trained(folder, "whole", moments.act_at(0, lambda: None))
    if whole.code:
        raise SystemExit(whole.err.decode())
    expected, last = _weights(folder / "whole"), moments.count
    for number in range(KILLS):
        moment = 1 + last * number // KILLS
        yield _cut(folder, f"kill {number}", moment, signal.SIGKILL, expected)
    for each in SIGNALS:
        yield _cut(folder, each.name, last // 2, each, expected)
    for limit in LIMITS:
        name = f"a disk full at {limit:,} bytes"
        found = trained(folder, name, partial(_limit_files, limit))
        yield _resumed(folder, name, found.problem(), expected)
    found = trained(folder, "a jumping clock", _let_clock_jump)
    yield _resumed(folder, "a jumping clock", found.problem(), expected)
    (folder / "closed-run").mkdir(mode=0o555)
    found = trained(folder, "closed-run", _without_privilege)
    problem = found.problem() or ("" if found.code == 2 else "it trains")
    yield Verdict("a read-only folder", problem, found.code == 2)


def _cut(folder: Path, name: str, moment: int, number: int, expected: bytes) -> Verdict:
    """Send a signal to a training at a moment, then let it end."""
    act = Moments(folder / name).act_at(moment, lambda: os.kill(os.getpid(), number))
    found = trained(folder, name, act)
    problem = f"exit {found.code}: {found.err.decode()}" if b"Traceback" in found.err else ""
    return _resumed(folder, name, problem, expected)


def _resumed(folder: Path, name: str, problem: str, expected: bytes) -> Verdict:
    found = trained(folder, name)
    problem = problem or found.problem() or found.err.decode() * (found.code != 0)
    if not problem and _weights(folder / name) != expected:
        problem = "the weights are others"
    return Verdict(name, problem)


def _weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def _limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def _without_privilege() -> None:
    """Let root no longer write where permissions say that nobody may."""
    header = struct.pack("Ii", CAPABILITIES_VERSION, 0)
    data = ctypes.create_string_buffer(24)  # effective, permitted, inheritable, twice 32 bits
    libc = ctypes.CDLL(None, use_errno=True)
    libc.capget(header, data)
    effective, *others = struct.unpack("6I", data.raw)
    libc.capset(header, struct.pack("6I", effective & ~(1 << DAC_OVERRIDE), *others))


def _let_clock_jump() -> None:
    told, now = iter(range(10**9)), time.time
    time.time = lambda: now() + (-1) ** next(told) * 10**8
