"""Which training pairs teach nothing or give the test away: counted, reported, left out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nmt.config import CorpusConfig
from nmt.data.bitext import (
    Measures,
    Tell,
    content_of,
    open_measures,
    open_pairs,
    silent,
    split_folder,
    write_batches,
)
from nmt.data.cache import cached
from nmt.data.mixture import Portion
from nmt.data.readers import CHUNK_PAIRS
from nmt.errors import CorpusError
from nmt.progress import counted

if TYPE_CHECKING:
    from datasets import Dataset

FORMAT_VERSION = 3
REPORT_FILE = "report.json"
CONTENT_FILE = "content"

# "Oui." and "Yes, of course I do." are a fine pair; max_ratio is for sides longer than this.
SHORT_CHARACTERS = 20


@dataclass(frozen=True)
class Finding:
    """Some pairs of a split with one thing the matter."""

    reason: str
    """What it is, to follow a number of pairs in a sentence."""
    pairs: int
    """How many have it, not counting those that an earlier finding has counted."""
    first: int
    """The number, from 1, of the first of them: for two text files, its line."""
    left_out: bool
    """Whether they are left out."""


@dataclass(frozen=True)
class SplitReport:
    """What was found in one split."""

    name: str
    pairs: int
    """Pairs that were read."""
    kept: int
    """Pairs that are used."""
    findings: tuple[Finding, ...]
    weight: float = 1.0
    """How often each of them is met in an epoch, on average, if it is to learn from."""


@dataclass(frozen=True)
class CorpusReport:
    """What was found in each split of a corpus: train, the further corpora, dev and test."""

    splits: tuple[SplitReport, ...]

    def lines(self) -> list[str]:
        """The report for people: a line for each split and each finding."""
        lines = []
        for split in self.splits:
            kept = f", {split.kept:,} kept" if split.kept < split.pairs else ""
            weight = f", each {split.weight:g} times an epoch" if split.weight != 1.0 else ""
            lines.append(f"{split.name}: {counted(split.pairs, 'pair')}{kept}{weight}")
            lines += [
                f"  {finding.pairs:,} {finding.reason} (first: pair {finding.first:,}), "
                + ("left out" if finding.left_out else "kept")
                for finding in split.findings
            ]
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, by the name of the split."""
        return {split.name: asdict(split) for split in self.splits}


def report_of(splits: Iterable[Mapping[str, Any]]) -> CorpusReport:
    """The report that these are the plain values of.

    Raises:
        TypeError: They are of no report.
    """
    return CorpusReport(
        tuple(
            SplitReport(**{**split, "findings": tuple(Finding(**f) for f in split["findings"])})
            for split in splits
        )
    )


@dataclass(frozen=True)
class Corpus:
    """The splits of a corpus; train without what the report says is left out."""

    train: Dataset
    """The training pairs of the corpus and then those of the further ones, each once."""
    portions: tuple[Portion, ...]
    """How many of the training pairs come from each of them, and how often they are met."""
    dev: Dataset
    test: Dataset | None
    report: CorpusReport
    content: str
    """What `content_of` says of the training pairs; it is kept, for it takes seconds to read all of
    a large corpus."""


def load_corpus(config: CorpusConfig, tell: Tell = silent) -> Corpus:
    """Read the splits of a corpus and check them.

    Training pairs are left out that have an empty side, are too long or badly proportioned, occur
    in dev or test, or have occurred before in the same corpus: what is in two corpora is learned
    from in both, for a further corpus is there to be met as often as its weight says. Dev and test
    keep every pair.

    Args:
        config: Which corpus.
        tell: Is told how far the reading is, where that is done anew.

    Raises:
        CorpusError: A split cannot be read, two have one name, or nothing is left to train on.
    """
    names = [name for name in (config.train, config.dev, config.test) if name]
    if len(set(names)) < len(names) or not (config.train and config.dev):
        raise CorpusError(
            f"corpus.train, corpus.dev and corpus.test are {config.train!r}, {config.dev!r} and "
            f"{config.test!r}: they must be different splits, and only test may be empty"
        )
    for name in config.also:
        if name in names:
            raise CorpusError(
                f"corpus.also.{name}: a split of the corpus has this name: give it another"
            )
    corpora = config.to_learn_from()
    folders = {
        section.removeprefix("corpus.also."): split_folder(corpus, corpus.train, section, tell)
        for section, corpus in corpora.items()
    }
    folders = {config.train: folders.pop("corpus"), **folders}
    held_out = {name: split_folder(config, name) for name in names[1:]}
    key = {
        "version": FORMAT_VERSION,
        "train": [(name, folder.name) for name, folder in folders.items()],
        "held_out": [(name, folder.name) for name, folder in held_out.items()],
        "rules": config.model_dump(
            include={"max_characters", "max_ratio", "drop_duplicates", "drop_test_pairs"}
        ),
    }
    sources = {**folders, **held_out}

    def build(folder: Path) -> None:
        tell("checking", 0, None)
        _build(folder, sources, len(folders), config)

    checked = cached("checked", key, build)
    found = report_of(json.loads((checked / REPORT_FILE).read_text())).splits
    weights = [corpus.weight for corpus in corpora.values()]
    trains = [replace(split, weight=w) for split, w in zip(found, weights, strict=False)]
    return Corpus(
        train=_join([_kept(checked, split, sources[split.name]) for split in trains]),
        portions=tuple(Portion(split.kept, split.weight) for split in trains),
        dev=open_pairs(held_out[config.dev]),
        test=open_pairs(held_out[config.test]) if config.test else None,
        report=CorpusReport((*trains, *found[len(trains) :])),
        content=(checked / CONTENT_FILE).read_text(),
    )


