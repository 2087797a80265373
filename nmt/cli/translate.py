"""``nmt translate``: text in, text out, one line for each line."""

import json
import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING, Annotated, cast

import typer

from nmt.cli.lines import arriving_lines, write_line
from nmt.cli.options import (
    Beam,
    Json,
    LengthPenalty,
    Model,
    NBest,
    Sample,
    Seed,
    SetSearch,
    Temperature,
    TopK,
    TopP,
    chosen_run,
    search_of,
)
from nmt.errors import SearchError

if TYPE_CHECKING:
    from nmt.translator import Translation

EXAMPLES = """\b
Examples:
  nmt translate "Je suis étudiant"
  nmt translate < letter.fr > letter.en
  nmt translate --beam 10 --n-best 3 "Il fait froid"
  nmt translate --sample --temperature 0.8 --seed 7 "Il fait froid"
"""


def translate(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            show_default=False,
            help="What to translate, one line of output for each. Without it: standard input.",
        ),
    ] = None,
    model: Model = None,
    beam: Beam = None,
    n_best: NBest = None,
    length_penalty: LengthPenalty = None,
    sample: Sample = False,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Seed = None,
    settings: SetSearch = None,
    json_lines: Json = False,
) -> None:
    """Translate text.

    Writes exactly one line for each TEXT, or for each line of standard input, in order; an empty
    one for an empty one. Input is UTF-8. Which model is used is said on standard error.
    """
    run = chosen_run(model)
    options = {
        "beam": beam,
        "n_best": n_best,
        "length_penalty": length_penalty,
        "sample": sample or None,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
    }
    _, search = search_of(run.config(), options, settings or [], sections=("search",))
    print(f"translating with {run.path}", file=sys.stderr)
    from nmt.translator import Translator

    translator = Translator.load(run, search)
    number = 0
    for lines in _batches(texts):
        for translation in translator.translate(lines):
            number += 1
            if json_lines:
                write_line(json.dumps(translation.as_dict(), ensure_ascii=False))
            elif n_best is None:
                write_line(translation.text)
            else:
                for line in _n_best_lines(number, translation):
                    write_line(line)


def _batches(texts: list[str] | None) -> Iterator[list[str]]:
    """What to translate, in the portions in which it comes."""
    if texts:
        yield texts
        return
    if sys.stdin is None:
        raise SearchError("there is nothing to translate: give TEXT, or lines on standard input")
    if sys.stdin.isatty():
        print("type lines to translate; Ctrl-D ends", file=sys.stderr)
    yield from arriving_lines(cast(BufferedReader, sys.stdin.buffer), "standard input")


def _n_best_lines(number: int, translation: "Translation") -> list[str]:
    return [f"{number}\t{found.score:.4f}\t{found.text}" for found in translation.hypotheses]
