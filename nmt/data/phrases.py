"""Parts of sentence pairs that translate each other: single words and phrases to learn from.

A corpus of sentences teaches a model to make sentences, even of a word or a name by itself. So some
pairs are met as a part of themselves: a phrase pair that is consistent with the alignment of their
words (Och and Ney 2004, "The alignment template approach", section 3.2), and in which every word is
aligned. Two words are aligned where each is the other's likeliest by IBM Model 1 in both
directions, preferring those at like places (as in Dyer et al. 2013, section 2).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nmt.data.bitext import blocks
from nmt.data.cache import cached
from nmt.data.ibm1 import rows_to_learn_from, translation_table

if TYPE_CHECKING:
    from datasets import Dataset

WORD = re.compile(
    r"\b(?:[ldjnsmtc]|qu|jusqu|lorsqu|puisqu)['\u2019](?=\w)|\w+(?:['\u2019-]\w+)*|[^\w\s]+",
    re.IGNORECASE,
)
"""A word, what French or Italian elides before one, or marks."""
LENGTHS = (1, 1, 2, 2, 3, 3, 4, 5)
"""Words of the source that a fragment is to have, one as likely as another."""
LEAST_PROBABILITY = 0.03
"""Of one word given another, times that of the other given the one, for them to be aligned."""
NEARNESS = 4.0
"""How much words at like places are preferred (Dyer et al. 2013, lambda)."""
MOST_PAIRS = 200_000
"""Whose words are looked at to learn which translate which: a kilobyte of memory each."""
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Span:
    """A phrase pair: words ``source[0]`` to ``source[1]`` and ``target[0]`` to ``target[1]``."""

    source: tuple[int, int]
    target: tuple[int, int]


@dataclass(frozen=True)
class Phrase:
    """The texts of a phrase pair, and where they stand in their sentences."""

    span: Span
    source: str
    target: str

    @property
    def words(self) -> int:
        """How many words of the source it has."""
        return self.span.source[1] - self.span.source[0] + 1

    @property
    def is_whole(self) -> bool:
        """Whether neither side begins or ends with a mark, an elision's apostrophe among them."""
        return all(text[0].isalnum() and text[-1].isalnum() for text in (self.source, self.target))

    def without_sentence_capital(self) -> tuple[str, str]:
        """Both texts, a capital of one alone in small letters if its sentence began there."""
        first, second = self.source, self.target
        if first[0].isupper() and second[0].islower() and self.span.source[0] == 0:
            return _lower_first(first), second
        if second[0].isupper() and first[0].islower() and self.span.target[0] == 0:
            return first, _lower_first(second)
        return first, second