def _kept(checked: Path, report: SplitReport, source: Path) -> Dataset:
    """The pairs of a training split that the checks left.

    Args:
        checked: Where the checks left them, unless that was all.
        report: What was found in it.
        source: The folder of all its pairs.
    """
    if not report.kept:
        raise CorpusError(_nothing_left(report))
    if report.kept == report.pairs:
        return open_pairs(source)
    return open_pairs(checked, _file_of(report.name))


def _join(parts: list[Dataset]) -> Dataset:
    from datasets import concatenate_datasets

    return concatenate_datasets(parts) if len(parts) > 1 else parts[0]


def _file_of(name: str) -> str:
    """The file of the kept pairs of a split, whose name may be no file name (``train[:10]``)."""
    return f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.arrow"


def _build(folder: Path, splits: Mapping[str, Path], trains: int, config: CorpusConfig) -> None:
    """Write the report, and the training pairs that are kept unless that is all of them.

    Args:
        folder: Where to.
        splits: Folders of the pairs of all splits by name, those to learn from first.
        trains: How many those are.
        config: The rules.
    """
    names = list(splits)
    measures = [open_measures(split) for split in splits.values()]
    learned, held_out = measures[:trains], measures[trains:]
    reports = []
    for name, train in zip(names[:trains], learned, strict=True):
        findings, kept = _check_train(train, held_out, names[trains:], config)
        reports.append(SplitReport(name, len(kept), int(kept.sum()), findings))
        if not kept.all():
            write_batches(folder / _file_of(name), _select(open_pairs(splits[name]), kept))
    for name, split in zip(names[trains:], held_out, strict=True):
        # Few are held out: what is learned is searched for them, and not the other way round.
        known = [train.hashes[is_in(train.hashes, split.hashes)] for train in learned]
        is_learned = is_in(split.hashes, np.concatenate(known))
        flags = {
            "with an empty side": split.is_empty,
            f"also in {' or '.join(names[:trains])}": is_learned,
        }
        size = len(split.hashes)
        found = tuple(_find(reason, flag, False) for reason, flag in flags.items() if flag.any())
        reports.append(SplitReport(name, size, size, found))
    report = CorpusReport(tuple(reports))
    (folder / REPORT_FILE).write_text(json.dumps(list(report.as_dict().values())))
    parts = [_kept(folder, part, splits[part.name]) for part in reports[:trains] if part.kept]
    (folder / CONTENT_FILE).write_text(content_of(_join(parts)) if parts else "")


def is_in(hashes: NDArray[np.uint64], among: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which hashes are among others: like ``np.isin``, but it sorts only the others."""
    ordered = np.sort(among)
    place = np.searchsorted(ordered, hashes)
    place[place == len(ordered)] = 0
    return np.equal(ordered[place], hashes) if len(ordered) else np.zeros(len(hashes), np.bool_)


def _check_train(
    train: Measures, held_out: Iterable[Measures], names: Iterable[str], config: CorpusConfig
) -> tuple[tuple[Finding, ...], NDArray[np.bool_]]:
    """Find what is the matter with training pairs; the first thing found is what counts.

    Returns:
        The findings, and True for each pair that is kept, shape (pairs,).
    """
    longer = np.maximum(train.source, train.target)
    shorter = np.minimum(train.source, train.target)
    held_out_hashes = np.concatenate([split.hashes for split in held_out])
    rules = [
        ("with an empty side", train.is_empty, True),
        (f"with a side over {config.max_characters:,} characters",
         longer > config.max_characters, True),
        (f"with one side over {config.max_ratio:g} times as long as the other",
         (longer > config.max_ratio * shorter) & (longer > SHORT_CHARACTERS), True),
        (f"also in {' or '.join(names)}",
         is_in(train.hashes, held_out_hashes), config.drop_test_pairs),
    ]  # fmt: skip
    kept = np.ones(len(train.hashes), np.bool_)
    findings = []
    for reason, flag, left_out in rules:
        found = flag & kept
        if found.any():
            findings.append(_find(reason, found, left_out))
        if left_out:
            kept &= ~found
    repeated = kept.copy()
    candidates = np.flatnonzero(kept)
    _, first = np.unique(train.hashes[candidates], return_index=True)
    repeated[candidates[first]] = False
    if repeated.any():
        findings.append(_find("that occurred before", repeated, config.drop_duplicates))
    if config.drop_duplicates:
        kept &= ~repeated
    return tuple(findings), kept


def _find(reason: str, flag: NDArray[np.bool_], left_out: bool) -> Finding:
    return Finding(reason, int(flag.sum()), int(flag.argmax()) + 1, left_out)


def _select(split: Dataset, kept: NDArray[np.bool_]) -> Iterator[Any]:
    """The pairs that are kept, a chunk at a time."""
    first = 0
    for table in split.with_format("arrow").iter(CHUNK_PAIRS):
        yield table.filter(kept[first : first + len(table)])
        first += len(table)


def _nothing_left(train: SplitReport) -> str:
    found = ", ".join(f"{f.pairs:,} {f.reason}" for f in train.findings)
    return (
        f"nothing of the {train.pairs:,} pairs of split {train.name!r} is left to train on "
        f"({found}): look at the corpus, or change the limits in its section of the recipe"
    )
