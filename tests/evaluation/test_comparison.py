"""Comparisons against the sacrebleu command's own, and by hand."""

import json
import random
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from nmt.errors import CorpusError
from nmt.evaluation.comparison import Comparison, Paired, SystemOutput, compare
from nmt.evaluation.metrics import bleu

WORDS = tuple("abcdefghijklmnop")


def sentences(seed: int, count: int = 80) -> tuple[str, ...]:
    draw = random.Random(seed)
    return tuple(
        " ".join(draw.choices(WORDS, k=draw.randint(4, 14))).capitalize() + "."
        for _ in range(count)
    )


def spoilt(texts: tuple[str, ...], share: float, seed: int) -> tuple[str, ...]:
    """The same with a share of the words replaced by others."""
    draw = random.Random(seed)
    return tuple(
        " ".join(draw.choice(WORDS) if draw.random() < share else word for word in text.split())
        for text in texts
    )


REFERENCES = sentences(1)
SOURCES = sentences(2)
GOOD = spoilt(REFERENCES, 0.2, 3)
SIMILAR = spoilt(REFERENCES, 0.21, 4)
WORSE = spoilt(REFERENCES, 0.4, 5)


def alone(name: str, texts: tuple[str, ...]) -> SystemOutput:
    return SystemOutput(name, (texts,))


def compared(paired: Paired = "bs") -> Comparison:
    systems = [alone("good", GOOD), alone("similar", SIMILAR), alone("worse", WORSE)]
    return compare(systems, REFERENCES, SOURCES, "en", paired)


