"""Several processes, really started with torchrun, train what one does, and end as one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file
from torch._C._distributed_c10d import HashStore, PrefixStore

from nmt.config import RunConfig, load_recipe, override
from nmt.errors import TrainingError
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.training import trainer
from nmt.training.distributed import group as exchange
from nmt.training.distributed.torchrun import is_started_again, note_begin
from nmt.training.distributed.workers import Workers
from nmt.training.progress import Reporter
from tests.cli.conftest import RECIPE, clean_environment, write_corpus
from tests.training import worker
from tests.training.test_learner import bits, make

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SETTINGS = [
    "training.epochs=14",
    "training.accumulate=2",
    "training.noise=0.3",
    "training.validate_every=20",
    "training.checkpoint_every=3",
    "tokenizer.sampling=0.1",
    "model.dropout=0",
    "model.embedding_dropout=0",
]

FAILING = """
from nmt.cli import main
from nmt.errors import TrainingError
from nmt.training.learner import Learner

learn = Learner.step
taken = 0

def step(self, *arguments):
    global taken
    taken += 1
    if self.workers.rank == 1 and taken == 3:
        raise TrainingError("the sky has fallen")
    return learn(self, *arguments)

Learner.step = step
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and its text."""
    folder = tmp_path_factory.mktemp("toy")
    write_corpus(folder / "text")
    (folder / "toy.toml").write_text(RECIPE)
    return folder


@contextmanager
def torchrun(
    folder: Path, *arguments: str | Path, count: int = 2
) -> Iterator["subprocess.Popen[str]"]:
    """Some processes, started as a user does; stopped at the end if they still run."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
    environment = clean_environment(folder / "cache") | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    with subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def training(run: str) -> list[str]:
    """What to give torchrun for a training; without --, it takes --run for its own --run-path."""
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return ["-m", "nmt", "--", "train", "toy.toml", "--run", run, *settings]


def processes_of(parent: int) -> dict[int, int]:
    """The process of each rank that torchrun has started."""
    found = {}
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            pairs = Path(f"/proc/{child}/environ").read_bytes().decode().split("\0")
            values = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            if "RANK" in values:
                found[int(values["RANK"])] = int(child)
    return found


def wait_for_step(run: RunDirectory, step: int, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if json.loads((run.last / "state.json").read_bytes())["step"] >= step:
                return
        except (OSError, ValueError):
            time.sleep(0.002)
    pytest.fail(f"the training did not come to step {step}: {process.communicate()[1]}")


def lines(run: RunDirectory, kind: str) -> list[dict[str, Any]]:
    every = map(json.loads, run.metrics_file.read_text("utf-8").splitlines())
    return [line for line in every if line["kind"] == kind]


@pytest.fixture(scope="module")
def together(toy: Path) -> tuple[RunDirectory, str]:
    """A run that two processes trained, and what they said."""
    with torchrun(toy, *training("together")) as process:
        out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert out == "together\n", "by one of them"
    return RunDirectory(toy / "together"), err


def test_two_processes_train_what_one_does(toy: Path, together: tuple[RunDirectory, str]) -> None:
    run, _ = together
    config = load_recipe(toy / "toy.toml", SETTINGS)
    alone = create_run(toy / "alone", config)
    trainer.train(config, alone, resume=False, reporter=Reporter())
    for kind in ("progress", "validation"):
        assert len(lines(alone, kind)) >= 2
        assert [line["step"] for line in lines(run, kind)] == [
            line["step"] for line in lines(alone, kind)
        ]
        for one, other in zip(lines(alone, kind), lines(run, kind), strict=True):
            assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)
    one, other = (load_file(each.last / "weights.safetensors") for each in (alone, run))
    assert max(abs(one[name] - other[name]).max() for name in one) < 1e-3


