"""``nmt report`` as a user calls it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

from tests.cli.conftest import Inside

pytestmark = pytest.mark.slow


def test_a_page_is_written_into_the_run_and_what_was_translated_is_kept(
    inside: Inside, trained: Path, folder: Path
) -> None:
    done = inside("report")
    assert done.code == 0
    assert done.lines == ["checkpoints/toy/report.html"]
    assert done.errors == [
        "looking at checkpoints/toy",
        "translating 10 sentences with checkpoints/toy",
        "translations kept in checkpoints/toy/hypotheses.test.txt",
        "the page is in checkpoints/toy/report.html",
    ]
    page = (trained / "report.html").read_text()
    hypotheses = inside("translate", input=(folder / "text" / "test.fr").read_bytes()).lines
    references = (folder / "text" / "test.en").read_text().splitlines()
    for metric in (sacrebleu.corpus_bleu, sacrebleu.corpus_chrf, sacrebleu.corpus_ter):
        assert f">{metric(hypotheses, [references]).score:.2f}<" in page
    assert page.count('class="attention-grid"') == 10
    assert "train: 120 pairs" in page
    assert (trained / "hypotheses.test.txt").read_text().splitlines() == hypotheses

    again = inside("report", "--to", "other.html", "--sentences", "1")
    assert "translating" not in "".join(again.errors)
    assert (folder / "other.html").read_text().count('class="attention-grid"') == 2


@pytest.mark.slow
def test_other_weights_another_search_or_other_sentences_are_translated_anew(
    inside: Inside, trained: Path, folder: Path
) -> None:
    def translates(*arguments: str) -> bool:
        done = inside("report", *arguments)
        assert done.code == 0
        return any("translating" in line for line in done.errors)

    assert translates()
    assert not translates()
    assert translates("--set", "search.beam=1")
    assert not translates("--set", "search.beam=1")
    assert translates("--set", "corpus.test=dev")
    assert translates()
    test = folder / "text" / "test.fr"
    test.write_text(test.read_text().replace("chat", "chien"))
    assert translates()
    config = trained / "config.toml"
    config.write_text(config.read_text().replace("seed = 5", "seed = 6"))
    assert translates()
    for name in ("hypotheses.test.json", "hypotheses.test.txt"):
        (trained / name).write_text('{"of": 3')
        assert translates()
        assert not translates()


def test_eval_and_report_together_translate_a_test_set_once(
    inside: Inside, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nmt.translator.translator import Translator

    translated: list[str] = []
    translate = Translator.translate

    def counting(self: Translator, texts: list[str], *given: Any, **named: Any) -> Any:
        translated.extend([] if named.get("align") else texts)  # but for the pictures
        return translate(self, texts, *given, **named)

    monkeypatch.setattr(Translator, "translate", counting)
    evaluated = json.loads(inside("eval", "--json").lines[0])
    assert inside("report").code == 0
    assert json.loads(inside("eval", "--json").lines[0]) == evaluated
    assert inside("eval", "checkpoints/toy", "checkpoints/toy").code == 0
    assert len(translated) == 10
    page = (trained / "report.html").read_text()
    assert f">{evaluated['perplexity']:.2f}<" in page
    assert inside("eval", "--beam", "1").code == 0
    assert len(translated) == 20


def test_a_corpus_that_is_not_there_costs_the_scores_and_not_the_page(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "text").rename(folder / "moved")
    done = inside("report")
    assert done.code == 0
    assert str(folder / "text") in done.errors[1]
    page = (trained / "report.html").read_text()
    assert "No scores: " in page and str(folder / "text") in page
    assert "Dev BLEU" in page
    inside("report", "--set", "corpus.path=moved")
    assert "No scores: " not in (trained / "report.html").read_text()


def test_nothing_is_translated_that_is_not_asked_for(inside: Inside, trained: Path) -> None:
    done = inside("report", str(trained), "--no-scores")
    assert len(done.errors) == 2
    assert "not asked for (--no-scores)" in (trained / "report.html").read_text()
    assert not list(trained.glob("hypotheses.*"))


def test_a_run_that_has_no_weights_yet_has_a_page(inside: Inside, trained: Path) -> None:
    for file in (trained / "model.safetensors", trained / "README.md"):
        file.unlink()
    shutil.rmtree(trained / "export")
    done = inside("report", "checkpoints/toy")
    assert done.code == 0
    assert "has no weights yet" in done.errors[1]
    assert "unfinished" in (trained / "report.html").read_text()


def test_a_folder_to_deploy_and_a_run_of_another_version_have_a_page(
    inside: Inside, trained: Path, folder: Path
) -> None:
    inside("export", "--to", "deployed")
    assert inside("report", "deployed", "--set", "corpus.path=text").code == 0
    page = (folder / "deployed.report.html").read_text()
    assert "kept nothing of its training" in page and "BLEU, test" in page
    config = trained / "config.toml"
    config.write_text(config.read_text() + "\n[wings]\nspan = 2\n")
    assert inside("report", "checkpoints/toy").code == 0
    page = (trained / "report.html").read_text()
    assert "does not understand the settings" in page and "span = 2" in page
    assert inside("report", "checkpoints/toy", "--set", "search.beam=1").code == 2


def test_the_run_that_was_worked_on_last_is_meant_and_need_not_be_trained(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "checkpoints" / "new").mkdir()
    shutil.copy(trained / "config.toml", folder / "checkpoints" / "new" / "config.toml")
    os.utime(trained / "metrics.jsonl", (1, 1))
    done = inside("report", "--no-scores")
    assert done.lines == ["checkpoints/new/report.html"]
    assert "not trained yet" in (folder / "checkpoints" / "new" / "report.html").read_text()
    shutil.rmtree(folder / "checkpoints")
    done = inside("report")
    assert done.code == 2
    assert "no run under checkpoints/" in done.errors[-1]


def test_a_run_where_one_may_only_read_has_a_page_elsewhere(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("nmt.evaluation.outcomes.write_atomically", refuse)
    done = inside("report", "--to", "page.html")
    assert done.code == 0
    kept = "checkpoints/toy/hypotheses.test.txt"
    assert f"translations not kept: {kept}: Permission denied" in done.errors
    assert "nrefs:1" in (folder / "page.html").read_text()


@pytest.mark.parametrize("name", ["nowhere", "toy.toml", "text"])
def test_what_is_no_run_is_refused(name: str, inside: Inside, folder: Path) -> None:
    done = inside("report", name)
    assert (done.code, done.lines) == (2, [])
    assert done.errors[-1].startswith(f"nmt: {name}: ")


def test_a_page_is_replaced_whole_or_not_at_all(
    inside: Inside, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = trained / "report.html"
    page.write_text("old")

    def replace(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", replace)
    done = inside("report", "--no-scores")
    assert done.code == 2
    assert "No space left on device" in done.errors[-1]
    assert page.read_text() == "old"


def test_the_metrics_of_a_run_that_is_being_written_are_no_obstacle(
    inside: Inside, trained: Path
) -> None:
    metrics = trained / "metrics.jsonl"
    metrics.write_text(metrics.read_text()[:-30])
    assert inside("report", "--no-scores").code == 0
    kinds = [json.loads(line)["kind"] for line in metrics.read_text().splitlines()[:-1]]
    assert kinds[0] == "session"
    assert re.search(r"<title>toy: fr → en</title>", (trained / "report.html").read_text())
