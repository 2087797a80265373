"""Files of rows: one shard out for each shard in, whole or not there, none of them twice."""

import json
import pickle
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from nmt.bulk import BatchTranslator, batches
from nmt.bulk.engines import DatasetsEngine, RayEngine, ShardTranslator, translate_shards
from nmt.bulk.shards import find_shards, write_shard
from nmt.errors import BulkError, CorpusError, NmtError
from nmt.progress import Display
from nmt.runs.directory import RunDirectory
from tests.bulk.shouter import Shouter, shout

pytestmark = pytest.mark.slow


class Counting(Shouter):
    """Remembers what it was given."""

    seen: list[str]

    def __call__(self, batch: Any) -> dict[str, Any]:
        Counting.seen += batch[self.column]
        return super().__call__(batch)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A folder with a shard of each kind, and what is none."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_bytes("une\r\n\ndeux\u2028trois\nsans fin".encode())
    (folder / "b.jsonl").write_text('{"n": 1.50, "text": "é"}\n { "text" : null } \n')
    table = {"text": ["x", None, "y z"], "n": pyarrow.array([1, 2, 3], pyarrow.int8())}
    parquet.write_table(pyarrow.table(table), folder / "c.parquet", row_group_size=2)
    (folder / "d.txt").touch()
    (folder / "_SUCCESS").touch()
    (folder / ".hidden").touch()
    return folder


def translate_all(folder: Path, translate: Any = None, engine: Any = None) -> Path:
    out = folder.with_name("out")
    found = find_shards([str(folder)], out)
    translate_shards(found, translate or Shouter(), engine or DatasetsEngine(), Display())
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name[0] != "."}


def test_each_shard_becomes_one_of_its_name_with_every_row_in_order(shards: Path) -> None:
    out = translate_all(shards)
    assert sorted(contents(out)) == ["a.txt", "b.jsonl", "c.parquet", "d.txt"]
    assert (out / "a.txt").read_bytes() == "UNE\n\nDEUX\u2028TROIS\nSANS FIN\n".encode()
    assert (out / "b.jsonl").read_text() == (
        '{"n": 1.50, "text": "é", "translation_text": "É"}\n'
        ' { "text" : null, "translation_text": ""}\n'
    )
    table = parquet.read_table(out / "c.parquet")
    assert [str(kind) for kind in table.schema.types] == ["string", "int8", "string"]
    assert table.to_pylist() == [
        {"text": "x", "n": 1, "translation_text": "X"},
        {"text": None, "n": 2, "translation_text": ""},
        {"text": "y z", "n": 3, "translation_text": "Y Z"},
    ]
    assert (out / "d.txt").read_bytes() == b""


