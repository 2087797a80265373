"""Axes: where a value is drawn, which values are written beside it, how many points are seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
"""Where along the horizontal axis, and how high; NaN where the height is not known."""


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers that is drawn from one place to another.

    Attributes:
        low: The number at `start`.
        high: The number at `end`, above `low`.
        start: Where the axis starts, in units of the picture.
        end: Where it ends; before `start` for an axis that goes up.
        is_logarithmic: A factor, not a difference, is always as long.
    """

    low: float
    high: float
    start: float
    end: float
    is_logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value is."""
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Round numbers on the axis, about so many and at least one."""
        if self.is_logarithmic:
            found = logarithmic_ticks(self.low, self.high, count)
            if len(found) > 1:
                return found
        return round_ticks(self.low, self.high, count)


def axis_around(
    values: Sequence[float], start: float, end: float, is_logarithmic: bool = False
) -> Axis:
    """An axis with room for values.

    Args:
        values: At least one, all finite; above 0 for a logarithmic axis.
        start: See `Axis`.
        end: See `Axis`.
        is_logarithmic: See `Axis`.
    """
    low, high = min(values), max(values)
    if is_logarithmic:
        room = max((high / low) ** 0.05, 1.05)
        return Axis(low / room, high * room, start, end, True)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    # nothing that is drawn here is below 0, and an axis that says so misleads
    return Axis(max(low - room, min(low, 0.0)), high + room, start, end)


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high``, about ``count``."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last < first:
        return round_ticks(low, high, 2 * count)
    return [number * step for number in range(first, last + 1)]


def logarithmic_ticks(low: float, high: float, count: int) -> list[float]:
    """Powers of ten, with 2 and 5 times them if these are few, from ``low`` to ``high``."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        inside = [value for value in found if low <= value <= high]
        if len(inside) <= count + 2:
            return inside
    return inside[:: math.ceil(len(inside) / count)]


def spelt(value: float) -> str:
    """A number for people, with no more than four figures that mean something."""
    if math.isnan(value):
        return "not known"
    if abs(value) >= 10_000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    if value and abs(value) < 1e-5:
        return f"{value:.3g}"
    text = f"{value:,.{_decimals(value)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(value: float) -> int:
    return 0 if value == 0.0 else max(0, min(8, 3 - math.floor(math.log10(abs(value)))))


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """A curve of many points as it looks with few: of each stretch the ends and extremes.

    As M4 (Jugel et al. 2014), so that no peak is lost; neither is a gap.

    Args:
        points: In order along the horizontal axis.
        most: How many points are enough; there may be a few more.
    """
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / max(most // 4, 1))
    kept: list[Point] = []
    for first in range(0, len(points), size):
        part = points[first : first + size]
        known = [i for i, (_, y) in enumerate(part) if not math.isnan(y)]
        chosen = {0, len(part) - 1}
        if known:
            chosen |= {min(known, key=lambda i: part[i][1]), max(known, key=lambda i: part[i][1])}
        if len(known) < len(part):
            chosen.add(next(i for i in range(len(part)) if i not in set(known)))
        kept += [part[i] for i in sorted(chosen)]
    return kept
