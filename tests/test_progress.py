"""What people are told of work that takes a while."""

import contextlib
import io

import pytest
from rich.console import Console

from nmt.progress import Headway, LineDisplay, LiveDisplay, Meter, clock, counted, say, visible


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0:00"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (61.0, "1:01"),
        (3599.0, "59:59"),
        (3600.0, "1:00:00"),
        (36_065.0, "10:01:05"),
    ],
)
def test_a_clock_is_read_as_one(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_meter_measures_this_session_and_counts_the_earlier_ones() -> None:
    time_s = [100.0]
    meter = Meter(lambda: time_s[0], lines=1000, share=0.2)
    time_s[0] = 110.0
    # 50 lines and 400 tokens in 10 s; 0.1 of the input in 10 s leaves 0.7, which takes 70 s
    assert meter.add(50, 400, 0.3) == Headway(1050, 5.0, 40.0, 0.3, 10.0, pytest.approx(70.0))
    time_s[0] = 120.0
    # 150 lines and 600 tokens in 20 s; 0.3 in 20 s leaves 0.5, which takes 33.3 s
    assert meter.add(100, 200, 0.5) == Headway(1150, 7.5, 30.0, 0.5, 20.0, pytest.approx(100 / 3))


def test_without_the_size_of_the_input_nobody_says_how_long_it_takes() -> None:
    time_s = [0.0]
    meter = Meter(lambda: time_s[0])
    time_s[0] = 2.0
    headway = meter.add(5000, None, None)
    assert headway == Headway(5000, 2500.0, None, None, 2.0, None)
    assert headway.facts() == "5,000 lines  2,500 lines/s"


def test_lines_of_headway_come_every_ten_seconds_and_not_before() -> None:
    lines: list[str] = []
    display = LineDisplay(lines.append)
    for second in range(0, 31, 3):
        display.headway(Headway(second * 100, 100.0, 1234.5, second / 60, second, 60.0 - second))
    assert lines == [
        "0:12   20%  1,200 lines  100 lines/s  1,234 tokens/s  0:48 left",
        "0:24   40%  2,400 lines  100 lines/s  1,234 tokens/s  0:36 left",
    ]


def test_a_bar_shows_the_facts_and_leaves_only_the_notes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(
        "rich.console.Console",
        lambda stderr, **options: Console(file=written, force_terminal=True, width=100, **options),
    )
    display = LiveDisplay()
    display.note("[b] is no markup")
    display.headway(Headway(1200, 100.0, None, 0.25, 12.0, 36.0))
    display._bar.refresh()
    display.close()
    assert "1,200 lines  100 lines/s  0:36 left" in written.getvalue()
    assert "[b] is no markup" in written.getvalue()
    assert written.getvalue().endswith("\x1b[2K"), "the bar is still there"


def test_one_thing_is_not_several() -> None:
    assert [counted(n, "pair") for n in (0, 1, 2, 2000)] == [
        "0 pairs",
        "1 pair",
        "2 pairs",
        "2,000 pairs",
    ]


def test_what_a_stranger_wrote_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert visible("\x1b[31mred\x07\u202e\r\n\x9b") == r"\x1b[31mred\x07\u202e\r\n\x9b"
    assert visible("Où\tça ? 日本語 \u200d 👩\u200d🚀") == "Où\tça ? 日本語 \u200d 👩\u200d🚀"
    say("a\x1b]0;title\x07")
    LineDisplay().note("b\x1b[2J")
    assert capsys.readouterr().err == "a\\x1b]0;title\\x07\nb\\x1b[2J\n"


def test_a_message_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stderr", full)
        say("nobody reads this")
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