def test_shards_longer_than_a_batch_stay_in_order(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [f"line {number}" for number in range(5000)]
    (tmp_path / "in" / "a.txt").write_text("\n".join(lines))
    out = translate_all(tmp_path / "in")
    assert (out / "a.txt").read_text().splitlines() == [line.upper() for line in lines]


def test_finished_shards_are_not_translated_again(shards: Path) -> None:
    out = translate_all(shards)
    whole = contents(out)
    (out / "a.txt").unlink()
    Counting.seen = []
    translate_all(shards, Counting())
    assert Counting.seen == ["une", "", "deux\u2028trois", "sans fin"]
    assert contents(out) == whole


def test_a_shard_that_fails_is_not_there_and_those_before_it_stay(shards: Path) -> None:
    (shards / "b.jsonl").write_text('{"text": "é"}\n{"text": 5}\n')
    with pytest.raises(CorpusError, match=r"b\.jsonl, line 2, 'text': '5' is not text"):
        translate_all(shards)
    assert list(contents(shards.with_name("out"))) == ["a.txt"]
    (shards / "b.jsonl").write_text('{"text": "é"}\n')
    assert len(contents(translate_all(shards))) == 4


def test_shards_of_another_model_or_input_are_not_mixed_with_these(shards: Path) -> None:
    translate_all(shards)
    with pytest.raises(BulkError, match=r"a\.txt: made with another model: keep to it, remove"):
        translate_all(shards, Shouter(model="other"))
    (shards / "a.txt").write_text("changed")
    with pytest.raises(BulkError, match=r"a\.txt: made with another input"):
        translate_all(shards)


def test_an_input_that_differs_in_one_byte_in_its_middle_is_another(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shard = tmp_path / "in" / "a.txt"
    data = b"word " * 1000 + b"\n"
    shard.write_bytes(data * 1000)
    translate_all(tmp_path / "in")
    shard.write_bytes(data * 500 + data.replace(b"word", b"lord", 1) + data * 499)
    with pytest.raises(BulkError, match=r"a\.txt: made with another input"):
        translate_all(tmp_path / "in")


@pytest.mark.parametrize("name", ["a.txt", "b.jsonl", "c.parquet"])
@pytest.mark.parametrize("count", [1, 4, 3], ids=["shorter", "longer", "as long"])
def test_a_shard_that_changes_while_it_is_translated_is_not_written(
    tmp_path: Path, name: str, count: int
) -> None:
    def write(path: Path, texts: list[str]) -> None:
        if name == "c.parquet":
            parquet.write_table(pyarrow.table({"text": texts}), path)
        elif name == "b.jsonl":
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        else:
            path.write_text("".join(f"{text}\n" for text in texts))

    def translations() -> Iterator[str]:
        yield from ["A", "B", "C"][:count]
        write(tmp_path / "new", ["a", "b", "c", "d"])
        (tmp_path / "new").replace(path)
        yield from "D"[: count - 3]

    path = tmp_path / name
    write(path, ["a", "b", "c"])
    (shard,) = find_shards([str(path)], tmp_path / "out")
    shard.output.parent.mkdir()
    with pytest.raises(BulkError, match=f"{name}: this file changed while it was translated"):
        write_shard(shard, Shouter(), translations(), lambda lines: None)
    assert not shard.output.exists()


def test_a_file_of_somebody_else_is_not_taken_for_a_finished_shard(shards: Path) -> None:
    shards.with_name("out").mkdir()
    shards.with_name("out").joinpath("a.txt").write_text("mine")
    with pytest.raises(BulkError, match="does not say what it was made from: remove it"):
        translate_all(shards)


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.txt", b"one\ncaf\xe9\n", r"a\.txt, line 2: not UTF-8"),
        ("a.jsonl", b'{"text": ', r"a\.jsonl, line 1: not JSON"),
        ("a.jsonl", b"[1]", "is not a JSON object"),
        ("a.jsonl", b'{"fr": "x", "n": 1}', r"no column 'text' among 'fr', 'n': name the right"),
        (
            "a.jsonl",
            b'{"text": "x", "translation_text": 1}',
            "a column 'translation_text' already",
        ),
        ("a.jsonl", rb'{"text": "\ud800"}', "a lone surrogate"),
        ("a.parquet", b"PAR1", "not a readable Parquet file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, problem: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(data)
    with pytest.raises(NmtError, match=problem):
        translate_all(tmp_path / "in")
    assert not contents(tmp_path / "out")


def test_a_parquet_shard_without_the_column_is_named(shards: Path) -> None:
    with pytest.raises(BulkError, match=r"c\.parquet: no column 'fr' among 'text', 'n'"):
        translate_shards(
            find_shards([str(shards / "c.parquet")], shards.with_name("out")),
            Shouter(column="fr"),
            DatasetsEngine(),
            Display(),
        )


def test_shards_are_named_by_files_patterns_and_folders(shards: Path, tmp_path: Path) -> None:
    def names(*given: Path) -> list[str]:
        return [shard.output.name for shard in find_shards([*map(str, given)], tmp_path / "out")]

    assert names(shards) == ["a.txt", "b.jsonl", "c.parquet", "d.txt"]
    assert names(shards / "*.txt", shards / "b.jsonl") == ["a.txt", "d.txt", "b.jsonl"]
    with pytest.raises(BulkError, match="no such file or folder"):
        names(shards / "*.tsv")
    with pytest.raises(BulkError, match=r"would both become .*a\.txt"):
        names(shards, shards / "a.txt")
    with pytest.raises(BulkError, match="the shards are in this folder"):
        find_shards([str(shards)], shards)


def test_ray_is_named_where_it_is_not_installed(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BulkError, match=r"pip install 'nmt-toolkit\[ray\]'"):
        translate_all(shards, engine=RayEngine(None))


def test_ray_is_not_blamed_for_what_it_lacks(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", types.ModuleType("ray"))
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(ModuleNotFoundError):
        translate_all(shards, engine=RayEngine(None))


def test_an_actor_reports_what_the_disk_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    outputs = [tmp_path / "out" / "a.txt", tmp_path / "a.txt" / "b.txt", tmp_path / "c.txt"]
    batch = {"input": [*[str(tmp_path / "a.txt")] * 2, str(tmp_path / "c")], "output": outputs}
    found = ShardTranslator(Shouter())(batch)
    assert found["lines"] == [0, 0, 0]
    assert [problem.split(": ")[1] for problem in found["problem"]] == [
        "No such file or directory",
        "Not a directory",
        "No such file or directory",
    ]


class _Shouting:
    def __init__(self) -> None:
        self.translate = shout


@pytest.fixture
def batch_translator(shared_run: Path, monkeypatch: pytest.MonkeyPatch) -> BatchTranslator:
    """The real thing, but for the model that it loads."""
    monkeypatch.setattr(batches, "_loaded", lambda *what: _Shouting())
    return BatchTranslator(shared_run / "checkpoints" / "toy")


def test_a_batch_keeps_its_columns_and_gets_one_more(batch_translator: BatchTranslator) -> None:
    batch = {"text": ["a", None], "n": [1, 2]}
    assert batch_translator(batch) == batch | {"translation_text": ["A", ""]}
    with pytest.raises(BulkError, match="a batch: no column 'text' among 'n'"):
        batch_translator({"n": [1]})
    with pytest.raises(CorpusError, match="row 2 of a batch: '5' is not text"):
        batch_translator({"text": ["a", 5]})


def test_a_batch_translator_maps_over_a_dataset(
    batch_translator: BatchTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "n": [1, 2, 3]})
    mapped = rows.map(batch_translator, batched=True, batch_size=2)
    assert mapped["translation_text"][:] == ["A", "B", "C"]
    assert mapped["n"][:] == [1, 2, 3]


def test_a_batch_is_translated_with_the_threads_that_are_asked_for(
    batch_translator: BatchTranslator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    def loaded(*what: Any) -> Any:
        asked.append(what[-1])
        return _Shouting()

    monkeypatch.setattr(batches, "_loaded", loaded)
    for translate in (batch_translator, batch_translator.with_threads(1), batch_translator):
        translate({"text": ["a"]})
    assert asked == [None, 1, None]


def test_an_actor_has_one_thread_as_there_is_one_on_each_core() -> None:
    shouter = Shouter()
    ShardTranslator(shouter)
    assert shouter.threads == 1


def test_a_model_that_changed_since_the_beginning_is_not_taken_for_the_one_before(
    shared_run: Path, tmp_path: Path
) -> None:
    run = RunDirectory(shutil.copytree(shared_run / "checkpoints" / "toy", tmp_path / "toy"))
    translate = BatchTranslator(run.path)
    config = run.config_file.read_text()
    run.config_file.write_text(f"{config}\n# changed\n")
    with pytest.raises(BulkError, match="toy: the model has changed since this began"):
        translate({"text": ["a"]})
    run.config_file.write_text(config)
    assert len(translate({"text": ["a"]})["translation_text"]) == 1


def test_a_batch_translator_travels_without_its_model(
    batch_translator: BatchTranslator, shared_run: Path
) -> None:
    sent = pickle.dumps(batch_translator)
    weights = shared_run / "checkpoints" / "toy" / "model.safetensors"
    assert len(sent) < 5000 < weights.stat().st_size
    assert pickle.loads(sent).belongs_to == batch_translator.belongs_to
    json.dumps(batch_translator.belongs_to)
