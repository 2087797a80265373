"""An explanation as text: in colour in a terminal, plain into a pipe or a file."""

import io
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nmt.text.tokenizer import SPACE
from nmt.translator.explaining.explanation import (
    Dropped,
    Explanation,
    SentenceExplanation,
    Step,
    Word,
)

END = "(end)"
NOTHING = "(nothing)"
END_PIECE = "</s>"
LEAST_SHARE = 0.1
"""Of the looking of a word: source words that got less are not named."""
LEAST_PROBABILITY = 0.001
"""Of runners-up that are named."""
MOST_SOURCE_WORDS = 3
MOST_DROPPED = 20
PLAIN_WIDTH = 120
NO_ATTENTION = (
    "This model has no attention: the encoder hands over one context vector for the whole "
    "sentence, and every word is written from that. No word attends to any in particular."
)
WHY = {
    "dropped": "pruned by the beam",
    "ended": "finished, but not the best",
    "cut off": "cut off at the length limit",
    "left": "unfinished when the search was over",
}


def as_text(explanation: Explanation, is_terminal: bool) -> str:
    """An explanation for a person to read.

    Args:
        explanation: What to show.
        is_terminal: It goes to a terminal: use its width, and its colours unless ``NO_COLOR``
            is set.
    """
    written = io.StringIO()
    console = Console(
        file=written,
        force_terminal=is_terminal,
        width=None if is_terminal else PLAIN_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for number, sentence in enumerate(explanation.sentences):
        if number:
            console.print()
        _print_sentence(console, sentence)
    if explanation.remark:
        console.print()
        console.print(Text(_clean(explanation.remark)))
    lines = written.getvalue().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def spelt(piece: str) -> str:
    """A subword as it is shown: with a dot before it where it goes on with the word."""
    if piece == END_PIECE:
        return END
    return piece.removeprefix(SPACE) or "_" if piece.startswith(SPACE) else f"\u00b7{piece}"


def percent(share: float) -> str:
    """A probability for people: ``97%``, ``0.3%``, ``<0.1%``."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def _print_sentence(console: Console, sentence: SentenceExplanation) -> None:
    console.print(Text(_clean(sentence.source), style="dim"))
    console.print(Text(f"\u2192 {_clean(sentence.target)}", style="bold"))
    console.print(
        Text(f"log-probability {sentence.log_probability:.2f}, score {sentence.score:.3f}", "dim")
    )
    console.print()
    if not sentence.has_attention:
        console.print(NO_ATTENTION)
        console.print()
    console.print(_words(sentence))
    if sentence.dropped:
        console.print()
        console.print(_dropped(sentence.dropped))
    hidden = len(sentence.dropped) - MOST_DROPPED
    if hidden > 0:
        console.print(Text(f"and {hidden} less likely ones (all of them: --json)", style="dim"))


def _words(sentence: SentenceExplanation) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="underline")
    table.add_column("word")
    table.add_column("sure", justify="right")
    if sentence.has_attention:
        table.add_column("attention")
    table.add_column("or else")
    for word in sentence.words:
        steps = sentence.steps[word.first_step : word.end_step]
        is_one = len(steps) == 1
        looked = [_looked(sentence.source_words, word)] if sentence.has_attention else []
        others = _others(steps[0]) if is_one else Text("")
        table.add_row(Text(_clean(word.text), "bold"), _sure(word.probability), *looked, others)
        for step in () if is_one else steps:
            empty = [Text("")] if sentence.has_attention else []
            name = Text(f"  {_clean(spelt(step.piece))}")
            table.add_row(name, _sure(step.probability), *empty, _others(step))
    if sentence.steps and sentence.steps[-1].piece == END_PIECE:
        end = sentence.steps[-1]
        empty = [Text("")] if sentence.has_attention else []
        table.add_row(Text(END, "dim"), _sure(end.probability), *empty, _others(end))
    return table


def _sure(probability: float) -> Text:
    style = "green" if probability >= 0.8 else "yellow" if probability >= 0.4 else "red"
    return Text(percent(probability), style)


def _looked(source_words: tuple[str, ...], word: Word) -> Text:
    assert word.source is not None
    ranked = sorted(zip(word.source, source_words, strict=True), key=lambda pair: -pair[0])
    named = [pair for pair in ranked[:MOST_SOURCE_WORDS] if pair[0] >= LEAST_SHARE]
    return _listed((_clean(name), share) for share, name in named)


def _others(step: Step) -> Text:
    likely = [other for other in step.runners_up if other.probability >= LEAST_PROBABILITY]
    return _listed((_clean(spelt(other.piece)), other.probability) for other in likely)


def _listed(names: Iterable[tuple[str, float]]) -> Text:
    text = Text()
    for name, share in names:
        text.append(", " if text else "")
        text.append(name).append(f" {percent(share)}", "dim")
    return text


def _dropped(dropped: tuple[Dropped, ...]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="underline")
    table.add_column("pruned after", justify="right")
    table.add_column("score", justify="right")
    table.add_column("hypothesis")
    table.add_column("why")
    likeliest = sorted(dropped, key=lambda each: -each.score)[:MOST_DROPPED]
    for each in sorted(likeliest, key=lambda each: each.step):
        steps = f"{each.step} subword{'s' * (each.step > 1)}"
        text = Text(_clean(each.text) or NOTHING)
        table.add_row(Text(steps), f"{each.score:.3f}", text, Text(WHY[each.fate], "dim"))
    return table


def _clean(text: str) -> str:
    """A text without what could command a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
