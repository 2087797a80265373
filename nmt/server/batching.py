"""In which order requests are done, and what is done together.

Threads, one for each core, take what is waiting as soon as they are free; nobody waits for others
to come. Results do not depend on what is done together, so that only speed does.

Clients get the same share of the work, whatever each sends: start-time fair queueing (Goyal et al.,
"Start-time Fair Queueing", SIGCOMM 1996) over characters. The requests of one client are in the
order of self-clocked fair queueing (Golestani, "A Self-Clocked Fair Queueing Scheme for Broadband
Applications", INFOCOM 1994): each sentence is tagged with when it would be over if all requests
were served a character at a time in turns, and the least tag is next. A request for a few words
passes the hundredth sentence of a large one, and the large one is never passed forever.

Where too much is waiting, the newest request of the client that has most of them is refused
(McKenney, "Stochastic Fairness Queueing", INFOCOM 1990), so that no client takes another's place.
"""

import asyncio
import heapq
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

from nmt.search.search import before_each_step
from nmt.server.errors import Refused
from nmt.server.work import Job, Work

SENTENCES_PER_BATCH = 64
COST_PER_BATCH = 5_000
"""Of the sentences of a batch, or one that is longer: what a thread does before it looks again."""
BATCH_S = 0.2
"""What a batch should take, however busy the machine is: so long others wait for it."""
FEWEST_SENTENCES = 8
"""Sentences that are not divided among idle threads, nor for being slow."""
LONGEST_RETRY_S = 60

log = logging.getLogger(__name__)


class Unwanted(Exception):
    """Nobody waits any more for what is being done."""


class Order:
    """The jobs of one request.

    Attributes:
        jobs: What is to be done.
        client: Who sent it.
        results: What each came to, or the exception that it ended with; None until then.
        waiting: Jobs that are not begun.
        missing: Jobs that are not over.
        future: Done once all are over, or nobody waits for them any more.
    """

    def __init__(self, jobs: Sequence[Job], client: str, future: "asyncio.Future[None]") -> None:
        self.jobs = jobs
        self.client = client
        self.results: list[Any] = [None] * len(jobs)
        self.waiting = self.missing = len(jobs)
        self.future = future


Taken = list[tuple[Order, int]]
"""Jobs that are done together: of which order, and which of its jobs."""


Entry = tuple[float, int, int, Order, Iterator[tuple[float, int]]]
"""The tag and the place of a waiting job in its order, the order's number and itself, and the tags
and places of its later jobs of the same work: an order is in a heap once, so leaving is cheap."""


class ClientQueue:
    """The jobs of one client that wait.

    Args:
        start: When its next job begins, in the time of all clients.
    """

    def __init__(self, start: float) -> None:
        self.start = start
        self.orders: dict[Order, None] = {}  # that have jobs here, the oldest first
        self.heaps: dict[Work, list[Entry]] = {}
        self._clock = 0.0  # the highest tag of what was taken
        self._numbers = count()

    def add(self, order: Order) -> None:
        """Let the jobs of an order wait."""
        self.orders[order] = None
        tag = self._clock
        places: dict[Work, list[tuple[float, int]]] = {}
        for place, job in enumerate(order.jobs):
            tag += job.piece.cost
            places.setdefault(job.work, []).append((tag, place))
        for work, (first, *others) in places.items():
            entry = *first, next(self._numbers), order, iter(others)
            heapq.heappush(self.heaps.setdefault(work, []), entry)

    def remove(self, order: Order) -> None:
        """Forget those jobs of an order that were not taken."""
        del self.orders[order]
        for work in {job.work for job in order.jobs} & set(self.heaps):
            self.heaps[work] = [entry for entry in self.heaps[work] if entry[3] is not order]
            heapq.heapify(self.heaps[work])
            self._forget_empty(work)

    @property
    def next_work(self) -> Work:
        """The work of the job that is next."""
        return min(self.heaps, key=lambda work: self.heaps[work][0][:3])

    def next_cost(self, work: Work) -> int:
        """The cost of the next job of a work."""
        _, place, _, order, _ = self.heaps[work][0]
        return order.jobs[place].piece.cost

    def pop(self, work: Work) -> tuple[Order, int]:
        """Take the next job of a work."""
        self.start += self.next_cost(work)
        heap = self.heaps[work]
        tag, place, number, order, others = heap[0]
        following = next(others, None)
        if following is None:
            heapq.heappop(heap)
            self._forget_empty(work)
        else:
            heapq.heapreplace(heap, (*following, number, order, others))
        self._clock = max(self._clock, tag)
        order.waiting -= 1
        if not order.waiting:
            del self.orders[order]
        return order, place

    def _forget_empty(self, work: Work) -> None:
        if not self.heaps[work]:
            del self.heaps[work]


