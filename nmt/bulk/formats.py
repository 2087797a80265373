"""Shards: files of rows, with one column that is translated, read and written as they come."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nmt.data.readers import checked_text
from nmt.errors import BulkError
from nmt.text.lines import LINES_PER_CHUNK, in_chunks, line_of, texts_of

COLUMN = "text"
"""Which column or key is translated, where nobody says."""
INTO = "translation_text"
"""The column or key that translations go into."""


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a shard.

    Attributes:
        texts: What is to be translated of each.
        rows: The rows, as their format has them.
    """

    texts: list[str]
    rows: Any


Add = Callable[[Rows, list[str]], object]
"""Writes rows with their translations."""


class Format(Protocol):
    """How shards are read and written."""

    def read(self, path: Path, column: str) -> Iterator[Rows]:
        """The rows of a shard, as many together as are translated together.

        Raises:
            NmtError: The file is damaged, has no such column, or a row is not text.
        """

    def writing(self, path: Path, like: Path) -> AbstractContextManager[Add]:
        """A context in which rows can be added to a new file (an ``Add``).

        Args:
            path: The new file.
            like: The shard that the rows are from.
        """


class _Text:
    """A text on each line; in the place of each its translation."""

    def read(self, path: Path, column: str) -> Iterator[Rows]:
        first = 1
        with path.open("rb") as file:
            for lines in in_chunks(file):
                yield Rows(texts_of(lines, first, str(path)), lines)
                first += len(lines)

    @contextmanager
    def writing(self, path: Path, like: Path) -> Iterator[Add]:
        with path.open("wb") as file:
            yield lambda rows, translations: file.writelines(map(line_of, translations))


class _JsonLines:
    """A JSON object on each line; it stays as it is written, with one key more."""

    def read(self, path: Path, column: str) -> Iterator[Rows]:
        first = 1
        with path.open("rb") as file:
            for chunk in in_chunks(file):
                lines = texts_of(chunk, first, str(path))
                yield Rows(
                    [
                        _text_of(line, f"{path}, line {n}", column)
                        for n, line in enumerate(lines, first)
                    ],
                    lines,
                )
                first += len(lines)

    @contextmanager
    def writing(self, path: Path, like: Path) -> Iterator[Add]:
        with path.open("wb") as file:

            def add(rows: Rows, translations: list[str]) -> None:
                for line, translation in zip(rows.rows, translations, strict=True):
                    added = json.dumps({INTO: translation}, ensure_ascii=False)
                    file.write(line_of(f"{line.rstrip()[:-1].rstrip()}, {added[1:]}"))

            yield add


def _text_of(line: str, place: str, column: str) -> str:
    """What is to be translated of a JSON object."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BulkError(f"{place}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise BulkError(f"{place}: {line[:40]!r} is not a JSON object")
    if column not in row or INTO in row:
        raise BulkError(wrong_columns(place, column, list(row)))
    return checked_text(row[column], f"{place}, {column!r}")


class _Parquet:
    """A table; all its columns stay, and one is added."""

    def read(self, path: Path, column: str) -> Iterator[Rows]:
        first = 1
        with _opened_table(path) as file:
            names = file.schema_arrow.names
            if column not in names or INTO in names:
                raise BulkError(wrong_columns(path, column, names))
            for rows in file.iter_batches(LINES_PER_CHUNK):
                place = f"{path}, column {column!r}, row"
                numbered = enumerate(rows.column(column).to_pylist(), first)
                texts = [checked_text(text, f"{place} {n}") for n, text in numbered]
                yield Rows(texts, rows)
                first += len(texts)

    @contextmanager
    def writing(self, path: Path, like: Path) -> Iterator[Add]:
        import pyarrow
        from pyarrow import parquet

        with _opened_table(like) as file:
            schema = file.schema_arrow.append(pyarrow.field(INTO, pyarrow.string()))
        with parquet.ParquetWriter(path, schema) as writer:

            def add(rows: Rows, translations: list[str]) -> None:
                column = pyarrow.array(translations, pyarrow.string())
                table = pyarrow.Table.from_batches([rows.rows])
                writer.write_table(table.append_column(INTO, column).cast(schema))

            yield add


@contextmanager
def _opened_table(path: Path) -> Iterator[Any]:
    """A Parquet file to read."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BulkError(f"{path}: not a readable Parquet file ({error})") from error


def format_of(path: Path) -> Format:
    """The format of a shard, by its name: what is not Parquet or JSON Lines is text."""
    if path.suffix == ".parquet":
        return _Parquet()
    if path.suffix == ".jsonl":
        return _JsonLines()
    return _Text()


def wrong_columns(place: object, column: str, names: list[str]) -> str:
    """Say that a column is not among others, or that translations are there already."""
    if INTO in names:
        return f"{place}: there is a column {INTO!r} already, and translations would go there"
    found = ", ".join(repr(name[:40]) for name in names[:10]) or "nothing"
    return f"{place}: no column {column!r} among {found}: name the right one with --column"
