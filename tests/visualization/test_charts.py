"""Charts, read back as a browser reads them: what is drawn is what was given."""

import math
import re
from xml.etree import ElementTree

import pytest

from nmt.visualization.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Bar,
    Curve,
    LineChart,
    bar_chart,
)
from nmt.visualization.html import Markup


def minutes(step: float) -> str:
    return f"{step:.0f} min"


def chart(*curves: Curve, **options: object) -> LineChart:
    return LineChart("Loss <&>", curves, minutes, **options)  # type: ignore[arg-type]


def parse(figure: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(figure)


def path(figure: ElementTree.Element, curve: int = 0) -> str:
    [found] = figure.findall(f".//path[@class='line c{curve}']")
    return found.attrib["d"]


def vertices(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", line)]


def label_heights(figure: ElementTree.Element) -> dict[float, float]:
    """The value of each label of the vertical axis, and how high its line is."""
    lines = [
        float(re.findall(r" ([\d.]+)H", line.attrib["d"])[0])
        for line in figure.findall(".//path[@class='grid']")
    ]
    texts = [
        text.text or "" for text in figure.findall(".//text") if text.get("text-anchor") == "end"
    ]
    values = [float(text.replace(",", "")) for text in texts[: len(lines)]]
    return dict(zip(values, lines, strict=True))


def test_a_point_is_as_high_as_the_labels_of_the_axis_say() -> None:
    points = [(0.0, 8.0), (50.0, 2.0), (100.0, 4.0)]
    figure = parse(chart(Curve("training", points)).drawn())
    heights = label_heights(figure)
    (low, y_low), *_, (high, y_high) = sorted(heights.items())
    for (x, y), (step, value) in zip(vertices(path(figure)), points, strict=True):
        assert x == pytest.approx(LEFT + step / 100 * (WIDTH - LEFT - RIGHT), abs=0.1)
        expected = y_low + (value - low) / (high - low) * (y_high - y_low)
        assert y == pytest.approx(expected, abs=0.2)
        assert TOP <= y <= HEIGHT - BOTTOM


def test_a_point_of_a_logarithmic_chart_is_as_high_as_the_labels_say() -> None:
    points = [(0.0, 100.0), (1.0, 10.0), (2.0, 1.0)]
    figure = parse(chart(Curve("perplexity", points), is_logarithmic=True).drawn())
    ys = [y for _, y in vertices(path(figure))]
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.2)
    heights = label_heights(figure)
    assert heights[10.0] == pytest.approx(ys[1], abs=0.2)


def test_a_line_is_broken_where_a_value_is_not_known_and_a_lonely_point_is_a_dot() -> None:
    heights = [1.0, 2.0, math.nan, 3.0, math.nan, 4.0, 5.0]
    figure = parse(chart(Curve("loss", list(enumerate(heights)))).drawn())
    assert path(figure).count("M") == 3
    assert len(figure.findall(".//circle")) == 1
    assert "nan" not in path(figure)


@pytest.mark.parametrize("heights", [[], [math.nan, math.nan]])
def test_a_chart_with_nothing_to_show_says_so(heights: list[float]) -> None:
    figure = parse(chart(Curve("loss", list(enumerate(heights)))).drawn())
    assert figure.find("svg") is None
    assert "nothing to show yet" in "".join(figure.itertext())


def test_what_is_not_above_zero_is_not_known_on_a_logarithmic_axis() -> None:
    figure = parse(
        chart(Curve("n", [(0.0, 0.0), (1.0, 2.0), (2.0, 3.0)]), is_logarithmic=True).drawn()
    )
    assert len(vertices(path(figure))) == 2


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-7, 1e12])
def test_one_point_or_a_flat_line_can_be_drawn(value: float) -> None:
    for points in ([(20.0, value)], [(20.0, value), (40.0, value)]):
        figure = parse(chart(Curve("loss", points)).drawn())
        assert figure.find("svg") is not None
        assert label_heights(figure)


def test_ten_thousand_points_keep_their_peak_and_become_a_small_picture() -> None:
    points = [(float(step), 2.0 + math.sin(step / 90)) for step in range(10_000)]
    points[7_321] = (7_321.0, 50.0)
    drawn = chart(Curve("loss", points)).drawn()
    figure = parse(drawn)
    assert len(drawn) < 40_000
    highest = min(vertices(path(figure)), key=lambda vertex: vertex[1])
    assert highest[0] == pytest.approx(LEFT + 7_321 / 9_999 * (WIDTH - LEFT - RIGHT), abs=0.1)


def test_a_mouse_is_told_what_is_under_it() -> None:
    training = Curve("training", [(20.0, 3.25), (40.0, 3.0)])
    dev = Curve("dev", [(40.0, 2.5)], is_dotted=True)
    figure = parse(chart(training, dev).drawn())
    columns = figure.findall(".//rect[@class='column']")
    assert [column[0].text for column in columns] == [
        "step 20, 20 min\ntraining: 3.25",
        "step 40, 40 min\ntraining: 3\ndev: 2.5",
    ]
    # side by side over the whole chart
    edges = [float(column.attrib["x"]) for column in columns]
    assert edges == pytest.approx([LEFT, LEFT + 30 / 40 * (WIDTH - LEFT - RIGHT)], abs=0.1)
    assert edges[0] + float(columns[0].attrib["width"]) == pytest.approx(edges[1], abs=0.1)


def test_texts_are_text_and_a_legend_names_several_curves() -> None:
    figure = parse(
        chart(
            Curve("<b>", [(0.0, 1.0), (5.0, 2.0)]),
            Curve("</svg>", [(0.0, 2.0)]),
            events=[(5.0, "<script>")],
            note="<i>",
        ).drawn()
    )
    said = "".join(figure.itertext())
    assert all(text in said for text in ("Loss <&>", "<b>", "</svg>", "<script>", "<i>"))
    assert len(figure.findall(".//i")) == 2, "a key for each curve"


def test_bars_are_as_high_as_their_values() -> None:
    bars = [Bar("≤5", 20.0, "7"), Bar("6 to 10", 40.0, "1,000"), Bar("41+", 0.0, "1")]
    figure = parse(bar_chart("BLEU by length", "words", bars))
    heights = [float(bar.attrib["height"]) for bar in figure.findall(".//rect[@class='bar']")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] < 1.0
    assert {"20.0", "40.0", "≤5", "1,000"} <= {text.text for text in figure.findall(".//text")}