class FairQueue:
    """The jobs that wait. No thread's business; see `Batcher`.

    Args:
        most: Orders that may wait. A large one is only one, lest it kept small ones out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._clients: dict[str, ClientQueue] = {}
        self._clock = 0.0  # when the last job began that was taken
        self.waiting = 0

    def has_room(self, client: str) -> bool:
        """Whether an order of this client would not be the one that has no place."""
        own = self._clients.get(client)
        return self._orders < self._most or len(own.orders if own else ()) + 1 < self._longest

    def add(self, order: Order) -> Order | None:
        """Let the jobs of an order wait.

        Returns:
            The order that has no place any more, if there are too many.
        """
        queue = self._clients.setdefault(order.client, ClientQueue(self._clock))
        queue.add(order)
        self.waiting += len(order.jobs)
        if self._orders <= self._most:
            return None
        lengths = [len(queue.orders), *(len(each.orders) for each in self._clients.values())]
        longest = [queue, *self._clients.values()][lengths.index(max(lengths))]
        dropped = next(reversed(longest.orders))
        self.remove(dropped)
        return dropped

    def remove(self, order: Order) -> None:
        """Forget those jobs of an order that were not taken."""
        if order.waiting:
            self._clients[order.client].remove(order)
            self.waiting -= order.waiting
            order.waiting = 0
            self._forget_idle(order.client)

    def take(self, most: int) -> tuple[Work, Taken]:
        """Take what is next, and what else there is of the same work, in turns of the clients.

        Args:
            most: Jobs, at least 1.

        Returns:
            The work, and its jobs. There must be one.
        """
        work = min(self._clients.values(), key=_start).next_work
        taken: Taken = []
        cost = 0
        while len(taken) < min(most, SENTENCES_PER_BATCH):
            having = [queue for queue in self._clients.values() if work in queue.heaps]
            if not having:
                break
            queue = min(having, key=_start)
            cost += queue.next_cost(work)
            if taken and cost > COST_PER_BATCH:
                break
            self._clock = max(self._clock, queue.start)
            taken.append(queue.pop(work))
            self._forget_idle(taken[-1][0].client)
        self.waiting -= len(taken)
        return work, taken

    @property
    def _orders(self) -> int:
        return sum(len(queue.orders) for queue in self._clients.values())

    @property
    def _longest(self) -> int:
        return max((len(queue.orders) for queue in self._clients.values()), default=0)

    def _forget_idle(self, client: str) -> None:
        if not self._clients[client].orders:
            del self._clients[client]


def _start(queue: ClientQueue) -> float:
    return queue.start


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

    def refuse_beyond_share(self, client: str) -> None:
        """See to it, before a request is read, that it would have a place.

        Raises:
            Refused: Too much of this client is waiting already.
        """
        with self._changed:
            if not self._queue.has_room(client):
                raise self._full()

    async def results(self, jobs: Sequence[Job], client: str = "") -> list[Any]:
        """Do jobs, and wait for them. Where that is cancelled, they stop.

        Args:
            jobs: What to do.
            client: For whom.

        Raises:
            Refused: Too much of this client is waiting already.
            Exception: What a job ended with.
        """
        if not jobs:
            return []
        order = Order(jobs, client, self._loop.create_future())
        with self._changed:
            dropped = self._queue.add(order)
            if dropped is not None and not dropped.future.done():
                dropped.future.set_exception(self._full())
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

    def _full(self) -> Refused:
        """What is said of a request too many; and when what is waiting should be over."""
        seconds = self._queue.waiting * self._seconds_per_job / len(self._threads)
        retry_after_s = min(LONGEST_RETRY_S, max(1, math.ceil(seconds)))
        return Refused(503, "too much is waiting to be translated", retry_after_s)

    def _run(self) -> None:
        while batch := self._next_batch():
            work, taken = batch
            started = time.perf_counter()
            before_each_step.set(partial(_refuse_unwanted, taken))
            results = _results(work, [order.jobs[place] for order, place in taken])
            elapsed_s = time.perf_counter() - started
            self._loop.call_soon_threadsafe(self._deliver, taken, results, elapsed_s)

    def _next_batch(self) -> tuple[Work, Taken] | None:
        """What a thread that is free does next; None once there will be no more."""
        with self._changed:
            self._idle += 1
            while not self._queue.waiting and not self._is_closing:
                self._changed.wait()
            share = math.ceil(self._queue.waiting / self._idle)
            self._idle -= 1
            if not self._queue.waiting:
                return None
            quick = int(BATCH_S / self._seconds_per_job)
            return self._queue.take(max(FEWEST_SENTENCES, min(share, quick)))

    def _deliver(self, taken: Taken, results: Sequence[Any], elapsed_s: float) -> None:
        """Hand results to those who wait for them; in the event loop."""
        self._note(len(taken), elapsed_s)
        self._seconds_per_job += 0.1 * (elapsed_s / len(taken) - self._seconds_per_job)
        for (order, place), result in zip(taken, results, strict=True):
            order.results[place] = result
            order.missing -= 1
            if not order.missing and not order.future.done():
                order.future.set_result(None)


def _refuse_unwanted(taken: Taken) -> None:
    """End a batch whose callers have gone, or whose deadlines have passed.

    Raises:
        Unwanted: That is so of all.
    """
    if all(order.future.done() for order, _ in taken):
        raise Unwanted


def _results(work: Work, jobs: Sequence[Job]) -> Sequence[Any]:
    """What becomes of each job, or the exception: one that fails does not fail the others."""
    try:
        return work([job.piece for job in jobs])
    except Unwanted as unwanted:
        return [unwanted] * len(jobs)
    except Exception as error:
        if len(jobs) == 1:
            return [error]
        log.warning("a batch of %d is done one by one: %s", len(jobs), type(error).__name__)
        return [result for job in jobs for result in _results(work, [job])]
