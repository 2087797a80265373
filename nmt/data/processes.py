"""Processes that share work: how many, how they hear of signals, and a pool for chunks in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, TypeVar

from nmt.errors import CorpusError

Task = TypeVar("Task")
Result = TypeVar("Result")

ALONE = 20
"""Tasks that this process does itself: to start others takes as long."""
AHEAD = 3
"""Tasks for each process that are under way or done before their turn: what bounds the memory."""

_work: Callable[[Any], Any]


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Generator[Result]:
    """The result of each task, in order, a few ahead of what is asked for.

    It is to be closed, for then the other processes end.

    Args:
        work: What to do; it is pickled for other processes, once for each.
        tasks: What to do it with; pickled too, as are the results.

    Raises:
        CorpusError: Another process was killed.
    """
    tasks = iter(tasks)
    yield from map(work, islice(tasks, ALONE))
    first = list(islice(tasks, 1))
    if not first:
        return
    try:
        yield from _shared_out(work, chain(first, tasks))
    except BrokenProcessPool as error:
        raise CorpusError(
            "a process that helped to prepare the corpus was killed, perhaps by the system for "
            "lack of memory: make room and start again; the stages that are done are kept"
        ) from error


def _shared_out(work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
    """The result of each task, in order, from a process for each core."""
    # Spawned and not forked: there are threads in this process, which a copy would wait for.
    with ProcessPoolExecutor(
        cores(), multiprocessing.get_context("spawn"), initializer=_begin, initargs=(work,)
    ) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                with unheard():
                    waiting.append(pool.submit(_do, task))
                if len(waiting) == AHEAD * cores():
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def unheard() -> Iterator[None]:
    """Start processes that never hear of Ctrl-C and the like, which is for the one that asked.

    A terminal sends it to all of them, and each would end in a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interruptible(work: Callable[[], Result]) -> Result:
    """Do something in a thread of its own, so that a signal need not wait for a long call into C++.

    Where one raises an exception here, such as Ctrl-C, what is being done is left to end with the
    process.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result()


def threads() -> int:
    """How many threads a task may use: one in a process that helps, else -1, one for each core."""
    return -1 if multiprocessing.parent_process() is None else 1


def _begin(work: Callable[[Any], Any]) -> None:
    """Remember the work, and do not outlive the process that asked for it."""
    global _work
    _work = work
    end_with_parent()


def end_with_parent() -> None:
    """End this process, from now on, as soon as the one that started it has ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _do(task: Any) -> Any:
    return _work(task)
