"""What the models do: one kind of work is done for many requests at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nmt.config import SearchConfig
from nmt.server.models import Model
from nmt.text.normalise import normalise
from nmt.translator.constraints import TextConstraints
from nmt.translator.next_words import NextWord
from nmt.translator.restoring import copied
from nmt.translator.results import TranslatedHypothesis, Translation

COST = 20
"""What a sentence costs besides its length, in characters."""


@dataclass(frozen=True)
class Piece:
    """A text to do something with, by itself.

    Attributes:
        text: What.
        prefix: What its translation begins with.
    """

    text: str
    prefix: str = ""

    @property
    def cost(self) -> int:
        """About how long it takes, in characters; a prefix is gone through word by word."""
        return COST + len(self.text) + 2 * len(self.prefix)


class Work(Protocol):
    """A kind of work. What is equal is done together."""

    def __call__(self, pieces: Sequence[Piece]) -> Sequence[Any]:
        """What becomes of each piece, whatever others there are."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Job:
    """A piece of work."""

    work: Work
    piece: Piece


@dataclass(frozen=True)
class TranslateSentences:
    """Translate sentences.

    Attributes:
        model: With what.
        alternatives: How many besides the best; there may be fewer.
        aligns: Whether to say which words belong together.
        is_begun: Whether the pieces have prefixes.
    """

    model: Model
    alternatives: int = 0
    aligns: bool = False
    is_begun: bool = False

    def __call__(self, pieces: Sequence[Piece]) -> list[Translation]:
        """The translations of sentences."""
        texts = [piece.text for piece in pieces]
        begun = [TextConstraints(prefix=piece.prefix) for piece in pieces]
        return self.model.translator.translate(
            texts, self._options, begun if self.is_begun else None, align=self.aligns
        )

    @property
    def _options(self) -> SearchConfig:
        options = self.model.translator.options
        wanted = self.alternatives + 1
        if wanted <= options.beam and wanted == options.n_best:
            return options
        groups = options.diversity_groups
        beam = max(-(-wanted // groups) * groups, options.beam)
        return options.model_copy(update={"n_best": wanted, "beam": beam})


@dataclass(frozen=True)
class TranslateMarkup:
    """Translate documents with their tags."""

    model: Model

    def __call__(self, pieces: Sequence[Piece]) -> list[str]:
        """The documents in the other language."""
        return self.model.translator.translate_markup([piece.text for piece in pieces], "html")


@dataclass(frozen=True)
class CopySentences:
    """Leave sentences as they are, which are in the language wanted."""

    def __call__(self, pieces: Sequence[Piece]) -> list[Translation]:
        """Each sentence as a translation of itself."""
        return [_copy(piece.text) for piece in pieces]


@dataclass(frozen=True)
class CopyMarkup:
    """Leave documents as they are, which are in the language wanted."""

    def __call__(self, pieces: Sequence[Piece]) -> list[str]:
        """The same documents."""
        return [piece.text for piece in pieces]


@dataclass(frozen=True)
class FindNextWords:
    """Find what a translation could go on with after a prefix.

    Attributes:
        model: With what.
        count: How many words, at most.
    """

    model: Model
    count: int

    def __call__(self, pieces: Sequence[Piece]) -> list[list[NextWord]]:
        """The next words of each sentence."""
        return [
            self.model.translator.alternatives(piece.text, piece.prefix, self.count)
            for piece in pieces
        ]


def _copy(text: str) -> Translation:
    found = TranslatedHypothesis(text, 0.0, 0.0, (), None, True, copied(normalise(text)))
    return Translation(text, (), (found,))