class WordTable:
    """How likely words of two languages translate each other."""

    def __init__(self, probabilities: dict[tuple[str, str], float]) -> None:
        """Take the product of both directions' probabilities, by word of source and of target."""
        self._probabilities = probabilities

    @classmethod
    def learn(cls, pairs: Iterable[tuple[str, str]]) -> WordTable:
        """Learn from sentence pairs, in small letters.

        Args:
            pairs: A source and a target each.
        """
        sides: tuple[list[Any], list[Any]] = [], []
        numbers: tuple[dict[str, int], dict[str, int]] = {"": 0}, {"": 0}
        for pair in pairs:
            for text, sentences, known in zip(pair, sides, numbers, strict=True):
                words = [known.setdefault(word, len(known)) for word in words_of(text)]
                sentences.append(np.array(words, np.int32))
        lengths = [np.fromiter(map(len, side), np.int64, len(side)) for side in sides]
        rows = rows_to_learn_from(lengths[0], lengths[1])
        source, target = ([side[row] for row in rows] for side in sides)
        source_size, target_size = map(len, numbers)
        there = _likely(*translation_table(source, target, (source_size, target_size), 0))
        back = _likely(*translation_table(target, source, (target_size, source_size), 0))
        sources, targets = map(list, numbers)
        return cls(
            {
                (sources[s], targets[t]): there[s, t] * back[t, s]
                for s, t in there
                if (t, s) in back and there[s, t] * back[t, s] >= LEAST_PROBABILITY
            }
        )

    @classmethod
    def of(cls, dataset: Dataset, digest: str) -> WordTable:
        """Learn from a data set with the columns ``source`` and ``target``, once.

        Args:
            dataset: The pairs.
            digest: Another one for other pairs.
        """
        key = {"version": FORMAT_VERSION, "pairs": digest}
        folder = cached("words", key, lambda folder: cls.learn(_pairs(dataset)).write(folder))
        return cls.read(folder)

    def write(self, folder: Path) -> None:
        """Write the table as ``words.json`` into a folder."""
        rows = [[*words, probability] for words, probability in self._probabilities.items()]
        (folder / "words.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> WordTable:
        """Read what `write` wrote."""
        rows = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        return cls({(source, target): probability for source, target, probability in rows})

    def align(self, source: Sequence[str], target: Sequence[str]) -> dict[int, int]:
        """Which word is which: each the other's best, by probability and by place.

        Args:
            source: Words in small letters.
            target: Words in small letters.

        Returns:
            The number of the target word by that of the source word, where there is one.
        """
        found = {
            (i, j): probability * exp(-NEARNESS * abs((i + 0.5) / len(source) - place))
            for j, place in enumerate((j + 0.5) / len(target) for j in range(len(target)))
            for i in range(len(source))
            if (probability := self._probabilities.get((source[i], target[j])))
        }
        best_of_source: dict[int, tuple[float, int]] = {}
        best_of_target: dict[int, tuple[float, int]] = {}
        for (i, j), value in found.items():
            best_of_source[i] = max(best_of_source.get(i, (0.0, 0)), (value, -j))
            best_of_target[j] = max(best_of_target.get(j, (0.0, 0)), (value, -i))
        chosen = ((i, -j) for i, (_, j) in best_of_source.items())
        return {i: j for i, j in chosen if -best_of_target[j][1] == i}


def fragment(
    source: str, target: str, table: WordTable, draw: random.Random
) -> tuple[str, str] | None:
    """Some words of a source and their translation, drawn by chance.

    Args:
        source: A sentence.
        target: Its translation.
        table: What aligns their words.
        draw: Where chance comes from.

    Returns:
        The two texts, sometimes with a capital and a full stop; None where no words are sure
        to translate each other.
    """
    words = [list(WORD.finditer(text)) for text in (source, target)]
    aligned = table.align(*([word[0].lower() for word in side] for side in words))
    phrases = [
        Phrase(span, _text(source, words[0], span.source), _text(target, words[1], span.target))
        for span in consistent_spans(aligned)
    ]
    phrases = [phrase for phrase in phrases if phrase.is_whole]
    if not phrases:
        return None
    wanted = draw.choice(LENGTHS)
    nearest = min(abs(phrase.words - wanted) for phrase in phrases)
    phrases = [phrase for phrase in phrases if abs(phrase.words - wanted) == nearest]
    # words of many letters tell more than those of few
    weights = [len(phrase.source) ** 2 for phrase in phrases]
    first, second = draw.choices(phrases, weights)[0].without_sentence_capital()
    way = draw.randrange(8)
    if way < 3:
        first, second = first[0].upper() + first[1:], second[0].upper() + second[1:]
    if way == 0:
        first, second = f"{first}.", f"{second}."
    return first, second


def consistent_spans(aligned: dict[int, int]) -> Iterator[Span]:
    """The phrase pairs of aligned words alone, of at most as many source words as `LENGTHS` has.

    Args:
        aligned: See `WordTable.align`.
    """
    for first in aligned:
        lowest = highest = aligned[first]
        for last in range(first, first + max(LENGTHS)):
            if last not in aligned:
                break
            lowest, highest = min(lowest, aligned[last]), max(highest, aligned[last])
            if highest - lowest == last - first:  # as many, all different: nothing from outside
                yield Span((first, last), (lowest, highest))


def words_of(text: str) -> list[str]:
    """The words and marks of a text, in small letters."""
    return [word.lower() for word in WORD.findall(text)]


def _likely(source: Any, target: Any, probability: Any) -> dict[tuple[int, int], float]:
    """Those of a table that can be aligned, without the empty word."""
    kept = (probability >= LEAST_PROBABILITY) & (source > 0)
    words = zip(source[kept].tolist(), target[kept].tolist(), strict=True)
    return dict(zip(words, probability[kept].tolist(), strict=True))


def _pairs(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """All pairs, or some from everywhere."""
    chosen = dataset.select(blocks(len(dataset), MOST_PAIRS))
    for rows in chosen.with_format(None).iter(1000):
        yield from zip(rows["source"], rows["target"], strict=True)


def _text(text: str, words: list[re.Match[str]], span: tuple[int, int]) -> str:
    return text[words[span[0]].start() : words[span[1]].end()]


def _lower_first(text: str) -> str:
    """A text with its first letter small, but for the English ``I``."""
    return text if re.match(r"I\b", text) else text[0].lower() + text[1:]
