"""One function over batches of rows, for whatever library maps functions over batches."""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.bulk.formats import COLUMN, INTO, wrong_columns
from nmt.config import SearchConfig
from nmt.data.readers import checked_text
from nmt.errors import BulkError
from nmt.runs.finding import open_run

if TYPE_CHECKING:
    from nmt.translator.translator import Translator


class BatchTranslator:
    """``translate_batch``: rows in, the same rows with their translations out.

    It holds the place of the model and no more, so it can be sent to another process, which loads
    the model when the first batch comes, once for all its batches. As it holds the fingerprint of
    the model too, what a library keeps of its results is not taken for those of another model.

    Args:
        model: The folder of a trained run.
        column: Which column to translate.
        options: How to search; None for what the run's recipe says.
        threads: See `Translator.load`; 1 where each core has a process of its own.

    Raises:
        RunError: It is not a trained run.
    """

    def __init__(
        self,
        model: str | Path,
        column: str = COLUMN,
        options: SearchConfig | None = None,
        threads: int | None = None,
    ) -> None:
        run = open_run(Path(model).resolve())
        self.column = column
        self._path = run.path
        self._fingerprint = run.fingerprint()
        self._options = run.config().search if options is None else options
        self._threads = threads

    def with_threads(self, threads: int) -> "BatchTranslator":
        """The same with as many threads."""
        other = copy(self)
        other._threads = threads
        return other

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What its translations depend on, for telling them from others; plain values of JSON."""
        return {
            "model": self._fingerprint,
            "column": self.column,
            "search": self._options.model_dump(mode="json"),
        }

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Translate a batch.

        Args:
            batch: Columns of one length, the texts among them; None is an empty text.

        Returns:
            The same columns and ``translation_text``.

        Raises:
            BulkError: There is no such column, or there are translations already; or the model has
                changed.
            CorpusError: A value is not text.
        """
        if self.column not in batch or INTO in batch:
            raise BulkError(wrong_columns("a batch", self.column, list(batch)))
        texts = [
            checked_text(text, f"column {self.column!r}, row {row} of a batch")
            for row, text in enumerate(batch[self.column], 1)
        ]
        translator = _loaded(self._path, self._fingerprint, self._options, self._threads)
        return {**batch, INTO: [found.text for found in translator.translate(texts)]}


@lru_cache(maxsize=1)
def _loaded(
    path: Path, fingerprint: str, options: SearchConfig, threads: int | None
) -> "Translator":
    """The translator of this process, of the model with this fingerprint."""
    from nmt.translator.translator import Translator

    run = open_run(path)
    translator = Translator.load(run, options, threads)
    if run.fingerprint() != fingerprint:
        raise BulkError(f"{path}: the model has changed since this began: start again")
    return translator
