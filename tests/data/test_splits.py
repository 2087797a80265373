import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import datasets
import pytest

from nmt.config import CorpusConfig
from nmt.data.splits import find_origin
from nmt.errors import CorpusError

ROWS = [{"fr": "un", "en": "one"}, {"fr": "deux", "en": "two"}]
PAIRS = [("un", "one"), ("deux", "two")]


def write_split(folder: Path, format: str, split: str = "train") -> None:
    if format == "text":
        for side in ("fr", "en"):
            (folder / f"{split}.{side}").write_text("".join(row[side] + "\n" for row in ROWS))
    elif format == "tsv":
        (folder / f"{split}.tsv").write_text("fr\ten\nun\tone\ndeux\ttwo\n")
    elif format == "jsonl":
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    else:
        datasets.Dataset.from_list(ROWS).to_parquet(folder / f"{split}.parquet")


def read(config: CorpusConfig, split: str = "train") -> list[tuple[str, str]]:
    chunks = find_origin(config, split).read()
    return [pair for chunk in chunks for pair in zip(chunk.source, chunk.target, strict=True)]


@pytest.mark.parametrize("format", ["text", "tsv", "jsonl", "parquet"])
def test_each_format_is_found_by_its_file_name(tmp_path: Path, format: str) -> None:
    write_split(tmp_path, format)
    assert read(CorpusConfig(path=str(tmp_path))) == PAIRS
    assert read(CorpusConfig(path=str(tmp_path), format=format)) == PAIRS  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["text", "tsv", "jsonl", "parquet"])
def test_the_direction_is_a_setting(tmp_path: Path, format: str) -> None:
    write_split(tmp_path, format)
    reverse = CorpusConfig(path=str(tmp_path), source="en", target="fr")
    assert read(reverse) == [(target, source) for source, target in PAIRS]


def test_columns_can_have_other_names_than_the_languages(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("un\tone\ndeux\ttwo\n")
    config = CorpusConfig(path=str(tmp_path), source_column="1", target_column="2")
    assert read(config) == PAIRS


def test_shards_of_parquet_are_one_split_in_order(tmp_path: Path) -> None:
    for i, row in enumerate(ROWS):
        name = f"train-{i:05}-of-00002.parquet"
        datasets.Dataset.from_list([row]).to_parquet(tmp_path / name)
    assert read(CorpusConfig(path=str(tmp_path))) == PAIRS


def test_a_split_in_two_formats_is_refused_until_one_is_chosen(tmp_path: Path) -> None:
    write_split(tmp_path, "text")
    write_split(tmp_path, "tsv")
    with pytest.raises(CorpusError, match=r"train\.fr, train\.tsv: set corpus\.format"):
        find_origin(CorpusConfig(path=str(tmp_path)), "train")
    assert read(CorpusConfig(path=str(tmp_path), format="tsv")) == PAIRS


def test_a_missing_split_is_refused_with_what_was_looked_for_and_what_is_there(
    tmp_path: Path,
) -> None:
    write_split(tmp_path, "text", "val")
    with pytest.raises(CorpusError) as refusal:
        find_origin(CorpusConfig(path=str(tmp_path)), "dev")
    for said in (str(tmp_path), "'dev'", "dev.fr and dev.en", "dev.tsv", "dev.jsonl",
                 "dev.parquet", "the folder holds val.en, val.fr", "corpus.dev"):  # fmt: skip
        assert said in str(refusal.value)


def test_a_missing_side_is_refused_by_its_name(tmp_path: Path) -> None:
    write_split(tmp_path, "text")
    (tmp_path / "train.en").unlink()
    with pytest.raises(CorpusError, match=re.escape(f"{tmp_path / 'train.en'}: no such file")):
        find_origin(CorpusConfig(path=str(tmp_path)), "train")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "no corpus is named: set corpus.path"),
        ("nowhere", "corpus.path: the folder '{0}/nowhere' does not exist"),
        ("train.fr", "corpus.path: the folder '{0}/train.fr' is a file: name the folder it is in"),
    ],
)
def test_a_folder_that_is_none_is_refused(tmp_path: Path, path: str, said: str) -> None:
    write_split(tmp_path, "text")
    config = CorpusConfig(path=str(tmp_path / path) if path else "")
    with pytest.raises(CorpusError, match=re.escape(said.format(tmp_path))):
        find_origin(config, "train")