def test_only_the_first_process_writes_and_tells(together: tuple[RunDirectory, str]) -> None:
    run, said = together
    assert run.is_finished
    assert run.is_exported
    assert said.count("train: 120 pairs") == 1
    assert said.count("best dev BLEU") == 1
    assert "2 processes of 1 thread" in said
    every = [(line["kind"], line["step"]) for line in lines(run, "progress")]
    assert len(every) == len(set(every)) >= 2
    assert "2 processes of 1 thread" in lines(run, "session")[0]["machine"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes has to say of the pieces."""
    folder = tmp_path_factory.mktemp("pieces")
    with torchrun(folder, "-m", "tests.training.worker", folder) as process:
        _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    turns = (folder / "turns").read_text().split()
    return [
        json.loads((folder / f"{rank}.json").read_text()) | {"turns": turns} for rank in range(2)
    ]


def test_all_processes_have_the_same_bits(found: list[dict[str, Any]]) -> None:
    one, other = found
    assert one["bits"] == other["bits"]
    assert one["halved"]["bits"] == other["halved"]["bits"]
    assert one["bits"] != one["halved"]["bits"]


def test_a_step_of_two_processes_is_that_of_one(found: list[dict[str, Any]]) -> None:
    learner = make()
    alone = worker.learned(learner)
    for process in found:
        assert process["tokens"] == alone["tokens"]
        assert process["losses"] == pytest.approx(alone["losses"], rel=1e-5)
        assert process["norms"] == pytest.approx(alone["norms"], rel=1e-4)
    for name, tensor in learner.tensors["weights"].items():
        content = bytearray.fromhex(found[1]["bits"][f"weights.{name}"])
        other = torch.frombuffer(content, dtype=torch.float32).view_as(tensor)
        torch.testing.assert_close(other, tensor.detach(), rtol=0, atol=1e-5)
    assert bits(learner).keys() == found[0]["bits"].keys()


def test_gradients_that_travel_in_bf16_are_nearly_the_same(found: list[dict[str, Any]]) -> None:
    halved, whole = found[0]["halved"], found[0]
    assert halved["losses"][0] == pytest.approx(whole["losses"][0], rel=1e-5), "in float32"
    assert halved["norms"][0] != whole["norms"][0]
    # bf16 has 8 bits of mantissa: a relative error of at most 2^-8 for each value
    assert halved["norms"][0] == pytest.approx(whole["norms"][0], rel=2**-8)


def test_each_sentence_is_in_one_share(found: list[dict[str, Any]]) -> None:
    for number, batches in enumerate(worker.STEPS):
        wanted = [row for batch in batches for row in batch.source.tolist()]
        shares = [[row for batch in one["shares"][number] for row in batch] for one in found]
        assert sorted(shares[0] + shares[1]) == sorted(wanted)
        assert abs(len(shares[0]) - len(shares[1])) <= 1


def test_the_first_process_decides_for_all(found: list[dict[str, Any]]) -> None:
    for process in found:
        assert process["agreed"] == [[1.5, False], [2.5, True]], "its clock, and any request"
        assert process["told"] == {"é": [0, None, 0.1]}
        assert process["turns"] == ["0", "1"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_after_kill_9_of_a_process_torchrun_goes_on_to_the_same_bits(
    toy: Path, together: tuple[RunDirectory, str]
) -> None:
    whole, _ = together
    cut = RunDirectory(toy / "killed")
    with torchrun(toy, "--max-restarts", "1", *training("killed")) as process:
        wait_for_step(cut, 6, process)
        os.kill(processes_of(process.pid)[1], signal.SIGKILL)
        out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert out == "killed\n"
    assert err.count("nmt: another process of this training is gone") == 1
    assert err.count("going on after step") == 1
    assert "Traceback" not in err
    for file in ("weights.safetensors", "optimizer.safetensors"):
        assert (cut.last / file).read_bytes() == (whole.last / file).read_bytes()
    assert cut.model_file.read_bytes() == whole.model_file.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_stop_request_to_torchrun_stops_all_and_saves_once(toy: Path) -> None:
    run = RunDirectory(toy / "stopped")
    endless = ["--set", "training.epochs=10000", "--set", "training.checkpoint_every=5"]
    with torchrun(toy, *training("stopped"), *endless) as process:
        wait_for_step(run, 5, process)
        started = list(processes_of(process.pid).values())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=300)
    assert process.returncode != 0
    assert len(started) == 2
    assert not any(Path(f"/proc/{number}").exists() for number in started)
    assert err.count("stopped; to go on:  nmt train --resume --run stopped") == 1
    assert err.count("saving after this step") == 1
    assert run.is_started
    assert not run.is_finished


def test_an_error_in_one_process_ends_all_and_is_told_once(toy: Path) -> None:
    (toy / "failing.py").write_text(FAILING)
    with torchrun(toy, "failing.py", *training("failing")[2:]) as process:
        _, err = process.communicate(timeout=600)
    assert process.returncode != 0
    assert err.count("nmt: the sky has fallen\n") == 1
    assert err.count("nmt:") == 1
    assert err.count("Traceback") == err.count("ChildFailedError: ") == 1, "of torchrun itself"
    assert err.count("exitcode  : 2") >= 1


@pytest.mark.parametrize("inside", [0, 1, 2], ids=["first start", "half full", "full"])
def test_processes_meet_whatever_earlier_ones_have_left(inside: int) -> None:
    store = HashStore()
    if inside:
        store.set("room", "old")
        PrefixStore("old", store).add("inside", inside)
    if inside == 2:
        PrefixStore("old", store).set("all", "inside")
    with ThreadPoolExecutor(2) as pool:
        second = pool.submit(exchange._room, store, 1, 2)
        time.sleep(0.2)
        assert not second.done(), "the first is not there yet"
        first = pool.submit(exchange._room, store, 0, 2)
        first.result(60).set("said", "here")
        assert second.result(60).check(["said"])
        assert not PrefixStore("old", store).check(["said"])


def test_processes_that_were_started_again_know_whether_others_had_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHELASTIC_ERROR_FILE", raising=False)
    note_begin()
    assert not is_started_again(), "without torchrun"
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", os.devnull)
    note_begin()
    assert not is_started_again(), "where it keeps no files"
    for attempt in range(2):
        folder = tmp_path / f"attempt_{attempt}" / "0"
        folder.mkdir(parents=True)
        monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(folder / "error.json"))
        assert is_started_again() == (attempt == 1)
        note_begin()


class Second(Workers):
    """The second of two processes, of which the first says something else."""

    rank, count = 1, 2

    def __init__(self, said: object) -> None:
        self._said = said

    def first_does(self, work: object) -> Any:
        return self._said


def test_processes_with_other_settings_do_not_train_together(toy: Path, tmp_path: Path) -> None:
    config = load_recipe(toy / "toy.toml", [*SETTINGS, f"corpus.also.more.path={toy}"])
    paths = [f"{section}.path={tmp_path}" for section in ("corpus", "corpus.also.more")]
    elsewhere = override(config, [*paths, "training.threads=3"])
    trainer._refuse_other_settings(config, Second(elsewhere.model_dump(mode="json")))
    other = override(config, ["training.learning_rate=0.5"])
    with pytest.raises(TrainingError, match=r"process 1 of 2 has another training\.learning_rate"):
        trainer._refuse_other_settings(config, Second(other.model_dump(mode="json")))


def test_draws_of_another_process_are_other_ones() -> None:
    assert RunConfig().training.gradient_precision == "fp32"
    assert Workers().own_seed == ()
    assert Second(None).own_seed == (1,)
