"""The likeliest next words of a translation: a beam over subwords, until each word is complete."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.data.batches import make_batch
from nmt.search.stepper import Stepper
from nmt.text.tokenizer import BOS, EOS, SPACE, Tokenizer
from nmt.text.words import is_word_character

JOINERS = "'-\u2019"
"""What may stand within a word."""
FEWEST_ROWS = 32
"""Beginnings of words that are followed at a time, or twice as many as are wanted."""
LONGEST_WORD = 32
"""Subwords after which nothing is gone on with."""

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class NextWord:
    """What a translation may go on with.

    Attributes:
        text: A word, or punctuation; where the last word of the prefix goes on, all of that word.
            Empty where the translation ends.
        probability: That just this comes next.
    """

    text: str
    probability: float


@dataclass(frozen=True)
class Beginning:
    """The beginning of a word.

    Attributes:
        ids: Its subwords.
        is_attached: There is no space before it.
        goes_on: It goes on with the last word of the prefix.
        probability: Of these subwords.
    """

    ids: tuple[int, ...]
    is_attached: bool
    goes_on: bool
    probability: float

    def and_then(self, token: int, probability: float) -> "Beginning":
        """The same, one subword longer."""
        return replace(self, ids=(*self.ids, token), probability=probability)


class NextWords:
    """Looks for the next words of one sentence.

    A word is over before a space, at the end, and where letters meet punctuation other than an
    apostrophe or a hyphen. The probability of a word is that of all the ways to spell it.

    Args:
        stepper: The model.
        tokenizer: Of the language translated into.
    """

    def __init__(self, stepper: Stepper[Any], tokenizer: Tokenizer) -> None:
        self._stepper = stepper
        self._tokenizer = tokenizer
        self._pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
        self._opens = np.array([piece.startswith(SPACE) for piece in self._pieces])
        self._inner: Booleans = ~self._opens
        self._inner[EOS] = False
        joins = np.array([piece[0] in JOINERS for piece in self._pieces])
        self._within: Booleans = tokenizer.goes_on | joins

    def after(self, source: list[int], prefix: str, count: int) -> list[NextWord]:
        """The likeliest words after a prefix.

        Args:
            source: The subwords of the sentence, without the end.
            prefix: What the translation begins with. With a space at its end, only what begins a
                new word is looked at.
            count: How many words, at most.

        Returns:
            Likeliest first.
        """
        before = self._tokenizer.encode(prefix)
        batch = make_batch([np.array(source, dtype=np.int64)], [np.empty(0, dtype=np.int64)])
        state = self._stepper.start(batch.source, batch.source_lengths, [frozenset(before)])
        for token in (BOS, *before):
            distribution, state = self._stepper.distribution(state, np.array([token]))
        probabilities = np.exp(distribution.log_probabilities[0].astype(np.float64))
        if before and prefix[-1:].isspace():
            probabilities[self._inner] = 0.0
            probabilities /= probabilities.sum()
        found = {(False, ""): float(probabilities[EOS])}
        width = max(FEWEST_ROWS, 2 * count)
        rows = self._beginnings(probabilities, before, width)
        parents = np.zeros(len(rows), dtype=np.int64)
        while rows:
            state = self._stepper.select(state, parents[None, :])
            last = np.array([row.ids[-1] for row in rows])
            distribution, state = self._stepper.distribution(state, last)
            following = np.exp(distribution.log_probabilities.astype(np.float64))
            following *= np.array([row.probability for row in rows])[:, None]
            goes_on = np.array([self._goes_on_with(row.ids) for row in rows])
            for row, ends in zip(rows, (following * ~goes_on).sum(axis=1), strict=True):
                text = self._spelt(row, before)
                if text:
                    key = (row.is_attached, text)
                    found[key] = found.get(key, 0.0) + float(ends)
            # What is less likely than all the words that are wanted cannot become one of them.
            following[~goes_on | (following <= _least_of_best(found.values(), count))] = 0.0
            best = _likeliest(following.reshape(-1), width)
            parents, tokens = np.divmod(np.array(best, dtype=np.int64), following.shape[1])
            rows = [
                rows[parent].and_then(int(token), float(following[parent, token]))
                for parent, token in zip(parents, tokens, strict=True)
                if len(rows[parent].ids) < LONGEST_WORD
            ]
        words = [NextWord(text, probability) for (_, text), probability in found.items()]
        return sorted(words, key=lambda word: -word.probability)[:count]

    def _beginnings(
        self, probabilities: NDArray[np.float64], before: list[int], width: int
    ) -> list[Beginning]:
        """The likeliest first subwords, after those of a prefix."""
        is_attached = bool(before) & ~self._opens
        goes_on = is_attached & self._within
        if before:
            goes_on &= self._goes_on_with(before)
        following = probabilities.copy()
        following[EOS] = 0.0
        return [
            Beginning((t,), bool(is_attached[t]), bool(goes_on[t]), float(probabilities[t]))
            for t in _likeliest(following, width)
        ]

    def _goes_on_with(self, ids: Sequence[int]) -> Booleans:
        """Which subwords go on with the word that these end with, shape (vocabulary,)."""
        spelt = self._pieces[ids[-1]].removeprefix(SPACE)
        if not spelt or self._tokenizer.is_byte[ids[-1]]:
            return self._inner
        if is_word_character(spelt[-1]) or spelt[-1] in JOINERS:
            return self._within
        return self._inner & ~self._within

    def _spelt(self, row: Beginning, before: list[int]) -> str:
        """How a word is shown."""
        if row.goes_on:
            return self._tokenizer.decode([*before, *row.ids]).split()[-1]
        return self._tokenizer.decode(row.ids)


def _likeliest(probabilities: NDArray[np.float64], count: int) -> list[int]:
    """The places of the highest of those that are not 0."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [int(place) for place in order if probabilities[place] > 0.0]


def _least_of_best(probabilities: Collection[float], count: int) -> float:
    """The least of the best; 0 while there are not so many."""
    return sorted(probabilities, reverse=True)[count - 1] if len(probabilities) >= count else 0.0
