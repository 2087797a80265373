"""``nmt export`` as a user calls it, and the export that ``nmt train`` leaves."""

import json
import shutil
from pathlib import Path

import pytest

from nmt.export.folder import load_lexicon
from nmt.files import replace_folder
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from tests.cli.conftest import Command, Inside

SENTENCE = "le petit chat voit le vieux chien."
FILES = {
    "settings.json",
    "encoder.onnx",
    "step.onnx",
    "source_embeddings.npy",
    "translations.npy",
    "common.npy",
    "remainder.npy",
    "manifest.json",
}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "export").iterdir())


def test_a_training_leaves_an_export_with_a_shortlist(shared_run: Path) -> None:
    run = open_run(shared_run / "checkpoints" / "toy")
    assert run.is_exported
    assert names(run.export) == FILES
    settings = json.loads((run.export / "settings.json").read_text())
    assert settings["precision"] == "int8"
    lexicon = load_lexicon(run.export)
    assert lexicon is not None
    assert lexicon.is_joint


def test_an_exported_folder_translates_alone(
    inside: Inside, command: Command, trained: Path, folder: Path
) -> None:
    done = inside("export", "--to", "mine")
    assert (done.code, done.lines) == (0, ["mine"])
    assert done.errors[-1].startswith("int8, ")
    assert done.errors[-1].endswith(" MB in mine/export")
    assert names(folder / "mine") == {
        "config.toml",
        "joint.model",
        "README.md",
        "scores.json",
        "export",
    }
    expected = inside("translate", SENTENCE).lines
    shutil.rmtree(trained)
    shutil.rmtree(folder / "text")
    (folder / "mine").rename(folder / "moved")
    alone = command("translate", "--model", "moved", SENTENCE)
    assert alone.stdout.decode().splitlines() == expected
    assert inside("translate", SENTENCE, "--model", "moved").lines == expected


def test_a_folder_that_holds_something_is_left_alone(
    inside: Inside, trained: Path, folder: Path
) -> None:
    done = inside("export", "--to", "text")
    assert (done.code, done.lines) == (2, [])
    assert done.errors == ["nmt: text: there is something here already: name a new folder"]
    assert "export" not in names(folder / "text")


def test_the_precision_may_be_another(inside: Inside, trained: Path, folder: Path) -> None:
    assert inside("export", "--precision", "fp32", "--to", "fp32").code == 0
    assert inside("export", "--precision", "int8", "--to", "int8").code == 0
    assert size_bytes(folder / "int8") < 0.6 * size_bytes(folder / "fp32")
    shutil.rmtree(trained / "export")  # so that it is torch that translates
    whole = ("--json", "--set", "search.shortlist=false", SENTENCE)
    found, expected = (
        json.loads(inside("translate", "--model", model, *whole).lines[0])["hypotheses"][0]
        for model in (folder / "fp32", trained)
    )
    assert found["text"] == expected["text"]
    assert found["score"] == pytest.approx(expected["score"], abs=1e-4)
    assert inside("translate", "--model", "int8", *whole).code == 0
    done = inside("export", "--precision", "fp16")
    assert (done.code, len(done.errors)) == (2, 1)
    assert "--precision: 'fp16' is not one of 'int8', 'fp32'" in done.errors[0]


def test_exporting_again_replaces_what_was_there_and_keeps_the_shortlist(
    inside: Inside, trained: Path, folder: Path
) -> None:
    shutil.rmtree(folder / "text")  # it is not needed for that
    before = (trained / "export" / "translations.npy").read_bytes()
    done = inside("export", "--precision", "fp32")
    assert (done.code, done.lines, len(done.errors)) == (0, ["checkpoints/toy"], 1)
    assert names(trained / "export") == FILES
    assert (trained / "export" / "translations.npy").read_bytes() == before
    settings = json.loads((trained / "export" / "settings.json").read_text())
    assert settings["precision"] == "fp32"


def test_the_shortlist_may_be_left_out_and_is_learned_where_there_is_none(
    inside: Inside, trained: Path
) -> None:
    before = (trained / "export" / "translations.npy").read_bytes()
    assert inside("export", "--no-shortlist").code == 0
    assert names(trained / "export") == FILES - {"translations.npy", "common.npy", "remainder.npy"}
    assert inside("translate", SENTENCE).code == 0
    assert inside("export").code == 0
    assert (trained / "export" / "translations.npy").read_bytes() == before


def test_without_its_corpus_a_run_is_exported_without_a_shortlist_and_says_so(
    inside: Inside, trained: Path, folder: Path
) -> None:
    shutil.rmtree(folder / "text")
    shutil.rmtree(trained / "export")
    done = inside("export")
    assert done.code == 0
    assert done.errors[0].startswith("without a shortlist, for the corpus is not to be had: ")
    assert "translations.npy" not in names(trained / "export")
    assert inside("translate", SENTENCE).code == 0


@pytest.mark.parametrize("damage", ["cut", "other version"])
def test_an_export_that_cannot_be_used_is_replaced(
    inside: Inside, trained: Path, damage: str
) -> None:
    export = trained / "export"
    if damage == "cut":
        (export / "step.onnx").write_bytes(b"")
    else:
        replace_folder(export, {"settings.json": b'{"format": 99}'})
    refused = inside("translate", SENTENCE)
    assert refused.code == 2
    assert "checkpoints/toy/export/" in refused.errors[-1]
    done = inside("export")
    assert done.code == 0
    assert done.errors[0].startswith("learning the shortlist anew: checkpoints/toy/export/")
    assert names(export) == FILES
    assert inside("translate", SENTENCE).code == 0


def test_a_run_without_weights_is_not_exported(inside: Inside, trained: Path, folder: Path) -> None:
    (trained / "model.safetensors").unlink()
    done = inside("export")
    assert (done.code, done.lines, len(done.errors)) == (2, [], 1)
    assert done.errors[0].startswith("nmt: checkpoints/toy: this folder only translates")
    assert names(trained / "export") == FILES


def test_a_run_that_is_being_written_to_is_not_exported_into(inside: Inside, trained: Path) -> None:
    with RunDirectory(trained).locked():
        done = inside("export")
        assert done.code == 2
        assert "another nmt process is writing to this run" in done.errors[-1]
        assert inside("export", "--to", "copy").code == 0


def test_a_folder_that_only_translates_is_scored_with_its_own_perplexity(
    inside: Inside, trained: Path
) -> None:
    whole = inside("eval", "--json")
    assert inside("export", "--to", "small", "--precision", "fp32", "--no-shortlist").code == 0
    assert "no corpus is named" in inside("eval", "--model", "small").errors[-1]
    done = inside("eval", "--model", "small", "--set", "corpus.path=text", "--json")
    (perplexity, expected) = (json.loads(each.lines[0])["perplexity"] for each in (done, whole))
    assert perplexity == pytest.approx(expected, rel=0.02)  # of products in fp32 and in int8
