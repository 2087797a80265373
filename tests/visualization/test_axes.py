"""Axes against NumPy, and curves that lose no peak by being thinned."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.visualization.axes import Axis, axis_around, logarithmic_ticks, round_ticks, spelt, thinned

finite = st.floats(-1e12, 1e12)
positive = st.floats(1e-9, 1e9)


def test_a_value_is_where_numpy_interpolates_it() -> None:
    axis = Axis(2.0, 10.0, 200.0, 10.0)
    for value in (2.0, 3.5, 9.9, 10.0):
        assert axis.at(value) == pytest.approx(np.interp(value, [2.0, 10.0], [200.0, 10.0]))
    axis = Axis(0.01, 100.0, 0.0, 4.0, is_logarithmic=True)
    # a factor of ten is as long everywhere
    assert [axis.at(value) for value in (0.01, 0.1, 1, 10, 100)] == pytest.approx([0, 1, 2, 3, 4])


@given(st.lists(finite, min_size=1), st.booleans())
def test_every_value_has_room_on_its_axis(values: list[float], is_logarithmic: bool) -> None:
    if is_logarithmic:
        values = [abs(value) + 1e-6 for value in values]
    axis = axis_around(values, 200.0, 10.0, is_logarithmic)
    for value in values:
        assert 10.0 - 1e-6 <= axis.at(value) <= 200.0 + 1e-6


@given(finite, positive, st.integers(2, 9))
def test_round_ticks_are_inside_evenly_spaced_and_about_as_many_as_asked_for(
    low: float, size: float, count: int
) -> None:
    size = max(size, abs(low) * 1e-6)
    ticks = round_ticks(low, low + size, count)
    assert 1 <= len(ticks) <= 2 * count + 3
    margin = 1e-6 * (abs(low) + size)
    assert low - margin <= ticks[0] and ticks[-1] <= low + size + margin
    gaps = np.diff(ticks)
    assert np.allclose(gaps, gaps[:1], atol=margin)
    if len(ticks) > 1:
        first = f"{gaps[0]:.3e}"[0]
        assert first in "1259"  # 9 for the rounding of 1


@given(positive, st.floats(1.01, 1e9))
def test_logarithmic_ticks_are_inside_and_not_crowded(low: float, factor: float) -> None:
    high = low * factor
    ticks = logarithmic_ticks(low, high, 5)
    assert all(low <= tick <= high for tick in ticks)
    assert len(ticks) <= 7
    assert Axis(low, high, 0.0, 1.0, True).ticks(5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.0004, "0.0004"), (1.6673093344e-06, "1.67e-06"), (2.0, "2"),
        (3.14159, "3.142"), (1500.0, "1,500"), (123456.7, "123,457"), (math.nan, "not known"),
        (1e30, "1e+30"), (100.0, "100"),
    ],
)  # fmt: skip
def test_numbers_are_spelt_for_people(value: float, text: str) -> None:
    assert spelt(value) == text


@pytest.mark.parametrize("size", [1, 7, 100, 1000, 9999])
@pytest.mark.parametrize("most", [8, 60, 800])
@pytest.mark.parametrize("unknown", [0.0, 0.02, 1.0])
def test_a_thinned_curve_keeps_its_ends_its_extremes_and_its_gaps(
    size: int, most: int, unknown: float
) -> None:
    draw = np.random.default_rng(size)
    heights = draw.normal(size=size)
    heights[draw.random(size) < unknown] = math.nan
    kept = thinned(list(zip(range(size), heights.tolist(), strict=True)), most)
    assert len(kept) <= 1.3 * most + 5
    places = np.array([x for x, _ in kept], dtype=int)
    assert (np.diff(places) > 0).all()
    assert (places[0], places[-1]) == (0, size - 1)
    np.testing.assert_array_equal(heights[places], [y for _, y in kept])
    if not np.isnan(heights).all():
        assert {np.nanargmin(heights), np.nanargmax(heights)} <= set(places.tolist())
    assert np.isnan(heights[places]).any() == np.isnan(heights).any()
