"""``nmt train`` and ``nmt tokenizer`` as a user calls them."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from tests.cli.conftest import Inside, clean_environment, start

pytestmark = pytest.mark.slow

ENDLESS = ("--set", "training.epochs=1000", "--set", "training.checkpoint_every=5")


def wait_for(file: Path, process: Any) -> None:
    """Wait until a training has come so far that a file is there."""
    give_up = time.monotonic() + 600
    while time.monotonic() < give_up:
        if file.exists():
            return
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


def test_a_training_prints_its_folder_and_says_the_rest_on_stderr(
    shared_run: Path,
) -> None:
    run = open_run(shared_run / "checkpoints" / "toy")
    assert run.is_finished
    metrics = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    assert metrics
    done = (shared_run / "stdout.txt").read_text()
    assert done == "checkpoints/toy\n"
    said = (shared_run / "stderr.txt").read_text()
    assert "\x1b" not in said
    assert "\r" not in said
    assert "train: 120 pairs" in said
    assert "best dev BLEU" in said
    assert 'nmt translate --model checkpoints/toy "..."\n' in said
    assert said.endswith("nmt eval --model checkpoints/toy\n")


def test_an_interrupted_training_is_saved_and_says_how_to_go_on(folder: Path, cache: Path) -> None:
    with start(folder, cache, "train", "toy.toml", *ENDLESS) as process:
        wait_for(folder / "checkpoints" / "toy" / "last" / "state.json", process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert out == b""
    lines = err.decode().splitlines()
    assert lines[-1] == "stopped; to go on:  nmt train --resume --run checkpoints/toy"
    assert "Traceback" not in err.decode()
    run = RunDirectory(folder / "checkpoints" / "toy")
    assert run.is_started
    assert not run.is_finished


def test_a_run_that_is_there_is_not_trained_over(inside: Inside, trained: Path) -> None:
    done = inside("train", "toy.toml")
    assert (done.code, done.lines) == (2, [])
    assert "there is a finished run here" in done.errors[0]
    (trained / "README.md").unlink()
    done = inside("train", "toy.toml")
    assert done.code == 2
    assert done.errors == [
        "nmt: checkpoints/toy: there is an unfinished run here: go on with "
        "`nmt train --resume --run checkpoints/toy`, or train another with --run DIR"
    ]


def test_a_run_cannot_go_on_with_other_settings_and_says_which_command_keeps_them(
    inside: Inside, trained: Path
) -> None:
    done = inside("train", "toy.toml", "--resume", "--set", "model.hidden_size=8")
    assert (done.code, done.lines) == (2, [])
    assert done.errors == [
        "nmt: checkpoints/toy: this run cannot go on with other settings: model.hidden_size is 32 "
        "here, now 8: keep to them, as `nmt train --resume --run checkpoints/toy` does, or start "
        "another with --run DIR"
    ]


def test_a_finished_job_given_again_is_done_at_once(inside: Inside, trained: Path) -> None:
    before = (trained / "model.safetensors").stat().st_mtime_ns
    done = inside("train", "toy.toml", "--resume")
    assert (done.code, done.lines) == (0, ["checkpoints/toy"])
    assert done.errors[0] == "checkpoints/toy: this run is finished already"
    assert (trained / "model.safetensors").stat().st_mtime_ns == before


def test_a_finished_run_is_trained_for_longer(inside: Inside, trained: Path) -> None:
    steps = json.loads((trained / "last" / "state.json").read_text())["step"]
    done = inside("train", "--resume", "--run", trained, "--set", "training.epochs=3")
    assert (done.code, done.lines) == (0, [str(trained)])
    assert done.errors[0] == ("going on with another setting: training.epochs is 2 here, now 3")
    assert json.loads((trained / "last" / "state.json").read_text())["step"] == steps * 3 // 2
    assert RunDirectory(trained).is_finished


def test_without_a_name_the_training_that_was_interrupted_goes_on(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained / "README.md").unlink()
    done = inside("train", "--resume")
    assert (done.code, done.lines) == (0, ["checkpoints/toy"])
    assert done.errors[0] == "going on with checkpoints/toy"
    assert RunDirectory(trained).is_finished
    monkeypatch.setattr("nmt.runs.starting.DEFAULT_RECIPE", "toy.toml")
    done = inside("train", "--resume")
    assert done.errors[0] == "no training under checkpoints/ was interrupted: recipe toy.toml"
    assert done.lines == ["checkpoints/toy"]


def test_a_run_does_not_go_on_as_another(inside: Inside, trained: Path) -> None:
    done = inside("train", "toy.toml", "--resume", "--set", "model.hidden_size=64")
    assert done.code == 2
    assert "model.hidden_size is 32 here, now 64" in done.errors[-1]


def test_a_budget_in_minutes_ends_the_training(inside: Inside) -> None:
    done = inside("train", "toy.toml", "--run", "m", "--minutes", "0.03", *ENDLESS)
    assert (done.code, done.lines) == (0, ["m"])
    assert RunDirectory(Path("m")).config().training.minutes == 0.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "training.epoch=3"], "unknown key training.epoch: did you mean training.epochs"),
        (["--set", "tokenizer.joint=false"], "model.shared_embeddings needs tokenizer.joint"),
        (["--set", "corpus.path=nowhere"], "nowhere"),
        (["--set", "corpus.dev=val"], "no split 'val'"),
        (["--minutes", "-1"], "training.minutes is -1.0: it must be greater than or equal to 0"),
    ],
)
def test_a_wrong_recipe_is_one_line_and_leaves_no_run(
    inside: Inside, arguments: list[str], message: str
) -> None:
    done = inside("train", "toy.toml", *arguments)
    assert (done.code, done.lines, len(done.errors)) == (2, [], 1)
    assert message in done.errors[0]
    assert not Path("checkpoints").exists()


def test_a_misaligned_corpus_is_one_line_with_its_files(inside: Inside, folder: Path) -> None:
    with (folder / "text" / "train.fr").open("a") as file:
        file.write("de trop\n")
    done = inside("train", "toy.toml")
    assert (done.code, done.lines) == (2, [])
    assert re.search(r"train\.fr has 121 lines but .*train\.en has 120", done.errors[-1])
    assert not Path("checkpoints/toy").exists(), "there would be a run with nothing in it"


def test_a_tokenizer_is_trained_shown_and_used_by_the_training(
    inside: Inside, folder: Path
) -> None:
    done = inside("tokenizer", "toy.toml", "--samples", "2")
    assert done.code == 0
    assert len(done.lines) == 4
    first = (folder / "text" / "train.fr").read_text().split("\n")[0]
    assert done.lines[0].replace(" ", "").replace("▁", " ").strip() == first
    run = RunDirectory(folder / "checkpoints" / "toy")
    before = run.joint_model.stat().st_mtime_ns
    assert "train: 120 pairs" in done.errors
    assert done.errors[-1].endswith("nmt train --resume --run checkpoints/toy")
    done = inside("train", "--resume", "--run", "checkpoints/toy", "--set", "training.epochs=1")
    assert done.code == 0
    assert run.joint_model.stat().st_mtime_ns == before


def test_a_tokenizer_can_be_tried_in_several_sizes(inside: Inside) -> None:
    for size in (290, 300):
        done = inside("tokenizer", "toy.toml", "--set", f"tokenizer.vocabulary_size={size + 10}")
        assert done.code == 0
    config = RunDirectory(Path("checkpoints/toy")).config()
    assert config.tokenizer.vocabulary_size == 310


def test_a_tokenizer_is_not_replaced_under_a_model(inside: Inside, trained: Path) -> None:
    done = inside("tokenizer", "toy.toml")
    assert (done.code, done.lines) == (2, [])
    assert (trained / "joint.model").exists()


TELL_AND_END = """
import os, sys
from importlib.machinery import ModuleSpec

class Told:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "torch" else None

    def create_module(self, spec):
        print(os.environ.get("GOMP_SPINCOUNT"), flush=True)
        os._exit(0)

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Told())
sys.argv = ["nmt", "train", "toy.toml"]
from nmt.cli import main
main()
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "10000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
    ],
)
def test_waiting_threads_are_let_sleep_before_torch_is_there_unless_somebody_says_otherwise(
    folder: Path, cache: Path, given: dict[str, str], told: str
) -> None:
    bare = clean_environment(cache)
    bare.pop("GOMP_SPINCOUNT", None)  # of a training in this process, before
    done = subprocess.run(
        [sys.executable, "-c", TELL_AND_END],
        cwd=folder,
        env=bare | {"PYTHONPATH": str(Path(__file__).parents[2])} | given,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == f"{told}\n", done.stderr
