"""Sentences that systems are tried on, with what a person made of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nmt.config import CorpusConfig
from nmt.data.readers import Chunk, read_lines, read_text_pair
from nmt.data.splits import find_origin
from nmt.errors import CorpusError
from nmt.text.normalise import normalise


@dataclass(frozen=True)
class HeldOut:
    """A test set, normalised.

    Attributes:
        name: What to call it, such as ``test``.
        sources: None where only the references are known.
        references: One for each source.
    """

    name: str
    sources: tuple[str, ...] | None
    references: tuple[str, ...]


def own_test_set(config: CorpusConfig) -> HeldOut:
    """The test set of a corpus.

    Raises:
        CorpusError: It has none, or it is not where it was.
    """
    if not config.test:
        files = "name two files with --source and --reference"
        is_there = config.path or config.hub  # that of a model that came with nmt is not
        splits = f", or another split with --set corpus.test={config.dev}" if is_there else ""
        raise CorpusError(f"this run has no test set (corpus.test is empty): {files}{splits}")
    return _of_chunks(config.test, find_origin(config, config.test).read())


def held_out_files(source: Path | None, reference: Path) -> HeldOut:
    """A test set in text files, one sentence a line.

    Args:
        source: What to translate; None where that is done already.
        reference: The right translations.

    Raises:
        CorpusError: They are not text, or of different length.
    """
    if source is not None:
        return _of_chunks(source.name, read_text_pair(source, reference))
    return HeldOut(reference.name, None, tuple(map(normalise, read_lines(reference))))


def _of_chunks(name: str, chunks: Iterable[Chunk]) -> HeldOut:
    sources: list[str] = []
    references: list[str] = []
    for chunk in chunks:
        sources += map(normalise, chunk.source)
        references += map(normalise, chunk.target)
    return HeldOut(name, tuple(sources), tuple(references))
