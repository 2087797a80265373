"""``nmt explain``: a translation, and how it came about."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.lines import write_bytes, write_line
from nmt.cli.model_choice import Asked, Speaker, announce
from nmt.cli.options import (
    Beam,
    From,
    Json,
    LengthPenalty,
    Models,
    SetSearch,
    To,
    refuse_misplaced,
    search_of,
)
from nmt.errors import SearchError

EXAMPLES = """\b
Examples:
  nmt explain "Je suis étudiant"
  nmt explain --to fr "I am a student"
  nmt explain --html why.html "Je suis étudiant"
  nmt explain --beam 2 --runners-up 8 "Il fait froid"
"""


def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to translate and explain.")],
    models: Models = None,
    source_language: From = "",
    target_language: To = "",
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            show_default=False,
            help="Write a page that plays the translation step by step to FILE instead; it needs "
            "no network.",
        ),
    ] = None,
    runners_up: Annotated[
        int,
        typer.Option(
            "--runners-up", metavar="N", min=0, max=50, help="How many others of each subword."
        ),
    ] = 4,
    beam: Beam = None,
    length_penalty: LengthPenalty = None,
    settings: SetSearch = None,
    is_json: Json = False,
) -> None:
    """Show how a translation came about.

    For each word: the source words it looked at, how sure the model was, and what it nearly wrote.
    Then what the beam dropped on the way. A text of several sentences is explained sentence by
    sentence.
    """
    if html is not None and is_json:
        raise SearchError("--html and --json do not go together: leave one out")
    if html is not None:
        refuse_misplaced("--html", html)
    asked = Asked(models or [], source_language, target_language)
    runs = asked.runs()
    changed = partial(
        search_of,
        options={"beam": beam, "length_penalty": length_penalty},
        settings=settings or [],
        sections=("search",),
    )
    changed(runs[0].config())  # may be wrong, and a model takes longer to load
    announce("translating", runs)
    speaker = Speaker.load(runs, changed).facing(text, asked.is_open, changed)
    explanation = speaker.translator.explain(text, runners_up=runners_up)
    if is_json:
        write_line(json.dumps(explanation.as_dict(), ensure_ascii=False))
        return
    if not explanation.sentences:
        problem = "is copied as it is" if explanation.target else "is empty"
        raise SearchError(f"this text {problem}: there is nothing to explain")
    if html is not None:
        from nmt.files import write_atomically
        from nmt.visualization.explanation_page import to_page

        write_atomically(html, to_page(explanation).encode())
        print("written to", html, file=sys.stderr)
        return
    from nmt.visualization.explanation_text import as_text

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    write_bytes(as_text(explanation, is_terminal).encode())
