"""The picture of the attention weights, as `nmt translate` writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.options import option, refuse_misplaced
from nmt.errors import PictureError, SearchError
from nmt.progress import say

if TYPE_CHECKING:
    from nmt.translator.translator import Translation
    from nmt.visualization import AttentionGrid

ENDINGS = (".html", ".png", ".svg")


@dataclass(frozen=True)
class Picture:
    """A picture that was asked for, or none."""

    file: Path | None = option(
        "--attention FILE",
        "Draw how much each word of the translation attended to each word of TEXT, as .svg, .html "
        "or .png (for that: pip install 'nmt-toolkit[pictures]').",
    )
    has_subwords: bool = option("--subwords", "With --attention: draw subwords, not words.", False)

    def check(self, texts: list[str]) -> None:
        """Refuse what cannot be drawn, before anything slow is done.

        Args:
            texts: What is to be translated, if it was given as TEXT.

        Raises:
            PictureError: The file is to be of an unknown kind, or the extra that draws it is
                missing.
            SearchError: There is no place for the file, or not one text.
        """
        if self.file is None:
            return
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
        """Draw the best translation of a text, if that was asked for.

        Raises:
            PictureError: There is nothing to draw, or no way to.
            RunError: The model has no attention.
        """
        if self.file is None:
            return
        from nmt.files import write_atomically
        from nmt.visualization import subword_grid, to_html, to_png, to_svg, word_grid

        grid = (subword_grid if self.has_subwords else word_grid)(translation)
        draw: dict[str, Callable[[AttentionGrid], bytes]] = {
            ".html": lambda grid: to_html(grid).encode(),
            ".png": to_png,
            ".svg": lambda grid: to_svg(grid).encode(),
        }
        write_atomically(self.file, draw[self.file.suffix.lower()](grid))
        say(f"attention drawn in {self.file}")
