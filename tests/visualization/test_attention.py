"""Pictures of attention: what is drawn, where, and what cannot be drawn."""

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from math import radians, sin
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nmt.errors import PictureError, RunError
from nmt.search.alignment import Unit, align_units, join
from nmt.translator.results import TranslatedHypothesis, Translation
from nmt.visualization import AttentionGrid, subword_grid, to_html, to_png, to_svg, word_grid
from nmt.visualization.png import RENDER

SVG = "{http://www.w3.org/2000/svg}"
FRENCH = ("Où", "êtes", "-", "vous", ",", "cœur", "brisé", "?")
ATTENTION = np.array(
    [[0.7, 0.1, 0.1, 0.1], [0.1, 0.3, 0.4, 0.2], [0.0, 0.5, 0.3, 0.2], [0.0, 0.0, 0.1, 0.9]],
    dtype=np.float32,
)
"""From the, ca, t, </s> to le, ch, at, </s>."""


def translation(align: bool = True) -> Translation:
    source = [Unit("le", True, 0), Unit("chat", True, 1)]
    target = [Unit("the", True, 0), Unit("cat", True, 1)]
    alignment = align_units(source, target, ATTENTION[:3, :3]) if align else None
    pieces = ("▁the", "▁ca", "t", "</s>")
    found = TranslatedHypothesis("the cat", -0.1, -0.4, pieces, ATTENTION, True, alignment)
    return Translation("le chat", ("▁le", "▁ch", "at", "</s>"), (found,))


def without_attention() -> Translation:
    made = translation(align=False)
    return replace(made, hypotheses=(replace(made.hypotheses[0], attention=None),))


def random_grid(source: tuple[str, ...], target: tuple[str, ...]) -> AttentionGrid:
    random = np.random.default_rng(2)
    weights = random.dirichlet([0.1] * len(source), len(target)).astype(np.float32)
    return AttentionGrid(source, target, weights)


@pytest.fixture(scope="session")
def fonts() -> None:
    """This machine can draw Latin letters at all."""
    try:
        to_png(random_grid(("a",), ("b",)))
    except PictureError as error:
        pytest.skip(str(error))


def test_words_are_drawn_with_the_looks_of_their_subwords() -> None:
    grid = word_grid(translation())
    assert grid.source == ("le", "chat")
    assert grid.target == ("the", "cat")
    # what went to the end of the sentence is left out; "cat" is the mean of its two subwords
    np.testing.assert_allclose(grid.weights, [[0.7, 0.2], [0.05, 0.75]], atol=1e-6)


def test_subwords_are_drawn_with_the_ends_of_the_sentences() -> None:
    grid = subword_grid(translation())
    assert grid.source == ("▁le", "▁ch", "at", "</s>")
    assert grid.target == ("▁the", "▁ca", "t", "</s>")
    assert grid.weights is ATTENTION


def test_a_text_in_parts_is_drawn_in_words_and_not_in_subwords() -> None:
    made = translation()
    best = made.hypotheses[0]
    assert best.alignment is not None
    twice = replace(best, attention=None, alignment=join([best.alignment] * 2))
    parts = replace(made, source_pieces=made.source_pieces * 2, hypotheses=(twice,))
    weights = word_grid(parts).weights
    np.testing.assert_allclose(weights[2:, 2:], [[0.7, 0.2], [0.05, 0.75]], atol=1e-6)
    assert not weights[2:, :2].any() and not weights[:2, 2:].any()
    with pytest.raises(PictureError, match="translated in parts"):
        subword_grid(parts)


def test_what_has_no_picture_is_said() -> None:
    empty = TranslatedHypothesis("", 0.0, 0.0, (), None, True, join([]))
    nothing = Translation("", (), (empty,))
    for grid in (word_grid, subword_grid):
        with pytest.raises(RunError, match="has no attention"):
            grid(without_attention())
        with pytest.raises(PictureError, match="the text is empty"):
            grid(nothing)
    with pytest.raises(ValueError, match="align=True"):
        word_grid(translation(align=False))
    with pytest.raises(ValueError, match="weights of shape"):
        AttentionGrid(("a",), ("b", "c"), np.ones((1, 2), dtype=np.float32))


def test_the_ink_of_a_cell_is_its_weight_and_its_title_says_so() -> None:
    weights = np.array([[0.9, 0.1, 0.0], [0.004, 0.25, 0.5]], dtype=np.float32)
    root = ElementTree.fromstring(to_svg(AttentionGrid(("a", "b", "c"), ("x", "y"), weights)))
    paper = next(rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "paper")
    cell = int(paper.get("width", "0")) // 3
    left, top = int(paper.get("x", "0")), int(paper.get("y", "0"))
    found = {}
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") == "ink":
            row = (int(rect.get("y", "0")) - top) // cell
            column = (int(rect.get("x", "0")) - left) // cell
            title = rect.findtext(f"{SVG}title")
            found[row, column] = (float(rect.get("fill-opacity", "0")), title)
    assert found == {
        (0, 0): (0.9, "x ← a: 90%"),
        (0, 1): (0.1, "x ← b: 10%"),
        (1, 1): (0.25, "y ← b: 25%"),
        (1, 2): (0.5, "y ← c: 50%"),
    }


