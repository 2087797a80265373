"""Where attention would look, if which subwords translate which were all there is to know.

An attention has to find out by itself which source token each target token comes from, and until
it has, a model learns little more than a language. IBM Model 1 tells it in a few seconds: what it
makes of a pair is a distribution over the source tokens for each target token, which a training can
begin with (Chen et al. 2016, "Guided alignment training for topic-aware neural machine
translation"; Liu et al. 2016, "Neural machine translation with supervised attention").
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nmt.data.batches import Batch
from nmt.data.cache import cached
from nmt.data.encoded import EncodedPairs
from nmt.data.ibm1 import Ids, rows_to_learn_from, translation_table
from nmt.text.tokenizer import EOS, PAD

NEARNESS = 4.0
"""How much tokens at like places are preferred (Dyer et al. 2013, lambda)."""
LEAST_PROBABILITY = 1e-4
"""Of a target token given a source token, for the two to be linked."""
DOUBT = 0.01
"""What a source has to be more likely than to say anything: a target token that it produces with
this probability is half guided, one that it hardly can, as where words were altered or dropped, is
left alone."""
FORMAT_VERSION = 1


class Guide:
    """How likely subwords of two languages translate each other.

    Args:
        links: Source token times ``target_size`` plus target token of those that do, ascending,
            shape (links,).
        probabilities: Of the target token given the source token, shape (links,).
        target_size: Number of target subwords.
    """

    def __init__(
        self, links: NDArray[np.int64], probabilities: NDArray[np.float32], target_size: int
    ) -> None:
        self._links = links
        self._probabilities = probabilities
        self._target_size = target_size

    @classmethod
    def learn(cls, sources: Ids, targets: Ids, vocabulary_sizes: tuple[int, int]) -> Guide:
        """Learn from sentence pairs; the end of a source stands for the empty word.

        Args:
            sources: Token ids of each source, without BOS and EOS.
            targets: Token ids of each target, likewise; as many as there are sources.
            vocabulary_sizes: Numbers of source and of target subwords.
        """
        source, target, probability = translation_table(sources, targets, vocabulary_sizes, EOS)
        kept = probability >= LEAST_PROBABILITY
        links = source[kept] * vocabulary_sizes[1] + target[kept]
        return cls(links, probability[kept], vocabulary_sizes[1])

    @classmethod
    def of(cls, pairs: EncodedPairs, vocabulary_sizes: tuple[int, int]) -> Guide:
        """Learn from training pairs, or from some at equal distances; once for the same pairs."""

        def build(folder: Path) -> None:
            rows = rows_to_learn_from(pairs.source_lengths, pairs.target_lengths)
            guide = cls.learn(*pairs.take(rows), vocabulary_sizes)
            np.save(folder / "links.npy", guide._links)
            np.save(folder / "probabilities.npy", guide._probabilities)

        folder = cached("guide", {"version": FORMAT_VERSION, "pairs": pairs.digest}, build)
        links, probabilities = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("links", "probabilities")
        )
        return cls(links, probabilities, vocabulary_sizes[1])

    def looks(self, batch: Batch) -> NDArray[np.float32]:
        """The share of each source token in each target token, if both are at like places.

        Model 1's posterior of an alignment (Brown et al. 1993, section 4) with a prior that prefers
        the diagonal (Dyer et al. 2013, section 2). The end of a target comes from that of the
        source, and so does what comes from the empty word.

        Returns:
            Shape (sentences, target length, source length). A row adds up to nearly 1, to less
            where the source hardly explains the target token (see `DOUBT`), to 0 where it does not,
            and for padding.
        """
        source, target = batch.source, batch.target_out
        is_end = target == EOS
        wanted = source[:, None, :] * self._target_size + target[:, :, None]
        shares = self._of_links(wanted) * _nearness(batch)
        shares[is_end] = (source == EOS)[np.nonzero(is_end)[0]]
        shares *= (source != PAD)[:, None, :] & (target != PAD)[:, :, None]
        shares /= shares.sum(axis=2, keepdims=True) + np.float32(DOUBT)
        return shares

    def _of_links(self, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        """The probabilities of links, 0 for those that are not known; of their shape."""
        if not len(self._links):
            return np.zeros(wanted.shape, np.float32)
        place = np.searchsorted(self._links, wanted).clip(max=len(self._links) - 1)
        is_known = self._links[place] == wanted
        return np.where(is_known, self._probabilities[place], np.float32(0.0))


def _nearness(batch: Batch) -> NDArray[np.float32]:
    """``exp(-NEARNESS |i / I - j / J|)``, for the end of the source as half the length away.

    Returns:
        Shape (sentences, target length, source length).
    """
    source, target = batch.source, batch.target_out
    lengths = (target != PAD).sum(axis=1)
    across = np.arange(source.shape[1]) / batch.source_lengths[:, None]
    down = np.arange(target.shape[1]) / lengths[:, None]
    distance = np.abs(down[:, :, None] - across[:, None, :])
    distance[np.broadcast_to((source == EOS)[:, None, :], distance.shape)] = 0.5
    nearness: NDArray[np.float32] = np.exp(-NEARNESS * distance.astype(np.float32))
    return nearness
