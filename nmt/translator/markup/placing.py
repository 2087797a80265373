"""A sentence with tags in it: its text for the translator, and the translation with the tags.

A pair of tags goes around the stretch of the translation that its words became, and what stands
alone goes before what the next word became. Pairs stay within the pair they are in and never
cross: where the words of two that stood side by side are mixed up in the translation, each goes
around the stretch with most of its words that is free of the other's. A pair none of whose words
became anything stands alone, with nothing in it.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from nmt.search.alignment import Alignment, Unit, spell
from nmt.text.normalise import normalise
from nmt.translator.markup.reading import Token

SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u00bb\u201d\u2019)\]]*\Z")

Span = tuple[int, int]
"""Numbers of the first unit of a stretch and of the one after it."""


@dataclass(frozen=True)
class Mark:
    """What stands between two units.

    Attributes:
        raw: As it stands.
        after_space: There is to be a space before it.
        before_space: There is to be a space after it.
    """

    raw: str
    after_space: bool = False
    before_space: bool = False


@dataclass
class Element:
    """A pair of tags, or something that stands alone.

    Attributes:
        opening: The opening tag, or all there is.
        start: Where it begins in the normalised text.
        end: Where it ends; no text is in what stands alone.
        closing: The closing tag.
        children: What is in it, besides text.
        after_space: There is a space before it.
        before_space: There is a space after it.
    """

    opening: str
    start: int
    end: int
    closing: str = ""
    children: "list[Element]" = field(default_factory=list)
    after_space: bool = False
    before_space: bool = False

    @property
    def tags(self) -> str:
        """All tags in it, without the text."""
        return self.opening + "".join(child.tags for child in self.children) + self.closing


class Sentence:
    """Text and the tags in it.

    Args:
        tokens: No one separates sentences, and each open one has its partner among them.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        tokens = list(_spaced(tokens))
        texts = [html.unescape(token.raw) * (token.kind == "text") for token in tokens]
        plain = "".join(texts)
        self.text = normalise(plain)
        starts = _normalised_places(texts, len(self.text))
        self._root = Element("", 0, len(self.text))
        within = [self._root]
        place = 0
        for token, text, start in zip(tokens, texts, starts, strict=True):
            before_space = plain[place : place + 1].isspace()
            if token.kind == "text":
                place += len(text)
            elif token.kind == "close":
                element = within.pop()
                element.closing = token.raw
                element.end = start
                element.before_space = before_space
            else:
                after_space = plain[max(0, place - 1) : place].isspace()
                element = Element(token.raw, start, start)
                element.after_space, element.before_space = after_space, before_space
                within[-1].children.append(element)
                if token.kind == "open":
                    within.append(element)

    def translated(self, alignment: Alignment) -> str:
        """The translation with the tags.

        Args:
            alignment: Between the text and its translation.
        """
        if not alignment.source_units or not alignment.target_units:
            return self._root.tags + html.escape(spell(alignment.target_units), quote=False)
        return _Placing(self._root, alignment).text()


