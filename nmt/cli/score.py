"""``nmt score``: how likely given translations are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.lines import arriving_lines, standard_input, write_line
from nmt.cli.model_choice import Asked, announce
from nmt.cli.options import From, Json, LengthPenalty, Models, SetSearch, To, search_of
from nmt.errors import CorpusError

EXAMPLES = """\b
Examples:
  nmt score "Je suis étudiant" "I am a student"
  nmt score --source letters.fr --target letters.en > letters.scores
  paste letters.fr letters.en | nmt score --json
"""

Pairs = tuple[list[str], list[str]]


def score(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE TARGET",
            show_default=False,
            help="A text and its translation; and more of these. Without them: lines of standard "
            "input, with a tab between the two.",
        ),
    ] = None,
    models: Models = None,
    source_language: From = "",
    target_language: To = "",
    source: Annotated[
        Path | None,
        typer.Option(
            "--source", metavar="FILE", show_default=False, help="Texts, one on each line."
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--target",
            metavar="FILE",
            show_default=False,
            help="The translations of --source, line by line.",
        ),
    ] = None,
    length_penalty: LengthPenalty = None,
    settings: SetSearch = None,
    as_json: Json = False,
) -> None:
    """Score given translations.

    Writes one line for each pair: the natural logarithm of the probability of the translation, a
    tab, and the same divided by its length as a search would. With --json: for each subword, too.
    """
    if (source is None) != (target is None):
        raise CorpusError("--source and --target belong together: name both files")
    if texts and (source is not None or len(texts) % 2):
        raise CorpusError(
            "give SOURCE and TARGET in pairs" if source is None else "give texts or files, not both"
        )
    runs = Asked(models or [], source_language, target_language).runs()
    options = {"length_penalty": length_penalty}
    _, search = search_of(runs[0].config(), options, settings or [], sections=("search",))
    announce("scoring", runs)
    from nmt.translator.translator import Translator

    translator = Translator.load_ensemble(runs, search)
    for sources, targets in _pairs(texts or [], source, target):
        for pair in translator.score(sources, targets):
            if as_json:
                write_line(json.dumps(pair.as_dict(), ensure_ascii=False))
            else:
                write_line(f"{pair.log_probability:.4f}\t{pair.score:.4f}")


def _pairs(texts: list[str], source: Path | None, target: Path | None) -> Iterator[Pairs]:
    """The pairs, in the portions in which they come."""
    if source is not None and target is not None:
        from nmt.data.readers import read_text_pair

        yield from read_text_pair(source, target)
    elif texts:
        yield texts[::2], texts[1::2]
    else:
        number = 0
        for lines in arriving_lines(standard_input(), "standard input"):
            rows = []
            for line in lines:
                number += 1
                rows.append(line.split("\t"))
                if len(rows[-1]) != 2:
                    raise CorpusError(
                        f"standard input, line {number}: {len(rows[-1]) - 1} tabs instead of one: "
                        "write a text, a tab and its translation"
                    )
            yield [row[0] for row in rows], [row[1] for row in rows]
