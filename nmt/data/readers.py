"""Strict readers of sentence pairs: what is misaligned, or is not text, is refused by its place.

Every reader yields chunks of raw pairs, so that a corpus larger than memory goes through.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from nmt.errors import CorpusError
from nmt.progress import counted
from nmt.text.lines import other_encoding

CHUNK_PAIRS = 10_000
_START_BYTES = 1000
_BUFFER_BYTES = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_FORMATS = {
    b"\x1f\x8b": "it is compressed with gzip: unpack it first",
    b"PK\x03\x04": "it is a zip archive: unpack it first",
}


class Chunk(NamedTuple):
    """Some consecutive pairs: the two lists are of the same length."""

    source: list[str]
    target: list[str]


@dataclass(frozen=True)
class Columns:
    """Which columns or keys hold the two sides, and where in a recipe they are named."""

    source: str
    target: str
    section: str = "corpus"

    @property
    def names(self) -> tuple[str, str]:
        """The source's, then the target's."""
        return self.source, self.target


def read_lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file, which end at ``\n`` or ``\r\n`` and at nothing else.

    U+2028, U+0085, form feeds and lone carriage returns are part of their line. A byte order mark
    at the start is not; the last line needs no line end.

    Raises:
        CorpusError: The file is missing, empty, or holds a NUL or what is not UTF-8.
    """
    number = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)
                line = line.removesuffix(b"\n").removesuffix(b"\r") if line[-1:] == b"\n" else line
                if b"\0" in line:
                    hint = _other_format(path) or "no text does: remove it"
                    raise CorpusError(f"{_place(path, number)}: holds a NUL; {hint}")
                yield line.decode()
    except UnicodeDecodeError as error:
        hint = _other_format(path) or "convert the file to UTF-8, or repair the line"
        raise CorpusError(
            f"{_place(path, number)}: byte {error.start + 1} (0x{error.object[error.start]:02X}) "
            f"is not UTF-8; {hint}"
        ) from error
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    if not number or (number == 1 and path.stat().st_size == len(BYTE_ORDER_MARK) and not line):
        raise CorpusError(f"{path}: the file is empty")


def read_text_pair(source: Path, target: Path) -> Iterator[Chunk]:
    """Pairs from two files, line by line.

    Raises:
        CorpusError: One has more lines than the other, or as ``read_lines`` says.
    """
    missing = object()
    lines = zip_longest(read_lines(source), read_lines(target), fillvalue=missing)
    shared = 0

    def pairs() -> Iterator[tuple[str, str]]:
        nonlocal shared
        for pair in lines:
            if missing in pair:
                raise CorpusError(_unequal(source, target, shared, pair[1] is missing, lines))
            shared += 1
            yield pair  # type: ignore[misc]

    return in_chunks(pairs())


def read_tsv(path: Path, columns: Columns) -> Iterator[Chunk]:
    """Pairs from two columns of a file of lines whose fields are separated by tabs.

    There is no quoting: a quotation mark is text. Columns are given by name, and then the first
    line is a header that names them, or by number from 1, and then there is no header.

    Raises:
        CorpusError: A column is not there, or a line has more or fewer fields than the first.
    """
    lines = enumerate((line.split("\t") for line in read_lines(path)), start=1)
    numbered = [column.isdecimal() for column in columns.names]
    if all(numbered):
        places = [int(column) - 1 for column in columns.names]
        width = 0
        if min(places) < 0:
            raise CorpusError(f"{path}: there is no column 0: columns are numbered from 1")
    else:
        _, header = next(lines)
        header = [name.strip() for name in header]
        for column in columns.names:
            if column not in header:
                raise CorpusError(_no_column(path, column, header, columns.section))
        places = [header.index(column) for column in columns.names]
        width = len(header)

    def pairs() -> Iterator[tuple[str, str]]:
        nonlocal width
        for number, fields in lines:
            width = width or len(fields)
            if len(fields) != width or max(places) >= width:
                wanted = max(width, max(places) + 1)
                raise CorpusError(
                    f"{_place(path, number)}: {counted(len(fields), 'field')} separated by tabs "
                    f"instead of {wanted}: remove the line or the extra tab"
                )
            yield fields[places[0]], fields[places[1]]

    return in_chunks(pairs())


def read_jsonl(path: Path, columns: Columns) -> Iterator[Chunk]:
    """Pairs from a file of JSON objects, one a line.

    An object holds its two sides under the names of the columns, or in an object of its own under
    ``translation``, as ``{"translation": {"fr": "...", "en": "..."}}``. A null is an empty side.

    Raises:
        CorpusError: A line is not such an object, or a side is not Unicode text.
    """

    def pairs() -> Iterator[tuple[str, str]]:
        for number, line in enumerate(read_lines(path), start=1):
            place = _place(path, number)
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorpusError(f"{place}: not JSON ({error})") from error
            if not isinstance(row, dict):
                raise CorpusError(f"{place}: {line[:40]!r} is not a JSON object")
            nested = row.get("translation")
            sides = nested if isinstance(nested, dict) else row
            for column in columns.names:
                if column not in sides:
                    raise CorpusError(_no_column(place, column, sides, columns.section))
            yield (
                checked_text(sides[columns.source], f"{place}, {columns.source!r}"),
                checked_text(sides[columns.target], f"{place}, {columns.target!r}"),
            )

    return in_chunks(pairs())


