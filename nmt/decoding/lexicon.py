"""Which target tokens a sentence can become: all of them, or those that its words may call for.

Most of a search is spent on the output layer, its softmax and the choice among its results. A
*shortlist* for each sentence (Jean et al. 2015, 4.1; Devlin 2017, "Sharp models on dull hardware",
section 4) holds the commonest target tokens and the likeliest translations of its source tokens, as
IBM Model 1 learns them from the training pairs (Brown et al. 1993, section 4). The output layer is
computed for the union of the shortlists of a batch, and what is not in a sentence's own does not
count for it: it is translated alike whatever is beside it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.tokenizer import EOS
from nmt.decoding.stepper import NEVER_PRODUCED, Floats, Integers

TRANSLATIONS = 20
"""Target tokens that are kept for each source token."""
COMMON = 100
"""Target tokens that are in every shortlist."""
ITERATIONS = 5
"""Of expectation maximisation, which has nearly settled by then."""
MOST_LINKS = 10_000_000
"""Pairs of a source and a target token of one sentence that are learned from, at 80 bytes each."""

Ids = Sequence[NDArray[Any]]


class Reach(Protocol):
    """Which target tokens each sentence of a batch can become."""

    vocabulary_size: int

    def of(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> tuple[Integers, Floats]:
        """What is in reach.

        Args:
            source: See `Stepper.start`.
            source_lengths: See `Stepper.start`.
            needed: See `Stepper.start`.

        Returns:
            The tokens that some sentence can become, ascending, shape (tokens,); and for each
            sentence 0 where it can and minus infinity where it cannot, shape (sentences or 1, 1,
            tokens).
        """
        ...


class Everything:
    """All that can be produced, for every sentence."""

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size
        # np.setdiff1d would import numpy.ma, which takes as long as loading the model.
        self._tokens = np.delete(np.arange(vocabulary_size), NEVER_PRODUCED)
        self._allowed = np.zeros((1, 1, len(self._tokens)), np.float32)

    def of(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> tuple[Integers, Floats]:
        """See `Reach.of`."""
        return self._tokens, self._allowed


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Shortlists.

    Attributes:
        translations: Target tokens that each source token may become, EOS where there are fewer
            (so for PAD), shape (source vocabulary, translations).
        common: Target tokens of every shortlist, shape (tokens,).
        vocabulary_size: Number of target tokens.
        is_joint: Source and target share their tokens, so that a name may be copied.
    """

    translations: NDArray[Any]
    common: NDArray[Any]
    vocabulary_size: int
    is_joint: bool

    def is_untranslated(self, token: int) -> bool:
        """Whether a source token was in none of the sentences that were learned from."""
        return bool((self.translations[token] == EOS).all())

    def of(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> tuple[Integers, Floats]:
        """See `Reach.of`."""
        listed = np.zeros((len(source), self.vocabulary_size), np.bool_)
        sentence = np.arange(len(source))[:, None]
        listed[sentence[:, :, None], self.translations[source]] = True
        if self.is_joint:
            listed[sentence, source] = True
        for line, tokens in enumerate(needed):
            listed[line, list(tokens)] = True
        listed[:, self.common] = True
        listed[:, EOS] = True
        listed[:, NEVER_PRODUCED] = False
        tokens = np.flatnonzero(listed.any(axis=0))
        allowed = np.where(listed[:, tokens], np.float32(0), np.float32(-np.inf))
        return tokens, allowed[:, None]


def learn_lexicon(
    sources: Ids, targets: Ids, vocabulary_sizes: tuple[int, int], is_joint: bool
) -> Lexicon:
    """Learn from sentence pairs which tokens translate which.

    Args:
        sources: Token ids of each source, without BOS and EOS.
        targets: Token ids of each target, likewise; as many as there are sources.
        vocabulary_sizes: Numbers of source and of target tokens.
        is_joint: See `Lexicon`.
    """
    source_size, target_size = vocabulary_sizes
    source, target, probability = translation_table(sources, targets, vocabulary_sizes)
    order = np.lexsort((-probability, source))
    source, target = source[order], target[order]
    rank = np.arange(len(source)) - np.searchsorted(source, source)
    is_kept = rank < TRANSLATIONS
    dtype = np.uint16 if target_size <= 2**16 else np.int32
    translations = np.full((source_size, TRANSLATIONS), EOS, dtype)
    translations[source[is_kept], rank[is_kept]] = target[is_kept]
    counts = np.bincount(_joined(targets), minlength=target_size)
    common = np.argsort(-counts, kind="stable")[:COMMON].astype(dtype)
    return Lexicon(translations, common, target_size, is_joint)


def translation_table(
    sources: Ids, targets: Ids, vocabulary_sizes: tuple[int, int]
) -> tuple[Integers, Integers, Floats]:
    """The probability of each target token given a source token, by IBM Model 1.

    Expectation maximisation from a uniform start (Brown et al. 1993, section 4). The end of each
    source stands for the empty word.

    Args:
        sources: See `learn_lexicon`.
        targets: See `learn_lexicon`.
        vocabulary_sizes: See `learn_lexicon`.

    Returns:
        Source tokens, target tokens and probabilities, of each pair of tokens that occurs in a
        pair of sentences; each of shape (pairs of tokens,), ascending.
    """
    source_size, target_size = vocabulary_sizes
    ended = [np.append(source, EOS) for source in sources]
    source_lengths = np.fromiter(map(len, ended), np.int64, len(ended))
    target_lengths = np.fromiter(map(len, targets), np.int64, len(targets))
    links = np.repeat(source_lengths, target_lengths)  # of each target token
    first = np.cumsum(links) - links
    # each target token is linked to every source token of its pair, one after the other
    begins = np.repeat(np.cumsum(source_lengths) - source_lengths, target_lengths)
    place = np.arange(links.sum()) + np.repeat(begins - first, links)
    of_source = _joined(ended)[place]
    of_target = np.repeat(_joined(targets), links)
    pairs, link = np.unique(of_source * target_size + of_target, return_inverse=True)
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
    """Numbers of the sentence pairs that a lexicon is learned from.

    All, or some at equal distances that have about `MOST_LINKS` links.

    Args:
        source_lengths: Tokens of each source, shape (pairs,).
        target_lengths: Tokens of each target, shape (pairs,).
    """
    links = int((source_lengths.astype(np.int64) * target_lengths).sum())
    return np.arange(0, len(source_lengths), max(1, -(-links // MOST_LINKS)))


def _joined(sentences: Ids) -> Integers:
    return np.concatenate([np.zeros(0, np.int64), *sentences]).astype(np.int64)
