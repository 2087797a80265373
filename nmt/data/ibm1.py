"""Which words translate which: IBM Model 1, learned from the training pairs alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 5
"""Of expectation maximisation, which has nearly settled by then."""
MOST_LINKS = 10_000_000
"""Pairs of a source and a target word of one sentence that are learned from, at 80 bytes each."""

Ids = Sequence[NDArray[Any]]
Integers = NDArray[Any]
Floats = NDArray[Any]


def translation_table(
    sources: Ids, targets: Ids, vocabulary_sizes: tuple[int, int], empty: int
) -> tuple[Integers, Integers, Floats]:
    """The probability of each target word given a source word, by IBM Model 1.

    Expectation maximisation from a uniform start (Brown et al. 1993, section 4). Words are numbers;
    they may be subwords.

    Args:
        sources: The words of each source, shape (words,).
        targets: The words of each target, likewise; as many as there are sources.
        vocabulary_sizes: Numbers of source and of target words.
        empty: The source word that stands for the empty word of each source.

    Returns:
        Source words, target words and probabilities, of each pair of words that occurs in a pair
        of sentences; each of shape (pairs of words,), ascending.
    """
    source_size, target_size = vocabulary_sizes
    ended = [np.append(source, empty) for source in sources]
    source_lengths = np.fromiter(map(len, ended), np.int64, len(ended))
    target_lengths = np.fromiter(map(len, targets), np.int64, len(targets))
    links = np.repeat(source_lengths, target_lengths)  # of each target word
    first = np.cumsum(links) - links
    # each target word is linked to every source word of its pair, one after the other
    begins = np.repeat(np.cumsum(source_lengths) - source_lengths, target_lengths)
    place = np.arange(links.sum())
    place += np.repeat(begins - first, links)
    # in place, for this is the largest array of a training on a small machine
    both = joined(ended)[place]
    del place
    both *= target_size
    both += np.repeat(joined(targets), links)
    pairs, link = np.unique(both, return_inverse=True)
    del both
    source, target = np.divmod(pairs, target_size)
    probability = np.ones(len(pairs), np.float32)
    for _ in range(ITERATIONS if len(pairs) else 0):
        share = probability[link]
        share /= np.repeat(np.add.reduceat(share, first), links)
        count = np.bincount(link, share, len(pairs))
        total = np.bincount(source, count, source_size)
        probability = (count / total[source]).astype(np.float32)
    return source, target, probability


def rows_to_learn_from(source_lengths: NDArray[Any], target_lengths: NDArray[Any]) -> Integers:
    """Numbers of the sentence pairs that a table is learned from.

    All, or some at equal distances that have about `MOST_LINKS` links.

    Args:
        source_lengths: Words of each source, shape (pairs,).
        target_lengths: Words of each target, shape (pairs,).
    """
    links = int(np.multiply(source_lengths, target_lengths, dtype=np.int64).sum())
    return np.arange(0, len(source_lengths), max(1, -(-links // MOST_LINKS)))


def joined(sentences: Ids) -> Integers:
    """The words of all sentences, one after the other, int64."""
    return np.concatenate([np.zeros(0, np.int64), *sentences]).astype(np.int64)
