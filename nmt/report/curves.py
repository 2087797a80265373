"""The part of the page about the training: its curves, and each time the weights were tried."""

import math

from nmt.progress import clock
from nmt.report.subject import Subject
from nmt.runs.history import History, Moment
from nmt.visualization.charts import Curve, LineChart
from nmt.visualization.html import Markup, element, join, table


def learning(subject: Subject) -> Markup:
    """Loss, perplexity, BLEU, rate, gradient and speed over the steps."""
    history = subject.history
    if not (history.progress or history.validations):
        problem = f"The run has kept nothing of its training ({subject.run.metrics_file.name})."
        return element("p", problem, class_="problem")
    below = (
        "Below each step is the time of training until then. A dotted line is where the weights "
        "are from that were kept, or where the training went on. Hover over a chart for its values."
    )
    return join(
        [
            element("div", *(chart.drawn() for chart in _charts(subject)), class_="charts"),
            element("p", below, class_="faint"),
            _validations(history),
        ]
    )


def _charts(subject: Subject) -> list[LineChart]:
    history, config = subject.history, subject.config
    smoothing = config.training.label_smoothing if config else 0.0
    training = f"training, labels smoothed by {smoothing:g}" if smoothing else "training"
    told, tried = history.progress, history.validations
    best = history.best
    kept = f"kept: step {best.step:,}" if best else ""
    return [
        _chart(
            history,
            "Loss",
            _curve(training, told, "loss"),
            _curve("dev", tried, "loss", True),
            note="nats a token",
        ),
        _chart(
            history,
            "Dev perplexity",
            _curve("perplexity", tried, "perplexity", True),
            is_logarithmic=True,
        ),
        _chart(history, "Dev BLEU", _curve("BLEU", tried, "bleu", True), note=kept),
        _chart(history, "Learning rate", _curve("rate", told, "rate")),
        _chart(
            history,
            "Gradient norm",
            _curve("norm", told, "gradient_norm"),
            note="before clipping",
            is_logarithmic=True,
        ),
        _chart(
            history,
            "Speed",
            _curve("speed", told, "tokens_per_s"),
            note="target tokens a second",
        ),
    ]


def _chart(
    history: History, title: str, *lines: Curve, note: str = "", is_logarithmic: bool = False
) -> LineChart:
    """A chart on which it is marked where the training went on and what was kept of it."""
    events = [
        (float(session.step), f"went on after step {session.step:,}")
        for session in history.sessions
        if session.step
    ]
    if history.best is not None and lines[-1].is_dotted:
        step = history.best.step
        events.append((float(step), f"the weights of step {step:,} were kept"))
    return LineChart(
        title, lines, lambda step: clock(history.elapsed_s(step)), is_logarithmic, events, note
    )


def _curve(name: str, moments: tuple[Moment, ...], field: str, is_dotted: bool = False) -> Curve:
    points = [(float(moment.step), moment.number(field)) for moment in moments]
    return Curve(name, points, is_dotted)


def _validations(history: History) -> Markup:
    """A table of the validations, with the sentence that each was shown by."""
    if not history.validations:
        return element("p", "The weights have not been tried on the dev set yet.", class_="faint")
    heads = ("step", "time", "dev loss", "perplexity", "BLEU", "", "a sentence")
    rows = [_validation(moment) for moment in history.validations]
    title = f"All {len(rows):,} validations, with a sentence each"
    if len(rows) == 1:
        title = "The one validation, with a sentence"
    return element("details", element("summary", title), table(heads, rows, numbers=5))


def _validation(moment: Moment) -> list[object]:
    sample = moment.fields.get("sample")
    said: object = ""
    if isinstance(sample, list) and len(sample) == 3:
        said = join([sample[0], element("br"), "\u2192 ", element("strong", sample[2])])
    figures = [_figure(moment, "loss", 3), _figure(moment, "perplexity", 2)]
    figures.append(_figure(moment, "bleu", 2))
    kept = "kept" if moment.fields.get("is_best") is True else ""
    return [f"{moment.step:,}", clock_of(moment), *figures, kept, said]


def _figure(moment: Moment, name: str, decimals: int) -> str:
    value = moment.number(name)
    return "not known" if math.isnan(value) else f"{value:,.{decimals}f}"


def clock_of(moment: Moment) -> str:
    """The time of training until a moment."""
    elapsed_s = moment.number("elapsed_s")
    return "not known" if math.isnan(elapsed_s) else clock(elapsed_s)
