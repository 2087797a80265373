"""``nmt explain`` and ``nmt translate --attention`` as a user calls them."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nmt.errors import PictureError
from tests.cli.conftest import Inside

TEXT = "le petit chat voit le vieux chien."
SVG = "{http://www.w3.org/2000/svg}"


def test_a_translation_is_explained(trained: Path, inside: Inside) -> None:
    done = inside("explain", TEXT)
    assert done.code == 0
    assert done.errors == ["translating with checkpoints/toy (dev BLEU 30.0)"]
    (translated,) = inside("translate", TEXT).lines
    assert done.lines[0] == TEXT
    assert done.lines[1] == f"→ {translated}"
    assert any(re.search(r"word +sure +attention +or else", line) for line in done.lines)
    assert any(line.endswith(("but not the best", "by the beam")) for line in done.lines)


def test_an_explanation_for_programs_is_one_line_of_json(trained: Path, inside: Inside) -> None:
    done = inside("explain", "--json", "--runners-up", "7", "--beam", "4", TEXT)
    (line,) = done.lines
    (sentence,) = json.loads(line)["sentences"]
    assert sentence["source"] == TEXT
    assert {len(step["runners_up"]) for step in sentence["steps"]} == {7}
    assert max(len(rows) for rows in sentence["beam"]) >= 4
    empty = inside("explain", "--json", "")
    assert json.loads(empty.lines[0]) == {"source": "", "target": "", "sentences": []}


def test_an_explanation_becomes_a_page(trained: Path, inside: Inside, folder: Path) -> None:
    done = inside("explain", "--html", "why.html", TEXT)
    assert (done.code, done.lines) == (0, [])
    assert done.errors[-1] == "written to why.html"
    page = (folder / "why.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>") and TEXT in page
    assert not list(folder.glob(".why*")), "nothing is left aside"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["explain", ""], "this text is empty: there is nothing to explain"),
        (["explain", "--html", "no/why.html", "a"], "there is no folder no"),
        (["explain", "--html", "text", "a"], "--html text: this is a folder"),
        (["translate", "--alignments", "no/a", "a"], "--alignments no/a: there is no folder no"),
        (["explain", "--html", "a.html", "--json", "a"], "do not go together"),
        (["explain", "--set", "model.dropout=0.5", "a"], "only keys of search"),
        (["translate", "--attention", "a.jpg", "a"], "one of .html, .png, .svg"),
        (["translate", "--attention", "a.svg", "a", "b"], "one TEXT, and there are 2"),
        (["translate", "--attention", "a.svg"], "--attention needs TEXT: add it"),
        (["translate", "--attention", "no/a.svg", "a"], "there is no folder no"),
        (["translate", "--attention", "a.svg", ""], "the text is empty"),
        (["translate", "--attention", "a.svg", "--markup", "html", "a"], "do not go together"),
        (["translate", "--attention", "a.svg", "--alternatives", "2", "a"], "not go together"),
        (["translate", "--subwords", "a"], "--subwords needs --attention: add it"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    trained: Path, inside: Inside, folder: Path, arguments: list[str], problem: str
) -> None:
    done = inside(*arguments)
    assert done.code == 2
    assert done.errors[-1].startswith("nmt: ") and problem in done.errors[-1]
    assert not list(folder.glob("*.svg")) + list(folder.glob("*.html"))


def drawn(file: Path) -> list[str]:
    root = ElementTree.fromstring(file.read_text("utf-8"))
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_attention_is_drawn_beside_the_translation(
    trained: Path, inside: Inside, folder: Path
) -> None:
    done = inside("translate", "--attention", "looks.svg", TEXT)
    assert done.lines == inside("translate", TEXT).lines
    assert done.errors[-1] == "attention drawn in looks.svg"
    labels = drawn(folder / "looks.svg")
    assert labels[:8] == ["le", "petit", "chat", "voit", "le", "vieux", "chien", "."]
    assert " ".join(labels[8:]).split() == re.findall(r"\w+|[^\w\s]+", done.lines[0])

    inside("translate", "--attention", "pieces.svg", "--subwords", TEXT)
    (line,) = inside("translate", "--json", TEXT).lines
    translation = json.loads(line)
    pieces = translation["source_tokens"] + translation["hypotheses"][0]["tokens"]
    assert drawn(folder / "pieces.svg") == [piece.replace("▁", "_") for piece in pieces]

    assert inside("translate", "--attention", "looks.HTML", TEXT).code == 0
    assert "<svg" in (folder / "looks.HTML").read_text("utf-8")


def test_attention_is_drawn_as_png(trained: Path, inside: Inside, folder: Path) -> None:
    done = inside("translate", "--attention", "looks.png", TEXT)
    if "no font" in done.errors[-1]:
        pytest.skip(done.errors[-1])
    assert (folder / "looks.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_fails_leaves_the_one_before(
    trained: Path, inside: Inside, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "looks.png").write_bytes(b"before")

    def fail(*arguments: object) -> bytes:
        raise PictureError("no font")

    monkeypatch.setattr("nmt.visualization.attention.rasterised", fail)
    assert inside("translate", "--attention", "looks.png", TEXT).code == 2
    assert (folder / "looks.png").read_bytes() == b"before"
