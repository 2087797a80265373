"""What translating costs: the time and the memory of a command, and of this process."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

WARM_UP_SENTENCES = 64

Translate = Callable[[list[str]], tuple[list[str], int]]
"""The translations of lines, and how many tokens they have."""


def translate_file(
    source: Path, load: Callable[[], Translate], output: Path | None
) -> dict[str, Any]:
    """Translate a file; seconds are without loading and a warm-up."""
    lines = lines_of(source)
    translate, load_s = timed(load)
    translate(lines[:WARM_UP_SENTENCES])
    (texts, tokens), seconds = timed(lambda: translate(lines))
    if output:
        output.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    speed = tokens / seconds
    found = {"sentences": len(lines), "tokens": tokens, "seconds": seconds, "tokens_per_s": speed}
    return {**found, "load_s": load_s, "peak_mb": peak_mb()}


def translate_lines(source: Path, load: Callable[[], Translate], times: int) -> dict[str, Any]:
    """Translate the lines of a file one by one, over and over; seconds are the median of a line."""
    lines = lines_of(source)
    translate, load_s = timed(load)
    translate(lines[:1])
    each = [timed(partial(translate, [line]))[1] for line in lines * times]
    return {"seconds": statistics.median(each), "load_s": load_s, "peak_mb": peak_mb()}


def lines_of(file: Path) -> list[str]:
    """The lines of a text. Only a line feed ends one, unlike for str.splitlines."""
    return file.read_bytes().decode().removesuffix("\n").split("\n")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a function returns, and how many seconds it took."""
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    output: IO[str] | int = subprocess.DEVNULL,
) -> tuple[float, float]:
    """Seconds from start to exit, and peak memory in MB, of a command and what it starts itself.

    What it prints is dropped, or goes to an open file. The memory is never less than that of this
    process, from which the command is started: keep it small.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=output, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process.stderr as stream:
        said = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said}")
    return elapsed_s, _megabytes(usage.ru_maxrss)


def peak_mb() -> float:
    """Peak memory of this process, in MB."""
    # What getrusage says counts the memory of the process that started this one, too.
    return _status_mb("VmHWM") or _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def resident_mb() -> float:
    """Memory of this process now, in MB; where the kernel does not tell, its peak."""
    return _status_mb("VmRSS") or peak_mb()


def _status_mb(name: str) -> float:
    """A figure of Linux's account of this process, in MB; 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields[name].split()[0]) / 2**10


def _megabytes(maxrss: int) -> float:
    return maxrss / (2**20 if sys.platform == "darwin" else 2**10)
