"""What a person sees on standard error: messages, and how far work is that takes a while."""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from typing_extensions import override

_UNSEEN = re.compile("[\0-\x08\n-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a terminal's cursor, changes its colours or turns its lines round; not a tab."""


def visible(text: str) -> str:
    r"""A text on one line, with its control characters spelt out: ``\x1b`` for an escape.

    What a stranger wrote (a name, a setting, a line of a file) cannot command a terminal then.
    """
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def say(text: str) -> None:
    """Write a message as one line to standard error, at once.

    Where that is closed or its disk is full there is nowhere to say so, and the work goes on.
    """
    with suppress(OSError, ValueError):
        print(visible(text), file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def counted(number: int, thing: str) -> str:
    """A number of things, such as ``1 pair`` or ``2,000 pairs``.

    Args:
        number: How many.
        thing: What one of them is called.
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


@dataclass(frozen=True)
class Headway:
    """How far a bulk translation is.

    Attributes:
        lines: Lines translated so far, those of earlier sessions included.
        lines_per_s: Of this session.
        tokens_per_s: Target tokens a second, of this session; None where they are not counted.
        share: Share of the input that is done, 0 to 1; None where its size is not known.
        elapsed_s: Seconds of this session.
        left_s: Seconds to go, at the speed of this session; None where that is not known.
    """

    lines: int
    lines_per_s: float
    tokens_per_s: float | None
    share: float | None
    elapsed_s: float
    left_s: float | None

    def facts(self) -> str:
        """All of it on one line, but for the seconds that have passed."""
        facts = [counted(self.lines, "line"), f"{self.lines_per_s:,.0f} lines/s"]
        if self.tokens_per_s is not None:
            facts.append(f"{self.tokens_per_s:,.0f} tokens/s")
        if self.left_s is not None:
            facts.append(f"{clock(self.left_s)} left")
        return "  ".join(facts)


class Meter:
    """Measures a bulk translation.

    Args:
        now_s: The time in seconds, from any start.
        lines: Lines that earlier sessions translated.
        share: Share of the input that they did; None where its size is not known.
    """

    def __init__(
        self, now_s: Callable[[], float], lines: int = 0, share: float | None = None
    ) -> None:
        self._now_s = now_s
        self._started_s = now_s()
        self._lines_before = lines
        self._share_before = share
        self._lines = lines
        self._tokens: int | None = None

    def add(self, lines: int, tokens: int | None, share: float | None) -> Headway:
        """Count what was just translated.

        Args:
            lines: How many lines.
            tokens: How many target tokens they became; None if not counted.
            share: Share of the input that is done now.
        """
        self._lines += lines
        if tokens is not None:
            self._tokens = tokens + (self._tokens or 0)
        elapsed_s = max(self._now_s() - self._started_s, 1e-9)
        return Headway(
            lines=self._lines,
            lines_per_s=(self._lines - self._lines_before) / elapsed_s,
            tokens_per_s=None if self._tokens is None else self._tokens / elapsed_s,
            share=share,
            elapsed_s=elapsed_s,
            left_s=self._left_s(share, elapsed_s),
        )

    def _left_s(self, share: float | None, elapsed_s: float) -> float | None:
        if share is None:
            return None
        done = share - (self._share_before or 0.0)
        return elapsed_s * (1.0 - share) / done if done > 0.0 else None


class Display:
    """Somebody to tell; this one does not listen."""

    def note(self, text: str) -> None:
        """A line for people."""

    def headway(self, headway: Headway) -> None:
        """Some lines were translated."""

    def close(self) -> None:
        """It is over, for now."""


def make_display(is_terminal: bool) -> Display:
    """Tells on standard error: a bar in a terminal, plain lines into a pipe or a file."""
    return LiveDisplay() if is_terminal else LineDisplay()


class LineDisplay(Display):
    """A line now and then, the first when a person would begin to wonder.

    Args:
        write: Takes a line; None for standard error.
        every_s: Seconds before the first line of headway, and between two.
    """

    def __init__(self, write: Callable[[str], object] | None = None, every_s: float = 10.0) -> None:
        self._write = write or say
        self._every_s = every_s
        self._next_s = every_s

    @override
    def note(self, text: str) -> None:
        self._write(text)

    @override
    def headway(self, headway: Headway) -> None:
        if headway.elapsed_s >= self._next_s:
            self._next_s = headway.elapsed_s + self._every_s
            share = "" if headway.share is None else f"{headway.share:4.0%}  "
            self._write(f"{clock(headway.elapsed_s)}  {share}{headway.facts()}")


class LiveDisplay(Display):
    """A bar at the bottom of the terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._bar = Progress(
            TextColumn("[bold]translating"),
            BarColumn(bar_width=None),
            TimeElapsedColumn(),
            TextColumn("{task.fields[facts]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, facts="")
        self._bar.start()

    @override
    def note(self, text: str) -> None:
        self._console.print(visible(text), markup=False, soft_wrap=True)

    @override
    def headway(self, headway: Headway) -> None:
        total = None if headway.share is None else 1.0
        self._bar.update(
            self._task, total=total, completed=headway.share or 0.0, facts=headway.facts()
        )

    @override
    def close(self) -> None:
        self._bar.stop()
