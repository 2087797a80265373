"""The order in which sentences are done, what is done together, and who is not waited for."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nmt.search.search import before_each_step
from nmt.server.batching import COST_PER_BATCH, SENTENCES_PER_BATCH, Batcher, FairQueue, Order
from nmt.server.errors import Refused
from nmt.server.work import Job, Piece


@dataclass(frozen=True)
class Shout:
    """Work that can be held up, and that notes what it did together."""

    name: str = "shout"
    may_go: threading.Event = field(default_factory=threading.Event, compare=False)
    batches: list[list[str]] = field(default_factory=list, compare=False)

    def __call__(self, pieces: Sequence[Piece]) -> list[str]:
        texts = [piece.text for piece in pieces]
        self.batches.append(texts)
        assert self.may_go.wait(120)
        if "bad" in texts:
            raise ValueError("bad")
        return [text.upper() for text in texts]


def order(work: Any, *texts: str, client: str = "") -> Order:
    jobs = [Job(work, Piece(text)) for text in texts]
    return Order(jobs, client, future=None)  # type: ignore[arg-type]


def taken(queue: FairQueue, most: int = 1) -> list[str]:
    _, jobs = queue.take(most)
    return [order.jobs[place].piece.text for order, place in jobs]


def test_a_small_request_passes_a_large_one_and_the_large_one_gets_its_turns() -> None:
    queue = FairQueue(1000)
    work = Shout()
    queue.add(order(work, *["large" * 20] * 10))
    found: list[str] = []
    for number in range(12):
        if not found or found[-1].startswith("small"):
            queue.add(order(work, f"small {number}"))
        found += taken(queue)
    # A small one costs 27 and a large one 120: the tags of the small ones are 27, 54, 81, 108 and
    # 135, then 162, 189, 216 and 243, those of the large ones 120 and 240.
    assert [place for place, text in enumerate(found) if text.startswith("large")] == [4, 9]


def test_what_comes_first_is_done_first_where_all_is_equal() -> None:
    queue = FairQueue(10)
    work = Shout()
    for text in "abc":
        queue.add(order(work, text))
    assert taken(queue, 3) == ["a", "b", "c"]


def test_only_what_is_of_the_same_work_is_taken_together() -> None:
    queue = FairQueue(10)
    for work, text in ((Shout("one"), "a"), (Shout("two"), "b"), (Shout("one"), "c")):
        queue.add(order(work, text))
    assert [taken(queue, 10), taken(queue, 10)] == [["a", "c"], ["b"]]
    assert queue.waiting == 0


def test_a_batch_has_so_many_sentences_and_characters_and_no_more() -> None:
    queue = FairQueue(10_000)
    queue.add(order(Shout(), *["a"] * 200))
    assert len(taken(queue, 1000)) == SENTENCES_PER_BATCH
    queue = FairQueue(10_000)
    queue.add(order(Shout(), "a" * COST_PER_BATCH, "b" * 2480, "c" * 2480, "d" * 2480))
    assert [len(taken(queue, 10)) for _ in range(3)] == [1, 2, 1]


def test_what_is_given_up_is_not_done_and_makes_room() -> None:
    queue = FairQueue(2)
    work = Shout()
    given_up, kept = order(work, "a", "b"), order(work, "c")
    queue.add(given_up)
    assert queue.has_room("")
    assert queue.add(kept) is None
    assert not queue.has_room("")
    queue.remove(given_up)
    queue.remove(given_up)
    assert queue.waiting == 1
    assert queue.has_room("")
    assert taken(queue, 10) == ["c"]
    queue.remove(kept)
    for _ in range(2):
        assert queue.add(order(work, "d", "e")) is None
    assert taken(queue, 2) == ["d", "d"]
    assert not queue.has_room(""), "of both there is a sentence left"
    assert taken(queue, 1) == ["e"]
    assert queue.has_room("")


def test_clients_take_turns_whatever_each_of_them_sends() -> None:
    queue = FairQueue(1000)
    work = Shout()
    for _ in range(50):
        queue.add(order(work, *["greedy"] * 100, client="greedy"))
    assert taken(queue, 10) == ["greedy"] * 10
    for _ in range(3):
        queue.add(order(work, "modest", client="modest"))
    assert taken(queue, 6) == ["modest", "greedy"] * 3
    # and with work of another kind, which is not done together with theirs
    queue.add(order(Shout("other"), "another", client="another"))
    assert taken(queue, 10) == ["another"]


def test_a_client_that_was_idle_has_saved_nothing_up() -> None:
    queue = FairQueue(1000)
    work = Shout()
    queue.add(order(work, *"abcdefgh", client="long here"))
    assert taken(queue, 4) == list("abcd")
    queue.add(order(work, *"stuvwxyz", client="new"))
    assert taken(queue, 6) == ["s", "e", "t", "f", "u", "g"]


def test_where_too_much_is_waiting_the_newest_of_the_greediest_client_has_to_go() -> None:
    queue = FairQueue(3)
    work = Shout()
    first, second, third = (order(work, text, client="greedy") for text in "abc")
    for each in (first, second, third):
        assert queue.add(each) is None
    assert not queue.has_room("greedy")
    assert queue.add(order(work, "d", client="greedy")) is not None
    assert queue.has_room("modest")
    modest = order(work, "m", client="modest")
    assert queue.add(modest) is third
    assert third.waiting == 0
    again = order(work, "n", client="modest")
    assert not queue.has_room("modest"), "it would have as many as the other"
    assert queue.add(again) is again
    assert taken(queue, 10) == ["a", "m", "b"]
    assert (queue.waiting, len(queue._clients)) == (0, 0)


def batcher(threads: int = 1, most: int = 100) -> Batcher:
    return Batcher(threads, most, lambda sentences, elapsed_s: None)


def jobs(work: Shout, *texts: str) -> list[Job]:
    return [Job(work, Piece(text)) for text in texts]


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not claim():
            await asyncio.sleep(0.001)


async def waiting(batcher: Batcher, count: int) -> None:
    await until(lambda: batcher.waiting == count)


def test_requests_that_wait_are_done_together_and_each_gets_its_own() -> None:
    async def scenario() -> None:
        work, one = Shout(), batcher()
        one.start()
        first = asyncio.create_task(one.results(jobs(work, "a")))
        await until(lambda: work.batches == [["a"]])
        others = [asyncio.create_task(one.results(jobs(work, c, c + "x"))) for c in "bcd"]
        await waiting(one, 6)
        work.may_go.set()
        assert await first == ["A"]
        assert [await other for other in others] == [["B", "BX"], ["C", "CX"], ["D", "DX"]]
        assert [len(batch) for batch in work.batches] == [1, 6]
        one.close()

    asyncio.run(scenario())


def test_idle_threads_share_what_is_waiting() -> None:
    async def scenario() -> None:
        work, two = Shout(), batcher(threads=2)
        two.start()
        await until(lambda: two._idle == 2)
        task = asyncio.create_task(two.results(jobs(work, *"abcdefghijklmnopqrst")))
        await asyncio.sleep(0)
        await waiting(two, 0)
        work.may_go.set()
        assert await task == list("ABCDEFGHIJKLMNOPQRST")
        assert [len(batch) for batch in work.batches] == [10, 10]
        two.close()

    asyncio.run(scenario())


def test_one_that_fails_does_not_fail_the_others() -> None:
    async def scenario() -> None:
        work, one = Shout(), batcher()
        one.start()
        tasks = [asyncio.create_task(one.results(jobs(work, text))) for text in ("a", "bad", "b")]
        work.may_go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert (results[0], results[2]) == (["A"], ["B"])
        assert isinstance(results[1], ValueError)
        assert one.is_ready
        one.close()

    asyncio.run(scenario())


def test_more_than_may_wait_is_refused_and_said_when_to_come_back() -> None:
    async def scenario() -> None:
        work, one = Shout(), batcher(most=1)
        one.start()
        running = asyncio.create_task(one.results(jobs(work, "a")))
        await until(lambda: work.batches == [["a"]])
        waits = asyncio.create_task(one.results(jobs(work, "b", "c")))
        await waiting(one, 2)
        with pytest.raises(Refused) as refused:
            await one.results(jobs(work, "d", "e"))
        assert refused.value.status == 503
        assert refused.value.retry_after_s == 1
        waits.cancel()
        await waiting(one, 0)
        work.may_go.set()
        assert await running == ["A"]
        assert work.batches == [["a"]], "what was given up was never begun"
        one.close()

    asyncio.run(scenario())


@dataclass(frozen=True)
class Search(Shout):
    """Work in steps, as a search takes them."""

    def __call__(self, pieces: Sequence[Piece]) -> list[str]:
        self.batches.append([piece.text for piece in pieces])
        for _ in range(2_000):
            before_each_step.get()()
            if self.may_go.wait(0.01):
                break
        self.batches.append([])
        return [piece.text.upper() for piece in pieces]


def test_a_batch_stops_once_nobody_waits_for_it_and_not_before() -> None:
    async def scenario() -> None:
        work, one = Search(), batcher()
        one.start()
        blocking = asyncio.create_task(one.results(jobs(work, "a")))
        await asyncio.sleep(0.05)
        gone, stays = (asyncio.create_task(one.results(jobs(work, text))) for text in "bc")
        await waiting(one, 2)
        blocking.cancel()
        await waiting(one, 0)
        assert work.batches == [["a"], ["b", "c"]], "the first did not come to its end"
        gone.cancel()
        await asyncio.sleep(0.05)
        work.may_go.set()
        assert await stays == ["C"], "somebody waits for this one"
        one.close()

    asyncio.run(scenario())


def test_closing_finishes_what_is_waiting() -> None:
    async def scenario() -> None:
        work, one = Shout(), batcher()
        work.may_go.set()
        one.start()
        task = asyncio.create_task(one.results(jobs(work, "a", "b")))
        await asyncio.sleep(0)
        one.close()
        assert await task == ["A", "B"]
        assert not one.is_ready

    asyncio.run(scenario())
