"""Lines of standard input as they arrive, and results to standard output."""

import codecs
import sys
from collections.abc import Iterator
from typing import Protocol

from nmt.errors import NmtError, SearchError

_CHUNK_BYTES = 1 << 16


class Arriving(Protocol):
    """A binary stream that gives what is there, and waits only while there is nothing."""

    def read1(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""


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
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            text, problem = _text(line.removesuffix(b"\r"))
            if problem:
                yield texts
                raise SearchError(f"{name}, line {number}: {problem}")
            texts.append(text)
        yield texts


def _text(line: bytes) -> tuple[str, str]:
    """A line as text, and what is wrong with it: one of them is empty."""
    if b"\0" in line:
        return "", "holds a NUL, so it is not text: remove it"
    try:
        return line.decode(), ""
    except UnicodeDecodeError as error:
        byte = f"byte 0x{line[error.start]:02X} at byte {error.start + 1}"
        return "", f"not UTF-8 ({byte}): convert it to UTF-8"


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
    if sys.stdout is None:
        raise NmtError("standard output is closed: there is nowhere to write to")
    one_line = text.replace("\r", " ").replace("\n", " ")
    sys.stdout.buffer.write(one_line.encode() + b"\n")
    sys.stdout.buffer.flush()
