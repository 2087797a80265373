"""Tasks shared out among processes, as if one had done them all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.corpus import pool
from nmt.corpus.pool import in_order


def test_results_come_in_the_order_of_the_tasks() -> None:
    # in two processes those after the first long one are done before it
    tasks = [0.0] * pool.ALONE + [0.5, 0.01, 0.02, 0.3, 0.03]
    assert list(in_order(slept, tasks)) == tasks


def slept(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


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
    results.close()  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_a_killed_process_leaves_none_behind() -> None:
    script = (
        "import time; from nmt.corpus.pool import ALONE, in_order\n"
        "for n, _ in enumerate(in_order(time.sleep, [0.0] * (ALONE + 1) + [60.0] * 9)):\n"
        "    if n == ALONE: print('ready', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.kill()
    deadline = time.monotonic() + 30
    while any(is_alive(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
