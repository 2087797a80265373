"""The page: one HTML file that needs nothing else, runs no script and asks no network."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import nmt
from nmt.progress import counted
from nmt.report.curves import clock_of, learning
from nmt.report.facts import data, making, settings, speed
from nmt.report.quality import quality, sentences
from nmt.report.style import STYLE
from nmt.report.subject import Subject
from nmt.visualization.axes import spelt
from nmt.visualization.html import Markup, element, join, policy

SECTIONS = {
    "Training": learning,
    "Scores": quality,
    "Best and worst sentences": sentences,
    "Data": data,
    "Settings": settings,
    "Model and machine": making,
}
"""The parts of the page, in order."""


def compose(subject: Subject) -> bytes:
    """The page about a run, in UTF-8."""
    body = _body(subject)
    style = element("style", Markup(STYLE))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy(style + body)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{_name(subject)}: {_languages(subject)}"),
        style,
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n".encode()


def _body(subject: Subject) -> Markup:
    links = [element("a", name, href=f"#{_anchor(name)}") for name in SECTIONS]
    sections = [
        element("section", element("h2", name, id=_anchor(name)), content(subject))
        for name, content in SECTIONS.items()
    ]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return element(
        "body",
        element("header", *_header(subject), element("nav", *links)),
        element("main", *sections),
        element("footer", f"Written by nmt {nmt.__version__}, {now}."),
    )


def _header(subject: Subject) -> Iterator[Markup]:
    yield element("h1", _languages(subject))
    yield element("p", element("code", subject.run.path), " \u00b7 ", _standing(subject))
    tiles = [
        element("li", element("span", name), element("strong", figure), element("span", remark))
        for name, figure, remark in _tiles(subject)
        if figure
    ]
    if tiles:
        yield element("ul", *tiles, class_="tiles")


def _standing(subject: Subject) -> Markup:
    """Whether the training came to its end, and what to do where it has not."""
    run, history = subject.run, subject.history
    if run.is_finished:
        return Markup("finished")
    if history.last is None:
        return Markup("not trained yet" if not run.is_trained else "a model without its training")
    share = history.progress[-1].number("share") if history.progress else math.nan
    done = "" if math.isnan(share) else f", {share:.0%} done"
    return join([f"unfinished{done}; to go on: ", element("code", run.go_on_command)])


def _tiles(subject: Subject) -> Iterator[tuple[str, str, str]]:
    """The figures that are looked for first: what, how much, and a remark."""
    history, scores = subject.history, subject.scores
    if scores is not None:
        bleu = scores.evaluation.bleu_margin
        yield f"BLEU, {scores.split}", f"{scores.evaluation.bleu.score:.1f}", f"\u00b1 {bleu:.1f}"
    if history.best is not None:
        best = history.best
        yield "dev BLEU, greedy", spelt(round(best.number("bleu"), 1)), f"at step {best.step:,}"
        perplexity = best.number("perplexity")
        yield "dev perplexity", f"{perplexity:.2f}", f"at step {best.step:,}"
    if subject.parameters is not None:
        yield "parameters", f"{subject.parameters / 1e6:.1f} M", ""
    if history.last is not None:
        yield "training", clock_of(history.last), counted(history.last.step, "step")
    yield "speed", speed(history), "target tokens/s"


def _languages(subject: Subject) -> str:
    if subject.config is None:
        return _name(subject)
    return f"{subject.config.corpus.source} \u2192 {subject.config.corpus.target}"


def _name(subject: Subject) -> str:
    return subject.run.path.resolve().name


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
