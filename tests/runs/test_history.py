"""What a run kept of its training is read, whoever wrote it and however it ended."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nmt.runs.history import read_history


def write(file: Path, *lines: object) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def progress(step: int, **fields: object) -> dict[str, object]:
    return {"kind": "progress", "step": step, "elapsed_s": step / 2, **fields}


def test_a_run_that_has_kept_nothing_has_an_empty_history(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", write(tmp_path / "empty")):
        history = read_history(file)
        assert (history.progress, history.validations, history.last) == ((), (), None)
        assert history.elapsed_s(100) == 0.0


def test_damaged_lines_are_passed_over_and_the_others_put_in_order(tmp_path: Path) -> None:
    file = write(tmp_path / "m", progress(40), progress(20), progress(20, loss=9.0))
    with file.open("ab") as stream:
        stream.write(b'[]\nnull\n\xff\xfe\n{"kind": "progress", "step": "x"}\n{"step": 1}\n')
        stream.write(b'{"kind": ["progress"], "step": 3}\n' + b"[" * 100_000 + b"\n")
        stream.write(b'{"kind": "progress", "step": 60, "lo')
    history = read_history(file)
    assert [moment.step for moment in history.progress] == [20, 40]
    assert math.isnan(history.progress[0].number("loss")), "the first telling counts"


@pytest.mark.parametrize("value", [None, "2.0", True, [2.0], 10**400])
def test_a_value_that_is_no_number_is_not_known(value: object, tmp_path: Path) -> None:
    history = read_history(write(tmp_path / "m", progress(20, loss=value)))
    assert math.isnan(history.progress[0].number("loss"))


def test_nan_as_older_versions_wrote_it_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "m"
    file.write_text('{"kind": "progress", "step": 20, "loss": NaN, "rate": -Infinity}\n')
    [moment] = read_history(file).progress
    assert math.isnan(moment.number("loss")) and math.isnan(moment.number("rate"))


def test_the_time_of_a_step_is_interpolated_as_numpy_does(tmp_path: Path) -> None:
    lines = [progress(20, elapsed_s=5.0), progress(40, elapsed_s=None), progress(60, elapsed_s=45)]
    history = read_history(write(tmp_path / "m", *lines))
    for step in (0, 7, 20, 33.5, 60, 99):
        expected = np.interp(step, [0, 20, 60], [0.0, 5.0, 45.0])
        assert history.elapsed_s(step) == pytest.approx(expected)


def test_the_best_validation_is_the_last_that_was_kept(tmp_path: Path) -> None:
    lines = [
        {"kind": "validation", "step": step, "is_best": is_best}
        for step, is_best in ((10, True), (20, True), (30, False))
    ]
    history = read_history(write(tmp_path / "m", *lines))
    assert history.best is not None and history.best.step == 20
    assert history.last is not None and history.last.step == 30
