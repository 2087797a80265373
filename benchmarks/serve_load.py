"""A server under load: each client checks its own texts; one client alone; memory over time.

    python benchmarks/serve_load.py --model RUN --source FILE [--seconds 60] [--clients 64]

starts ``nmt serve`` with the model, measures one client that sends single sentences of ten words,
then what the server can do, and then lets clients send at twice that rate in all, each at its own
times, whether answers have come or not. Every answer is compared with what the translator itself
makes of that text, so that a lost or a crossed one is seen.

    python benchmarks/serve_load.py --model RUN --source FILE --flood [--requests 20000]

has one client (127.0.0.2) keep 300 requests of 100 sentences going, and another send single
sentences, one after another, meanwhile; then sends many requests, and tells memory and descriptors.
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nmt
from nmt.runs.directory import RunDirectory

WARM_UP = 50
SINGLE = 500
CAPACITY_S = 10
"""Seconds in which what the server can do is measured."""
TIMES_CAPACITY = 2
LONGEST_WAIT_S = 60
CONNECTIONS = 8
"""Of a client at a time, at most: 64 clients stay within what a server lets in."""


GREEDY = "127.0.0.2"
GREEDY_REQUESTS = 300
SENTENCES = 100
PAUSE_S = 0.5
"""After which a greedy client asks again that was refused, sooner than it was told to."""


@dataclass
class Outcome:
    """What clients saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    lost: int = 0
    without_retry_after: int = 0
    seconds: list[float] = field(default_factory=list)


class Client:
    """A connection that stays open, with one request at a time.

    Args:
        port: Of the server.
        direction: The languages.
        address: Where the client itself is.
    """

    def __init__(self, port: int, direction: tuple[str, str], address: str = "127.0.0.1") -> None:
        self._port = port
        self._address = address
        self._direction = direction
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def translate(
        self, text: str | list[str], expected: str | list[str], outcome: Outcome
    ) -> None:
        """Send a text, or several, and check the answer."""
        source, target = self._direction
        body = json.dumps({"q": text, "source": source, "target": target}).encode()
        head = (
            "POST /translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(
                    "127.0.0.1", self._port, local_addr=(self._address, 0)
                )
            reader, writer = self._streams
            writer.write(head.encode() + body)
            status, headers, answer = await asyncio.wait_for(_answer(reader), LONGEST_WAIT_S)
        except (OSError, EOFError, TimeoutError):
            outcome.lost += 1
            self.close()
            return
        outcome.statuses[status] += 1
        if status == 200:
            outcome.seconds.append(time.perf_counter() - started)
            outcome.wrong += json.loads(answer) != {"translatedText": expected}
        else:
            outcome.without_retry_after += b"retry-after" not in headers.lower()

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    headers = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", headers, re.IGNORECASE)
    assert length is not None
    return int(headers.split(b" ", 2)[1]), headers, await reader.readexactly(int(length[1]))


def rss_mb(process_id: int) -> float:
    """Memory of a process."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def percentiles(seconds: list[float]) -> str:
    """The median and the worst of a hundred, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return f"p50 {1e3 * cuts[49]:.1f} ms, p99 {1e3 * cuts[98]:.1f} ms"


async def single(port: int, direction: tuple[str, str], pairs: list[tuple[str, str]]) -> None:
    """One client, one sentence at a time."""
    client, outcome = Client(port, direction), Outcome()
    for number in range(WARM_UP + SINGLE):
        if number == WARM_UP:
            outcome = Outcome()
        await client.translate(*pairs[number % len(pairs)], outcome)
    client.close()
    print(f"one client, sentences of ten words: {percentiles(outcome.seconds)}, {told(outcome)}")


async def capacity(
    port: int, direction: tuple[str, str], pairs: list[tuple[str, str]], clients: int
) -> float:
    """Requests a second where each client sends the next one when it has its answer."""
    outcome = Outcome()
    end = time.perf_counter() + CAPACITY_S

    async def send(first: int) -> None:
        client = Client(port, direction)
        number = first
        while time.perf_counter() < end:
            await client.translate(*pairs[number % len(pairs)], outcome)
            number += clients
        client.close()

    await asyncio.gather(*map(send, range(clients)))
    rate = outcome.statuses[200] / CAPACITY_S
    print(f"{clients} clients in turns: {rate:.0f} requests a second, {told(outcome)}")
    return rate


