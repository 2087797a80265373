"""Noticing a text that is in the language it is to be translated into."""

from functools import cached_property

from nmt.export.shortlist import Lexicon
from nmt.text.language_id import LONGEST, Detector
from nmt.text.normalise import normalise
from nmt.text.tokenizer import SPACE, Tokenizer

COMMONEST = 100
"""Words of the language translated into that make a text look strange; some of more are in both."""


STRANGE_SHARE = 0.3
"""Of the words of a text, above which it is worth a closer look whether it is the wrong language.

Up to 3% of Tatoeba's and Multi30k's sentences have more in the right language, 99% in the wrong.
"""


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