def read_parquet(paths: Iterable[Path], columns: Columns) -> Iterator[Chunk]:
    """Pairs from Parquet files, one after the other; columns as in ``read_jsonl``.

    Raises:
        CorpusError: A file is damaged, or has no such columns of text.
    """
    import pyarrow
    from pyarrow import parquet

    for path in paths:
        try:
            # By default the whole file is read ahead, and without a buffer whole columns.
            with parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
                names = file.schema_arrow.names
                wanted = [name for name in names if name in (*columns.names, "translation")]
                if not wanted:
                    raise CorpusError(_no_column(path, columns.source, names, columns.section))
                batches = file.iter_batches(CHUNK_PAIRS, columns=wanted)
                yield from read_tables(batches, columns, str(path))
        except (pyarrow.ArrowException, OSError) as error:
            raise CorpusError(f"{path}: not a readable Parquet file ({error})") from error


def read_tables(tables: Iterable[Any], columns: Columns, name: str) -> Iterator[Chunk]:
    """Pairs from Arrow tables or record batches; columns as in ``read_jsonl``.

    Args:
        tables: The tables, in order.
        columns: Which columns, or fields of a column ``translation``, hold the two sides.
        name: What to call their origin in messages.
    """
    first = 1
    for table in tables:
        sides = []
        for column in columns.names:
            side = f"{name}, column {column!r}"
            try:
                texts = _column(table, column, name, columns.section).to_pylist()
            except UnicodeDecodeError as error:
                raise CorpusError(f"{side}, from row {first} on: not UTF-8 ({error})") from error
            sides.append(
                [checked_text(text, f"{side}, row {row}") for row, text in enumerate(texts, first)]
            )
        yield Chunk(*sides)
        first += len(sides[0])


def checked_text(value: object, place: str) -> str:
    """A value as text, null as an empty one; refused if it is anything else, or not Unicode."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CorpusError(f"{place}: {str(value)[:40]!r} is not text")
    if "\0" in value:
        raise CorpusError(f"{place}: holds a NUL: remove it")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"{place}: not Unicode text, a lone surrogate at character {error.start + 1}"
            ) from error
    return value


def in_chunks(pairs: Iterator[tuple[str, str]]) -> Iterator[Chunk]:
    """Gather pairs into chunks."""
    while chunk := list(islice(pairs, CHUNK_PAIRS)):
        yield Chunk([source for source, _ in chunk], [target for _, target in chunk])


def _column(table: Any, column: str, name: str, section: str) -> Any:
    """A column of an Arrow table by its name, or by that of a field of ``translation``."""
    import pyarrow.compute

    names = table.schema.names
    if column in names:
        return table.column(column)
    fields: list[str] = []
    if "translation" in names:
        nested = table.schema.field("translation").type
        fields = [nested.field(i).name for i in range(nested.num_fields)]
        if column in fields:
            return pyarrow.compute.struct_field(table.column("translation"), column)
    raise CorpusError(_no_column(name, column, fields or names, section))


def _unequal(
    source: Path, target: Path, shared: int, source_is_longer: bool, rest: Iterator[object]
) -> str:
    """Say how many lines two files have that should have the same number."""
    longer = shared + 1 + sum(1 for _ in rest)
    counts = (longer, shared) if source_is_longer else (shared, longer)
    return (
        f"{source} has {counts[0]} lines but {target} has {counts[1]}: line N of one must be the "
        f"translation of line N of the other, and line {shared + 1} of the longer has none"
    )


def _no_column(place: object, column: str, names: Iterable[str], section: str) -> str:
    found = ", ".join(repr(name[:40]) for name in islice(names, 10)) or "nothing"
    return (
        f"{place}: no column {column!r} among {found}: name it with {section}.source_column or "
        f"{section}.target_column (a number, from 1, in a TSV without a header)"
    )


def _place(path: Path, number: int) -> str:
    return f"{path}, line {number}"


def _other_format(path: Path) -> str:
    """What a file that is not UTF-8 text is instead, and what to do about it, where that shows."""
    with path.open("rb") as file:
        start = file.readline(_START_BYTES)
    for mark, hint in OTHER_FORMATS.items():
        if start.startswith(mark):
            return hint
    encoding = other_encoding(start)
    return encoding and f"it {encoding}"
