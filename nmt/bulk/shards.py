"""Translating files of rows: one output shard for each input shard.

A shard is written aside and takes its name when it is whole, so that a rerun knows it by its name
and skips it. Beside it ``.NAME.json`` says what it was made from.
"""

import glob
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from nmt.bulk.batches import BatchTranslator
from nmt.bulk.file import differences
from nmt.bulk.formats import format_of
from nmt.errors import BulkError
from nmt.files import write_atomically


@dataclass(frozen=True)
class Shard:
    """A file to translate, and the file of its translations; absolute, as workers need them."""

    input: Path
    output: Path

    @property
    def state_file(self) -> Path:
        """Where it says what the output was made from."""
        return self.output.with_name(f".{self.output.name}.json")


def find_shards(names: Sequence[str], folder: Path) -> list[Shard]:
    """The shards that a user means.

    Args:
        names: Files, patterns such as ``day-*.jsonl``, or folders, of which all files are taken but
            those whose names begin with a dot or an underscore.
        folder: Where their translations go, under the same names.

    Raises:
        BulkError: There are none, or two of one name, or they would be overwritten.
    """
    inputs = [path for name in names for path in _files(name)]
    shards = [Shard(path.resolve(), folder.resolve() / path.name) for path in inputs]
    seen: dict[Path, Shard] = {}
    for shard in shards:
        if shard.output == shard.input:
            raise BulkError(f"{folder}: the shards are in this folder: name another with --output")
        other = seen.setdefault(shard.output, shard)
        if other is not shard:
            raise BulkError(
                f"{other.input} and {shard.input} would both become {shard.output}: translate "
                "them into different folders"
            )
    return shards


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.is_file())
        found = [file for file in found if not file.name.startswith((".", "_"))]
    elif path.exists():
        found = [path]
    else:
        found = sorted(Path(file) for file in glob.glob(name) if Path(file).is_file())
    if not found:
        raise BulkError(f"{name}: there is no such file or folder, or no file in it")
    return found


def unfinished(shards: Sequence[Shard], translate: BatchTranslator) -> list[Shard]:
    """Those shards that are not translated yet.

    Raises:
        BulkError: One was translated with another model or options, or from another input.
    """
    return [shard for shard in shards if not _is_finished(shard, translate)]


def _is_finished(shard: Shard, translate: BatchTranslator) -> bool:
    if not shard.output.exists():
        return False
    try:
        different = differences(
            json.loads(shard.state_file.read_bytes()), _belongs_to(shard, translate)
        )
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BulkError(
            f"{shard.output}: this file exists, and {shard.state_file.name} does not say what it "
            "was made from: remove it, or name another folder with --output"
        ) from error
    if different:
        raise BulkError(
            f"{shard.output}: made with {', '.join(different)}: keep to it, remove the file, or "
            "name another folder with --output"
        )
    return True


def write_shard(
    shard: Shard,
    translate: BatchTranslator,
    translations: Iterator[str],
    told: Callable[[int], object],
) -> None:
    """Write the translations of a shard, whole or not at all.

    Args:
        shard: Which one.
        translate: What translates.
        translations: Of each row, in order.
        told: Told how many rows were written, as it goes on.

    Raises:
        NmtError: The shard is damaged, a row is not text, or it changed meanwhile.
    """
    format = format_of(shard.input)
    changed = f"{shard.input}: this file changed while it was translated: start again"
    belongs_to = _belongs_to(shard, translate)

    def write(aside: Path) -> None:
        with format.writing(aside, shard.input) as add:
            for rows in format.read(shard.input, translate.column):
                found = list(islice(translations, len(rows.texts)))
                if len(found) < len(rows.texts):
                    raise BulkError(changed)
                add(rows, found)
                told(len(found))
        is_longer = next(translations, None) is not None
        if is_longer or _belongs_to(shard, translate) != belongs_to:
            raise BulkError(changed)

    write_atomically(shard.state_file, json.dumps(belongs_to, indent=1).encode())
    write_atomically(shard.output, write)


def _belongs_to(shard: Shard, translate: BatchTranslator) -> dict[str, Any]:
    """What the translations of a shard depend on; plain values of JSON."""
    return {**translate.belongs_to, "input": _content_key(shard.input)}


def _content_key(path: Path) -> dict[str, Any]:
    """What changes when a file does."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"size_bytes": file.tell(), "sha256": digest.hexdigest()}
