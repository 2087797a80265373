"""A split of a corpus as a memory-mapped data set, whatever it is stored as."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.config import CorpusConfig
from nmt.corpus.cache import cached
from nmt.corpus.origins import find_origin
from nmt.corpus.readers import Chunk
from nmt.corpus.text import normalise
from nmt.errors import CorpusError

if TYPE_CHECKING:
    from datasets import Dataset

FORMAT_VERSION = 1
PAIRS_FILE = "pairs.arrow"


def read_split(config: CorpusConfig, split: str) -> Dataset:
    """The pairs of a split, normalised, each row in its place.

    They are read once, as a stream, into a file in the cache, which the data set maps into memory.
    A local corpus needs no network.

    Args:
        config: Which corpus.
        split: Name of the split, such as ``config.train``.

    Returns:
        A data set with the columns ``source`` and ``target``, no side null.

    Raises:
        CorpusError: The split is not there, is empty, or is not text; the message says where.
    """
    return open_pairs(split_folder(config, split))


def split_folder(config: CorpusConfig, split: str, section: str = "corpus") -> Path:
    """The folder in the cache that holds the pairs of a split; another one where they change.

    Args:
        config: Which corpus.
        split: Name of the split.
        section: What the keys of this corpus begin with, for messages.
    """
    origin = find_origin(config, split, section)

    def build(folder: Path) -> None:
        chunks = (Chunk(*(list(map(normalise, side)) for side in raw)) for raw in origin.read())
        if not write_pairs(folder, chunks):
            raise CorpusError(f"{origin.name}: there are no pairs in it")

    # Which characters NFC joins depends on the Unicode version of this Python.
    version = {"version": FORMAT_VERSION, "unicode": unicodedata.unidata_version}
    return cached("pairs", origin.key | version, build)


def write_pairs(folder: Path, chunks: Iterable[Chunk], name: str = PAIRS_FILE) -> int:
    """Write pairs into a file in a folder, a chunk at a time, and count them."""
    import pyarrow

    schema = pyarrow.schema([("source", pyarrow.string()), ("target", pyarrow.string())])
    count = 0
    with (
        pyarrow.OSFile(str(folder / name), "wb") as file,
        pyarrow.ipc.new_stream(file, schema) as writer,
    ):
        for chunk in chunks:
            sides = [pyarrow.array(side, pyarrow.string()) for side in chunk]
            writer.write_batch(pyarrow.record_batch(sides, schema))
            count += len(chunk.source)
    return count


def open_pairs(folder: Path, name: str = PAIRS_FILE) -> Dataset:
    """Map the pairs that were written into a folder into memory, as a data set."""
    from datasets import Dataset

    return Dataset.from_file(str(folder / name))