class _Placing:
    """Puts the tags of a sentence between the units of its translation."""

    def __init__(self, root: Element, alignment: Alignment) -> None:
        self._units = alignment.target_units
        self._weights = alignment.weights
        self._best = alignment.weights.argmax(axis=1).tolist()
        self._spans = list(_places(alignment.source_units))
        self._before: list[list[Mark]] = [[] for _ in self._units]
        self._after: list[list[Mark]] = [[] for _ in self._units]
        self._put(root, (0, len(self._units)), list(range(len(self._spans))))

    def text(self) -> str:
        """The units and what is between them."""
        written = _Writer()
        for unit, before, after in zip(self._units, self._before, self._after, strict=True):
            written.boundary(before, unit.opens_word)
            written.write(html.escape(unit.text, quote=False))
            written.boundary(after, False)
        return written.text

    def _put(self, element: Element, span: Span, words: list[int]) -> None:
        """Put an element around a stretch of the translation, and its children into it.

        Args:
            element: It has words, and so has the stretch.
            span: Target units.
            words: The numbers of its source units.
        """
        first, end = span
        if element.opening:
            self._before[first].append(Mark(element.opening))
        owned = self._share_out(element.children, words)
        spans = self._stretches(owned, span)
        places = [
            (spans[number][0] if number in spans else place, number in spans, number)
            for number, place in enumerate(self._places_of(element.children, span, words, spans))
        ]
        for place, has_words, number in sorted(places):
            child = element.children[number]
            if has_words:
                self._put(child, spans[number], owned[number])
            else:
                mark = Mark(child.tags, child.after_space, child.before_space)
                (self._before[place] if place < end else self._after[end - 1]).append(mark)
        if element.closing:
            self._after[end - 1].append(Mark(element.closing))

    def _share_out(self, children: list[Element], words: list[int]) -> dict[int, list[int]]:
        """Which source units are in each child; one that two touch is in the one with more."""
        owned: dict[int, list[int]] = {}
        first = 0  # child that may share something with the word: both are in order
        for word in words:
            start, end = self._spans[word]
            while first < len(children) and children[first].end <= start:
                first += 1
            most = 0
            for number in range(first, len(children)):
                child = children[number]
                if child.start >= end:
                    break
                shared = min(end, child.end) - max(start, child.start)
                if shared > most:
                    most, owner = shared, number
            if most:
                owned.setdefault(owner, []).append(word)
        return owned

    def _stretches(self, owned: dict[int, list[int]], span: Span) -> dict[int, Span]:
        """Which target units each child with source units goes around, no unit in two."""
        owner = {word: child for child, words in owned.items() for word in words}
        labels = {unit: owner.get(self._best[unit]) for unit in range(*span)}
        labelled = set(labels.values())
        for child, words in sorted(owned.items()):
            if child not in labelled:
                # None looked most at its words; the one that looked at them more than others did.
                looked = {
                    unit: self._weights[unit, words].sum()
                    for unit, label in labels.items()
                    if label is None
                }
                unit = max(looked, key=looked.__getitem__, default=None)
                if unit is not None and looked[unit] > 0:
                    labels[unit] = child
        longest: dict[int, list[int]] = {}
        theirs = ((unit, label) for unit, label in labels.items() if label is not None)
        for label, run in groupby(theirs, key=lambda labelled: labelled[1]):
            units = [unit for unit, _ in run]
            if len(units) > len(longest.get(label, ())):
                longest[label] = units
        return {child: (units[0], units[-1] + 1) for child, units in longest.items()}

    def _places_of(
        self, children: list[Element], span: Span, words: list[int], spans: dict[int, Span]
    ) -> list[int]:
        """The target unit before which each child goes that has no words.

        It is that of the first source unit behind the child that became one, the end of the span
        where there is none; but not into what goes around the words of other children.
        """
        first: dict[int, int] = {}  # target unit of each source unit
        for unit in range(*span):
            first.setdefault(self._best[unit], unit)
        around = {unit: child for child, stretch in spans.items() for unit in range(*stretch)}
        places: list[int] = []
        left, place = len(words), span[1]
        for number in reversed(range(len(children))):
            while left and self._spans[words[left - 1]][0] >= children[number].end:
                left -= 1
                place = first.get(words[left], place)
            free = span[0] if left == 0 else place
            while left and (other := around.get(free)) is not None and other != number:
                free = spans[other][other < number]
                if other > number:
                    break
            places.append(free)
        return places[::-1]


class _Writer:
    """Writes marks, with the spaces that they and the words need."""

    def __init__(self) -> None:
        self._written: list[str] = []

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._written)

    def write(self, text: str) -> None:
        """Write a unit or a tag."""
        if text:
            self._written.append(text)

    def boundary(self, marks: Sequence[Mark], needs_space: bool) -> None:
        """Write what is between two units.

        Args:
            marks: In order.
            needs_space: The next unit opens a word.
        """
        needs_space = needs_space and bool(self._written)
        for mark in marks:
            if mark.after_space or (needs_space and not mark.before_space):
                self._space()
                needs_space = False
            self.write(mark.raw)
            if mark.before_space:
                self.write(" ")
                needs_space = False
        if needs_space:
            self._space()

    def _space(self) -> None:
        if self._written and not self._written[-1].endswith(" "):
            self.write(" ")


def _spaced(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens, with a space between sentences that only tags are between."""
    before = ""
    for token in tokens:
        if token.kind == "text":
            if (
                SENTENCE_END.search(html.unescape(before))
                and html.unescape(token.raw)[:1].isupper()
            ):
                token = replace(token, raw=f" {token.raw}")
            before = token.raw
        yield token


def _normalised_places(texts: Sequence[str], length: int) -> Iterator[int]:
    """Where each piece of a text begins in the normalised text.

    Args:
        texts: The pieces.
        length: Of the normalised text.
    """
    place = 0
    is_after_space = False
    for text in texts:
        yield min(place + is_after_space, length)
        words = normalise(text)
        if not text or not words:
            is_after_space = is_after_space or bool(text and place)
            continue
        place += len(words) + bool(place and (is_after_space or text[0].isspace()))
        is_after_space = text[-1].isspace()


def _places(units: Sequence[Unit]) -> Iterator[Span]:
    """Where each unit begins and ends in the text that they spell."""
    end = 0
    for number, unit in enumerate(units):
        start = end + (unit.opens_word and number > 0)
        end = start + len(unit.text)
        yield start, end
