"""Which language a text is in, and whether that is the one it is to be translated into.

By py3langid: naive Bayes over byte n-grams, NumPy and nothing else, 140 languages of which those
with a name in `languages` and those that are expected are kept. Of a few words it can tell little,
so the languages that are expected have more of a chance to begin with.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nmt.text.languages import NAMES

LONGEST = 1_000
"""Characters of a text that are looked at."""
FEWEST_PERCENT = 1.0
"""Confidence below which a language is not worth naming."""
PRIOR_ODDS = 10.0
"""How much likelier a language that is expected is than another, before the text is looked at."""
CLEAR_PERCENT = 60.0
CLEAR_ODDS = 20.0
"""What makes a language clear: it has so much confidence, and so many times that of the other."""


@dataclass(frozen=True)
class Detection:
    """A language that a text may be in.

    Attributes:
        language: Its code.
        confidence: Percent.
    """

    language: str
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {"language": self.language, "confidence": round(self.confidence, 1)}


class Detector:
    """Finds the language of texts. Loading it takes a second and 90 MB.

    Args:
        expected: Codes of the languages that texts are likely to be in.
    """

    def __init__(self, expected: Collection[str]) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        known = set(self._identifier.labels)
        self._identifier.set_languages((set(NAMES) | set(expected)) & known)
        self._expected = frozenset(expected)

    def likely(self, text: str) -> list[Detection]:
        """The languages that a text may be in, likeliest first, at least one."""
        every = self._ranked(text)
        return [every[0], *(each for each in every[1:] if each.confidence >= FEWEST_PERCENT)]

    def best_of(self, text: str, codes: Collection[str]) -> Detection:
        """The likeliest of some languages; how likely it is among all of them.

        Args:
            text: The text.
            codes: Those that it may be, at least one.
        """
        found = [each for each in self._ranked(text) if each.language in codes]
        return found[0] if found else Detection(min(codes), 0.0)

    def is_clearly(self, text: str, language: str, rather_than: Collection[str]) -> bool:
        """Whether a text is in a language beyond doubt; false where one of them is not known.

        Args:
            text: The text.
            language: The code of the language.
            rather_than: Those that it might be instead, at least one.
        """
        found = {each.language: each.confidence for each in self._ranked(text)}
        if not found.keys() >= {language, *rather_than} or language in rather_than:
            return False
        other = max(found[code] for code in rather_than)
        return found[language] >= max(CLEAR_PERCENT, CLEAR_ODDS * other)

    def _ranked(self, text: str) -> list[Detection]:
        odds = {
            code: share * (PRIOR_ODDS if code in self._expected else 1.0)
            for code, share in self._identifier.rank(text[:LONGEST])
        }
        total = sum(odds.values())
        every = [Detection(code, 100.0 * share / total) for code, share in odds.items()]
        return sorted(every, key=lambda each: -each.confidence)
