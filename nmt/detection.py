"""Which language a text is in, and whether that is the one it is to be translated into.

By py3langid: naive Bayes over byte n-grams, NumPy and nothing else, 140 languages of which those
with a name in `languages` and those that are expected are kept. Of a few words it can tell little,
so the languages that are expected have more of a chance to begin with.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nmt.corpus.text import normalise
from nmt.corpus.tokenizer import SPACE, Tokenizer
from nmt.decoding.lexicon import Lexicon
from nmt.languages import NAMES

LONGEST = 1_000
"""Characters of a text that are looked at."""
FEWEST_PERCENT = 1.0
"""Confidence below which a language is not worth naming."""
PRIOR_ODDS = 10.0
"""How much likelier a language that is expected is than another, before the text is looked at."""
CLEAR_PERCENT = 60.0
CLEAR_ODDS = 20.0
"""What makes a language clear: it has so much confidence, and so many times that of the other."""
COMMONEST = 100
"""Words of the language translated into that make a text look strange; some of more are in both."""
STRANGE_SHARE = 0.3
"""Of the words of a text, above which it is worth a closer look whether it is the wrong language.

Up to 3% of Tatoeba's and Multi30k's sentences have more in the right language, 99% in the wrong.
"""


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


class WrongWay:
    """Notices a text that is in the language it is to be translated into.

    A text in the right language costs next to nothing: most of its words have a translation in the
    model's shortlists, and are not among the commonest of the other language. Only where that is
    not so, or there are no shortlists, the text is looked at by a `Detector`.

    Args:
        languages: Codes of the languages translated from and into.
        tokenizer: Of the language translated into.
        lexicon: The model's shortlists, if it has any.
    """

    def __init__(
        self,
        languages: tuple[str, str],
        tokenizer: Tokenizer,
        lexicon: Lexicon | None,
    ) -> None:
        self._languages = languages
        self._tokenizer = tokenizer
        self._lexicon = lexicon

    def is_noticed(self, text: str) -> bool:
        """Whether a text is clearly in the language translated into.

        Args:
            text: Its first `LONGEST` characters count.
        """
        text = normalise(text[:LONGEST])
        source, target = self._languages
        return self._strange_share(text) > STRANGE_SHARE and self._detector.is_clearly(
            text, target, [source]
        )

    def _strange_share(self, text: str) -> float:
        """What share of the words of a text looks to be of the language translated into."""
        if self._lexicon is None:
            return float(any(map(str.isalpha, text)))
        ids = self._tokenizer.encode(text)
        words = [
            token
            for token, piece in zip(ids, self._tokenizer.pieces(ids), strict=True)
            if piece.startswith(SPACE) and piece[1:2].isalpha()
        ]
        return sum(map(self._is_strange, words)) / max(1, len(words))

    def _is_strange(self, token: int) -> bool:
        """Whether a word is common in the language translated into, or unknown in the other."""
        assert self._lexicon is not None
        is_unknown = self._lexicon.is_joint and self._lexicon.is_untranslated(token)
        return is_unknown or token in self._common

    @cached_property
    def _common(self) -> frozenset[int]:
        assert self._lexicon is not None
        return frozenset(map(int, self._lexicon.common[:COMMONEST]))

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._languages)
