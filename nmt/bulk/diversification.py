"""More pairs out of a corpus, made by two models that were trained on it: data diversification.

What the forward model makes of the training sources is learned from beside their references, and
so is what the backward model makes of the training targets, beside those (Nguyen et al. 2020, "Data
Diversification: A Simple Strategy For Neural Machine Translation", section 3.1, with one model for
each direction and one round). No other text is needed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nmt.bulk.file import Input, Output, differences, locked, translate_file
from nmt.config import CorpusConfig, PairsConfig, SearchConfig
from nmt.data.bitext import READ_PAIRS, open_measures, open_pairs, split_folder
from nmt.data.filtering import Corpus, is_in, load_corpus
from nmt.errors import BulkError, RunError
from nmt.files import write_atomically
from nmt.progress import Display, counted
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import Direction
from nmt.text.lines import line_of
from nmt.translator.translator import Translator

if TYPE_CHECKING:
    from datasets import Dataset

Side = Literal["source", "target"]

ORIGIN_FILE = "made-of.json"


@dataclass(frozen=True)
class Half:
    """One of the two models, and how it translates.

    Attributes:
        name: What its files are called.
        run: The model.
        search: How it looks for translations.
        given: The side of the corpus that it translates.
        made: The side that it makes.
    """

    name: str
    run: RunDirectory
    search: SearchConfig
    given: Side
    made: Side


@dataclass(frozen=True)
class Made:
    """What became of what a model translated.

    Attributes:
        name: That of the half.
        pairs: Pairs to learn from.
        known: Left out: pairs that the corpus has.
        held_out: Left out: what the model made is, word for word, in a split that is held out.
        empty: Left out: what the model made is empty.
    """

    name: str
    pairs: int
    known: int
    held_out: int
    empty: int

    def told(self, corpus: CorpusConfig) -> str:
        """All of it on one line, for people.

        Args:
            corpus: Of which it was made.
        """
        held_out = " or ".join(filter(None, (corpus.dev, corpus.test)))
        reasons = (
            (self.known, "that the corpus has"),
            (self.held_out, f"with a sentence of {held_out}"),
            (self.empty, "without a translation"),
        )
        left_out = [f"{counted(number, 'pair')} {why}" for number, why in reasons if number]
        note = f" (left out: {', '.join(left_out)})" if left_out else ""
        return f"{self.name}: {counted(self.pairs, 'pair')}{note}"


def forward_half(run: RunDirectory, search: SearchConfig) -> Half:
    """The model that translates as the next one is to."""
    return Half("forward", run, search, "source", "target")


def backward_half(run: RunDirectory, search: SearchConfig) -> Half:
    """The model that translates the other way; it had better sample (see `diversify`)."""
    return Half("backward", run, search, "target", "source")


def refuse_other_directions(
    corpus: CorpusConfig, forward: RunDirectory, backward: RunDirectory
) -> None:
    """See to it that a corpus is read, and translated back, as its models translate.

    Languages may be called otherwise in the corpus, but not the other way round.

    Raises:
        RunError: It is not.
    """
    there, back = Direction.of(forward), Direction.of(backward)
    if there != back.turned:
        raise RunError(
            f"{backward.described} translates {back}, and {forward.described} {there}: name one "
            f"that translates {there.turned}"
        )
    if Direction(corpus.source, corpus.target) == back:
        raise RunError(
            f"{forward.described} translates {there}, and the corpus would be read {back}: name "
            "the models the other way round, or leave out --set corpus.source"
        )


def diversify(
    config: CorpusConfig,
    halves: Sequence[Half],
    folder: Path,
    make_display: Callable[[], Display] = Display,
) -> list[Made]:
    """Translate both sides of the training pairs, and write the pairs that come of it.

    The folder gets a split ``train``, and what that is made of: each different sentence of a side
    once, and its translation. A backward model that searches gives back what it learned by heart;
    one that draws at random says it in other words (Edunov et al. 2018).

    A process that is killed is gone on with: nothing that is finished is translated again.

    Args:
        config: The corpus. Of its further corpora nothing is translated.
        halves: The models.
        folder: Where to; it is made where it is not there.
        make_display: Makes what is told how it goes, for each model.

    Raises:
        BulkError: The folder holds something else, or is being written by another process; or no
            new pair came of it.
        CorpusError: See `nmt.data.filtering.load_corpus`.
        NmtError: A model cannot be loaded.
    """
    _refuse_foreign(folder)
    config = config.model_copy(update={"also": {}})
    corpus = load_corpus(config)
    made_of = _made_of(corpus, halves)
    # both, so that what is wrong with the second does not show after hours of the first
    translators = [Translator.load(half.run, half.search) for half in halves]
    folder.mkdir(exist_ok=True)
    with locked(folder):
        _begin(folder, made_of)
        for half, translator in zip(halves, translators, strict=True):
            with closing(make_display()) as display:
                _translate(translator, corpus.train, _Files(folder, half, config), display)
        return _gather(config, corpus, halves, folder)


@dataclass(frozen=True)
class _Files:
    """The two files of a half."""

    folder: Path
    half: Half
    corpus: CorpusConfig

    @property
    def given(self) -> Path:
        return self._of(self.half.given)

    @property
    def made(self) -> Path:
        return self._of(self.half.made)

    def _of(self, side: Side) -> Path:
        return self.folder / f"{self.half.name}.{_language(self.corpus, side)}"


def _language(corpus: CorpusConfig, side: Side) -> str:
    return corpus.source if side == "source" else corpus.target


def _made_of(corpus: Corpus, halves: Iterable[Half]) -> dict[str, Any]:
    """All that the pairs depend on, as plain values of JSON."""
    return {
        "corpus": corpus.content,
        "models": {half.name: half.run.fingerprint() for half in halves},
        "searches": {half.name: half.search.model_dump(mode="json") for half in halves},
    }


def _refuse_foreign(folder: Path) -> None:
    """Look at what is in the folder, before anything slow is done.

    Raises:
        BulkError: Something that was not made here; or there is no place for the folder.
    """
    if not folder.parent.is_dir():
        raise BulkError(f"{folder}: there is no folder {folder.parent}: make it first")
    if folder.exists() and not folder.is_dir():
        raise BulkError(f"{folder}: this is a file: name a folder")
    if folder.is_dir() and not (folder / ORIGIN_FILE).exists():
        # what a killed process left of its own
        ours = (".lock", f".{ORIGIN_FILE}.")
        if others := [p.name for p in folder.iterdir() if not p.name.startswith(ours)]:
            raise BulkError(
                f"{folder}: there is something else in this folder ({min(others)}): name another"
            )


def _begin(folder: Path, made_of: dict[str, Any]) -> None:
    """See to it that what is in the folder, if anything, was made of the same.

    Raises:
        BulkError: It was not.
    """
    file = folder / ORIGIN_FILE
    if not file.exists():
        write_atomically(file, json.dumps(made_of, indent=1).encode())
        return
    try:
        before = json.loads(file.read_bytes())
        different = ["another corpus"] * (before["corpus"] != made_of["corpus"])
        for half, model in made_of["models"].items():
            different += [f"another {half} model"] * (before["models"][half] != model)
            searches = before["searches"][half], made_of["searches"][half]
            different += [f"{half} search.{key}" for key in differences(*searches)]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BulkError(f"{file}: damaged: remove {folder} and start again") from error
    if different:
        raise BulkError(
            f"{folder}: begun with {', '.join(different)}: keep to it, or name another folder"
        )


def _translate(translator: Translator, train: "Dataset", files: _Files, display: Display) -> None:
    """Have a model translate each different sentence of a side, or go on with that."""
    if files.made.exists():
        return
    if not files.given.exists():
        texts = _distinct(train, files.half.given)
        write_atomically(files.given, partial(_write_lines, texts))
    display.note(f"translating {files.given} with {files.half.run.introduced}")
    with files.given.open("rb") as stream:
        translate_file(
            translator.translate,
            Input(str(files.given), stream),
            Output(files.made, belongs_to={}),  # what the whole folder is made of says that
            resume=True,
            display=display,
            to_go_on="the same command goes on",
        )


def _distinct(train: "Dataset", side: Side) -> Iterator[str]:
    """Each different text of a side once, in the order in which they come first.

    Two texts of one 64-bit hash count as one (see `nmt.data.bitext.Measures`).
    """
    hashes = np.fromiter(
        (
            int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
            for text in _texts(train, side)
        ),
        np.uint64,
        len(train),
    )
    _, first = np.unique(hashes, return_index=True)
    return _texts(train.select(np.sort(first)), side)


def _gather(
    config: CorpusConfig, corpus: Corpus, halves: Sequence[Half], folder: Path
) -> list[Made]:
    """Write what is worth learning from of all that was translated."""
    known = open_measures(split_folder(config, config.train)).hashes
    held_out = [corpus.dev, *([corpus.test] if corpus.test else [])]
    found, kept = [], []
    for half in halves:
        place = split_folder(_as_corpus(config, folder), half.name)
        measures, pairs = open_measures(place), open_pairs(place)
        texts = {text for split in held_out for text in _texts(split, half.made)}
        flags = (
            is_in(measures.hashes, known),
            np.array([text in texts for text in _texts(pairs, half.made)], np.bool_),
            measures.is_empty,
        )
        is_kept = np.ones(len(pairs), np.bool_)
        left_out = []
        for flag in flags:
            left_out.append(int((flag & is_kept).sum()))
            is_kept &= ~flag
        found.append(Made(half.name, int(is_kept.sum()), *left_out))
        kept.append(pairs.select(np.flatnonzero(is_kept)))
    if not any(map(len, kept)):
        raise BulkError(
            f"{folder}: no new pair came of it: the models know this text by heart: try a higher "
            "--temperature and another folder"
        )
    sides: tuple[Side, Side] = ("source", "target")
    files = [folder / f"{PairsConfig().train}.{_language(config, side)}" for side in sides]
    for file in files:
        file.unlink(missing_ok=True)  # never a new one beside an old one
    for file, side in zip(files, sides, strict=True):
        texts_of_side = chain.from_iterable(_texts(pairs, side) for pairs in kept)
        write_atomically(file, partial(_write_lines, texts_of_side))
    return found


def _as_corpus(config: CorpusConfig, folder: Path) -> CorpusConfig:
    """The same languages, in text files of a folder."""
    return CorpusConfig(
        path=str(folder.resolve()), format="text", source=config.source, target=config.target
    )


def _texts(pairs: "Dataset", side: Side) -> Iterator[str]:
    for block in pairs.iter(READ_PAIRS):
        yield from block[side]


def _write_lines(texts: Iterable[str], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(map(line_of, texts))
