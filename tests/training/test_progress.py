"""What is told of a training: the metrics file across kills, the lines, TensorBoard."""

import io
import json
import math
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from nmt.data.filtering import CorpusReport, Finding, SplitReport
from nmt.errors import TrainingError
from nmt.search.alignment import Alignment, Unit
from nmt.training.progress import (
    LineReporter,
    LiveReporter,
    Progress,
    Reporter,
    Reporters,
    Session,
    Validation,
    make_reporter,
)
from nmt.training.records import MetricsFile, TensorBoardEvents
from nmt.translator.results import TranslatedHypothesis, Translation

PROGRESS = Progress(
    step=20,
    epoch=0.5,
    share=0.25,
    loss=4.125,
    rate=1e-3,
    gradient_norm=2.5,
    tokens_per_s=2345.6,
    elapsed_s=90.0,
    skipped=0,
)
VALIDATION = Validation(
    step=20,
    epoch=1.0,
    loss=2.0,
    bleu=12.34,
    is_best=True,
    elapsed_s=61.4,
    sample=("Où est-il\u2028?", "Where is he?", "Where\nis it?"),
)
SESSION = Session(
    step=0,
    elapsed_s=0.0,
    machine="an abacus",
    versions={"nmt": "1.0"},
    parameters=1234,
    pairs=9,
    too_long=1,
    corpus=CorpusReport((SplitReport("train", 12, 10, (Finding("twice", 2, 3, True),)),)),
)


def translation(attention: bool = True) -> Translation:
    """Of "le chat" to "the cat", which looked at "chat" alone from the second word on."""
    weights = np.array([[0.75, 0.25], [0.0, 1.0]], dtype=np.float32)
    sides = (
        (Unit("le", True, 0), Unit("chat", True, 1)),
        (Unit("the", True, 0), Unit("cat", True, 1)),
    )
    alignment = Alignment(*sides, weights, (1, 1)) if attention else None
    pieces = ("\u2581the", "\u2581cat")
    hypothesis = TranslatedHypothesis("the cat", -0.5, -1.0, pieces, None, True, alignment)
    return Translation("le chat", ("\u2581le", "\u2581chat"), (hypothesis,))


def steps(file: Path) -> list[tuple[str, int]]:
    """Kind and step of each line, each of which has to be JSON by itself."""
    content = file.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    lines = [json.loads(line) for line in content.split(b"\n")[:-1]]
    return [(line["kind"], line["step"]) for line in lines]


def tell(file: Path, after: int, *told: tuple[str, int]) -> None:
    """One session: go on after a step and tell some more."""
    metrics = MetricsFile(file, after)
    with closing(metrics):
        for kind, step in told:
            if kind == "progress":
                metrics.progress(replace(PROGRESS, step=step))
            else:
                metrics.validation(replace(VALIDATION, step=step))


P20, P40, P60 = ("progress", 20), ("progress", 40), ("progress", 60)
V40, V60 = ("validation", 40), ("validation", 60)


