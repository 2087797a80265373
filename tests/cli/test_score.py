"""``nmt score`` as a user calls it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Inside

SOURCES = ["le petit chat voit le vieux chien.", "le cheval", "", "le chien"]
TARGETS = ["the small cat sees the old dog.", "the horse", "", ""]


def test_json_tells_of_every_subword(inside: Inside, trained: Path) -> None:
    for penalty in ("0", "1"):
        options = ("--length-penalty", penalty, *SOURCES[:1], *TARGETS[:1])
        [pair] = map(json.loads, inside("score", "--json", *options).lines)
        assert (pair["source"], pair["target"]) == (SOURCES[0], TARGETS[0])
        assert "".join(pair["tokens"]).replace("▁", " ") == f" {TARGETS[0]}</s>"
        assert pair["log_probability"] == pytest.approx(sum(pair["log_probabilities"]), abs=1e-4)
        length = len(pair["log_probabilities"])
        assert len(pair["tokens"]) == length
        assert pair["score"] == pytest.approx(pair["log_probability"] / length ** int(penalty))
        assert inside("score", *options).lines == [
            f"{pair['log_probability']:.4f}\t{pair['score']:.4f}"
        ]


def test_arguments_files_and_standard_input_give_the_same_lines(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "a.fr").write_text("\n".join(SOURCES) + "\n")
    (folder / "a.en").write_text("\n".join(TARGETS) + "\n")
    pairs = list(zip(SOURCES, TARGETS, strict=True))
    given = inside("score", *(text for pair in pairs for text in pair))
    assert (given.code, given.errors) == (0, ["scoring with checkpoints/toy (dev BLEU 30.0)"])
    assert given.lines[2] == "0.0000\t0.0000"
    for line, target in zip(given.lines, TARGETS, strict=True):
        log_probability, score = map(float, line.split("\t"))
        assert log_probability <= score <= 0.0
        assert target or log_probability == score
    files = inside("score", "--source", "a.fr", "--target", "a.en", "--model", trained)
    assert files.lines == given.lines
    table = "".join(f"{source}\t{target}\r\n" for source, target in pairs)
    assert inside("score", input=table.encode()).lines == given.lines


def test_several_models_score_together(inside: Inside, trained: Path) -> None:
    pair = (SOURCES[0], TARGETS[0])
    twice = inside("score", "--model", trained, "--model", "checkpoints/toy", *pair)
    assert twice.errors == [
        f"scoring with {trained} (dev BLEU 30.0), checkpoints/toy (dev BLEU 30.0)"
    ]
    assert twice.lines == inside("score", *pair).lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one"], "give SOURCE and TARGET in pairs"),
        (["--source", "a.fr"], "--source needs --target: add it"),
        (
            ["--source", "a.fr", "--target", "a.en", "a", "b"],
            "--source and SOURCE TARGET do not go",
        ),
        (["--source", "a.fr", "--target", "b.en"], "a.fr has 2 lines but b.en has 1"),
        (["--source", "a.fr", "--target", "c.en"], "c.en: cannot be read"),
        (["--set", "training.epochs=2", "a", "b"], "a trained model keeps this as it is"),
        (["--model", "nowhere", "a", "b"], "nowhere: there is no such folder"),
    ],
)
def test_what_is_no_pair_is_refused(
    inside: Inside, trained: Path, folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "a.fr").write_text("un\ndeux\n")
    (folder / "b.en").write_text("one\n")
    done = inside("score", *arguments)
    assert (done.code, done.lines) == (2, [])
    assert done.errors[-1].startswith("nmt: ")
    assert message in done.errors[-1]


def test_a_line_that_is_no_pair_is_refused_by_its_number(inside: Inside, trained: Path) -> None:
    done = inside("score", input=b"le\tthe\nchat cat\n")
    assert done.code == 2
    assert done.errors[-1].startswith("nmt: standard input, line 2: 0 tabs instead of one")
