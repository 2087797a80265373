"""The page, read as a browser reads it: of any run, and of none that anybody could abuse."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from nmt.config import RunConfig, override
from nmt.evaluation.metrics import evaluate
from nmt.report.page import compose
from nmt.report.sentences import Extremes, Judged, Scores, judge
from nmt.report.subject import Subject, describe
from nmt.runs.directory import RunDirectory
from nmt.runs.history import read_history
from nmt.runs.starting import create_run
from nmt.search.alignment import Alignment, Unit
from nmt.translator.results import TranslatedHypothesis, Translation
from tests.visualization.test_html import Reader

CHROMIUM = shutil.which("chromium")

PAYLOADS = [
    "<script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "<svg onload=\"document.title='run'\"></svg>",
    "</title><script>document.title='run'</script>",
    "</style><script>document.title='run'</script>",
    "\"><script>document.title='run'</script>",
    "' onmouseover='document.title=\"run\"",
    "javascript:document.title='run'",
    "<iframe srcdoc=\"<script>parent.document.title='run'</script>\"></iframe>",
    "<![CDATA[<script>document.title='run'</script>]]>",
    "<!--<script>document.title='run'</script>-->",
    "<math><mtext></mtext><style><img src=x onerror=\"document.title='run'\"></style></math>",
    "<a href=\"javascript:document.title='run'\" autofocus>x</a>",
    "&lt;script&gt;document.title='run'&lt;/script&gt;",
    "<meta http-equiv=refresh content='0;url=https://example.org/'>",
    "<base href=https://example.org/><link rel=stylesheet href=x><style>*{display:none}</style>",
]

SAFE_TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "code", "ul",
    "li", "span", "strong", "nav", "a", "main", "section", "figure", "figcaption", "svg", "path",
    "text", "rect", "circle", "i", "div", "details", "summary", "table", "tr", "th", "td", "br",
    "article", "dl", "dt", "dd", "footer", "pre",
}  # fmt: skip


def progress(step: int, **fields: object) -> dict[str, object]:
    told = {"epoch": step / 100, "share": step / 400, "loss": 5.0 - step / 100, "rate": 0.001}
    speeds = {"gradient_norm": 1.5, "tokens_per_s": 2000.0, "elapsed_s": step / 2, "skipped": 0}
    return {"kind": "progress", "step": step, **told, **speeds, **fields}


def validation(step: int, **fields: object) -> dict[str, object]:
    told = {"epoch": 1.0, "loss": 2.0, "bleu": step / 10, "is_best": True, "elapsed_s": step / 2}
    sample = ["le chat", "the cat", "the cat"]
    shown = {"perplexity": 7.39, "sample": sample}
    return {"kind": "validation", "step": step, **told, **shown, **fields}


def session(step: int, **fields: object) -> dict[str, object]:
    finding = {"reason": "with an empty side", "pairs": 2, "first": 7, "left_out": True}
    corpus = [{"name": "train", "pairs": 120, "kept": 118, "findings": [finding]}]
    told = {"machine": "an abacus, fp32", "versions": {"nmt": "7.8", "torch": "2.9"}, "too_long": 3}
    return {"kind": "session", "step": step, "corpus": corpus, **told, **fields}


def make_run(folder: Path, *metrics: object, config: RunConfig | None = None) -> RunDirectory:
    run = create_run(folder, config or RunConfig())
    run.metrics_file.write_text("".join(json.dumps(line) + "\n" for line in metrics))
    return run


def page_of(run: RunDirectory) -> str:
    return compose(replace(describe(run), scores_problem="not asked for")).decode()


def text_of(page: str) -> str:
    """What can be read on a page, with a space between elements."""
    spaced = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).replace("><", "> <")
    return " ".join(Reader(spaced).text.split())


def translation(source: str, target: str) -> Translation:
    across, down = (
        tuple(Unit(word, True, number) for number, word in enumerate(side.split()))
        for side in (source, target)
    )
    weights = np.full((len(down), len(across)), 1 / len(across), dtype=np.float32)
    alignment = Alignment(across, down, weights, (1,) * len(down))
    hypothesis = TranslatedHypothesis(target, -1.0, -2.0, ("x",), None, True, alignment)
    return Translation(source, ("x",), (hypothesis,))


def scored(
    subject: Subject,
    sources: list[str],
    hypotheses: list[str],
    split: str,
    languages: tuple[str, str] = ("fr", "en"),
) -> Subject:
    """A subject with scores, whose sentences are all shown."""
    references = [f"{text} indeed" for text in hypotheses]
    evaluation = evaluate(hypotheses, references, sources, "en")
    sides = tuple(sources), tuple(references), tuple(hypotheses)
    scores = Scores(split, split == "test", languages, *sides, evaluation)
    shown = tuple(
        replace(one, translation=translation(one.source, one.hypothesis)) for one in judge(scores)
    )
    return replace(subject, scores=scores, sentences=Extremes(shown, ()))


def hostile_page(folder: Path) -> str:
    """A page that has each payload wherever a text of others comes in."""
    everywhere = " ".join(PAYLOADS)
    config = override(RunConfig(), ["corpus.path=/tmp/x", "corpus.test=test"])
    corpus = {"path": everywhere, "source": PAYLOADS[1], "target": PAYLOADS[5]}
    hostile = config.model_copy(update={"corpus": config.corpus.model_copy(update=corpus)})
    finding = {"reason": everywhere, "pairs": 1, "first": 1, "left_out": True}
    run = make_run(
        folder / "<script>document.title='run'<",
        session(0, machine=everywhere, versions={everywhere: everywhere},
                corpus=[{"name": everywhere, "pairs": 2, "kept": 1, "findings": [finding]}]),
        progress(20),
        *(validation(20 + i, sample=[payload] * 3) for i, payload in enumerate(PAYLOADS)),
        config=config,
    )  # fmt: skip
    subject = replace(describe(run), config=hostile)
    page = compose(
        scored(subject, PAYLOADS, PAYLOADS, everywhere, (PAYLOADS[1], PAYLOADS[5]))
    ).decode()
    problem = compose(replace(subject, config=None, config_problem=everywhere)).decode()
    assert text_of(problem).count("document.title") >= len(PAYLOADS)
    return page


def test_a_page_of_hostile_text_has_only_the_elements_and_attributes_it_is_made_of(
    tmp_path: Path,
) -> None:
    page = hostile_page(tmp_path)
    found = Reader(page)
    assert set(found.tags) <= SAFE_TAGS
    assert found.tags.count("meta") == 5
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    links = {value for name, value in found.attributes if name in ("href", "src", "xlink:href")}
    assert all(link is not None and link.startswith("#") for link in links)
    for payload in PAYLOADS:
        assert payload in found.text


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_runs_nothing_of_a_hostile_page_and_applies_its_own_style(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(hostile_page(tmp_path))
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'browser'}", "--enable-logging=stderr", "--log-level=0",
         "--virtual-time-budget=2000", file.as_uri()],
        capture_output=True, timeout=300, check=True, text=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.S)
    assert title and title[1] != "run" and "document.title" in title[1]
    assert "Content Security Policy" not in done.stderr, "the policy allows all that the page needs"


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    page = page_of(make_run(tmp_path / "run", session(0), progress(20), validation(20)))
    assert "http" not in re.sub(r'http-equiv|xmlns="[^"]*"', "", page)
    assert "<script" not in page
    assert " style=" not in page


def test_a_page_tells_what_the_run_was_trained_on_with_and_how(tmp_path: Path) -> None:
    config = override(RunConfig(), ["seed=77", "model.hidden_size=64"])
    run = make_run(
        tmp_path / "run", session(0), progress(20, tokens_per_s=1000.0), progress(40),
        progress(60, tokens_per_s=9000.0), validation(60), config=config,
    )  # fmt: skip
    page = page_of(run)
    text = text_of(page)
    assert "train: 120 pairs, 118 kept 2 with an empty side (first: pair 7), left out" in text
    assert "3 training pairs left out for their number of subwords" in text
    assert "an abacus, fp32" in text and "nmt 7.8, torch 2.9" in text
    assert "seed 77" in text
    assert "2,000 target tokens/s" in text, "the median"
    assert 'class="changed"' in page
    [rows] = re.findall(r"<details>(?:(?!</details>).)*settings.*?</details>", page, re.S)
    marked = re.findall(r'<tr class="changed"><td><code>(.*?)</code>', rows)
    assert marked == ["seed", "model.hidden_size"]


def test_an_unfinished_run_says_how_far_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a run", session(0), progress(20), progress(100))
    text = text_of(page_of(run))
    assert f"unfinished, 25% done; to go on: {run.go_on_command}" in text
    assert "have not been tried on the dev set yet" in text
    assert text.count("nothing to show yet") == 2, "perplexity and BLEU"


def test_a_run_that_went_on_says_where_and_on_what(tmp_path: Path) -> None:
    lines = [session(0), progress(20), session(20, machine="a bigger abacus"), progress(40)]
    page = page_of(make_run(tmp_path / "run", *lines))
    assert "training went on after step 20" in text_of(page)
    assert "a bigger abacus" in page
    assert len(re.findall(r'class="event"', page)) == 4, "in each chart over the steps"


def test_losses_that_are_not_finite_leave_a_gap_and_are_counted(tmp_path: Path) -> None:
    lines = [progress(20), progress(40, loss=None, gradient_norm=None), progress(60, skipped=5)]
    run = make_run(tmp_path / "run", *lines, validation(60, loss=None, bleu=0.0))
    with run.metrics_file.open("a") as file:
        file.write('{"kind": "progress", "step": 80, "loss": NaN}\n')
    page = page_of(run)
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)
    [line] = re.findall(r'class="line c0" d="(.*?)"', page)[:1]
    assert line.count("M") == 2
    assert "steps skipped, not finite" in text_of(page)


def test_a_run_without_metrics_or_of_another_version_has_a_page(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    run.metrics_file.unlink()
    assert "kept nothing of its training" in text_of(page_of(run))
    run.config_file.write_text('[model]\nwings = 2\nwarp = "<script>"\n')
    text = text_of(page_of(run))
    assert "unknown key model.wings" in text
    assert 'warp = "<script>"' in text
    run.config_file.write_bytes(b"\xff\xfe")
    assert "not a TOML file" in text_of(page_of(run))


def test_the_findings_of_a_run_of_nmt_0_1_are_those_of_its_card(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", progress(20), validation(20))
    run.card.write_text(
        "# fr to en\n\n## Corpus\n\n`text`\n\n- train: 9 pairs, 7 kept\n"
        "-   2 that occurred before (first: pair 3), left out\n- dev: 4 pairs\n\n"
        "## Settings\n- no\n"
    )
    page = page_of(run)
    assert "<li>2 that occurred before (first: pair 3), left out</li>" in page
    assert "<li>no" not in page
    assert "not kept by the version of nmt that trained it" in page
    assert "has not kept what the check" in page_of(make_run(tmp_path / "bare", progress(20)))


@pytest.mark.parametrize(
    "corpus", [None, [], "x", [{"name": "train"}], [{"findings": 1}], {"a": 1}]
)
def test_findings_of_another_shape_are_passed_over(corpus: object, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", session(0, corpus=corpus, versions="x", machine=None))
    assert "an abacus" not in page_of(run)


def test_ten_thousand_points_are_no_more_than_a_page(tmp_path: Path) -> None:
    lines = [progress(20 * i, loss=3 + math.sin(i / 50)) for i in range(1, 10_001)]
    assert len(page_of(make_run(tmp_path / "run", *lines))) < 400_000


def test_scores_are_those_of_sacrebleu_with_the_set_they_are_of(tmp_path: Path) -> None:
    subject = describe(make_run(tmp_path / "run"))
    sources = ["un deux trois quatre cinq six", "sept huit neuf dix onze"] * 10
    hypotheses = ["one two three four five six", "seven eight nine ten eleven"] * 10
    references = [[f"{text} indeed" for text in hypotheses]]
    for split in ("test", "dev"):
        text = text_of(compose(scored(subject, sources, hypotheses, split)).decode())
        for score in (
            sacrebleu.corpus_bleu(hypotheses, references).score,
            sacrebleu.corpus_chrf(hypotheses, references).score,
            sacrebleu.corpus_ter(hypotheses, references).score,
        ):
            assert f"{score:.2f}" in text
        assert "nrefs:1|bs:1000|seed:12345" in text
        assert ("this run has no test set" in text) == (split == "dev")
        assert "\u22645" in text and "6\u201310" in text


def test_each_sentence_has_its_picture_or_why_there_is_none(tmp_path: Path) -> None:
    subject = describe(make_run(tmp_path / "run"))
    with_scores = scored(subject, ["un chat", "un chien"], ["a cat", "a dog"], "test")
    assert compose(with_scores).decode().count('class="attention-grid"') == 2
    none = Translation("un", ("x",), (TranslatedHypothesis("a", 0.0, 0.0, ("x",), None, True),))
    shown = Judged(1, "un", "a", "a", 100.0, none)
    page = compose(replace(with_scores, sentences=Extremes((), (shown,)))).decode()
    assert "No picture: this model has no attention" in text_of(page)


def test_a_language_that_does_not_set_its_words_apart_has_subwords_in_its_pictures(
    tmp_path: Path,
) -> None:
    subject = describe(make_run(tmp_path / "run"))
    pieces = ("\u2581\u4f60", "\u597d", "</s>")
    attention = np.eye(3, dtype=np.float32)
    units = (Unit("\u4f60\u597d", True, 0),), (Unit("hello", True, 0), Unit("!", False, 2))
    alignment = Alignment(*units, np.ones((2, 1), dtype=np.float32), (2, 1))
    target = ("\u2581hel", "lo", "</s>")
    hypothesis = TranslatedHypothesis("hello!", 0.0, 0.0, target, attention, True, alignment)
    shown = Judged(
        1, "\u4f60\u597d", "hello!", "hello!", 100.0, Translation("x", pieces, (hypothesis,))
    )

    def page(source: str) -> str:
        scores = scored(subject, ["\u4f60\u597d"], ["hello!"], "test", (source, "en"))
        return compose(replace(scores, sentences=Extremes((shown,), ()))).decode()

    assert "\u597d: 100%" in page("zh-Hans")
    assert "no BLEU by length" in page("zh-Hans")
    assert "\u4f60\u597d: 100%" in page("fr")
    assert "BLEU by length" in page("fr")


def test_a_history_is_what_the_charts_draw(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", progress(20, rate=0.25), progress(40, rate=0.75))
    rates = [moment.number("rate") for moment in read_history(run.metrics_file).progress]
    assert rates == [0.25, 0.75]
    assert "Learning rate: rate 0.25 at step 20, 0.75 at step 40" in page_of(run)
