"""Shards over Ray Data, where it is installed: what the other engine makes, byte for byte."""

from pathlib import Path
from typing import Any

import pytest

from nmt.bulk import BatchTranslator
from nmt.bulk.engines import DatasetsEngine, RayEngine, translate_shards
from nmt.bulk.shards import find_shards
from nmt.errors import BulkError
from nmt.progress import Display

ray = pytest.importorskip("ray", reason="needs nmt-toolkit[ray]")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Any:
    import ray.data

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture
def translate(shared_run: Path) -> BatchTranslator:
    return BatchTranslator(shared_run / "checkpoints" / "toy")


def test_both_engines_make_the_same_shards_and_ray_skips_finished_ones(
    tmp_path: Path, translate: BatchTranslator
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("le petit chat voit le grand chien.\n\nle chat" * 3)
    (tmp_path / "in" / "b.jsonl").write_text('{"text": "le chien", "n": 1}\n' * 5)
    (tmp_path / "in" / "c.txt").touch()
    made = {}
    for name, engine in (("one", DatasetsEngine()), ("two", RayEngine(workers=2))):
        shards = find_shards([str(tmp_path / "in")], tmp_path / name)
        translate_shards(shards, translate, engine, Display())
        made[name] = {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
    assert made["one"] == made["two"]
    assert made["one"]["a.txt"].count(b"\n") == 7
    before = (tmp_path / "two" / "a.txt").stat().st_mtime_ns
    (tmp_path / "two" / "b.jsonl").unlink()
    translate_shards(shards, translate, RayEngine(workers=None), Display())
    assert (tmp_path / "two" / "b.jsonl").read_bytes() == made["one"]["b.jsonl"]
    assert (tmp_path / "two" / "a.txt").stat().st_mtime_ns == before


def test_a_damaged_shard_is_one_line_as_without_ray(
    tmp_path: Path, translate: BatchTranslator
) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 5}\n')
    shards = find_shards([str(tmp_path / "a.jsonl")], tmp_path / "out")
    with pytest.raises(BulkError, match=r"a\.jsonl, line 1, 'text': '5' is not text$"):
        translate_shards(shards, translate, RayEngine(workers=1), Display())


def test_a_batch_translator_maps_over_a_ray_dataset(
    translate: BatchTranslator, shared_run: Path
) -> None:
    texts = ["le petit chat voit le grand chien.", "", "le chien"]
    expected = translate({"text": texts})["translation_text"]
    rows = ray.data.from_items([{"text": text, "n": n} for n, text in enumerate(texts)])
    actors = rows.map_batches(
        BatchTranslator,
        fn_constructor_args=(shared_run / "checkpoints" / "toy",),
        batch_size=2,
        concurrency=1,
    )
    for mapped in (rows.map_batches(translate, batch_size=2), actors):
        found = sorted(mapped.take_all(), key=lambda row: row["n"])
        assert [row["translation_text"] for row in found] == expected
