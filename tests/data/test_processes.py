"""Tasks shared out among processes, as if one had done them all."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.data import processes as pool
from nmt.data.processes import in_order, interruptible
from nmt.errors import CorpusError


def test_results_come_in_the_order_of_the_tasks() -> None:
    # in two processes those after the first long one are done before it
    tasks = [0.0] * pool.ALONE + [0.5, 0.01, 0.02, 0.3, 0.03]
    assert list(in_order(slept, tasks)) == tasks


def slept(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.mark.slow
def test_many_tasks_are_done_in_other_processes_and_few_are_not() -> None:
    tasks = [None] * (pool.ALONE + 6)
    processes = list(in_order(process_of, tasks))
    assert set(processes[: pool.ALONE]) == {os.getpid()}
    assert os.getpid() not in processes[pool.ALONE :]
    assert list(in_order(threads_of, tasks))[:: pool.ALONE + 5] == [-1, 1]


def process_of(_: None) -> int:
    return os.getpid()


def threads_of(_: None) -> int:
    return pool.threads()


def test_what_goes_wrong_with_a_task_is_raised_where_its_result_would_be() -> None:
    tasks = ["1"] * (pool.ALONE + 3) + ["x", "2"]
    results = in_order(int, tasks)
    assert [next(results) for _ in range(pool.ALONE + 3)] == [1] * (pool.ALONE + 3)
    with pytest.raises(ValueError, match="'x'"):
        next(results)


def test_tasks_are_not_taken_long_before_their_results_are_asked_for() -> None:
    taken = 0

    def tasks() -> Iterator[str]:
        nonlocal taken
        for taken in range(1, 501):
            yield str(taken)

    results = in_order(int, tasks())
    next(results)
    assert taken == 1
    for _ in range(pool.ALONE):
        last = next(results)
    assert last == pool.ALONE + 1
    assert taken <= pool.ALONE + pool.AHEAD * (os.cpu_count() or 1)
    results.close()


def test_a_process_that_is_killed_is_an_error_that_says_what_to_do() -> None:
    results = in_order(kill_oneself, [None] * (pool.ALONE + 3))
    assert [next(results) for _ in range(pool.ALONE)] == [None] * pool.ALONE
    with pytest.raises(CorpusError, match="killed, perhaps by the system for lack of memory"):
        next(results)


def kill_oneself(_: None) -> None:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)


STARTED = """
import signal
import time
from nmt.data.processes import ALONE, in_order

def tasks():
    yield from [0.0] * (ALONE + 2)
    print("started", flush=True)
    yield from [0.2] * 500

# whoever runs the tests in the background may have had it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
for number, _ in enumerate(in_order(time.sleep, tasks())):
    if number == ALONE:
        print("working", flush=True)
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that has others work for it, or is just starting them, in a group of its own."""
    command = [sys.executable, "-c", STARTED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        yield process


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_a_killed_process_leaves_none_behind(process: subprocess.Popen[bytes]) -> None:
    wait_for("working", process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) > 1
    process.kill()
    give_up = time.monotonic() + 300
    while any(is_alive(child) for child in children):
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.parametrize("place", ["started", "working"])
def test_an_interrupt_from_the_terminal_ends_all_and_is_heard_by_one(
    process: subprocess.Popen[bytes], place: str
) -> None:
    wait_for(place, process)
    os.killpg(process.pid, signal.SIGINT)
    # all have ended when nobody is left who could write
    _, errors = process.communicate(timeout=300)
    assert errors.decode().count("KeyboardInterrupt") == 1
    assert "Process" not in errors.decode()


def wait_for(word: str, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert f"{word}\n".encode() in iter(process.stdout.readline, b"")


def is_alive(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_signal_does_not_wait_for_work_that_hears_none() -> None:
    is_over = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        is_over.wait()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(work)
    finally:
        signal.signal(signal.SIGINT, before)
        is_over.set()


def test_work_in_a_thread_has_its_result_and_its_error() -> None:
    assert interruptible(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)
