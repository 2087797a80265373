"""The ``nmt`` command in a process of its own that costs no start-up: what it said and used."""

import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from nmt.cli import main

MOST_CPU_S = 20
"""Where a command that does not end is ended."""
MOST_WALL_FACTOR = 30
"""Of the CPU time, after which one that waits is ended."""
MOST_MEMORY_BYTES = 8 * 2**30
"""Address space of a command, so that a trial does not take the machine."""


@dataclass(frozen=True)
class Verdict:
    """What became of one case.

    Attributes:
        name: Of the case.
        problem: What is wrong; empty if nothing is.
        is_refused: The command refused, as it should.
    """

    name: str
    problem: str
    is_refused: bool = False


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: Its exit code; negative: the signal that ended it.
        out: What it wrote to standard output.
        err: To standard error.
        cpu_s: CPU time.
        memory_mb: Peak memory, with what it shares with the process that it was forked from.
    """

    code: int
    out: bytes
    err: bytes
    cpu_s: float
    memory_mb: float

    @property
    def lines(self) -> list[bytes]:
        """The lines of standard output."""
        return self.out.removesuffix(b"\n").split(b"\n") if self.out else []

    def problem(self) -> str:
        """What is wrong with how it ended: it has to be 0, or 2 with one line that says why."""
        last = self.err.decode(errors="replace").strip().split("\n")[-1]
        errors = self.err.count(b"\nnmt: ") + self.err.startswith(b"nmt: ")
        if b"Traceback" in self.err or self.code not in (0, 2):
            return f"exit {self.code}: {last[:200]}"
        if self.code == 2 and (errors != 1 or not last.startswith("nmt: ")):
            return f"exit 2 with {errors} lines that say why: {last[:200]}"
        if b"\x1b" in self.err:
            return "escape sequences on standard error"
        return ""


@dataclass(frozen=True)
class Started:
    """A command that runs.

    Attributes:
        pid: Its process.
        out: The file of its standard output.
        err: Of its standard error.
    """

    pid: int
    out: Path
    err: Path

    def wait(self) -> Ended:
        """Wait for its end."""
        _, status, usage = os.wait4(self.pid, 0)
        try:
            return Ended(
                code=os.waitstatus_to_exitcode(status),
                out=self.out.read_bytes(),
                err=self.err.read_bytes(),
                cpu_s=usage.ru_utime + usage.ru_stime,
                memory_mb=usage.ru_maxrss / 1024,
            )
        finally:
            self.out.unlink()
            self.err.unlink()


def start(
    arguments: Sequence[str | Path],
    folder: Path,
    given: bytes = b"",
    prepare: Callable[[], object] = lambda: None,
    cpu_s: int = MOST_CPU_S,
) -> Started:
    """Start ``nmt`` with these arguments.

    Args:
        arguments: Of the command line.
        folder: Where it works.
        given: Its standard input.
        prepare: What its process does before.
        cpu_s: CPU time after which it is ended.
    """
    (out, out_path), (err, err_path) = (tempfile.mkstemp(prefix="nmt-hostile-") for _ in range(2))
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        pid = os.fork()
        if pid == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
            signal.alarm(MOST_WALL_FACTOR * cpu_s)
            _become([str(each) for each in arguments], folder, (stdin.fileno(), out, err), prepare)
    os.close(out)
    os.close(err)
    return Started(pid, Path(out_path), Path(err_path))


def nmt(
    arguments: Sequence[str | Path],
    folder: Path,
    given: bytes = b"",
    prepare: Callable[[], object] = lambda: None,
    cpu_s: int = MOST_CPU_S,
) -> Ended:
    """The same, to its end."""
    return start(arguments, folder, given, prepare, cpu_s).wait()


def _become(
    arguments: Sequence[str],
    folder: Path,
    streams: tuple[int, int, int],
    prepare: Callable[[], object],
) -> NoReturn:
    """Be the command. Nothing of what the process was before is cleaned up."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)
            for number, mode in enumerate(("r", "w", "w"))
        )
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        prepare()
        sys.argv = ["nmt", *arguments]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            traceback.print_exc()
            code = 1
        os._exit(code)
