"""What comes out: a text with its translations, and a pair of texts with its score."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nmt.search.alignment import Alignment
from nmt.search.stepper import Floats
from nmt.text.sentences import Sentence


@dataclass(frozen=True)
class TranslatedHypothesis:
    """One translation of a text.

    Attributes:
        text: The translation.
        score: What it was ranked by: the log-probability, normalised by length.
        log_probability: Sum over its pieces, natural logarithm.
        pieces: Its subwords, ends of sentences included.
        attention: Where each piece looked, shape (pieces, source pieces); None for a model
            without attention, for an empty text, and for one that was translated in parts.
        is_complete: The model ended it; False where it was cut off at the length limit.
        alignment: Which words belong together; None where it was not asked for, and for a model
            without attention.
    """

    text: str
    score: float
    log_probability: float
    pieces: tuple[str, ...]
    attention: Floats | None = field(compare=False)
    is_complete: bool
    alignment: Alignment | None = field(default=None, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        attention, alignment = self.attention, self.alignment
        return {
            "text": self.text,
            "score": self.score,
            "log_probability": self.log_probability,
            "is_complete": self.is_complete,
            "tokens": list(self.pieces),
            "attention": None
            if attention is None
            else attention.astype(np.float64).round(4).tolist(),
            "alignment": None if alignment is None else [list(pair) for pair in alignment.pairs],
        }


@dataclass(frozen=True)
class Translation:
    """A text and its translations.

    Attributes:
        source: The text, as it was given.
        source_pieces: Its subwords, ends of sentences included; empty for an empty text.
        hypotheses: Best first, at least one.
        sentences: The sentences of the text, where they are, and what stands between them.
        was_searched_again: The first search failed or lost a number (``search.robust``); the
            hypotheses are of a second one, in whole or in part.
        is_copied: The text is its own translation, in whole or in part: it has nothing that a model
            knows, or no search gave a translation.
    """

    source: str
    source_pieces: tuple[str, ...]
    hypotheses: tuple[TranslatedHypothesis, ...]
    sentences: tuple[Sentence, ...] = ()
    was_searched_again: bool = field(default=False, compare=False)
    is_copied: bool = field(default=False, compare=False)

    @property
    def text(self) -> str:
        """The best translation."""
        return self.hypotheses[0].text

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "source": self.source,
            "source_tokens": list(self.source_pieces),
            "hypotheses": [hypothesis.as_dict() for hypothesis in self.hypotheses],
        }


@dataclass(frozen=True)
class ScoredPair:
    """A text, a given translation of it, and what the model makes of that.

    Attributes:
        source: The text, as it was given.
        target: The translation, as it was given.
        score: The log-probability, normalised by length as the search does it.
        log_probability: Sum over the pieces of the translation, natural logarithm.
        pieces: Its subwords, the end of sentence included.
        log_probabilities: Of each piece, after those before it.
    """

    source: str
    target: str
    score: float
    log_probability: float
    pieces: tuple[str, ...]
    log_probabilities: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "source": self.source,
            "target": self.target,
            "score": self.score,
            "log_probability": self.log_probability,
            "tokens": list(self.pieces),
            "log_probabilities": list(self.log_probabilities),
        }