def test_each_line_holds_all_that_was_told(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(file, 0)
    metrics.note("for people")
    metrics.progress(PROGRESS)
    metrics.validation(VALIDATION)
    # flushed at once: a kill loses nothing that was told
    first, second = map(json.loads, file.read_text(encoding="utf-8").split("\n")[:-1])
    metrics.close()
    assert first == {
        "kind": "progress",
        "step": 20,
        "epoch": 0.5,
        "share": 0.25,
        "loss": 4.125,
        "rate": 1e-3,
        "gradient_norm": 2.5,
        "tokens_per_s": 2345.6,
        "elapsed_s": 90.0,
        "skipped": 0,
    }
    assert second["perplexity"] == pytest.approx(math.e**2)
    assert second["sample"] == list(VALIDATION.sample)
    assert (second["kind"], second["bleu"], second["is_best"]) == ("validation", 12.34, True)


def test_what_a_training_runs_on_and_what_its_check_found_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    with closing(MetricsFile(file, 0)) as metrics:
        metrics.session(SESSION)
    [line] = file.read_text().splitlines()
    assert json.loads(line) == {
        "kind": "session",
        "step": 0,
        "elapsed_s": 0.0,
        "machine": "an abacus",
        "versions": {"nmt": "1.0"},
        "parameters": 1234,
        "pairs": 9,
        "too_long": 1,
        "corpus": [
            {
                "name": "train",
                "pairs": 12,
                "kept": 10,
                "findings": [{"reason": "twice", "pairs": 2, "first": 3, "left_out": True}],
                "weight": 1.0,
            }
        ],
    }


def test_of_sessions_that_began_at_one_step_the_last_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    for step, machine in ((0, "a"), (20, "b"), (20, "c"), (20, "d")):
        with closing(MetricsFile(file, step)) as metrics:
            metrics.session(replace(SESSION, step=step, machine=machine))
            metrics.progress(replace(PROGRESS, step=step + 20))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [(line["step"], line["machine"]) for line in lines if line["kind"] == "session"]
    assert kept == [(0, "a"), (20, "d")]


def test_the_attention_of_a_sample_is_not_for_the_metrics_file(tmp_path: Path) -> None:
    written = []
    for number, shown in enumerate((None, translation())):
        file = tmp_path / f"{number}.jsonl"
        with closing(MetricsFile(file, 0)) as metrics:
            metrics.validation(replace(VALIDATION, translation=shown))
        written.append(file.read_text())
    assert written[0] == written[1]


def test_going_on_takes_out_what_is_about_to_be_told_again(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    tell(file, 0, P20, P40, V40, P60, V60)
    tell(file, 40, P60)
    assert steps(file) == [P20, P40, V40, P60]


def test_starting_afresh_takes_out_everything(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    tell(file, 0, P20, P40)
    tell(file, 0, P20)
    assert steps(file) == [P20]


def test_a_validation_after_the_last_checkpoint_is_not_told_twice(tmp_path: Path) -> None:
    # checkpoint at step 40, then the validation at the end of the epoch, then a kill: the
    # training goes on from before the validation and comes to it again
    file = tmp_path / "metrics.jsonl"
    tell(file, 0, P20, P40, V40)
    tell(file, 40, V40, P60, V60)
    assert steps(file) == [P20, P40, V40, P60, V60]


def test_lines_that_are_there_twice_are_kept_once(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    tell(file, 0, P20, V40)
    file.write_bytes(file.read_bytes() * 2)
    tell(file, 60)
    assert steps(file) == [P20, V40]


def test_a_file_cut_off_anywhere_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    tell(whole, 0, P20, P40)
    content = whole.read_bytes()
    second = content.index(b"\n") + 1
    file = tmp_path / "metrics.jsonl"
    for end in [*range(second, len(content), 9), len(content) - 2, len(content) - 1]:
        file.write_bytes(content[:end])
        tell(file, 20, P40)
        assert file.read_bytes() == content, end
        # though the step of what was cut off counts as taken
        file.write_bytes(content[:end])
        tell(file, 40, P60)
        assert steps(file) == [P20, P60], end


@pytest.mark.parametrize(
    "rest", [b"[]\n", b"7\n", b"null\n", b"\n", b"\xff\xfe\n", b'{"step": "x"}\n', b"\0\0\0\0"]
)
def test_lines_that_are_no_metrics_are_taken_out(rest: bytes, tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    tell(file, 0, P20)
    with file.open("ab") as stream:
        stream.write(rest)
    tell(file, 20, P40)
    assert steps(file) == [P20, P40]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_for_there_is_no_nan_in_json(
    value: float, tmp_path: Path
) -> None:
    file = tmp_path / "metrics.jsonl"
    with closing(MetricsFile(file, 0)) as metrics:
        metrics.progress(replace(PROGRESS, gradient_norm=value))
        metrics.validation(replace(VALIDATION, loss=value))

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    lines = [json.loads(line, parse_constant=refuse) for line in file.read_text().split("\n")[:-1]]
    assert lines[0]["gradient_norm"] is None
    assert lines[1]["loss"] is None


def test_perplexity_is_the_exponential_of_the_loss_and_never_overflows() -> None:
    assert replace(VALIDATION, loss=0.0).perplexity == 1.0
    assert replace(VALIDATION, loss=math.log(50)).perplexity == pytest.approx(50.0)
    assert math.isfinite(replace(VALIDATION, loss=1e9).perplexity)


def lines_of(tell: Callable[[Reporter], None]) -> list[str]:
    lines: list[str] = []
    tell(LineReporter(lines.append))
    return lines


def test_a_progress_line_has_the_time_left() -> None:
    # a quarter is over after 90 s: three more quarters take 270 s
    (line,) = lines_of(lambda reporter: reporter.progress(PROGRESS))
    assert line == "1:30  epoch 0.50  step 20  loss 4.125  2,346 tokens/s  4:30 left"
    (line,) = lines_of(lambda reporter: reporter.progress(replace(PROGRESS, skipped=3)))
    assert line.endswith("3 steps skipped")


def test_lines_of_progress_come_at_most_every_ten_seconds() -> None:
    def tell(reporter: LineReporter) -> None:
        for elapsed_s in (0.0, 4.0, 9.9, 10.0, 12.0, 31.0):
            reporter.progress(replace(PROGRESS, elapsed_s=elapsed_s))

    assert [line.split()[0] for line in lines_of(tell)] == ["0:00", "0:10", "0:31"]


def test_a_progress_line_bears_no_share_and_all_of_it() -> None:
    for share in (0.0, 1.0):
        done = replace(PROGRESS, share=share)
        (line,) = lines_of(methodcaller("progress", done))
        assert line.endswith("0:00 left")


def test_a_validation_line_says_whether_the_weights_are_kept() -> None:
    (line,) = lines_of(lambda reporter: reporter.validation(VALIDATION))
    assert line == "1:01  epoch 1.00  step 20  dev perplexity 7.39  dev BLEU 12.3  (best, kept)"
    worse = replace(VALIDATION, is_best=False)
    (line,) = lines_of(lambda reporter: reporter.validation(worse))
    assert "kept" not in line


def test_lines_go_to_stderr_and_nothing_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = make_reporter(is_terminal=False)
    assert isinstance(reporter, LineReporter)
    with closing(reporter):
        reporter.note("3 pairs left out")
        reporter.progress(PROGRESS)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("3 pairs left out\n1:30  epoch 0.50  step 20")
    assert "\x1b" not in captured.err


def test_the_live_display_shows_any_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    # square brackets and colons mean styles and emoji to rich
    sample = ("[/b] [red] :smile:", "", "[bold]hypothesis[/nothing] :+1:")
    reporter = make_reporter(is_terminal=True)
    assert isinstance(reporter, LiveReporter)
    with closing(reporter):
        reporter.note("see [/x] :wink:")
        reporter.progress(replace(PROGRESS, skipped=2))
        reporter.validation(replace(VALIDATION, sample=sample))
        reporter.progress(PROGRESS)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "see [/x] :wink:" in captured.err
    assert sample[0] in captured.err
    assert sample[2] in captured.err
    assert "dev BLEU 12.3" in captured.err
    reporter.close()  # twice does no harm


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def note(self, text: str) -> None:
        self.heard.append(text)

    def progress(self, progress: Progress) -> None:
        self.heard.append(progress)

    def validation(self, validation: Validation) -> None:
        self.heard.append(validation)

    def close(self) -> None:
        self.heard.append("closed")


def test_several_reporters_are_all_told_everything_in_order() -> None:
    listeners = [Listener(), Listener()]
    with pytest.raises(ZeroDivisionError), closing(Reporters(listeners)) as told:
        told.note("a")
        told.progress(PROGRESS)
        told.validation(VALIDATION)
        raise ZeroDivisionError
    for listener in listeners:
        assert listener.heard == ["a", PROGRESS, VALIDATION, "closed"], "closed whatever happens"


def test_tensorboard_gets_the_same_scalars_and_hides_what_is_told_again(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for after, told in ((0, [20, 40, 60]), (40, [60, 80])):
        events = TensorBoardEvents(tmp_path, after)
        with closing(events):
            events.note("for people")
            for step in told:
                events.progress(replace(PROGRESS, step=step, loss=step / 10 + after))
                events.validation(replace(VALIDATION, step=step))
    found = EventAccumulator(str(tmp_path)).Reload()
    assert sorted(found.Tags()["scalars"]) == [
        "dev/bleu",
        "dev/loss",
        "dev/perplexity",
        "training/gradient_norm",
        "training/loss",
        "training/rate",
        "training/tokens_per_s",
    ]
    losses = [(event.step, event.value) for event in found.Scalars("training/loss")]
    assert losses == [(20, 2.0), (40, 4.0), (60, 46.0), (80, 48.0)]


def test_tensorboard_gets_a_picture_of_what_the_sample_looked_at(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("resvg_py")
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with closing(TensorBoardEvents(tmp_path, 0)) as events:
        events.validation(replace(VALIDATION, translation=translation()))
        events.validation(replace(VALIDATION, step=40))  # of nothing that could be drawn
    [found] = EventAccumulator(str(tmp_path)).Reload().Images("dev/attention")
    assert found.step == VALIDATION.step
    with Image.open(io.BytesIO(found.encoded_image_string)) as picture:
        assert picture.size == (found.width, found.height)
        pixels = np.asarray(picture.convert("L"), dtype=float)
    # The cells are in the lower right corner: the first looked at "le" most, the second not at all.
    cell = 56  # pixels: 28 of the picture, which is drawn twice as large
    top, left = pixels.shape[0] - 24 - 2 * cell, _left_of_cells(pixels)
    middle = pixels[top + cell // 2 :: cell, left + cell // 2 :: cell]
    assert middle[1][1] < middle[0][0] < middle[0][1] < middle[1][0]


def _left_of_cells(pixels: np.ndarray) -> int:
    """The first column of pixels with the grey of the last row of cells, which has no letters."""
    row = pixels[pixels.shape[0] - 24 - 10]
    return int(np.flatnonzero(row < 250)[0])


def test_tensorboard_is_told_why_there_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shown = {20: translation(attention=False), 40: translation()}
    with closing(TensorBoardEvents(tmp_path, 0)) as events:
        for step, sample in shown.items():
            events.validation(replace(VALIDATION, step=step, translation=sample))
    found = EventAccumulator(str(tmp_path)).Reload()
    told = [
        event.tensor_proto.string_val[0].decode()
        for event in found.Tensors("dev/attention/text_summary")
    ]
    assert "no attention" in told[0]
    assert "pip install 'nmt-toolkit[pictures]'" in told[1]


def test_tensorboard_that_is_not_installed_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match=r"pip install 'nmt-toolkit\[tensorboard\]'"):
        TensorBoardEvents(tmp_path, 0)


def test_a_long_preparation_tells_how_far_it_is_every_ten_seconds() -> None:
    lines: list[str] = []
    time_s = [100.0]
    reporter = LineReporter(lines.append, now_s=lambda: time_s[0])
    for seconds, told in (
        (3.0, ("reading train", 30_000, None)),
        (12.0, ("reading train", 1_200_000, None)),
        (15.0, ("checking", 0, None)),
        (22.5, ("learning subwords", 0, None)),
        (40.0, ("dividing into subwords", 5_000, 1_100_000)),
    ):
        time_s[0] = 100.0 + seconds
        reporter.preparing(*told)
    assert lines == [
        "reading train: 1,200,000 pairs",
        "learning subwords",
        "dividing into subwords: 5,000 of 1,100,000 pairs",
    ]


def test_a_bar_shows_the_preparation_and_then_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(
        "rich.console.Console",
        lambda stderr, **options: Console(file=written, force_terminal=True, width=150, **options),
    )
    reporter = LiveReporter()
    reporter.preparing("reading [train]", 1_200_000, None)
    reporter.preparing("dividing into subwords", 5_000, 10_000)
    reporter._bar.refresh()
    reporter.close()
    assert "dividing into subwords" in written.getvalue()
    assert "5,000 pairs" in written.getvalue()
    assert "training" not in written.getvalue()
    written.truncate(0)
    reporter.progress(PROGRESS)
    reporter._bar.refresh()
    reporter.close()
    assert "training" in written.getvalue()
    assert "subwords" not in written.getvalue()
