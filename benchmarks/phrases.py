"""How often a model gets words, names, greetings and labels by themselves right.

    python benchmarks/phrases.py [--model DIR ...]

For each model, from French to English or back, the held-out phrases of tests/data/phrases.*.tsv are
translated; a translation is right if it is one of those listed there, whatever its capitals and its
last mark. By default the two models that come with nmt.
"""

import argparse
import re
from pathlib import Path

import nmt
from nmt.runs.finding import open_run

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, action="append", metavar="DIR")
    models = parser.parse_args().model or [
        ROOT / "checkpoints" / name for name in ("fr-en", "en-fr")
    ]
    for model in models:
        right, wrong = tried(model)
        total = right + len(wrong)
        print(f"{model}: {right} of {total} right ({right / total:.0%})")
        for source, text, wanted in wrong:
            print(f"  {source} -> {text} ({wanted})")


def tried(model: Path) -> tuple[int, list[tuple[str, str, str]]]:
    """How many phrases a model gets right; and the others, with its translation and a right one."""
    corpus = open_run(model).config().corpus
    lines = read(ROOT / "tests" / "data" / f"phrases.{corpus.source}-{corpus.target}.tsv")
    found = nmt.load(model).translate([source for source, *_ in lines])
    wrong = [
        (source, each.text, accepted[0])
        for (source, *accepted), each in zip(lines, found, strict=True)
        if bare(each.text) not in map(bare, accepted)
    ]
    return len(lines) - len(wrong), wrong


def read(file: Path) -> list[list[str]]:
    """Phrases, each with the translations that are right."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


def bare(text: str) -> str:
    """What two translations have to share."""
    return re.sub(r"\s*[.,!?…]+$", "", text).casefold()


if __name__ == "__main__":
    main()
