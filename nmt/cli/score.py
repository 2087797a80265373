"""``nmt score``: how likely given translations are."""

import json
from collections.abc import Iterator
from pathlib import Path

from nmt.cli.lines import arriving_lines, standard_input, write_line
from nmt.cli.model_choice import Asked, announce
from nmt.cli.options import JSON, argument, option, takes
from nmt.cli.searching import Scoring
from nmt.errors import CorpusError

EXAMPLES = """\b
Examples:
  nmt score "Je suis étudiant" "I am a student"
  nmt score --source letters.fr --target letters.en > letters.scores
  paste letters.fr letters.en | nmt score --json
"""

Pairs = tuple[list[str], list[str]]


@takes
def score(
    asked: Asked,
    search: Scoring,
    texts: list[str] = argument(
        "SOURCE TARGET",
        "A text and its translation; and more of these. Without them: lines of standard input, "
        "with a tab between the two.",
        list,
    ),
    source: Path | None = option("--source FILE", "Texts, one on each line."),
    target: Path | None = option("--target FILE", "The translations of --source, line by line."),
    is_json: bool = JSON,
) -> None:
    """Score given translations.

    Writes one line for each pair: the natural logarithm of the probability of the translation, a
    tab, and the same divided by its length as a search would. With --json: for each subword, too.
    """
    if len(texts) % 2:
        raise CorpusError("give SOURCE and TARGET in pairs")
    runs = asked.runs()
    options = search.applied(runs[0].config()).search
    announce("scoring", runs)
    from nmt.translator.translator import Translator

    translator = Translator.load_ensemble(runs, options)
    for sources, targets in _pairs(texts, source, target):
        for pair in translator.score(sources, targets):
            if is_json:
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
