"""Sentences that systems are tried on, with what a person made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.config import CorpusConfig
from nmt.data.readers import Chunk, read_text_pair
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
        further: More references of each source, where several people translated them.
    """

    name: str
    sources: tuple[str, ...] | None
    references: tuple[str, ...]
    further: tuple[tuple[str, ...], ...] = ()


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
    return HeldOut(config.test, *_sides(find_origin(config, config.test).read()))


def held_out_files(source: Path | None, references: Sequence[Path]) -> HeldOut:
    """A test set in text files, one sentence a line.

    Args:
        source: What to translate; None where that is done already.
        references: The right translations, at least one file of them.

    Raises:
        CorpusError: They are not text, or of different length.
    """
    first, *others = references
    sources, right = _sides(read_text_pair(first if source is None else source, first))
    further = tuple(_sides(read_text_pair(first, other))[1] for other in others)
    if source is None:
        return HeldOut(first.name, None, right, further)
    return HeldOut(source.name, sources, right, further)


def _sides(chunks: Iterable[Chunk]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    sources: list[str] = []
    references: list[str] = []
    for chunk in chunks:
        sources += map(normalise, chunk.source)
        references += map(normalise, chunk.target)
    return tuple(sources), tuple(references)
