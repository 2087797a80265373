"""``nmt explain``: a translation, and how it came about."""

import json
import sys
from pathlib import Path

from nmt.cli.lines import write_bytes, write_line
from nmt.cli.model_choice import Asked, Speaker, announce
from nmt.cli.options import JSON, argument, option, refuse_misplaced, takes
from nmt.cli.searching import Searching
from nmt.errors import SearchError
from nmt.progress import say

EXAMPLES = """\b
Examples:
  nmt explain "Je suis étudiant"
  nmt explain --to fr "I am a student"
  nmt explain --html why.html "Je suis étudiant"
  nmt explain --beam 2 --runners-up 8 "Il fait froid"
"""


@takes
def explain(
    asked: Asked,
    search: Searching,
    text: str = argument("TEXT", "What to translate and explain.", ...),
    html: Path | None = option(
        "--html FILE",
        "Write a page that plays the translation step by step to FILE instead; it needs no "
        "network.",
    ),
    runners_up: int = option(
        "--runners-up N", "How many others of each subword.", 4, min=0, max=50
    ),
    is_json: bool = JSON,
) -> None:
    """Show how a translation came about.

    For each word: the source words that it attended to, how sure the model was, and what it nearly
    wrote. Then what the beam dropped on the way. A text of several sentences is explained sentence
    by sentence.
    """
    if html is not None:
        refuse_misplaced("--html", html)
    runs = asked.runs()
    options = search.applied(runs[0].config()).search
    announce("translating", runs)
    speaker = Speaker.load(runs, options).facing(text, asked.is_open, search)
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
        say(f"written to {html}")
        return
    from nmt.visualization.explanation_text import as_text

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    write_bytes(as_text(explanation, is_terminal).encode())
