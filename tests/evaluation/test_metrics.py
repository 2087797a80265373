"""Evaluation against the sacrebleu command, and by hand."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nmt.errors import CorpusError
from nmt.evaluation.metrics import bleu, bleu_tokenizer, evaluate

REFERENCES = [
    "A man is riding a bicycle down the street.",
    "Two dogs play in the snow, and a child watches them.",
    "The woman in the red coat isn't looking at the camera!",
    "He said: “It's 3.5 km away.”",
    "Nobody was there.",
    "",
] * 5
HYPOTHESES = [
    "A man rides a bicycle down the street.",
    "Two dogs are playing in the snow and a child watches.",
    "The woman in the red coat is not looking at the camera!",
    "He said: “It is 3.5 km away.”",
    "",
    "Somebody was there.",
] * 5
SOURCES = [
    "Un homme fait du vélo dans la rue.",
    "Deux chiens jouent dans la neige, et un enfant les regarde.",
    "La femme au manteau rouge ne regarde pas l'appareil photo !",
    "Il a dit : « C'est à 3,5 km. »",
    "Personne n'était là.",
    "",
] * 5


def sacrebleu_command(tmp_path: Path, *options: str) -> list[dict[str, object]]:
    (tmp_path / "hypotheses").write_text("\n".join(HYPOTHESES) + "\n", encoding="utf-8")
    (tmp_path / "references").write_text("\n".join(REFERENCES) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "references", "-i", "hypotheses", "-w", "8"]
    result = subprocess.run(
        [*command, *options], cwd=tmp_path, capture_output=True, check=True, encoding="utf-8"
    )
    found = json.loads(result.stdout)
    return found if isinstance(found, list) else [found]


def test_the_numbers_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    theirs = sacrebleu_command(tmp_path, "-m", "bleu", "chrf", "ter", "--confidence")
    ours = evaluate(HYPOTHESES, REFERENCES, SOURCES, "en")
    for metric, expected in zip((ours.bleu, ours.chrf, ours.ter), theirs, strict=True):
        assert metric.name == expected["name"]
        assert metric.score == pytest.approx(expected["score"], abs=1e-7)
    assert ours.bleu.signature == theirs[0]["signature"]
    assert ours.bleu_mean == pytest.approx(theirs[0]["confidence_mean"], abs=1e-5)
    assert ours.bleu_margin == pytest.approx(theirs[0]["confidence_var"], abs=1e-5)
    assert ours.bleu_margin > 0


def test_the_signatures_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    theirs = sacrebleu_command(tmp_path, "-m", "chrf", "ter")
    ours = evaluate(HYPOTHESES, REFERENCES)
    assert [ours.chrf.signature, ours.ter.signature] == [m["signature"] for m in theirs]


def test_bleu_alone_is_the_same_bleu() -> None:
    assert bleu(HYPOTHESES, REFERENCES) == evaluate(HYPOTHESES, REFERENCES).bleu.score


def test_bleu_by_source_length_takes_each_sentence_once() -> None:
    buckets = evaluate(HYPOTHESES, REFERENCES, SOURCES).by_source_length
    # Words: 8, 11, 11, 9, 3, 0, each five times.
    assert [(b.shortest, b.longest, b.sentences) for b in buckets] == [
        (0, 5, 10),
        (6, 10, 10),
        (11, 15, 10),
    ]
    long = [i for i, source in enumerate(SOURCES) if len(source.split()) == 11]
    expected = bleu([HYPOTHESES[i] for i in long], [REFERENCES[i] for i in long])
    assert buckets[2].bleu == expected


@pytest.mark.parametrize(
    ("words", "bounds"),
    [(1, (0, 5)), (5, (0, 5)), (6, (6, 10)), (40, (31, 40)), (41, (41, None)), (400, (41, None))],
)
def test_a_bucket_holds_both_of_its_bounds(words: int, bounds: tuple[int, int | None]) -> None:
    (bucket,) = evaluate(["a"], ["a"], [" ".join("x" * words)]).by_source_length
    assert (bucket.shortest, bucket.longest) == bounds


def test_too_few_or_no_sentences_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"3 translations .* 5 references"):
        evaluate(HYPOTHESES[:3], REFERENCES[:5])
    with pytest.raises(CorpusError, match=r"3 translations .* 5 references"):
        bleu(HYPOTHESES[:3], REFERENCES[:5])
    with pytest.raises(CorpusError, match=r"4 source sentences .* 5 references"):
        evaluate(HYPOTHESES[:5], REFERENCES[:5], SOURCES[:4])
    with pytest.raises(CorpusError, match="nothing to evaluate"):
        evaluate([], [])


def test_translations_that_are_all_empty_score_nothing() -> None:
    result = evaluate([""] * 30, REFERENCES, SOURCES)
    assert result.bleu.score == 0.0
    assert result.chrf.score < 1.0
    assert any("0.00" in line for line in result.lines())


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [("en", "13a"), ("", "13a"), ("fr-CA", "13a"), ("zh", "zh"), ("zh_Hans", "zh"), ("th", "char")],
)
def test_the_tokenizer_follows_the_target_language(language: str, tokenizer: str) -> None:
    assert bleu_tokenizer(language) == tokenizer
    assert f"tok:{tokenizer}|" in evaluate(["a b"], ["a b"], None, language).bleu.signature


def test_unspaced_languages_are_not_scored_as_one_long_word() -> None:
    hypothesis, reference = "我昨天在学校看到了一只黑色的猫", "我昨天在学校看到了一只白色的猫"
    assert bleu([hypothesis], [reference], "en") < 1.0
    for language in ("zh", "ja", "th"):
        assert bleu([hypothesis], [reference], language) > 50.0
    chinese = evaluate([hypothesis], [reference], None, "zh")
    assert chinese.ter.score < 50.0
    assert "asian:yes" in chinese.ter.signature


def test_several_references_are_scored_as_by_the_sacrebleu_command(tmp_path: Path) -> None:
    other = [*HYPOTHESES[:2], *REFERENCES[::-1][2:]]
    result = evaluate(HYPOTHESES, REFERENCES, SOURCES, "en", [other])
    files = {"hypotheses": HYPOTHESES, "one": REFERENCES, "two": other}
    for name, texts in files.items():
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
    command = [sys.executable, "-m", "sacrebleu", "one", "two", "-i", "hypotheses"]
    options = ["-m", "bleu", "chrf", "ter", "-w", "4"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, check=True)
    bleu_found, chrf, ter = json.loads(done.stdout)
    for metric, found in ((result.bleu, bleu_found), (result.chrf, chrf), (result.ter, ter)):
        assert metric.score == pytest.approx(found["score"], abs=1e-4)
    assert "nrefs:2" in result.bleu.signature
    alone = evaluate(HYPOTHESES, REFERENCES, SOURCES, "en")
    assert result.bleu.score != alone.bleu.score
    assert [bucket.bleu for bucket in result.by_source_length] != [
        bucket.bleu for bucket in alone.by_source_length
    ]


def test_the_result_is_json_and_the_table_shows_every_number() -> None:
    result = evaluate(HYPOTHESES, REFERENCES, SOURCES, "en")
    result = replace(result, perplexity=4.25, searched_again=2, copied=1)
    assert json.loads(json.dumps(result.as_dict()))["bleu"]["score"] == result.bleu.score
    table = "\n".join(result.lines())
    for number in (result.bleu.score, result.bleu_margin, result.chrf.score, result.ter.score):
        assert f"{number:.2f}" in table
    assert "4.25" in table
    assert "2  searched again, 1 copied" in table
    assert result.bleu.signature in table
    assert all(f"{bucket.bleu:.2f}" in table for bucket in result.by_source_length)
    assert "\n" not in "".join(result.lines())
