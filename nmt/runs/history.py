"""What a run kept of its training: ``metrics.jsonl``, whatever version of nmt wrote it.

A line that was cut off, that is not JSON or of an unknown kind is passed over; a value that is
missing or null (it was not finite) is NaN.
"""

import json
import math
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nmt.files import read_limited

_LARGEST = 2**26
"""Bytes of the file; a line has some 300."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Moment:
    """What was told of a training after some steps.

    Attributes:
        step: Optimiser steps taken.
        fields: All that was told, by name.
    """

    step: int
    fields: Fields

    def number(self, name: str) -> float:
        """A value; NaN where it is missing or not finite."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return math.nan
        try:
            return float(value) if math.isfinite(value) else math.nan
        except OverflowError:  # a whole number of any length is JSON
            return math.nan

    def text(self, name: str) -> str:
        """A value as text, empty where it is missing."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class History:
    """A training as far as it has come, each kind of moment by its step.

    Attributes:
        sessions: Where it began and went on; empty for a run of nmt 0.1.
        progress: Loss, rate and speed, every 20 steps.
        validations: How good the weights were.
    """

    sessions: tuple[Moment, ...]
    progress: tuple[Moment, ...]
    validations: tuple[Moment, ...]

    @property
    def last(self) -> Moment | None:
        """What was told last of how far it has come."""
        told = [*self.progress[-1:], *self.validations[-1:]]
        return max(told, key=lambda moment: moment.step, default=None)

    @property
    def best(self) -> Moment | None:
        """The validation whose weights were kept last."""
        kept = [moment for moment in self.validations if moment.fields.get("is_best") is True]
        return kept[-1] if kept else None

    def elapsed_s(self, step: float) -> float:
        """Seconds of training after some steps, 0 or more; between two moments in proportion."""
        times = self._times
        after = bisect(times, (step, math.inf))
        step_before, before_s = times[after - 1]
        if after == len(times):
            return before_s
        step_after, after_s = times[after]
        return before_s + (step - step_before) / (step_after - step_before) * (after_s - before_s)

    @cached_property
    def _times(self) -> list[tuple[float, float]]:
        """Steps, from 0, and the seconds of training until then."""
        told = (*self.progress, *self.validations)
        times = {float(moment.step): moment.number("elapsed_s") for moment in told}
        known = {step: time_s for step, time_s in times.items() if not math.isnan(time_s)}
        return sorted({0.0: 0.0, **known}.items())


def read_history(file: Path) -> History:
    """Read ``metrics.jsonl``; empty where it is not there."""
    found: dict[tuple[str, int], Moment] = {}
    for fields in _objects(file):
        kind, step = fields.get("kind"), fields.get("step")
        if isinstance(kind, str) and isinstance(step, int) and step >= 0:
            found.setdefault((kind, step), Moment(step, fields))
    return History(_of("session", found), _of("progress", found), _of("validation", found))


def _objects(file: Path) -> Iterator[Fields]:
    if not file.is_file():
        return
    for line in read_limited(file, _LARGEST).split(b"\n"):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict):
            yield fields


def _of(kind: str, found: Mapping[tuple[str, int], Moment]) -> tuple[Moment, ...]:
    moments: Sequence[Moment] = [moment for (name, _), moment in found.items() if name == kind]
    return tuple(sorted(moments, key=lambda moment: moment.step))
