"""``nmt translate``: text in, text out, one line for each line."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.bulk import Column, EngineName, Files, InputFiles, OutputFile, Resume, Workers
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

if TYPE_CHECKING:
    from nmt.translator import Translation

EXAMPLES = """\b
Examples:
  nmt translate "Je suis étudiant"
  nmt translate < letter.fr > letter.en
  nmt translate --input million.fr --output million.en --resume
  nmt translate --input shards/ --output translated/ --column fr
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
    inputs: InputFiles = None,
    output: OutputFile = None,
    resume: Resume = False,
    column: Column = None,
    engine: EngineName = None,
    workers: Workers = None,
) -> None:
    """Translate text.

    Writes exactly one line for each TEXT, or for each line of standard input, in order; an empty
    one for an empty one. Input is UTF-8. Which model is used is said on standard error.
    """
    files = Files(inputs or [], output, resume, column, engine, workers)
    files.check(has_texts=bool(texts), is_plain=not json_lines and n_best is None)
    run = chosen_run(model)
    if run.is_exported:
        # NumPy multiplies no matrices then, and starting a thread for each core takes it 0.05 s.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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
    if files.are_shards:
        files.translate_shards(run, search)
        return
    from nmt.translator import Translator

    translator = Translator.load(run, search)
    written = _written(json_lines, n_best is not None)
    if output is not None:
        kind = "json" if json_lines else "n-best" if n_best is not None else "text"
        belongs_to = {
            "model": run.fingerprint(),
            "search": search.model_dump(mode="json"),
            "lines": kind,
        }
        files.translate_lines(translator.translate, written, belongs_to)
        return
    number = 0
    for lines in [texts] if texts else _arriving(files):
        for translation in translator.translate(lines):
            number += 1
            for line in written(number, translation):
                write_line(line)


def _arriving(files: Files) -> Iterator[list[str]]:
    """Lines as they come; somebody who waits for many is told how far it is."""
    from nmt.progress import Display, LineDisplay, Meter

    with files.opened() as input:
        is_watched = input.size_bytes is not None or sys.stderr.isatty()
        is_shown = is_watched and sys.stdout is not None and not sys.stdout.isatty()
        display = LineDisplay() if is_shown else Display()
        meter = Meter(time.monotonic)
        for lines in arriving_lines(input.stream, input.name):
            yield lines
            read_bytes = 0 if input.size_bytes is None else input.stream.tell()
            display.headway(meter.add(len(lines), None, input.share(read_bytes)))


def _written(json_lines: bool, n_best: bool) -> "Callable[[int, Translation], list[str]]":
    """What is written of the translation of a line, given its number."""

    def written(number: int, translation: "Translation") -> list[str]:
        if json_lines:
            return [json.dumps(translation.as_dict(), ensure_ascii=False)]
        if n_best:
            return _n_best_lines(number, translation)
        return [translation.text]

    return written


def _n_best_lines(number: int, translation: "Translation") -> list[str]:
    return [f"{number}\t{found.score:.4f}\t{found.text}" for found in translation.hypotheses]
