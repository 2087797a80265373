"""Which rows train together, and how they become rectangles of token ids."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.text.tokenizer import BOS, EOS, PAD

Integers = NDArray[Any]

# Pairs of one target length are sorted by source length plus a draw from [0, this): with no noise
# the same pairs would meet in every epoch, with more the sources of a batch need more padding.
SOURCE_LENGTH_NOISE = 2.0


class Batch(NamedTuple):
    """Pairs of one batch, padded to a rectangle on each side: int64, PAD after each sentence."""

    source: NDArray[np.int64]
    """Source ids, each sentence ending in EOS; shape (sentences, source length)."""
    source_lengths: NDArray[np.int64]
    """Tokens of each source, EOS included; shape (sentences,)."""
    target_in: NDArray[np.int64]
    """What the decoder reads: BOS, then the target; shape (sentences, target length)."""
    target_out: NDArray[np.int64]
    """What it should say: the target, then EOS; shape (sentences, target length)."""


def make_batch(sources: Sequence[Integers], targets: Sequence[Integers]) -> Batch:
    """Pad pairs into a batch, in the order given.

    Args:
        sources: Ids of each source, without BOS and EOS; any may be empty.
        targets: Ids of each target, likewise, as many as there are sources.
    """
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources but {len(targets)} targets")
    source, source_lengths = _pad(sources, 0)
    target_out, target_lengths = _pad(targets, 0)
    target_in, _ = _pad(targets, 1)
    source[np.arange(len(sources)), source_lengths - 1] = EOS
    target_out[np.arange(len(targets)), target_lengths - 1] = EOS
    target_in[:, 0] = BOS
    return Batch(source, source_lengths, target_in, target_out)


def _pad(sentences: Sequence[Integers], first: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay sentences out from column ``first`` on, with room for one more token in each row.

    Returns:
        The ids, shape (sentences, longest + 1), and the lengths with that one more, (sentences,).
    """
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    longest = int(lengths.max(initial=0))
    padded = np.full((len(sentences), longest + 1), PAD, np.int64)
    if longest:
        padded[:, first : first + longest][np.arange(longest) < lengths[:, None]] = np.concatenate(
            sentences
        )
    return padded, lengths + 1


def plan_epoch(
    source_lengths: Integers, target_lengths: Integers, tokens_per_batch: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Divide the rows of a corpus into the batches of one epoch.

    Every row is in exactly one batch. A batch holds rows of like length, and its number of
    sentences times its longest target is at most ``tokens_per_batch``; a row that is longer than
    that by itself is a batch of its own. Which rows of like length meet, and the order of the
    batches, differ from epoch to epoch and are a pure function of the arguments.

    Args:
        source_lengths: Tokens of each source, EOS included; shape (rows,).
        target_lengths: Tokens of each target, EOS included; shape (rows,).
        tokens_per_batch: Most target tokens of a batch, padding included.
        seed: The run's seed.
        epoch: Number of the epoch, from 0.

    Returns:
        Row numbers of each batch, in the order to train on them; none for no rows.
    """
    if len(source_lengths) != len(target_lengths):
        raise ValueError(f"{len(source_lengths)} sources but {len(target_lengths)} targets")
    random = np.random.default_rng((seed, epoch))
    # In place, for there may be millions.
    place = random.random(len(source_lengths))
    place *= SOURCE_LENGTH_NOISE
    place += source_lengths
    # By target, then by source, as one number: much faster than a sort by two keys.
    place += target_lengths * (place.max(initial=0.0) + 1.0)
    order = np.argsort(place, kind="stable")
    del place
    starts = _starts(target_lengths[order].tolist(), tokens_per_batch)
    batches = np.split(order, starts[1:]) if starts else []
    return [batches[i] for i in random.permutation(len(batches))]


def _starts(lengths: list[int], tokens_per_batch: int) -> list[int]:
    """Where each batch begins in rows sorted by ascending target length."""
    starts = []
    start = 0
    while start < len(lengths):
        starts.append(start)
        # The first row is the shortest, so this many is the most there can be room for ...
        end = min(start + max(tokens_per_batch // lengths[start], 1), len(lengths))
        # ... and as many as fit at the length of the last of those do fit for certain.
        start = min(end, start + max(tokens_per_batch // lengths[end - 1], 1))
    return starts
