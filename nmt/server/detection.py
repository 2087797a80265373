"""Which language a text is in.

By py3langid: naive Bayes over byte n-grams, NumPy and nothing else, 140 languages of which those
with a name in `languages` and those that are served are kept. Of a few words it can tell little, so
the languages that are served have more of a chance to begin with.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nmt.server.languages import NAMES

LONGEST = 1_000
"""Characters of a text that are looked at."""
FEWEST_PERCENT = 1.0
"""Confidence below which a language is not worth naming."""
PRIOR_ODDS = 10.0
"""How much likelier a language that is served is than another, before the text is looked at."""


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
        served: Codes of the languages that texts are likely to be in.
    """

    def __init__(self, served: Collection[str]) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        known = set(self._identifier.labels)
        self._identifier.set_languages((set(NAMES) | set(served)) & known)
        self._served = frozenset(served)

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

    def _ranked(self, text: str) -> list[Detection]:
        odds = {
            code: share * (PRIOR_ODDS if code in self._served else 1.0)
            for code, share in self._identifier.rank(text[:LONGEST])
        }
        total = sum(odds.values())
        every = [Detection(code, 100.0 * share / total) for code, share in odds.items()]
        return sorted(every, key=lambda each: -each.confidence)
