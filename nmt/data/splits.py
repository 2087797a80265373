"""Where the pairs of a split come from: files in a folder, or a Hugging Face data set."""

from __future__ import annotations

import contextlib
import glob
import importlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.config import CorpusConfig
from nmt.data.readers import (
    CHUNK_PAIRS,
    Chunk,
    Columns,
    read_jsonl,
    read_parquet,
    read_tables,
    read_text_pair,
    read_tsv,
)
from nmt.errors import CorpusError

if TYPE_CHECKING:
    from datasets import Dataset

# These run a script of their own, which the datasets library no longer does (November 2026).
TATOEBA = (
    "sentence-transformers/parallel-sentences-tatoeba (for French and English with the subset "
    "en-fr and the columns non_english and english)"
)
SUBSTITUTES = {
    "tatoeba": TATOEBA,
    "Helsinki-NLP/tatoeba": TATOEBA,
    "Helsinki-NLP/tatoeba_mt": TATOEBA,
    "iwslt2017": "Helsinki-NLP/news_commentary",
    "IWSLT/iwslt2017": "Helsinki-NLP/news_commentary",
    "allenai/nllb": "Helsinki-NLP/opus-100",
}


@dataclass(frozen=True)
class Origin:
    """The pairs of a split, not read yet."""

    name: str
    """What to call it in messages."""
    key: dict[str, object]
    """Another one where the pairs may be other ones; plain values."""
    read: Callable[[], Iterator[Chunk]]
    """Reads the pairs, as they are written there."""


def find_origin(config: CorpusConfig, split: str, section: str = "corpus") -> Origin:
    """Find a split of a corpus.

    Args:
        config: Which corpus.
        split: Name of the split.
        section: What the keys of this corpus begin with, for messages.

    Raises:
        CorpusError: It is not there, or in more than one format; the message names what is.
    """
    if config.hub:
        return _find_on_hub(config, split, section)
    if not config.path:
        raise CorpusError(
            f"no corpus is named: set {section}.path to a folder with sentence pairs, or "
            f"{section}.hub to a Hugging Face data set"
        )
    folder = Path(config.path).expanduser()
    if not folder.is_dir():
        problem = "is a file: name the folder it is in" if folder.exists() else "does not exist"
        raise CorpusError(f"{section}.path: the folder {config.path!r} {problem}")
    files = _find_files(config, split, section)
    columns = _columns(config, section)
    return Origin(
        name=str(files.paths[0]),
        key={
            "format": files.format,
            "files": [_version(path) for path in files.paths],
            "columns": list(columns.names),
        },
        read=lambda: _read_files(files, columns),
    )


def _columns(config: CorpusConfig, section: str) -> Columns:
    source = config.source_column or config.source
    return Columns(source, config.target_column or config.target, section)


@dataclass(frozen=True)
class _Files:
    """The files of a split and how to read them."""

    format: str
    paths: list[Path]


def _find_files(config: CorpusConfig, split: str, section: str) -> _Files:
    """The files that hold a split, in the format that is set or the one that is there."""
    folder = Path(config.path).expanduser()
    shards = sorted(folder.glob(f"{glob.escape(split)}-*.parquet"))
    candidates = {
        "text": [folder / f"{split}.{config.source}", folder / f"{split}.{config.target}"],
        "tsv": [folder / f"{split}.tsv"],
        "jsonl": [folder / f"{split}.jsonl"],
        "parquet": shards or [folder / f"{split}.parquet"],
    }
    if config.format != "auto":
        candidates = {config.format: candidates[config.format]}
    found = [
        _Files(format, paths)
        for format, paths in candidates.items()
        if any(path.is_file() for path in paths)
    ]
    if not found:
        wanted = ", ".join(
            " and ".join(path.name for path in paths) for paths in candidates.values()
        )
        advice = (
            "Which split is which is set by corpus.train, corpus.dev and corpus.test"
            if section == "corpus"
            else f"Which split it is is set by {section}.train; to do without the further corpora, "
            "set corpus.also={}"
        )
        raise CorpusError(
            f"{folder}: no split {split!r} (looked for {wanted}); {_listing(folder)}. {advice}"
        )
    if len(found) > 1:
        names = ", ".join(files.paths[0].name for files in found)
        raise CorpusError(f"{folder}: split {split!r} is there as {names}: set {section}.format")
    for path in found[0].paths:
        if not path.is_file():
            raise CorpusError(f"{path}: no such file, the other side is there; {_listing(folder)}")
    return found[0]


def _listing(folder: Path) -> str:
    """The first few names in a folder."""
    names = list(islice((path.name for path in sorted(folder.iterdir())), 11))
    return f"the folder holds {', '.join(names[:10]) or 'nothing'}" + ", ..." * (len(names) > 10)


def _version(path: Path) -> list[object]:
    """What changes when a file does. The time of its last change cannot be set back by a copy."""
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read_files(files: _Files, columns: Columns) -> Iterator[Chunk]:
    if files.format == "text":
        return read_text_pair(*files.paths)
    if files.format == "tsv":
        return read_tsv(files.paths[0], columns)
    if files.format == "jsonl":
        return read_jsonl(files.paths[0], columns)
    return read_parquet(files.paths, columns)


def _find_on_hub(config: CorpusConfig, split: str, section: str) -> Origin:
    """A split of a data set on the Hugging Face hub, downloaded and cached by its own library."""
    name = f"{section}.hub = {config.hub!r}"
    columns = _columns(config, section)
    dataset = _load_from_hub(config, split, name)
    files = [_version(Path(file["filename"])) for file in dataset.cache_files]
    return Origin(
        name=name,
        key={
            "hub": config.hub,
            "subset": config.hub_subset,
            "split": split,
            "files": files,
            "rows": [dataset.num_rows, dataset._fingerprint],
            "columns": list(columns.names),
        },
        read=lambda: read_tables(dataset.with_format("arrow").iter(CHUNK_PAIRS), columns, name),
    )


def _load_from_hub(config: CorpusConfig, split: str, name: str) -> Dataset:
    if config.hub in SUBSTITUTES:
        raise CorpusError(
            f"{name}: this set needs a script, which the datasets library no longer runs: use "
            f"{SUBSTITUTES[config.hub]}"
        )
    import datasets

    try:
        with _quiet():
            return datasets.load_dataset(config.hub, config.hub_subset or None, split=split)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise CorpusError(f"{name}: {_one_line(error)}") from error
    except ConnectionError as error:
        raise CorpusError(
            f"{name}: the hub cannot be reached and the set is not in the cache "
            f"({_one_line(error)}): try again with a network, or use local files (corpus.path)"
        ) from error
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        raise CorpusError(
            f"{name}, subset {config.hub_subset!r}, split {split!r}: {_one_line(error)}"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries from drawing progress bars, logging retries and counting downloads."""
    import datasets

    # By its full name: the package has a class of the same name as this module.
    hub = importlib.import_module("huggingface_hub.utils.tqdm")
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = [switch for switch in (datasets, hub) if not switch.are_progress_bars_disabled()]
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    for switch in bars:
        switch.disable_progress_bars()
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for switch in bars:
            switch.enable_progress_bars()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
