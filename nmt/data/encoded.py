"""A corpus as token ids on disk, whose rows are at hand in microseconds."""

from __future__ import annotations

import random
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.data.augmentation import NO_ALTERATIONS, Alterations
from nmt.data.bitext import SIDES, Tell, content_of, silent
from nmt.data.cache import cached
from nmt.data.processes import in_order, threads
from nmt.data.readers import Chunk
from nmt.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from datasets import Dataset

FORMAT_VERSION = 1
CHUNK_PAIRS = 10_000

Ids = list[NDArray[Any]]


@dataclass(frozen=True)
class Variation:
    """How chance changes pairs each time they are taken.

    Attributes:
        seed: Not negative.
        sampling: Rate of subword sampling, see ``Tokenizer.sample_batch``; 0 for none.
        alterations: What is done to the texts before that.
    """

    seed: int = 0
    sampling: float = 0.0
    alterations: Alterations = NO_ALTERATIONS


AS_WRITTEN = Variation()


class EncodedPairs:
    """The token ids of pairs, without BOS and EOS. Rows are numbered without the ones left out."""

    source_lengths: NDArray[np.int32]
    """Tokens of each source, EOS included; shape (rows,)."""
    target_lengths: NDArray[np.int32]
    """Tokens of each target, EOS included; shape (rows,)."""
    rows: NDArray[np.int64]
    """The row of the data set that each row here comes from; shape (rows,)."""
    left_out: int
    """How many pairs of the data set were too long."""
    digest: str
    """Another one for other pairs, another tokenizer or another limit of length."""

    def __init__(
        self, folder: Path, dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
    ) -> None:
        """Map the files that ``encode_pairs`` wrote into memory."""
        self.digest = folder.name
        self._dataset = dataset
        self._tokenizers = tokenizers
        lengths = [_map(folder / f"{side}.lengths", np.int32) for side in SIDES]
        self.source_lengths, self.target_lengths = (np.asarray(side + 1) for side in lengths)
        self._offsets = [_offsets(side) for side in lengths]
        self._ids = [
            _map(folder / f"{side}.ids", _id_type(tokenizer))
            for side, tokenizer in zip(SIDES, tokenizers, strict=True)
        ]
        self.rows = _map(folder / "rows", np.int64)
        self.left_out = len(dataset) - len(self.rows)

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.rows)

    def take(self, rows: NDArray[Any], variation: Variation = AS_WRITTEN) -> tuple[Ids, Ids]:
        """The ids of some pairs, in the order asked for.

        Args:
            rows: Row numbers, shape (pairs,).
            variation: How chance is to change them; the ids are a pure function of both.

        Returns:
            The sources and the targets, an array of ids for each pair.
        """
        source, target = (
            [ids[offsets[row] : offsets[row + 1]] for row in rows]
            for ids, offsets in zip(self._ids, self._offsets, strict=True)
        )
        draw = random.Random(variation.seed)
        alterations = variation.alterations
        altered = [i for i in range(len(rows)) if draw.random() < alterations.share]
        anew = list(range(len(rows))) if variation.sampling else altered
        if not anew:
            return source, target
        pairs = self._dataset[self.rows[rows[anew]].tolist()]
        texts = dict(zip(anew, zip(pairs["source"], pairs["target"], strict=True), strict=True))
        for i in altered:
            texts[i] = alterations.apply(*texts[i], draw)
        for side, (ids, tokenizer) in enumerate(
            zip((source, target), self._tokenizers, strict=True)
        ):
            # A seed for each side, so that a joint vocabulary does not draw the same for both.
            seed = 2 * variation.seed + side
            written = [texts[i][side] for i in anew]
            sampled = tokenizer.sample_batch(written, variation.sampling, seed)
            for i, drawn in zip(anew, sampled, strict=True):
                ids[i] = np.array(drawn, np.int32)
        return source, target


