"""Attention as a picture: the source across, the translation down, and ink for the weights.

The picture of Bahdanau et al. 2015, figure 3. A row is what was attended to while one word was
written; the darker a cell, the more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, radians, sin

from nmt.errors import PictureError, RunError
from nmt.search.stepper import Floats
from nmt.text.languages import sets_words_apart
from nmt.translator.results import Translation
from nmt.visualization.html import escaped
from nmt.visualization.labels import LONGEST, shown, width
from nmt.visualization.png import rasterised

ROOMY_CELL = 28
TIGHT_CELL = 18
ROOMY_WORDS = 24
"""Words up to which cells are roomy."""
MARGIN = 12
GAP = 8
"""Between a label and its cells."""
SLANT = 60
"""Degrees that the labels of the source rise by."""
NO_ATTENTION = "this model has no attention, so no word attended to any: use a model with attention"
END = "</s>"
"""How the end of a sentence is spelt among subwords."""
LEAST_INK = 0.005
"""Weights below this would be shown as 0% and are not drawn."""

STYLE = """
.attention-grid{font-family:"Noto Sans","DejaVu Sans","Liberation Sans",Arial,Helvetica,sans-serif}
.attention-grid .word{fill:#1b1f24}
.attention-grid .paper{fill:#f4f6f8}
.attention-grid .line{stroke:#d5dae0;stroke-width:1}
.attention-grid .ink{fill:#0b3d91}
@media (prefers-color-scheme: dark){
.attention-grid .word{fill:#e6e9ee}
.attention-grid .paper{fill:#1c2128}
.attention-grid .line{stroke:#343b45}
.attention-grid .ink{fill:#9cc4ff}
}
""".strip()

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body{{margin:2rem;font:1rem/1.5 system-ui,sans-serif}}
figure{{margin:0}}
.wide{{overflow-x:auto}}
table{{border-collapse:collapse;font-size:.85rem}}
td,th{{padding:.15rem .5rem;text-align:right}}
@media (max-width:40rem){{body{{margin:1rem}}}}
</style>
</head>
<body>
<main>
<h1>What each word looked at</h1>
<p>A row is a word of the translation. The stronger a cell, the more the model looked at the source
word above it while it wrote that word.</p>
<figure class="wide" tabindex="0" role="group" aria-label="Picture">
{picture}
</figure>
<details><summary>The weights as a table</summary>
<div class="wide" tabindex="0" role="group" aria-label="Table">
{table}
</div>
</details>
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class AttentionGrid:
    """The attention of each word of a translation.

    Attributes:
        source: Words, or subwords, read across.
        target: Words, or subwords, read down.
        weights: Shape (target, source), 0 to 1. A row sums to at most 1: less where the end of
            the sentence, which is no word, was looked at too.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Floats = field(compare=False)

    def __post_init__(self) -> None:
        shape = (len(self.target), len(self.source))
        if self.weights.shape != shape:
            raise ValueError(f"weights of shape {self.weights.shape} for words {shape}")


def word_grid(translation: Translation, hypothesis: int = 0) -> AttentionGrid:
    """The attention of each word of a translation, on the average of its subwords.

    Args:
        translation: Made with ``align=True``; its text may have been translated in parts.
        hypothesis: Which of its hypotheses, from 0 for the best.

    Raises:
        PictureError: There are no words.
        RunError: The model has no attention.
    """
    found = translation.hypotheses[hypothesis]
    if found.alignment is None:
        if found.attention is not None:
            raise ValueError("this translation was made without align=True")
        raise RunError(NO_ATTENTION)
    source = tuple(unit.text for unit in found.alignment.source_units)
    target = tuple(unit.text for unit in found.alignment.target_units)
    _refuse_empty(source, target)
    return AttentionGrid(source, target, found.alignment.shares)


def subword_grid(translation: Translation, hypothesis: int = 0) -> AttentionGrid:
    """The attention of each subword of a translation, ends of sentences included.

    Args:
        translation: Of one sentence.
        hypothesis: Which of its hypotheses, from 0 for the best.

    Raises:
        PictureError: There are no subwords, or the text was copied, or translated in parts.
        RunError: The model has no attention.
    """
    found = translation.hypotheses[hypothesis]
    _refuse_empty(translation.source_pieces, found.pieces)
    if found.attention is None:
        if translation.source_pieces == (END,):
            raise PictureError(
                "this text was copied as it is, so no subwords were looked at: draw words"
            )
        if translation.source_pieces.count(END) > 1:
            raise PictureError(
                "this text was translated in parts, which have no picture of their subwords "
                "together: give one sentence, or draw words"
            )
        raise RunError(NO_ATTENTION)
    return AttentionGrid(translation.source_pieces, found.pieces, found.attention)


def _refuse_empty(source: tuple[str, ...], target: tuple[str, ...]) -> None:
    if not source or not target:
        side = "translation" if source else "text"
        raise PictureError(f"the {side} is empty: there is nothing to draw")


def readable_grid(translation: Translation, languages: Sequence[str]) -> AttentionGrid:
    """What was looked at in words, or in subwords where a whole sentence would be one word.

    Args:
        translation: Made with ``align=True``.
        languages: Codes of the languages translated from and into, such as ``zh``.

    Raises:
        PictureError: There are no words.
        RunError: The model has no attention.
    """
    is_whole = translation.hypotheses[0].attention is not None  # not translated in parts
    if is_whole and not all(map(sets_words_apart, languages)):
        return subword_grid(translation)
    return word_grid(translation)


def to_svg(grid: AttentionGrid) -> str:
    """The picture as an ``<svg>`` that needs nothing else, for light and dark surroundings.

    Args:
        grid: At least one word on each side.
    """
    layout = _layout(grid)
    label = f"Attention: {' '.join(grid.source)} \u2192 {' '.join(grid.target)}"
    size = f'width="{layout.width}" height="{layout.height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="attention-grid" role="img" {size} '
            f'viewBox="0 0 {layout.width} {layout.height}" aria-label="{escaped(label)}">',
            f"<style>{STYLE}</style>",
            *_paper(grid, layout),
            *_words(grid, layout),
            *_ink(grid, layout),
            "</svg>",
        ]
    )


def to_html(grid: AttentionGrid) -> str:
    """A page of its own with the picture and the weights as a table.

    Args:
        grid: At least one word on each side.
    """
    source, target = " ".join(grid.source), " ".join(grid.target)
    return PAGE.format(
        title=escaped(f"{shown(source)} \u2192 {shown(target)}"),
        picture=to_svg(grid),
        table=_table(grid),
    )


def to_png(grid: AttentionGrid) -> bytes:
    """The picture as PNG, black on white, with the fonts of this machine.

    Args:
        grid: At least one word on each side.

    Raises:
        PictureError: The extra ``nmt-toolkit[pictures]`` is not installed, or no font has a
            character.
    """
    layout = _layout(grid)
    return rasterised(to_svg(grid), max(layout.width, layout.height))


@dataclass(frozen=True)
class _Layout:
    """Where things are, in pixels.

    Attributes:
        cell: Width and height of a cell.
        font_size: Of the labels.
        left: Where the first column begins.
        top: Where the first row begins.
        width: Of the picture.
        height: Of the picture.
    """

    cell: int
    font_size: int
    left: int
    top: int
    width: int
    height: int


def _layout(grid: AttentionGrid) -> _Layout:
    is_roomy = max(len(grid.source), len(grid.target)) <= ROOMY_WORDS
    cell, font_size = (ROOMY_CELL, 15) if is_roomy else (TIGHT_CELL, 12)
    widest_target = max(width(shown(word)) for word in grid.target) * font_size
    slant = radians(SLANT)
    lengths = [width(shown(word)) * font_size for word in grid.source]
    left = MARGIN + round(widest_target) + GAP
    top = MARGIN + round(max(lengths) * sin(slant) + font_size) + GAP
    # A label begins above the middle of its column and leans to the right.
    reach = max((i + 0.5) * cell + length * cos(slant) for i, length in enumerate(lengths))
    right = max(len(grid.source) * cell, round(reach + font_size))
    height = top + len(grid.target) * cell + MARGIN
    return _Layout(cell, font_size, left, top, left + right + MARGIN, height)


def _paper(grid: AttentionGrid, at: _Layout) -> Iterator[str]:
    """What the cells are on."""
    across, down = len(grid.source) * at.cell, len(grid.target) * at.cell
    right, bottom = at.left + across, at.top + down
    yield f'<rect class="paper" x="{at.left}" y="{at.top}" width="{across}" height="{down}"/>'
    columns = " ".join(f"M{x} {at.top}V{bottom}" for x in range(at.left, right + 1, at.cell))
    rows = " ".join(f"M{at.left} {y}H{right}" for y in range(at.top, bottom + 1, at.cell))
    yield f'<path class="line" fill="none" d="{columns} {rows}"/>'


def _words(grid: AttentionGrid, at: _Layout) -> Iterator[str]:
    for column, word in enumerate(grid.source):
        x, y = at.left + (column + 0.5) * at.cell + at.font_size * 0.3, at.top - GAP
        turned = f'transform="translate({x:.1f} {y}) rotate(-{SLANT})"'
        yield _label(word, f'{turned} font-size="{at.font_size}"')
    for row, word in enumerate(grid.target):
        middle = at.top + (row + 0.5) * at.cell
        place = f'x="{at.left - GAP}" y="{middle + at.font_size * 0.35:.1f}" text-anchor="end"'
        yield _label(word, f'{place} font-size="{at.font_size}"')


def _label(word: str, attributes: str) -> str:
    whole = f"<title>{escaped(word)}</title>" if len(word) > LONGEST else ""
    return f'<text class="word" {attributes}>{whole}{escaped(shown(word))}</text>'


def _ink(grid: AttentionGrid, at: _Layout) -> Iterator[str]:
    for row, target in enumerate(grid.target):
        for column, source in enumerate(grid.source):
            weight = min(float(grid.weights[row, column]), 1.0)
            if weight < LEAST_INK:
                continue
            x, y = at.left + column * at.cell, at.top + row * at.cell
            title = escaped(f"{target} \u2190 {source}: {weight:.0%}")
            yield (
                f'<rect class="ink" x="{x}" y="{y}" width="{at.cell}" height="{at.cell}" '
                f'fill-opacity="{weight:.3f}"><title>{title}</title></rect>'
            )


def _table(grid: AttentionGrid) -> str:
    head = "".join(f'<th scope="col">{escaped(word)}</th>' for word in grid.source)
    rows = [f"<tr><td></td>{head}</tr>"]
    for word, weights in zip(grid.target, grid.weights.tolist(), strict=True):
        cells = "".join(f"<td>{weight:.0%}</td>" for weight in weights)
        rows.append(f'<tr><th scope="row">{escaped(word)}</th>{cells}</tr>')
    return "\n".join(["<table>", *rows, "</table>"])
