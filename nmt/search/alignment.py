"""Which source word each word of a translation comes from, read off the attention.

Attention is between subwords. What the subwords of a source word get is summed, over the subwords
of a target word too, and a target word is aligned to the source word that got most (as in Luong et
al. 2015, 5.4, for words). What went to the end of the source sentence is left out of account.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from nmt.errors import SearchError
from nmt.search.stepper import Floats
from nmt.text.tokenizer import SPACE, Tokenizer
from nmt.text.words import is_unspaced, is_word_character

MOST_WEIGHTS = 2**27
"""Of the alignment of a text, which takes four bytes for each: some 11,000 words."""
BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class Unit:
    """A word, or the punctuation before, in or after one.

    In a script without spaces between words each subword is one.

    Attributes:
        text: How it is spelt, without spaces around it.
        opens_word: There is a space before it, or nothing.
        first_piece: The number of its first subword.
    """

    text: str
    opens_word: bool
    first_piece: int


@dataclass(frozen=True)
class Alignment:
    """How a text and its translation belong together.

    *Words* are what spaces separate in the normalised text; *units* are these with their
    punctuation apart.

    Attributes:
        source_units: Of the text.
        target_units: Of the translation.
        weights: How much each target unit attended to each source unit, summed over its subwords,
            float32, shape (target units, source units).
        target_pieces: How many subwords each target unit has; 1 where it was put back verbatim.
    """

    source_units: tuple[Unit, ...]
    target_units: tuple[Unit, ...]
    weights: Floats = field(compare=False)
    target_pieces: tuple[int, ...] = field(compare=False)

    @property
    def shares(self) -> Floats:
        """What share of its looking each target unit spent on each source unit, 0 to 1.

        The weights, averaged over the subwords of a target unit, shape (target units, source
        units); a row sums to less than 1 where the end of the source was attended to as well.
        """
        pieces = np.array(self.target_pieces, dtype=np.float32)
        return self.weights / pieces[:, None]

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The number of the source word and of the target word, from 0, for each target word."""
        source, target = word_numbers(self.source_units), word_numbers(self.target_units)
        if not source or not target:
            return ()
        weights = np.zeros((target[-1] + 1, source[-1] + 1), dtype=np.float32)
        np.add.at(weights, np.ix_(target, source), self.weights)
        best = weights.argmax(axis=1)
        return tuple((int(best[word]), word) for word in sorted(set(target)))

    def __str__(self) -> str:
        """The pairs in the format of Pharaoh, such as ``0-0 2-1 1-2``."""
        return " ".join(f"{source}-{target}" for source, target in self.pairs)


def align_units(source: Sequence[Unit], target: Sequence[Unit], attention: Floats) -> Alignment:
    """Align a sentence and its translation.

    Args:
        source: The units of the sentence.
        target: The units of the translation.
        attention: Where each target piece looked, weights, shape (target pieces, source pieces),
            without the ends of sentences.
    """
    firsts = [unit.first_piece for unit in target]
    if not source or not target:
        weights = np.zeros((len(target), len(source)), dtype=np.float32)
    else:
        by_source = np.add.reduceat(attention, [unit.first_piece for unit in source], axis=1)
        weights = np.add.reduceat(by_source, firsts, axis=0)
    pieces = np.diff([*firsts, len(attention)]).tolist() if firsts else []
    return Alignment(tuple(source), tuple(target), weights, tuple(pieces))


def join(alignments: Sequence[Alignment]) -> Alignment:
    """The alignment of a text that was translated in parts."""
    source = [unit for alignment in alignments for unit in alignment.source_units]
    target = [unit for alignment in alignments for unit in alignment.target_units]
    if len(source) * len(target) > MOST_WEIGHTS:
        raise SearchError(
            f"a text of {len(source):,} words is too long to say which of its words belong "
            "together: divide it into lines, or a document into paragraphs"
        )
    weights = np.zeros((len(target), len(source)), dtype=np.float32)
    row = column = 0
    for alignment in alignments:
        rows, columns = alignment.weights.shape
        weights[row : row + rows, column : column + columns] = alignment.weights
        row, column = row + rows, column + columns
    pieces = [count for alignment in alignments for count in alignment.target_pieces]
    return Alignment(tuple(source), tuple(target), weights, tuple(pieces))


def units(tokenizer: Tokenizer, ids: Sequence[int], begins_word: bool = True) -> list[Unit]:
    """The units that subwords spell.

    Args:
        tokenizer: Whose subwords they are.
        ids: Without the end of sentence.
        begins_word: Whether the first of them does.

    Returns:
        The units in order. Joined, with a space before each that opens a word but the first, they
        are the text that the subwords spell.
    """
    found: list[Unit] = []
    waiting = 0  # the first subword that is in no unit yet
    for first, end, opens_word in _stretches(tokenizer, ids):
        text = tokenizer.decode(ids[first:end])
        if text:
            found.append(Unit(text, opens_word if found else begins_word, waiting))
            waiting = end
    return found


def spell(of: Sequence[Unit]) -> str:
    """The text of units."""
    return "".join(" " * unit.opens_word + unit.text for unit in of).strip()


def word_numbers(of: Sequence[Unit]) -> list[int]:
    """The number of the word, from 0, that each unit belongs to."""
    numbers: list[int] = []
    words = 0
    for unit in of:
        # Bytes can spell a space, so that a unit may hold more words than one.
        words += unit.opens_word or not numbers
        numbers.append(words - 1)
        words += max(0, len(unit.text.split()) - 1)
    return numbers


def _stretches(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """Where each unit begins and ends among subwords, and whether it opens a word."""
    pieces = tokenizer.pieces(ids)
    numbers = tokenizer.words(ids)
    for _, word in groupby(range(len(ids)), key=numbers.__getitem__):
        first, *rest = word
        opens_word = True
        for i in rest:
            if _is_boundary(pieces[i - 1].removeprefix(SPACE), pieces[i]):
                yield first, i, opens_word
                first, opens_word = i, False
        end = first + 1 if not rest else rest[-1] + 1
        yield first, end, opens_word


def _is_boundary(before: str, after: str) -> bool:
    """Whether a unit ends between two subwords that no space separates."""
    if not before or BYTE_PIECE.fullmatch(before) or BYTE_PIECE.fullmatch(after):
        return False
    if is_unspaced(before[-1]) or is_unspaced(after[0]):
        return unicodedata.category(after[0])[0] != "M"  # an accent stays with its letter
    return is_word_character(before[-1]) != is_word_character(after[0])