def write(file: Path, texts: tuple[str, ...]) -> None:
    file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def sacrebleu_command(folder: Path, test: str) -> str:
    """What ``sacrebleu --paired-bs`` or ``--paired-ar`` prints of the three systems."""
    write(folder / "references", REFERENCES)
    for name, texts in (("good", GOOD), ("similar", SIMILAR), ("worse", WORSE)):
        write(folder / name, texts)
    words = f"references -i good similar worse -m bleu chrf ter -f text -w 6 --paired-{test}"
    done = subprocess.run(
        [sys.executable, "-m", "sacrebleu", *words.split()],
        cwd=folder,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout


def test_scores_intervals_and_p_values_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    theirs = sacrebleu_command(tmp_path, "bs")
    number = r"(\d+\.\d{6})"
    cells = re.findall(rf"{number} \({number} ± {number}\)", theirs)
    figures = [figure for row in compared().rows for figure in row.figures]
    assert len(cells) == len(figures) == 9
    for cell, figure in zip(cells, figures, strict=True):
        expected = pytest.approx(tuple(map(float, cell)), abs=1e-6)
        assert (figure.score, figure.mean, figure.margin) == expected
    p_values = list(map(float, re.findall(r"p = (\d\.\d{4})", theirs)))
    assert [figure.p_value for figure in figures[:3]] == [None] * 3
    assert [figure.p_value for figure in figures[3:]] == pytest.approx(p_values, abs=5e-5)
    assert len({p < 0.05 for p in p_values}) == 2, "some differences are significant, some not"
    assert [p < 0.05 for p in p_values] == [figure.is_significant for figure in figures[3:]]


@pytest.mark.slow
def test_approximate_randomisation_is_that_of_the_sacrebleu_command(tmp_path: Path) -> None:
    theirs = sacrebleu_command(tmp_path, "ar")
    rows = compared("ar").rows
    p_values = list(map(float, re.findall(r"p = (\d\.\d{4})", theirs)))
    figures = [figure for row in rows[1:] for figure in row.figures]
    assert [figure.p_value for figure in figures] == pytest.approx(p_values, abs=5e-5)
    assert all(figure.margin > 0 for row in rows for figure in row.figures)


def test_the_signatures_are_those_of_the_sacrebleu_command(tmp_path: Path) -> None:
    theirs = dict(re.findall(r"- (BLEU|chrF2|TER) +(nrefs\S+)", sacrebleu_command(tmp_path, "bs")))
    assert compared().signatures == theirs


@pytest.mark.parametrize("paired", ["bs", "ar"])
def test_a_system_does_not_differ_from_itself(paired: Paired) -> None:
    result = compare([alone("one", GOOD), alone("same", GOOD)], REFERENCES, paired=paired)
    assert [figure.p_value for figure in result.rows[1].figures] == [1.0] * 3
    assert not result.most_different
    assert "no difference can be told between same and one in BLEU (+0.00, p = 1.000)" in (
        result.lines()
    )


def test_what_is_significant_is_said_in_words_and_which_is_better() -> None:
    forth = compare([alone("worse", WORSE), alone("good", GOOD)], REFERENCES)
    back = compare([alone("good", GOOD), alone("worse", WORSE)], REFERENCES)
    gain = forth.rows[1].figures[0].score - forth.rows[0].figures[0].score
    saved = forth.rows[0].figures[2].score - forth.rows[1].figures[2].score
    assert gain > 0 < saved
    assert f"good is better than worse by {gain:.2f} BLEU, p = 0.001" in forth.lines()
    assert f"worse is worse than good by {gain:.2f} BLEU, p = 0.001" in back.lines()
    assert f"good is better than worse by {saved:.2f} TER, p = 0.001" in forth.lines()


def test_a_group_has_the_mean_and_the_standard_deviation_of_its_members() -> None:
    group = SystemOutput("seeds", (GOOD, SIMILAR, WORSE))
    figure = compare([alone("one", GOOD), group], REFERENCES).rows[1].figures[0]
    scores = [
        sacrebleu.corpus_bleu(member, [REFERENCES]).score for member in (GOOD, SIMILAR, WORSE)
    ]
    assert figure.scores == pytest.approx(scores)
    assert figure.score == pytest.approx(sum(scores) / 3)
    assert figure.deviation == pytest.approx(statistics.stdev(scores))


@pytest.mark.slow
def test_groups_are_tested_by_drawing_a_sentence_with_all_of_its_translations() -> None:
    """Against BLEU of each resample, of the sentences that are drawn, written out as a corpus."""
    first, second = (GOOD[:12], WORSE[:12]), (SIMILAR[:12], WORSE[12:24], SIMILAR[:12])
    systems = [SystemOutput("first", first), SystemOutput("second", second)]
    figure = compare(systems, REFERENCES[:12]).rows[1].figures[0]
    draws = np.random.default_rng(12345).choice(12, size=(1000, 12)).tolist()

    def score(members: tuple[tuple[str, ...], ...], rows: list[int]) -> float:
        texts = [member[row] for member in members for row in rows]
        return bleu(texts, [REFERENCES[row] for _ in members for row in rows])

    gaps = np.array([abs(score(second, rows) - score(first, rows)) for rows in draws])
    gap = abs(score(second, list(range(12))) - score(first, list(range(12))))
    p_value = (np.sum(gaps - gaps.mean() > gap) + 1) / 1001
    assert 0.01 < p_value < 0.9
    assert figure.p_value == pytest.approx(p_value, abs=0.002)


def test_bleu_by_source_length_stands_side_by_side() -> None:
    result = compared()
    assert sum(row.sentences for row in result.by_source_length) == 80
    long = [row for row, text in enumerate(SOURCES) if 11 <= len(text.split()) <= 15]
    found = next(row for row in result.by_source_length if row.shortest == 11)
    assert found.bleu == pytest.approx(
        [
            bleu([texts[row] for row in long], [REFERENCES[row] for row in long])
            for texts in (GOOD, SIMILAR, WORSE)
        ]
    )


def test_the_sentences_that_differ_most_come_first() -> None:
    result = compare(
        [alone("good", GOOD), alone("worse", WORSE)], REFERENCES, SOURCES, "en", shown=7
    )

    def chrf(text: str, row: int) -> float:
        return float(sacrebleu.sentence_chrf(text, [REFERENCES[row]]).score)

    gaps = [abs(chrf(GOOD[row], row) - chrf(WORSE[row], row)) for row in range(80)]
    shown = [abs(found.chrf[0] - found.chrf[1]) for found in result.most_different]
    assert shown == pytest.approx(sorted(gaps, reverse=True)[:7])
    first = result.most_different[0]
    row = first.line - 1
    assert first.translations == (GOOD[row], WORSE[row])
    assert (first.source, first.reference) == (SOURCES[row], REFERENCES[row])


def test_the_result_is_json_and_the_table_shows_every_number() -> None:
    result = compared()
    found = json.loads(json.dumps(result.as_dict()))
    assert found["rows"][2]["figures"][0]["is_significant"] is True
    table = "\n".join(result.lines())
    for row in result.rows:
        for figure in row.figures:
            assert f"{figure.score:.2f} ± {figure.margin:.2f}" in table
    assert all(table.count(signature) == 1 for signature in result.signatures.values())
    assert "\n" not in "".join(result.lines())
    assert re.search(r"^worse .*±.* \* .*±.* \* .*±.* \*$", table, re.MULTILINE)


def test_one_sentence_can_be_compared() -> None:
    result = compare([alone("one", ("a b",)), alone("two", ("a c",))], ["a b"], ["x y"])
    assert result.rows[1].figures[0].p_value is not None
    assert any(line.startswith("over 1 sentence;") for line in result.lines())


def test_a_system_with_too_few_translations_is_refused() -> None:
    with pytest.raises(CorpusError, match="79 translations"):
        compare([alone("good", GOOD), alone("short", WORSE[:79])], REFERENCES)
