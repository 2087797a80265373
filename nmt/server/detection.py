"""Which language a text is in.

By py3langid: naive Bayes over byte n-grams, NumPy and nothing else, 140 languages of which those
with a name in `languages` and those that are served are kept.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nmt.server.languages import NAMES

LONGEST = 1_000
"""Characters of a text that are looked at."""
FEWEST_PERCENT = 1.0
"""Confidence below which a language is not worth naming."""


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
    """Finds the language of texts. Loading it takes a second.

    Args:
        served: Codes of languages to look for whether they have a name or not.
    """

    def __init__(self, served: Collection[str]) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        known = set(self._identifier.labels)
        self._identifier.set_languages((set(NAMES) | set(served)) & known)

    def likely(self, text: str) -> list[Detection]:
        """The languages that a text may be in, likeliest first, at least one."""
        every = self._ranked(text)
        return [every[0], *(each for each in every[1:] if each.confidence >= FEWEST_PERCENT)]

    def best_of(self, text: str, codes: Collection[str]) -> Detection:
        """The likeliest of some languages; how likely among all of them.

        Args:
            text: The text.
            codes: Those that it may be, at least one.
        """
        found = [each for each in self._ranked(text) if each.language in codes]
        return found[0] if found else Detection(min(codes), 0.0)

    def _ranked(self, text: str) -> list[Detection]:
        ranked = self._identifier.rank(text[:LONGEST])
        return [Detection(code, 100.0 * share) for code, share in ranked]
