"""In which order requests are done, and what is done together.

Threads, one for each core, take what is waiting as soon as they are free; nobody waits for others
to come. Results do not depend on what is done together, so that only speed does.

The order is that of self-clocked fair queueing (Golestani, "A Self-Clocked Fair Queueing Scheme for
Broadband Applications", INFOCOM 1994): each sentence is tagged with when it would be over if all
requests were served a character at a time in turns, and the least tag is next. A request for a few
words passes the hundredth sentence of a large one, and the large one is never passed forever.
"""

import asyncio
import heapq
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from nmt.server.errors import Refused
from nmt.server.work import Job, Work

SENTENCES_PER_BATCH = 64
COST_PER_BATCH = 5_000
"""Of the sentences of a batch, or one that is longer: what a thread does before it looks again."""
FEWEST_SENTENCES = 8
"""Sentences that are not divided among idle threads."""
LONGEST_RETRY_S = 60

log = logging.getLogger(__name__)


class Order:
    """The jobs of one request.

    Attributes:
        jobs: What is to be done.
        results: What each came to, or the exception that it ended with; None until then.
        waiting: Jobs that are not begun.
        missing: Jobs that are not over.
        future: Done once all are over.
    """

    def __init__(self, jobs: Sequence[Job], future: "asyncio.Future[None]") -> None:
        self.jobs = jobs
        self.results: list[Any] = [None] * len(jobs)
        self.waiting = self.missing = len(jobs)
        self.future = future


Entry = tuple[float, int, Order, int]
"""The tag of a waiting job, its number of all, and which job of which order it is."""


class FairQueue:
    """The jobs that wait. No thread's business; see `Batcher`.

    Args:
        most: Orders that may wait. A large one is only one, lest it kept small ones out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._orders = 0  # that have jobs here
        self._heaps: dict[Work, list[Entry]] = {}
        self._clock = 0.0  # the highest tag of what was taken
        self._numbers = count()
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether no order may be added."""
        return self._orders >= self._most

    def add(self, order: Order) -> None:
        """Let the jobs of an order wait."""
        tag = self._clock
        for place, job in enumerate(order.jobs):
            tag += job.piece.cost
            heap = self._heaps.setdefault(job.work, [])
            heapq.heappush(heap, (tag, next(self._numbers), order, place))
        self.waiting += len(order.jobs)
        self._orders += 1

    def remove(self, order: Order) -> None:
        """Forget those jobs of an order that were not taken."""
        if not order.waiting:
            return
        for work in {job.work for job in order.jobs} & set(self._heaps):
            left = [entry for entry in self._heaps[work] if entry[2] is not order]
            heapq.heapify(left)
            self._heaps[work] = left
            if not left:
                del self._heaps[work]
        self.waiting -= order.waiting
        self._orders -= 1
        order.waiting = 0

    def take(self, most: int) -> tuple[Work, list[tuple[Order, int]]]:
        """Take what is next, and what else there is of the same work.

        Args:
            most: Jobs, at least 1.

        Returns:
            The work, and its jobs: of which order, and which of them. There must be one.
        """
        work = min(self._heaps, key=lambda work: self._heaps[work][0][:2])
        heap = self._heaps[work]
        taken: list[tuple[Order, int]] = []
        cost = 0
        while heap and len(taken) < min(most, SENTENCES_PER_BATCH):
            _, _, order, place = heap[0]
            cost += order.jobs[place].piece.cost
            if taken and cost > COST_PER_BATCH:
                break
            self._clock = max(self._clock, heapq.heappop(heap)[0])
            order.waiting -= 1
            self._orders -= not order.waiting
            taken.append((order, place))
        if not heap:
            del self._heaps[work]
        self.waiting -= len(taken)
        return work, taken


class Batcher:
    """Threads that do what is asked for.

    Args:
        threads: Batches that are done at a time.
        most_waiting: Requests that may wait.
        note: Called with the jobs of each batch and the seconds it took.
    """

    def __init__(self, threads: int, most_waiting: int, note: Callable[[int, float], None]) -> None:
        self._queue = FairQueue(most_waiting)
        self._changed = threading.Condition()
        self._idle = 0
        self._is_closing = False
        self._note = note
        self._seconds_per_job = 0.01
        self._threads = [
            threading.Thread(target=self._run, name=f"translating-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Begin, in a running event loop."""
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what is waiting, and end the threads."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def is_ready(self) -> bool:
        """Whether there is somebody to do what is asked for."""
        return not self._is_closing and all(thread.is_alive() for thread in self._threads)

    @property
    def waiting(self) -> int:
        """Jobs that are not begun."""
        return self._queue.waiting

    async def results(self, jobs: Sequence[Job]) -> list[Any]:
        """Do jobs, and wait for them. Where that is cancelled, what is not begun never will be.

        Raises:
            Refused: Too much is waiting already.
            Exception: What a job ended with.
        """
        if not jobs:
            return []
        order = Order(jobs, self._loop.create_future())
        with self._changed:
            if self._queue.is_full:
                raise Refused(503, "too much is waiting to be translated", self._retry_after_s())
            self._queue.add(order)
            self._changed.notify(len(jobs))
        try:
            await order.future
        finally:
            with self._changed:
                self._queue.remove(order)
        for result in order.results:
            if isinstance(result, Exception):
                raise result
        return order.results

    def _retry_after_s(self) -> int:
        """When what is waiting should be over."""
        seconds = self._queue.waiting * self._seconds_per_job / len(self._threads)
        return min(LONGEST_RETRY_S, max(1, math.ceil(seconds)))

    def _run(self) -> None:
        while batch := self._next_batch():
            work, taken = batch
            started = time.perf_counter()
            results = _results(work, [order.jobs[place] for order, place in taken])
            elapsed_s = time.perf_counter() - started
            self._loop.call_soon_threadsafe(self._deliver, taken, results, elapsed_s)

    def _next_batch(self) -> tuple[Work, list[tuple[Order, int]]] | None:
        """What a thread that is free does next; None once there will be no more."""
        with self._changed:
            self._idle += 1
            while not self._queue.waiting and not self._is_closing:
                self._changed.wait()
            share = math.ceil(self._queue.waiting / self._idle)
            self._idle -= 1
            if not self._queue.waiting:
                return None
            return self._queue.take(max(FEWEST_SENTENCES, share))

    def _deliver(
        self, taken: list[tuple[Order, int]], results: Sequence[Any], elapsed_s: float
    ) -> None:
        """Hand results to those who wait for them; in the event loop."""
        self._note(len(taken), elapsed_s)
        self._seconds_per_job += 0.1 * (elapsed_s / len(taken) - self._seconds_per_job)
        for (order, place), result in zip(taken, results, strict=True):
            order.results[place] = result
            order.missing -= 1
            if not order.missing and not order.future.done():
                order.future.set_result(None)


def _results(work: Work, jobs: Sequence[Job]) -> Sequence[Any]:
    """What becomes of each job, or the exception: one that fails does not fail the others."""
    try:
        return work([job.piece for job in jobs])
    except Exception as error:
        if len(jobs) == 1:
            return [error]
        log.warning("a batch of %d is done one by one: %s", len(jobs), type(error).__name__)
        return [result for job in jobs for result in _results(work, [job])]
