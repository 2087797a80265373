"""Fuzzed text: whatever a line holds, each mode answers it with a line."""

import html
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from hostile_processes import Verdict, nmt

LINES, QUICK_LINES = 5_000, 120
LETTERS = [
    "abcdefghijklmnopqrstuvwxyz",
    "éèàùçœæÉÀ",
    "0123456789.,:/-% ",
    "!?.;:…\"'«»()[]{}<>@#&_",
    "+-*=^~|\\$€£",
    "\u0301\u0316\u200d\ufe0f\u00ad\u202e\u2028\u2029\u0085\x0b\x0c\x1b\x07\ufeff",
    "😀👧🏽🇫🇷",
    "我你。กက한글אבجد",
    "\U00010330\U0001d518\u211aⅧ½²ﬁ",
    "\ue000\ufffe\U000e0001\U0010ffff\u1cd0",
]
PHRASES = [
    "Le chat dort.",
    "Je suis étudiant !",
    "M. Dupont a 3,5 < 4 €",
    "https://a.example/b?c=1&d",
    "x@y.example",
    "<b>gras</b>",
    "<i class='notranslate'>",
    "</p>",
    "&amp;&#0;&#x110000;",
    "<![CDATA[",
    "<!-- ",
    "{0} %s ${name}",
    "1979",
    "12:30",
]
GLOSSARY = "chat\tcat\nM. Dupont\tMr Smith\n1979\t1979\n😀\t:)\n(\t[\nétudiant\tpupil\n"
MODES: dict[str, list[str]] = {
    "plain": [],
    "json": ["--json"],
    "alignments": ["--alignments", "-"],
    "html": ["--markup", "html"],
    "xml": ["--markup", "xml"],
    "glossary": ["--glossary", "glossary.tsv"],
    "not robust": ["--set", "search.robust=false"],
}


def fuzzed(draw: random.Random) -> str:
    """A line without line feeds and tabs; it may be empty."""
    parts = []
    for _ in range(draw.choice((0, 1, 1, 2, 3, 5, 8))):
        if draw.random() < 0.4:
            parts.append(draw.choice(PHRASES))
        else:
            letters = draw.choice(LETTERS)
            parts.append("".join(draw.choices(letters, k=draw.choice((1, 2, 3, 12)))))
        parts.append(draw.choice(("", " ")))
    return "".join(parts)


def trials(folder: Path, model: Path, is_quick: bool) -> Iterator[Verdict]:
    """All modes; a case is a line."""
    draw = random.Random(5)
    lines = [fuzzed(draw) for _ in range(QUICK_LINES if is_quick else LINES)]
    (folder / "glossary.tsv").write_text(GLOSSARY)
    given = "".join(f"{line}\n" for line in lines).encode()
    for name, options in MODES.items():
        command = ["translate", "--model", str(model), "--beam", "1", *options]
        text = _well_formed(lines) if name == "xml" else given
        yield from _verdicts(folder, name, command, text, len(lines))
    # a target of each line for the line after it
    pairs = zip(lines, lines[1:] + lines[:1], strict=True)
    given = "".join(f"{source}\t{target}\n" for source, target in pairs).encode()
    yield from _verdicts(folder, "score", ["score", "--model", model], given, len(lines))


def _well_formed(lines: list[str]) -> bytes:
    """The lines as one document, without what XML has no place for."""
    text = "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)
    kept = (each for each in text if each == "\n" or (each >= " " and each != "\ufffe"))
    return f"<d>{''.join(kept)}</d>\n".encode()


def _verdicts(
    folder: Path, name: str, command: Sequence[str | Path], given: bytes, lines: int
) -> Iterator[Verdict]:
    found = nmt(command, folder, given, cpu_s=3_600)
    problem = found.problem() or (found.err.decode().strip() if found.code else "")
    if not problem and name == "json":
        problem = _json_problem(found.lines)
    missing = lines - len(found.lines)
    yield Verdict(name, problem or (f"{missing:,} lines are missing" if missing else ""))
    for number in range(1, lines):
        yield Verdict(f"{name}, line {number + 1}", "")


def _json_problem(lines: list[bytes]) -> str:
    try:
        for line in lines:
            json.loads(line)
    except ValueError as error:
        return f"no JSON: {error}"
    return ""
