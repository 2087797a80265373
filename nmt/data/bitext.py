"""A split of a corpus as a memory-mapped data set, whatever it is stored as."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.config import CorpusConfig
from nmt.data.cache import cached
from nmt.data.processes import in_order
from nmt.data.readers import Chunk
from nmt.data.splits import find_origin
from nmt.errors import CorpusError
from nmt.text.normalise import normalise

if TYPE_CHECKING:
    from datasets import Dataset

FORMAT_VERSION = 2
PAIRS_FILE = "pairs.arrow"
SIDES = ("source", "target")
READ_PAIRS = 10_000
BLOCK_PAIRS = 1000

Tell = Callable[[str, int, int | None], None]
"""Is told what is being done, with how many pairs it is done, and with how many it will be."""


def silent(work: str, pairs: int, total: int | None) -> None:
    """Tell nobody."""


class Measures(NamedTuple):
    """What the checks need to know of each pair of a split; every array of shape (pairs,)."""

    source: NDArray[np.int32]
    """Characters of the source."""
    target: NDArray[np.int32]
    """Characters of the target."""
    hashes: NDArray[np.uint64]
    """A hash of both texts.

    Pairs of one hash count as one. Among n different pairs two share a 64-bit hash with odds of
    about n * n / 2**65: one in 370,000 for 10 million pairs, and then a single pair is lost.
    """

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """Whether a side is empty."""
        return np.equal(np.minimum(self.source, self.target), 0)


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


def split_folder(
    config: CorpusConfig, split: str, section: str = "corpus", tell: Tell = silent
) -> Path:
    """The folder in the cache that holds the pairs of a split; another one where they change.

    Args:
        config: Which corpus.
        split: Name of the split.
        section: What the keys of this corpus begin with, for messages.
        tell: Is told how far the reading is.
    """
    origin = find_origin(config, split, section)

    def build(folder: Path) -> None:
        if not _write_split(folder, origin.read(), lambda n: tell(f"reading {split}", n, None)):
            raise CorpusError(f"{origin.name}: there are no pairs in it")

    # Which characters NFC joins depends on the Unicode version of this Python.
    version = {"version": FORMAT_VERSION, "unicode": unicodedata.unidata_version}
    return cached("pairs", origin.key | version, build)


def _write_split(folder: Path, chunks: Iterable[Chunk], tell: Callable[[int], None]) -> int:
    """Write the pairs of a split and their measures, normalised, and count them."""
    count = 0
    with ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("wb")) for name in Measures._fields]
        prepared = stack.enter_context(closing(in_order(_prepare, chunks)))

        def batches() -> Iterator[Any]:
            nonlocal count
            for batch, measures in prepared:
                for file, array in zip(files, measures, strict=True):
                    file.write(np.asarray(array).tobytes())
                count += len(measures.hashes)
                tell(count)
                yield _from_bytes(batch)

        write_batches(folder / PAIRS_FILE, batches())
    return count


def _prepare(raw: Chunk) -> tuple[bytes, Measures]:
    """Normalise some pairs and measure them, to be written one after the other."""
    source, target = (list(map(normalise, side)) for side in raw)
    # No text holds a NUL, so that joined by one no two pairs are the same.
    digests = b"".join(
        hashlib.blake2b(f"{one}\0{other}".encode(), digest_size=8).digest()
        for one, other in zip(source, target, strict=True)
    )
    lengths = [np.fromiter(map(len, side), np.int32, len(side)) for side in (source, target)]
    measures = Measures(lengths[0], lengths[1], np.frombuffer(digests, np.uint64))
    return _to_bytes(source, target), measures


def _schema() -> Any:
    import pyarrow

    return pyarrow.schema([(side, pyarrow.string()) for side in SIDES])


def _to_bytes(source: list[str], target: list[str]) -> bytes:
    """Pairs as an Arrow record batch."""
    import pyarrow

    columns = [pyarrow.array(side, pyarrow.string()) for side in (source, target)]
    data: bytes = pyarrow.record_batch(columns, _schema()).serialize().to_pybytes()
    return data


def _from_bytes(data: bytes) -> Any:
    import pyarrow

    return pyarrow.ipc.read_record_batch(pyarrow.py_buffer(data), _schema())


def write_batches(path: Path, batches: Iterable[Any]) -> None:
    """Write Arrow record batches, or tables, with the columns ``source`` and ``target``."""
    import pyarrow

    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_stream(file, _schema()) as writer,
    ):
        for batch in batches:
            writer.write(batch)


def open_pairs(folder: Path, name: str = PAIRS_FILE) -> Dataset:
    """Map the pairs that were written into a folder into memory, as a data set."""
    from datasets import Dataset

    return Dataset.from_file(str(folder / name))


def open_measures(folder: Path) -> Measures:
    """Map the measures of the pairs of a split into memory."""
    source, target = (np.asarray(np.memmap(folder / side, np.int32, "r")) for side in SIDES)
    return Measures(source, target, np.asarray(np.memmap(folder / "hashes", np.uint64, "r")))


def blocks(pairs: int, most: int) -> NDArray[np.int64]:
    """Rows of some of so many pairs: all, or blocks of a thousand at equal distances.

    What lies between blocks is not touched, and so takes no memory where it is mapped.
    """
    if pairs <= most:
        return np.arange(pairs)
    size = min(BLOCK_PAIRS, most)
    starts = np.linspace(0, pairs - size, most // size).astype(np.int64)
    return (starts[:, None] + np.arange(size)).ravel()


def content_of(dataset: Dataset) -> str:
    """A hash of every text in order, whatever chunks they are stored in."""
    hashes = [hashlib.blake2b(digest_size=16) for _ in range(2 * len(SIDES))]
    for table in dataset.with_format("arrow").iter(READ_PAIRS):
        for side, lengths, texts in zip(SIDES, hashes[::2], hashes[1::2], strict=True):
            for array in table.column(side).cast("string").chunks:
                _, offset_bytes, data = array.buffers()
                offsets = np.frombuffer(offset_bytes, np.int32)[array.offset :][: len(array) + 1]
                lengths.update(np.diff(offsets).tobytes())
                if offsets[-1] > offsets[0]:
                    texts.update(memoryview(data)[offsets[0] : offsets[-1]])
    return "".join(digest.hexdigest() for digest in hashes)
