"""A glossary: what the words of a source are to become in the translation, whatever the model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.data.readers import read_lines
from nmt.errors import GlossaryError
from nmt.text.normalise import normalise
from nmt.text.words import words_and_marks

Words = tuple[str, ...]

MOST_WORDS = 100
"""Of a source of an entry, so that looking for it takes no longer."""
CURLY = "\u2019"
"""The other apostrophe, which is the same to a glossary."""


@dataclass(frozen=True)
class Glossary:
    """Entries by their source, as words and marks (see `nmt.text.words.words_and_marks`).

    An entry is found in a sentence where all its words stand side by side, each of them whole;
    hyphens, apostrophes and punctuation count, spaces between do not. An entry without capitals is
    found in any case; one with a capital only as it is written, so that ``Orange`` the company and
    ``orange`` the fruit can both be there. At each place the longest entry counts, and among equals
    the one with capitals, and the search goes on behind it.

    Attributes:
        exact: The targets of the entries with capitals.
        any_case: The targets of the others.
        lengths: How many words entries have, most first, by their first word in lower case.
    """

    exact: Mapping[Words, str]
    any_case: Mapping[Words, str]
    lengths: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, entries: Mapping[str, str]) -> "Glossary":
        """A glossary of these targets by their sources.

        Raises:
            GlossaryError: A source has no word.
        """
        exact: dict[Words, str] = {}
        any_case: dict[Words, str] = {}
        lengths: dict[str, set[int]] = {}
        for source, target in entries.items():
            words = words_of(source)
            if not words:
                raise GlossaryError(f"{target!r} is to be there for nothing: give it a source")
            if len(words) > MOST_WORDS:
                raise GlossaryError(
                    f"{source[:40]!r}...: {len(words):,} words; an entry has at most {MOST_WORDS}"
                )
            lower = _lower(words)
            (any_case if words == lower else exact)[words] = normalise(target)
            lengths.setdefault(lower[0], set()).add(len(words))
        return cls(exact, any_case, {word: sorted(found)[::-1] for word, found in lengths.items()})

    @classmethod
    def load(cls, path: Path) -> "Glossary":
        """Read a glossary: lines of a source, a tab and a target, in UTF-8, or blank ones.

        Raises:
            GlossaryError: A line is not of this form, or gives a source another target than one
                before.
            CorpusError: The file is missing, empty or not UTF-8 text.
        """
        entries: dict[str, str] = {}
        before: dict[Words, tuple[str, int]] = {}
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            source, target = _entry(line, f"{path}, line {number}")
            other, its_line = before.setdefault(words_of(source), (target, number))
            if other != target:
                raise GlossaryError(
                    f"{path}, line {number}: {source!r} is {target!r} here, but {other!r} in "
                    f"line {its_line}: keep one of them"
                )
            entries[source] = target
        return cls.of(entries)

    def targets(self, text: str) -> list[str]:
        """What must be in the translation of a text: the targets of the entries found in it.

        Returns:
            In the order of the text, each as often as its entries are found.
        """
        return list(self._found(words_of(text)))

    def _found(self, words: Words) -> Iterator[str]:
        lower = _lower(words)
        place = 0
        while place < len(words):
            for length in self.lengths.get(lower[place], ()):
                end = place + length
                target = self.exact.get(words[place:end]) or self.any_case.get(lower[place:end])
                if target:
                    yield target
                    place = end
                    break
            else:
                place += 1


def words_of(text: str) -> Words:
    """A text as it is looked up."""
    return tuple(words_and_marks(normalise(text).replace(CURLY, "'")))


def _lower(words: Words) -> Words:
    return tuple(word.lower() for word in words)


def _entry(line: str, place: str) -> Sequence[str]:
    """The two sides of a line."""
    sides = [normalise(side) for side in line.split("\t")]
    if len(sides) != 2:
        raise GlossaryError(
            f"{place}: {len(sides) - 1} tabs instead of one: write SOURCE, a tab and TARGET"
        )
    if not all(sides):
        missing = "target" if sides[0] else "source"
        raise GlossaryError(f"{place}: the {missing} is empty: fill it in or remove the line")
    return sides
