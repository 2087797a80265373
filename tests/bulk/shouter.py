"""A translator that shouts, so that anybody can say what it would have written."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from nmt.bulk.formats import INTO
from nmt.translator.translator import TranslatedHypothesis, Translation


def shout(texts: Sequence[str]) -> list[Translation]:
    """Translate texts into capitals, each word a token."""
    return [
        Translation(
            text,
            tuple(text.split()),
            (TranslatedHypothesis(text.upper(), 0.0, 0.0, tuple(text.split()), None, True),),
        )
        for text in texts
    ]


class Shouter:
    """The same over batches of rows; takes the place of a `BatchTranslator`."""

    def __init__(self, column: str = "text", model: str = "m") -> None:
        self.column = column
        self.belongs_to = {"model": model, "column": column}
        self.threads: int | None = None

    def with_threads(self, threads: int) -> Self:
        self.threads = threads
        return self

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        texts = [translation.text for translation in shout(list(batch[self.column]))]
        return {**batch, INTO: texts}