WORDS = st.lists(st.text(max_size=40), min_size=1, max_size=5).map(tuple)


@settings(max_examples=100)
@given(source=WORDS, target=WORDS)
def test_any_words_at_all_make_well_formed_markup_that_says_them(
    source: tuple[str, ...], target: tuple[str, ...]
) -> None:
    grid = random_grid(source, target)
    root = ElementTree.fromstring(to_svg(grid))
    labels = [
        "".join(text.itertext()) if text.find(f"{SVG}title") is None else text[0].text
        for text in root.iter(f"{SVG}text")
    ]
    assert len(labels) == len(source) + len(target)
    for label, word in zip(labels, source + target, strict=True):
        if word.isprintable() and "▁" not in word:
            assert (label or "") == word
    page = Elements()
    page.feed(to_html(grid))
    assert "script" not in page.names
    assert not page.handlers


class Elements(HTMLParser):
    """The names of a page's elements, and the attributes that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def test_words_stay_what_they_are_in_a_page() -> None:
    attack = '</title></svg><script>alert(1)</script><img src=x onerror="alert(1)">&amp;'
    grid = AttentionGrid((attack, "b"), (attack,), np.array([[0.5, 0.5]], dtype=np.float32))
    page = Elements()
    page.feed(to_html(grid))
    assert not page.names & {"script", "img"} and not page.handlers
    assert "default-src 'none'" in to_html(grid)
    fetched = re.findall(r"https?://[^\"\s]+", to_html(grid))
    assert set(fetched) == {"http://www.w3.org/2000/svg"}, "a name, not an address"


def test_labels_of_a_sentence_of_sixty_words_are_apart_and_within_the_picture() -> None:
    words = tuple(f"anticonstitutionnellement{i}" for i in range(60))
    root = ElementTree.fromstring(to_svg(random_grid(words, words)))
    columns, rows = [], []
    for text in root.iter(f"{SVG}text"):
        size = float(text.get("font-size", "0"))
        turned = re.match(r"translate\(([\d.]+) \d+\) rotate\(-(\d+)\)", text.get("transform", ""))
        if turned:
            columns.append((float(turned[1]), int(turned[2])))
        else:
            rows.append(float(text.get("y", "0")))
    # lines of text at an angle are as far apart as their starts, times the sine of the angle
    gaps = [(b - a) * sin(radians(angle)) for (a, angle), (b, _) in pairwise(columns)]
    assert len(columns) == len(rows) == 60
    assert min(gaps) > 1.15 * size
    assert min(np.diff(rows)) > 1.15 * size


@pytest.mark.usefixtures("fonts")
@pytest.mark.parametrize("length", [1, 8, 40])
def test_no_label_of_a_png_is_cut_off(length: int) -> None:
    words = tuple("Mwÿ" * (1 + i % 9) for i in range(length))
    grid = random_grid(words, words)
    picture = Image.open(io.BytesIO(to_png(grid))).convert("L")
    size = re.search(r'width="(\d+)" height="(\d+)"', to_svg(grid))
    assert size is not None
    assert picture.size == (2 * int(size[1]), 2 * int(size[2]))
    pixels = np.asarray(picture)
    edges = [pixels[:6], pixels[-6:], pixels[:, :6], pixels[:, -6:]]
    assert all((edge == 255).all() for edge in edges), "something touches the edge"
    assert (pixels < 100).any()


@pytest.mark.usefixtures("fonts")
def test_french_is_drawn_and_what_no_font_has_is_named() -> None:
    assert to_png(random_grid(FRENCH, FRENCH)).startswith(b"\x89PNG\r\n\x1a\n")
    nobodys = "\U0010fffd"
    with pytest.raises(PictureError, match=f"no font on this machine has {nobodys}: install"):
        to_png(random_grid(("a", f"b{nobodys}"), ("c",)))


@pytest.mark.usefixtures("fonts")
def test_a_machine_without_fonts_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    without = RENDER.replace("svg_string=svg", "svg_string=svg, skip_system_fonts=True")
    monkeypatch.setattr("nmt.visualization.png.RENDER", without)
    with pytest.raises(PictureError, match="there is no font on this machine: install"):
        to_png(random_grid(("a",), ("b",)))


def test_png_without_its_package_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PictureError, match=r"pip install 'nmt-toolkit\[pictures\]'"):
        to_png(random_grid(("a",), ("b",)))


@pytest.mark.usefixtures("fonts")
def test_a_png_of_very_many_words_is_kept_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmt.visualization.png.LARGEST", 500)
    words = ("a",) * 60
    assert max(Image.open(io.BytesIO(to_png(random_grid(words, words)))).size) in (499, 500)
