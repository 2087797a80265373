"""Curves and bars as SVG, styled by the page that they are in."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from nmt.visualization.axes import Axis, Point, axis_around, spelt, thinned
from nmt.visualization.html import Markup, element

WIDTH, HEIGHT = 440, 240
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 10, 40
"""Margins, with room for what is written along the axes."""
MOST_POINTS = 800
"""Of a curve; more than the picture has pixels across."""
MOST_COLUMNS = 80
"""Places of a chart that tell their values to a mouse."""


@dataclass(frozen=True)
class Curve:
    """A line through points.

    Attributes:
        name: What it is, for the legend.
        points: By their place along the horizontal axis.
        is_dotted: Each point has a dot.
    """

    name: str
    points: Sequence[Point]
    is_dotted: bool = False


@dataclass(frozen=True)
class LineChart:
    """Some curves over steps.

    Attributes:
        title: What it shows.
        curves: At least one; one without known points is left out.
        clock: What to write below a number of steps.
        is_logarithmic: The vertical axis is; points not above 0 are not known then.
        events: Places to be marked, and what happened there.
        note: A sentence below the title.
    """

    title: str
    curves: Sequence[Curve]
    clock: Callable[[float], str]
    is_logarithmic: bool = False
    events: Sequence[tuple[float, str]] = ()
    note: str = ""

    def drawn(self) -> Markup:
        """The chart as a ``<figure>``; without a known point, one that says so."""
        curves = [_known(curve, self.is_logarithmic) for curve in self.curves]
        curves = [curve for curve in curves if _values(curve)]
        heading = element("figcaption", element("strong", self.title), *self._remarks(curves))
        if not curves:
            return element("figure", heading, element("p", "nothing to show yet", class_="none"))
        places = [x for curve in curves for x, _ in curve.points]
        values = [value for curve in curves for value in _values(curve)]
        across = Axis(0.0, max(*places, 1.0), LEFT, WIDTH - RIGHT)
        up = axis_around(values, HEIGHT - BOTTOM, TOP, self.is_logarithmic)
        parts = [*_grid(up), *_steps(across, self.clock), *_marks(across, self.events)]
        for number, curve in enumerate(curves):
            parts += _line(curve, number, across, up)
        parts += _columns(curves, across, self.clock)
        return element("figure", heading, _svg(parts, self._summary(curves)))

    def _remarks(self, curves: Sequence[Curve]) -> Iterator[Markup]:
        if len(curves) > 1:
            names = [
                element("span", element("i", class_=f"key c{number}"), curve.name)
                for number, curve in enumerate(curves)
            ]
            yield element("span", *names, class_="legend")
        if self.note:
            yield element("span", self.note, class_="note")

    def _summary(self, curves: Sequence[Curve]) -> str:
        """The chart in words, for those who do not see it."""
        ends = []
        for curve in curves:
            known = [point for point in curve.points if not math.isnan(point[1])]
            (first, start), (last, end) = known[0], known[-1]
            before = f"{spelt(start)} at step {first:,.0f}"
            ends.append(f"{curve.name} {before}, {spelt(end)} at step {last:,.0f}")
        return f"{self.title}: {'; '.join(ends)}"


@dataclass(frozen=True)
class Bar:
    """A bar of a bar chart.

    Attributes:
        name: What it stands for, written below.
        value: How high it is, 0 or more.
        remark: Written below its name.
    """

    name: str
    value: float
    remark: str


def bar_chart(title: str, note: str, bars: Sequence[Bar]) -> Markup:
    """Bars side by side as a ``<figure>``.

    Args:
        title: What they show.
        note: What the names and the remarks are.
        bars: At least one.
    """
    up = Axis(0.0, max(*(bar.value for bar in bars), 1.0) * 1.1, HEIGHT - BOTTOM, TOP)
    slot = (WIDTH - LEFT - RIGHT) / len(bars)
    parts = list(_grid(up))
    for number, bar in enumerate(bars):
        middle, top = LEFT + (number + 0.5) * slot, up.at(bar.value)
        width = min(0.7 * slot, 48.0)
        title_of_bar = element("title", f"{bar.name}: {bar.value:.1f} ({bar.remark})")
        parts += [
            element(
                "rect", title_of_bar, class_="bar", x=_spot(middle - width / 2), y=_spot(top),
                width=_spot(width), height=_spot(max(up.start - top, 0.5)), rx=2,
            ),
            _label(f"{bar.value:.1f}", middle, top - 5, "middle", "value"),
            _label(bar.name, middle, HEIGHT - BOTTOM + 15, "middle"),
            _label(bar.remark, middle, HEIGHT - BOTTOM + 30, "middle", "faint"),
        ]  # fmt: skip
    summary = f"{title}: " + ", ".join(f"{bar.name} {bar.value:.1f}" for bar in bars)
    heading = element("figcaption", element("strong", title), element("span", note, class_="note"))
    return element("figure", heading, _svg(parts, summary))


def _svg(parts: Sequence[Markup], summary: str) -> Markup:
    return element(
        "svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", class_="chart",
        aria_label=summary,
    )  # fmt: skip


def _known(curve: Curve, is_logarithmic: bool) -> Curve:
    """A curve that can be drawn, with no more points than can be seen."""
    points = [
        (x, math.nan if is_logarithmic and not y > 0.0 else y)
        for x, y in thinned(curve.points, MOST_POINTS)
    ]
    return Curve(curve.name, points, curve.is_dotted)


def _values(curve: Curve) -> list[float]:
    return [y for _, y in curve.points if not math.isnan(y)]


def _grid(up: Axis) -> Iterator[Markup]:
    for value in up.ticks(5):
        y = up.at(value)
        yield element("path", class_="grid", d=f"M{LEFT} {_spot(y)}H{WIDTH - RIGHT}")
        yield _label(spelt(value), LEFT - 6, y + 4, "end")


def _steps(across: Axis, clock: Callable[[float], str]) -> Iterator[Markup]:
    bottom = HEIGHT - BOTTOM
    yield element("path", class_="axis", d=f"M{LEFT} {bottom}H{WIDTH - RIGHT}")
    for step in across.ticks(5):
        x = across.at(step)
        anchor = "end" if x > WIDTH - RIGHT - 16 else "middle"
        yield element("path", class_="axis", d=f"M{_spot(x)} {bottom}v4")
        yield _label(spelt(step), x, bottom + 16, anchor)
        yield _label(clock(step), x, bottom + 31, anchor, "faint")


def _marks(across: Axis, events: Sequence[tuple[float, str]]) -> Iterator[Markup]:
    for step, name in events:
        if across.low <= step <= across.high:
            place = f"M{_spot(across.at(step))} {TOP}V{HEIGHT - BOTTOM}"
            yield element("path", element("title", name), class_="event", d=place)


def _line(curve: Curve, number: int, across: Axis, up: Axis) -> Iterator[Markup]:
    """A curve, broken where it is not known; a point between two gaps is a dot."""
    stretches: list[str] = []
    dots: list[tuple[float, float]] = []
    for is_known, part in groupby(curve.points, lambda point: not math.isnan(point[1])):
        if is_known:
            places = [(across.at(x), up.at(y)) for x, y in part]
            stretches.append("M" + "L".join(f"{_spot(x)} {_spot(y)}" for x, y in places))
            dots += places if curve.is_dotted or len(places) == 1 else []
    yield element("path", class_=f"line c{number}", d="".join(stretches))
    for x, y in dots:
        yield element("circle", class_=f"dot c{number}", cx=_spot(x), cy=_spot(y), r=3)


def _columns(
    curves: Sequence[Curve], across: Axis, clock: Callable[[float], str]
) -> Iterator[Markup]:
    """Strips over the chart that tell a mouse what is there."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    size = math.ceil(len(places) / MOST_COLUMNS)
    groups = [places[first : first + size] for first in range(0, len(places), size)]
    borders = [(a[-1] + b[0]) / 2 for a, b in pairwise(groups)]
    edges = [across.low, *borders, across.high]
    for group, (low, high) in zip(groups, pairwise(edges), strict=True):
        lines = [f"step {group[-1]:,.0f}, {clock(group[-1])}"]
        for curve in curves:
            inside = [y for x, y in curve.points if group[0] <= x <= group[-1]]
            lines += [f"{curve.name}: {spelt(inside[-1])}"] if inside else []
        yield element(
            "rect", element("title", "\n".join(lines)), class_="column", x=_spot(across.at(low)),
            y=TOP, width=_spot(across.at(high) - across.at(low)), height=HEIGHT - BOTTOM - TOP,
        )  # fmt: skip


def _label(text: str, x: float, y: float, anchor: str, class_: str | None = None) -> Markup:
    return element("text", text, class_=class_, x=_spot(x), y=_spot(y), text_anchor=anchor)


def _spot(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
