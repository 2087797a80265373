"""An explanation as one page that plays the decoding step by step and needs no network."""

import json
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np

from nmt.translator.explaining.explanation import Explanation, SentenceExplanation
from nmt.visualization.attention import STYLE, AttentionGrid, to_svg
from nmt.visualization.explanation_text import NO_ATTENTION, as_text
from nmt.visualization.html import escaped, source_of

DIGITS = 5
"""Significant digits of the numbers in the page."""


def to_page(explanation: Explanation) -> str:
    """The page: HTML with its style, its script and its data inside.

    The content security policy lets through this style and this script alone, by their digests,
    and nothing from anywhere else. Text gets into the page as JSON, whose ``<``, ``>`` and ``&``
    are escaped, or as escaped HTML.

    Args:
        explanation: Of at least one sentence.
    """
    style, script = _asset("page.css"), _asset("page.js")
    styles = " ".join(map(source_of, (style, STYLE)))
    policy = (
        f"default-src 'none'; style-src {styles}; script-src {source_of(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(_asset("page.html")).substitute(
        policy=policy,
        title=escaped(f"{explanation.source[:60]} \u2192 {explanation.target[:60]}"),
        style=style,
        script=script,
        no_attention=escaped(NO_ATTENTION),
        plain=escaped(as_text(explanation, is_terminal=False)),
        remark=escaped(explanation.remark),
        grids="\n".join(map(_grid, explanation.sentences)),
        data=_json(explanation),
    )


@cache
def _asset(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _grid(sentence: SentenceExplanation) -> str:
    """The attention of a whole sentence as a picture; nothing where there is none."""
    rows = [word.source for word in sentence.words if word.source is not None]
    if not rows or not sentence.source_words:
        return '<div class="grid" hidden></div>'
    target = tuple(word.text for word in sentence.words)
    grid = AttentionGrid(sentence.source_words, target, np.array(rows, dtype=np.float32))
    return f'<div class="grid" hidden>{to_svg(grid)}</div>'


def _json(explanation: Explanation) -> str:
    """The data in a form that no text in it can break out of."""
    text = json.dumps(_rounded(explanation.as_dict()), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
