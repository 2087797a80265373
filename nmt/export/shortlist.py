"""Which target tokens a sentence can become: all of them, or those that its words may call for.

Most of a search is spent on the output layer, its softmax and the choice among its results. A
*shortlist* for each sentence (Jean et al. 2015, 4.1; Devlin 2017, "Sharp models on dull hardware",
section 4) holds the commonest target tokens and the likeliest translations of its source tokens, as
IBM Model 1 learns them from the training pairs (Brown et al. 1993, section 4). The output layer is
computed for the union of the shortlists of a batch, and what is not in a sentence's own counts for
it as one sum, learned beforehand (`nmt.export.normaliser`): it is translated alike whatever is
beside it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nmt.data.ibm1 import Ids, joined, translation_table
from nmt.export.normaliser import NO_REMAINDER
from nmt.search.stepper import NEVER_PRODUCED, Floats, Integers
from nmt.text.tokenizer import EOS

TRANSLATIONS = 80
"""Most target tokens that are kept for each source token."""
LEAST_LIKELY = 0.0005
"""Probability below which a target token is not kept."""
COMMON = 500
"""Target tokens that are in every shortlist."""


class Reach(Protocol):
    """Which target tokens each sentence of a batch can become."""

    vocabulary_size: int

    @property
    def remainder(self) -> Floats:
        """How likely what is out of reach is; see `nmt.export.normaliser.learn_remainder`."""
        ...

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

    remainder = NO_REMAINDER

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
        remainder: See `Reach`.
    """

    translations: NDArray[Any]
    common: NDArray[Any]
    vocabulary_size: int
    is_joint: bool
    remainder: Floats = field(default_factory=lambda: NO_REMAINDER)

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
    # the end of each source stands for the empty word
    source, target, probability = translation_table(sources, targets, vocabulary_sizes, EOS)
    order = np.lexsort((-probability, source))
    source, target = source[order], target[order]
    rank = np.arange(len(source)) - np.searchsorted(source, source)
    is_kept = (rank < TRANSLATIONS) & (probability[order] >= LEAST_LIKELY)
    dtype = np.uint16 if target_size <= 2**16 else np.int32
    translations = np.full((source_size, TRANSLATIONS), EOS, dtype)
    translations[source[is_kept], rank[is_kept]] = target[is_kept]
    counts = np.bincount(joined(targets), minlength=target_size)
    common = np.argsort(-counts, kind="stable")[:COMMON].astype(dtype)
    return Lexicon(translations, common, target_size, is_joint)
