"""Pictures of attention as SVG, as a page and as PNG."""

from nmt.visualization.attention import (
    AttentionGrid,
    subword_grid,
    to_html,
    to_png,
    to_svg,
    word_grid,
)

__all__ = ["AttentionGrid", "subword_grid", "to_html", "to_png", "to_svg", "word_grid"]