def test_the_key_changes_with_the_file(tmp_path: Path) -> None:
    write_split(tmp_path, "text")
    config = CorpusConfig(path=str(tmp_path))
    before = find_origin(config, "train").key
    assert find_origin(config, "train").key == before
    status = (tmp_path / "train.fr").stat()
    (tmp_path / "train.fr").write_text("UN\nDEUX\n")  # of the same size
    os.utime(tmp_path / "train.fr", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert find_origin(config, "train").key != before


def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Any]) -> CorpusConfig:
    """A data set as the hub has them, but in a folder, which the same loader reads."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "validation.jsonl").write_text(json.dumps(rows[0]))
    return CorpusConfig(hub=str(folder))


def test_a_hub_set_of_translations_is_read_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": i, "translation": row} for i, row in enumerate(ROWS)]
    config = hub_folder(tmp_path, monkeypatch, rows)
    assert read(config) == PAIRS
    assert read(config, "validation") == PAIRS[:1]
    assert read(config, "train[1:]") == PAIRS[1:]
    assert capfd.readouterr() == ("", "")


def test_a_hub_set_of_columns_is_read_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"non_english": row["fr"], "english": row["en"]} for row in ROWS]
    config = hub_folder(tmp_path, monkeypatch, rows).model_copy(
        update={"source_column": "non_english", "target_column": "english"}
    )
    assert read(config) == PAIRS


def test_a_null_in_a_hub_set_is_an_empty_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_folder(tmp_path, monkeypatch, [*ROWS, {"fr": None, "en": "three"}])
    assert read(config)[-1] == ("", "three")


def test_the_key_of_a_hub_set_is_the_same_until_the_set_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_folder(tmp_path, monkeypatch, ROWS)
    key = find_origin(config, "train").key
    assert find_origin(config, "train").key == key
    assert find_origin(config, "train[:1]").key != key
    (tmp_path / "set" / "train.jsonl").write_text(json.dumps(ROWS[1]))
    assert find_origin(config, "train").key != key


def test_a_hub_set_is_refused_by_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = hub_folder(tmp_path, monkeypatch, ROWS)
    with pytest.raises(CorpusError, match=r'split \'dev\': .*"dev".*validation'):
        find_origin(config, "dev")
    with pytest.raises(CorpusError, match="no column 'de' among 'fr', 'en'"):
        read(config.model_copy(update={"source": "de"}))


@pytest.mark.parametrize(
    ("name", "substitute"),
    [
        ("Helsinki-NLP/tatoeba", "sentence-transformers/parallel-sentences-tatoeba"),
        ("Helsinki-NLP/tatoeba_mt", "sentence-transformers/parallel-sentences-tatoeba"),
        ("IWSLT/iwslt2017", "Helsinki-NLP/news_commentary"),
        ("allenai/nllb", "Helsinki-NLP/opus-100"),
    ],
)
def test_a_set_that_needs_a_script_is_refused_with_a_substitute(
    name: str, substitute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(datasets, "load_dataset")  # nothing is asked of the network
    with pytest.raises(CorpusError, match=re.escape(substitute)):
        find_origin(CorpusConfig(hub=name, hub_subset="en-fr"), "train")


def test_without_a_network_a_hub_set_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    config = CorpusConfig(hub="Helsinki-NLP/opus-100", hub_subset="en-fr")
    with pytest.raises(CorpusError, match="the hub cannot be reached and the set is not in") as no:
        find_origin(config, "train")
    assert "\n" not in str(no.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("Dataset scripts are no longer supported, but found x.py"), "scripts are no"),
        (ValueError("BuilderConfig 'fr-en'\nnot found.  Available: ['en-fr']"),
         "subset 'fr-en', split 'train': BuilderConfig 'fr-en' not found. Available: ['en-fr']"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' doesn't exist on the Hub"),
         "doesn't exist on the Hub"),
        (datasets.exceptions.DatasetGenerationError("An error occurred"), "An error occurred"),
    ],
)  # fmt: skip
def test_an_error_of_the_loader_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(CorpusError, match=re.escape(said)) as refusal:
        find_origin(CorpusConfig(hub="a/b", hub_subset="fr-en"), "train")
    assert "\n" not in str(refusal.value)


def test_the_libraries_are_as_they_were_after_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("datasets")
    seen = []

    def fail(*arguments: object, **options: object) -> None:
        seen.append((logger.level, datasets.are_progress_bars_disabled()))
        raise ValueError("no such set")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    before = (logger.level, datasets.are_progress_bars_disabled())
    with pytest.raises(CorpusError):
        find_origin(CorpusConfig(hub="a/b"), "train")
    assert seen == [(logging.ERROR, True)]
    assert (logger.level, datasets.are_progress_bars_disabled()) == before
