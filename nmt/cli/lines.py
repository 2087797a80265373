"""Lines of standard input as they arrive, and results to standard output."""

import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import Protocol, cast

from nmt.errors import NmtError, SearchError
from nmt.files import naming
from nmt.progress import say
from nmt.text.lines import line_of, text_of

_CHUNK_BYTES = 1 << 18
"""With a quarter of a megabyte lines of like length are many; a pipe gives less at a time."""


class Arriving(Protocol):
    """A binary stream that gives what is there, and waits only while there is nothing."""

    def read1(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


def standard_input() -> BufferedReader:
    """Standard input as bytes; whoever sits at a keyboard is told what to do.

    Raises:
        SearchError: It is closed.
    """
    if sys.stdin is None:
        raise SearchError("there is nothing to translate: give TEXT, or lines on standard input")
    if sys.stdin.isatty():
        say("type lines to translate; Ctrl-D ends")
    return cast(BufferedReader, sys.stdin.buffer)


def arriving_lines(stream: Arriving, name: str) -> Iterator[list[str]]:
    r"""The lines of a stream, as many together as have arrived: one at a time from a keyboard.

    Lines are UTF-8 and end at ``\n`` or ``\r\n`` and nothing else; the last needs no line end.

    Args:
        stream: Where from.
        name: What to call it in messages.

    Raises:
        SearchError: A line is not UTF-8, or holds a NUL. The lines before it are given first.
    """
    number = 0
    for lines in _byte_lines(stream):
        texts: list[str] = []
        for line in lines:
            number += 1
            text, problem = text_of(line, number)
            if problem:
                yield texts
                raise SearchError(f"{name}, line {number}: {problem}")
            texts.append(text)
        yield texts


def _byte_lines(stream: Arriving) -> Iterator[list[bytes]]:
    unfinished: list[bytes] = []
    while chunk := stream.read1(_CHUNK_BYTES):
        first, *rest = chunk.split(b"\n")
        unfinished.append(first)
        if rest:
            *complete, last = b"".join(unfinished), *rest
            unfinished = [last] if last else []
            yield complete
    if unfinished:
        yield [b"".join(unfinished)]


def write_line(text: str) -> None:
    """Write a result as one line of UTF-8, whatever the locale, and let the reader see it now."""
    write_bytes(line_of(text))


def write_bytes(data: bytes) -> None:
    """Write a result as it is."""
    if sys.stdout is None:
        raise NmtError("standard output is closed: there is nowhere to write to")
    with naming("standard output"):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
