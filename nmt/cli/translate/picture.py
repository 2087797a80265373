"""The picture of what was looked at, as `nmt translate` writes it."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.options import refuse_misplaced
from nmt.errors import PictureError, SearchError

if TYPE_CHECKING:
    from nmt.translator.translator import Translation
    from nmt.visualization import AttentionGrid

ENDINGS = (".html", ".png", ".svg")
APART = ("--alternatives", "--markup", "--input", "--output")
"""What gives no single translation to draw."""

Attention = Annotated[
    Path | None,
    typer.Option(
        "--attention",
        metavar="FILE",
        show_default=False,
        help="Draw which words of TEXT each word of its translation looked at, as .svg, .html or "
        ".png (for that: pip install 'nmt[pictures]').",
    ),
]
Subwords = Annotated[
    bool, typer.Option("--subwords", help="With --attention: draw subwords, not words.")
]


@dataclass(frozen=True)
class Picture:
    """A picture that was asked for.

    Attributes:
        file: Where to write it.
        has_subwords: Draw subwords, not words.
    """

    file: Path
    has_subwords: bool

    def check(self, texts: list[str], others: Iterable[str]) -> None:
        """Refuse what cannot be drawn, before anything slow is done.

        Args:
            texts: What is to be translated, if it was given as TEXT.
            others: The names of other options that were given.

        Raises:
            PictureError: The file is to be of an unknown kind, or the extra that draws it is
                missing.
            SearchError: Options do not go together, or there is no place for the file.
        """
        for other in others:
            if other in APART:
                raise SearchError(f"--attention and {other} do not go together: leave one out")
        if len(texts) != 1:
            raise SearchError(f"--attention draws one TEXT, and there are {len(texts)}: give one")
        if self.file.suffix.lower() not in ENDINGS:
            kinds = ", ".join(ENDINGS)
            raise PictureError(f"--attention {self.file}: the name has to end in one of {kinds}")
        refuse_misplaced("--attention", self.file)
        if self.file.suffix.lower() == ".png":
            from nmt.visualization.png import refuse_without_resvg

            refuse_without_resvg()

    def write(self, translation: "Translation") -> None:
        """Draw the best translation of a text.

        Raises:
            PictureError: There is nothing to draw, or no way to.
            RunError: The model has no attention.
        """
        from nmt.files import write_atomically
        from nmt.visualization import subword_grid, to_html, to_png, to_svg, word_grid

        grid = (subword_grid if self.has_subwords else word_grid)(translation)
        draw: dict[str, Callable[[AttentionGrid], bytes]] = {
            ".html": lambda grid: to_html(grid).encode(),
            ".png": to_png,
            ".svg": lambda grid: to_svg(grid).encode(),
        }
        write_atomically(self.file, draw[self.file.suffix.lower()](grid))
        print("attention drawn in", self.file, file=sys.stderr)