async def overload(
    port: int,
    direction: tuple[str, str],
    pairs: list[tuple[str, str]],
    options: argparse.Namespace,
    rate: float,
    process_id: int,
) -> None:
    """Each client sends at its own times; where answers are missing, by another connection.

    With all of its connections waiting, a client is late, and the rate that is told is lower.
    """
    outcome = Outcome()
    started = time.perf_counter()
    pause_s = options.clients / rate

    async def send(first: int) -> None:
        idle = asyncio.LifoQueue[Client]()
        for _ in range(CONNECTIONS):
            idle.put_nowait(Client(port, direction))
        tasks = []
        for number in range(int(options.seconds / pause_s)):
            due = started + (number + first / options.clients) * pause_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if time.perf_counter() > started + options.seconds:
                break
            text = pairs[(first + number * options.clients) % len(pairs)]
            client = await idle.get()
            tasks.append(asyncio.create_task(once(client, idle, text)))
        await asyncio.gather(*tasks)
        while not idle.empty():
            idle.get_nowait().close()

    async def once(
        client: Client, idle: "asyncio.LifoQueue[Client]", pair: tuple[str, str]
    ) -> None:
        await client.translate(*pair, outcome)
        idle.put_nowait(client)

    async def watch() -> None:
        while True:
            elapsed_s = time.perf_counter() - started
            print(f"  {elapsed_s:4.0f} s  {rss_mb(process_id):.1f} MB  {told(outcome)}", flush=True)
            await asyncio.sleep(options.seconds / 10)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*map(send, range(options.clients)))
    watching.cancel()
    elapsed_s = time.perf_counter() - started
    sent = (outcome.statuses.total() + outcome.lost) / elapsed_s
    print(
        f"{options.clients} clients, {sent:.0f} requests a second for {options.seconds:.0f} s: "
        f"{told(outcome)}; {percentiles(outcome.seconds)}; "
        f"{outcome.statuses[200] / elapsed_s:.0f} done a second; {rss_mb(process_id):.1f} MB"
    )


async def flood(
    port: int, direction: tuple[str, str], pairs: list[tuple[str, str]], seconds: float
) -> None:
    """A client with 300 requests of 100 sentences at a time, and one with single sentences."""
    greedy, modest = Outcome(), Outcome()
    end = time.perf_counter() + seconds
    texts, translations = map(list, zip(*(pairs * 100)[:SENTENCES], strict=True))

    async def send() -> None:
        client = Client(port, direction, GREEDY)
        while time.perf_counter() < end:
            refused = greedy.statuses[503]
            await client.translate(texts, translations, greedy)
            if greedy.statuses[503] > refused:
                await asyncio.sleep(PAUSE_S)
        client.close()

    sending = [asyncio.create_task(send()) for _ in range(GREEDY_REQUESTS)]
    client = Client(port, direction)
    number = 0
    while time.perf_counter() < end:
        await client.translate(*pairs[number % len(pairs)], modest)
        number += 1
    client.close()
    await asyncio.gather(*sending)
    print(f"the greedy client: {told(greedy)}")
    print(f"the other: {told(modest)}; {percentiles(modest.seconds)}")


async def many(
    port: int, direction: tuple[str, str], pairs: list[tuple[str, str]], times: int, process_id: int
) -> None:
    """Many requests, by connections that stay open for a hundred."""
    outcome = Outcome()
    for number in range(times):
        if number % 100 == 0:
            client = Client(port, direction)
        await client.translate(*pairs[number % len(pairs)], outcome)
        if number % 100 == 99:
            client.close()
        if (number + 1) % max(1, times // 10) == 0:
            descriptors = len(list(Path(f"/proc/{process_id}/fd").iterdir()))
            print(f"  {number + 1}: {rss_mb(process_id):.1f} MB, {descriptors} descriptors")
    print(f"{times} requests: {told(outcome)}; {percentiles(outcome.seconds)}")


def told(outcome: Outcome) -> str:
    """The counts, for people."""
    statuses = ", ".join(
        f"{status}: {number}" for status, number in sorted(outcome.statuses.items())
    )
    return (
        f"{statuses or 'none yet'}, {outcome.lost} lost, {outcome.wrong} crossed, "
        f"{outcome.without_retry_after} refused without Retry-After"
    )


def main() -> None:
    """Start the server, measure, and end it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True, help="one sentence a line")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--flood", action="store_true", help="two clients, one of them greedy")
    parser.add_argument("--requests", type=int, default=0, help="how many to send after a flood")
    parser.add_argument("--option", action="append", default=[], help="of nmt serve; repeat")
    options = parser.parse_args()
    corpus = RunDirectory(options.model).config().corpus
    texts = list(dict.fromkeys(options.source.read_text("utf-8").splitlines()))[:1000]
    translator = nmt.load(options.model)
    translated = zip(texts, translator.translate(texts), strict=True)
    pairs = [(text, translation.text) for text, translation in translated]
    ten_words = [pair for pair in pairs if len(pair[0].split()) == 10] or pairs
    command = [sys.executable, "-m", "nmt", "serve", "--port", "0", "--model", str(options.model)]
    with subprocess.Popen([*command, *options.option], stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        port = next(
            int(found[1])
            for line in server.stderr
            if (found := re.search(r"http://.*:(\d+)", line))
        )
        direction = corpus.source, corpus.target
        print(f"{rss_mb(server.pid):.1f} MB at the start")
        asyncio.run(single(port, direction, ten_words))
        if options.flood:
            asyncio.run(flood(port, direction, pairs, options.seconds))
            asyncio.run(many(port, direction, ten_words, options.requests, server.pid))
        else:
            rate = asyncio.run(capacity(port, direction, pairs, options.clients))
            twice = TIMES_CAPACITY * rate
            asyncio.run(overload(port, direction, pairs, options, twice, server.pid))
        server.terminate()
        print(f"exit code after SIGTERM: {server.wait(60)}")


if __name__ == "__main__":
    main()
