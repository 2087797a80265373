"""What a translation must begin with, must hold and must not hold, in words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nmt.errors import SearchError
from nmt.search.constraints import Constraints
from nmt.text.normalise import check_text, normalise
from nmt.text.tokenizer import Tokenizer
from nmt.text.words import is_word_character, words_and_marks
from nmt.translator.glossary import Glossary

MOST_SPELLINGS = 16
"""Ways to spell a forbidden word in subwords that are kept out, those with the fewest."""


@dataclass(frozen=True)
class TextConstraints:
    """What the translation of a text has to be like. Words count as they are written.

    Attributes:
        prefix: It begins with this. The last word may be gone on with, but a model that has only
            seen whole words does that badly: best end with a whole one. With a space at its end
            another word follows.
        required: Words or phrases that it holds, each of them after a space or at the start, in
            any order; one that is listed twice it holds twice.
        forbidden: Words or phrases that it does not hold, likewise; punctuation nowhere, unless in
            the middle of a word or a number.
    """

    prefix: str = ""
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


ANYTHING = TextConstraints()


class ConstraintEncoder:
    """Turns words into runs of subwords.

    Args:
        tokenizer: Of the language translated into.
        glossary: What else a translation must hold, by the text.
    """

    def __init__(self, tokenizer: Tokenizer, glossary: Glossary | None = None) -> None:
        self._tokenizer = tokenizer
        self._glossary = glossary

    def of_parts(self, parts: Sequence[str], wanted: TextConstraints) -> list[Constraints]:
        """The constraints of each part of a text.

        Args:
            parts: What is translated at a time, at least one.
            wanted: Of the whole text. Its prefix is for the first part, what it forbids for all.

        Raises:
            SearchError: They contradict each other, are not text, or ask for words in a text of
                several parts, which could be in any of them.
        """
        _check(wanted)
        if wanted.required and len(parts) > 1:
            raise SearchError(
                f"{parts[0][:40]!r}...: the text is too long for the model, and so translated in "
                f"{len(parts)} parts; in which of them {wanted.required[0]!r} is to be cannot be "
                "known: give it sentence by sentence"
            )
        forbidden = [run for phrase in wanted.forbidden for run in self._spellings(phrase)]
        found = []
        for number, part in enumerate(parts):
            prefix = "" if number else wanted.prefix
            required = self._required(part, wanted)
            _refuse_contradictions([prefix, *required], wanted.forbidden)
            found.append(
                Constraints(
                    prefix=tuple(self._tokenizer.encode(prefix)),
                    opens_word=prefix[-1:].isspace() and not prefix.isspace(),
                    required=tuple(tuple(self._tokenizer.encode(phrase)) for phrase in required),
                    forbidden=tuple(forbidden),
                )
            )
        return found

    def _spellings(self, phrase: str) -> Sequence[tuple[int, ...]]:
        """The runs of subwords that a forbidden phrase may be written as."""
        found = self._tokenizer.spellings(phrase, MOST_SPELLINGS)
        if not any(map(is_word_character, phrase)):
            # Punctuation stands behind words, without a space, and with other marks in a subword.
            found += [(token,) for token in self._tokenizer.holding(normalise(phrase))]
        return found or [tuple(self._tokenizer.encode(phrase))]

    def _required(self, part: str, wanted: TextConstraints) -> list[str]:
        """What is asked for and what the glossary finds; in both, it is needed once."""
        asked = Counter(map(normalise, wanted.required))
        if self._glossary is not None:
            asked |= Counter(self._glossary.targets(part))
        return list(asked.elements())


def _check(wanted: TextConstraints) -> None:
    for phrase in (wanted.prefix, *wanted.required, *wanted.forbidden):
        check_text(phrase)
    for kind, phrases in (("required", wanted.required), ("forbidden", wanted.forbidden)):
        if not all(map(normalise, phrases)):
            raise SearchError(f"a {kind} word is empty: leave it out")


def _refuse_contradictions(wanted: Iterable[str], forbidden: Iterable[str]) -> None:
    for phrase in wanted:
        words = words_and_marks(phrase)
        for other in forbidden:
            banned = words_and_marks(other)
            if any(
                words[i : i + len(banned)] == banned for i in range(len(words) - len(banned) + 1)
            ):
                raise SearchError(
                    f"{phrase!r} is to be in the translation and {other!r} is not, but one holds "
                    "the other: leave one of them out"
                )