def encode_pairs(
    dataset: Dataset,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    max_tokens: int | None,
    content: str = "",
    tell: Tell = silent,
) -> EncodedPairs:
    """Encode a data set with the columns ``source`` and ``target``, once for each content.

    Args:
        dataset: The pairs.
        source_tokenizer: Encodes the sources.
        target_tokenizer: Encodes the targets.
        max_tokens: A pair with more tokens than this on a side (without EOS) is left out; None to
            keep all.
        content: What `content_of` says of the data set, where that is known.
        tell: Is told how far it is, where the pairs are not encoded yet.
    """
    tokenizers = (source_tokenizer, target_tokenizer)
    key = {
        "version": FORMAT_VERSION,
        "content": content or content_of(dataset),
        "tokenizers": [tokenizer.digest for tokenizer in tokenizers],
        "max_tokens": max_tokens,
    }
    folder = cached(
        "ids", key, lambda folder: _build(folder, dataset, tokenizers, max_tokens, tell)
    )
    return EncodedPairs(folder, dataset, tokenizers)


class _Encoded(NamedTuple):
    """Some pairs in subwords, without those that are too long."""

    pairs: int
    """How many there were."""
    kept: NDArray[np.int64]
    """The numbers, among these, of those that are kept; shape (kept,)."""
    ids: tuple[NDArray[Any], ...]
    """The ids of each side, one pair after the other."""
    lengths: tuple[NDArray[np.int32], ...]
    """Ids of each pair on each side, each of shape (kept,)."""


@dataclass(frozen=True)
class _Encoder:
    """Encodes pairs, here or in another process."""

    tokenizers: tuple[Tokenizer, Tokenizer]
    max_tokens: int | None

    def __call__(self, chunk: Chunk) -> _Encoded:
        encoded = [
            tokenizer.encode_batch(side, threads())
            for tokenizer, side in zip(self.tokenizers, chunk, strict=True)
        ]
        lengths = [np.fromiter(map(len, side), np.int32, len(side)) for side in encoded]
        longest = np.iinfo(np.int32).max if self.max_tokens is None else self.max_tokens
        kept = np.flatnonzero(np.maximum(*lengths) <= longest)
        ids = (
            np.array([token for row in kept for token in side[row]], _id_type(tokenizer))
            for side, tokenizer in zip(encoded, self.tokenizers, strict=True)
        )
        return _Encoded(len(chunk.source), kept, tuple(ids), tuple(side[kept] for side in lengths))


def _build(
    folder: Path,
    dataset: Dataset,
    tokenizers: tuple[Tokenizer, Tokenizer],
    max_tokens: int | None,
    tell: Tell,
) -> None:
    """Write the ids of all rows one after the other, their lengths, and which rows they are."""
    chunks = (
        Chunk(pairs["source"], pairs["target"])
        for pairs in dataset.with_format(None).iter(CHUNK_PAIRS)
    )
    names = ("rows", *(f"{side}.{part}" for side in SIDES for part in ("ids", "lengths")))
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / name).open("wb")) for name in names}
        results = stack.enter_context(closing(in_order(_Encoder(tokenizers, max_tokens), chunks)))
        first = 0
        for encoded in results:
            files["rows"].write((encoded.kept + first).astype(np.int64).tobytes())
            for side, ids, lengths in zip(SIDES, encoded.ids, encoded.lengths, strict=True):
                files[f"{side}.ids"].write(ids.tobytes())
                files[f"{side}.lengths"].write(lengths.tobytes())
            first += encoded.pairs
            tell("dividing into subwords", first, len(dataset))


def _offsets(lengths: NDArray[np.int32]) -> NDArray[Any]:
    """Where the ids of each row begin, and where the last end; shape (rows + 1,)."""
    ids = int(lengths.sum(dtype=np.int64))
    offsets = np.zeros(len(lengths) + 1, np.uint32 if ids < 1 << 32 else np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _id_type(tokenizer: Tokenizer) -> type[np.uint16] | type[np.int32]:
    return np.uint16 if tokenizer.vocabulary_size <= 1 << 16 else np.int32


def _map(path: Path, dtype: type[np.generic]) -> NDArray[Any]:
    """Map a file into memory as one array; an empty file cannot be mapped."""
    if not path.stat().st_size:
        return np.zeros(0, dtype)
    # As a plain array: slicing a memmap is several times slower.
    return np.asarray(np.memmap(path, dtype, "r"))
