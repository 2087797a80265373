r"""Lines of text as bytes: where they end, what may be in them, how they are read and written.

A line is UTF-8 and ends at ``\n`` or ``\r\n`` and at nothing else; the last needs no line end. A
byte order mark at the start is no part of the first.
"""

import codecs
from collections.abc import Iterable, Iterator

from nmt.errors import SearchError

LINES_PER_CHUNK = 2048
"""Lines translated together. With 2,048 padding costs 5 to 8%, with 512 about 20%."""
BYTES_PER_CHUNK = 1 << 20
"""Bytes after which a chunk of very long lines is full."""


def other_encoding(data: bytes) -> str:
    """What bytes look like that should be UTF-8, and what to do about it; empty if not like UTF-16.

    Args:
        data: The beginning of a file, or a line of it.
    """
    name = ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "UTF-16"
    elif data.count(0) * 4 >= len(data) > 1 and not (data[::2].count(0) and data[1::2].count(0)):
        # Every other byte of western text is 0.
        name = "UTF-16BE" if data[::2].count(0) else "UTF-16LE"
    return name and f"looks like {name}: convert it, as with `iconv -f {name} -t UTF-8 FILE`"


def text_of(line: bytes, number: int) -> tuple[str, str]:
    r"""A line as text, and what is wrong with it: one of them is empty.

    Args:
        line: Without its ``\n``.
        number: Which line it is, from 1.
    """
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
        if problem := other_encoding(line):
            return "", problem
    if b"\0" in line:
        return "", "holds a NUL, so it is not text: remove it"
    try:
        return line.removesuffix(b"\r").decode(), ""
    except UnicodeDecodeError as error:
        byte = f"byte 0x{line[error.start]:02X} at byte {error.start + 1}"
        return "", f"not UTF-8 ({byte}): convert it to UTF-8"


def texts_of(lines: Iterable[bytes], first: int, name: str) -> list[str]:
    r"""Lines as texts.

    Args:
        lines: With their ``\n`` or without.
        first: The number of the first of them, from 1.
        name: What to call their origin in messages.

    Raises:
        SearchError: A line is not UTF-8, or holds a NUL.
    """
    texts = []
    for number, line in enumerate(lines, first):
        text, problem = text_of(line.removesuffix(b"\n"), number)
        if problem:
            raise SearchError(f"{name}, line {number}: {problem}")
        texts.append(text)
    return texts


def line_of(text: str) -> bytes:
    """A text as one line, whatever it holds."""
    return text.replace("\r", " ").replace("\n", " ").encode() + b"\n"


def in_chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Gather lines for translating them together; where a chunk ends depends on them alone."""
    chunk: list[bytes] = []
    size_bytes = 0
    for line in lines:
        chunk.append(line)
        size_bytes += len(line)
        if len(chunk) == LINES_PER_CHUNK or size_bytes >= BYTES_PER_CHUNK:
            yield chunk
            chunk, size_bytes = [], 0
    if chunk:
        yield chunk
