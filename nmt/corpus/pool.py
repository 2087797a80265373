"""A pool of processes for the chunks of a corpus, where there are many of them."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

ALONE = 20
"""Tasks that this process does itself: to start others takes as long."""
AHEAD = 3
"""Tasks for each process that are under way or done before their turn: what bounds the memory."""

_work: Callable[[Any], Any]


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """The result of each task, in order, a few ahead of what is asked for.

    Args:
        work: What to do; it is pickled for other processes, once for each.
        tasks: What to do it with; pickled too, as are the results.
    """
    tasks = iter(tasks)
    yield from map(work, islice(tasks, ALONE))
    first = list(islice(tasks, 1))
    if not first:
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # Spawned and not forked: there are threads in this process, which a copy would wait for.
    with ProcessPoolExecutor(
        cores, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(work,)
    ) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for task in chain(first, tasks):
                waiting.append(pool.submit(_do, task))
                if len(waiting) == AHEAD * (cores or 1):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def threads() -> int:
    """How many threads a task may use: one in a process that helps, else -1, one for each core."""
    return -1 if multiprocessing.parent_process() is None else 1


def _begin(work: Callable[[Any], Any]) -> None:
    """Remember the work, leave Ctrl-C to the process that asked, and do not outlive it."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(task: Any) -> Any:
    return _work(task)
