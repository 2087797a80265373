"""Processes that a training starts by itself: how many, how they end, and that nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from nmt.config import RunConfig, override
from nmt.errors import TrainingError
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.training.distributed import launch
from nmt.training.distributed.launch import with_processes
from tests.cli.conftest import RECIPE, clean_environment, write_corpus
from tests.training.test_several_processes import FAILING, ROOT, SETTINGS, wait_for_step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and its text."""
    folder = tmp_path_factory.mktemp("toy")
    write_corpus(folder / "text")
    (folder / "toy.toml").write_text(RECIPE)
    (folder / "failing.py").write_text(FAILING)
    return folder


@contextmanager
def training(
    folder: Path, run: str, *options: str, program: str = "-m nmt"
) -> Iterator["subprocess.Popen[str]"]:
    """``nmt train`` with two processes; stopped at the end if it still runs."""
    settings = [word for each in ("training.processes=2", *SETTINGS) for word in ("--set", each)]
    command = [sys.executable, *program.split(), "train", "toy.toml", "--run", run]
    with subprocess.Popen(
        [*command, *settings, *options],
        cwd=folder,
        env=clean_environment(folder / "cache") | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def others(parent: int) -> list[int]:
    """The processes that train along with one."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(each): Path(f"/proc/{each}/cmdline").read_text() for each in children}
    return [number for number, command in commands.items() if "spawn_main" in command]


def ended(number: int) -> bool:
    """Whether a process is gone, or waits for nothing but to be forgotten."""
    try:
        return ") Z " in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return True


@pytest.fixture(scope="module")
def whole(toy: Path) -> RunDirectory:
    """A run that two processes trained to its end."""
    with training(toy, "whole") as process:
        out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert out == "whole\n"
    assert err.count("2 processes of 1 thread") == 1
    assert err.count("best dev BLEU") == 1
    return RunDirectory(toy / "whole")


@pytest.mark.parametrize("killed", ["the first", "another"])
def test_after_kill_9_of_either_process_a_training_goes_on_to_the_same_bits(
    toy: Path, whole: RunDirectory, killed: str
) -> None:
    run = RunDirectory(toy / killed)
    with training(toy, killed) as process:
        wait_for_step(run, 6, process)
        (other,) = others(process.pid)
        os.kill(process.pid if killed == "the first" else other, signal.SIGKILL)
        _, err = process.communicate(timeout=300)
    if killed == "another":
        assert process.returncode == 2
        assert err.count("nmt: another process of this training is gone") == 1
    assert "Traceback" not in err
    while not ended(other):  # soon: it misses the first when it next has something to add up
        time.sleep(0.05)
    with training(toy, killed, "--resume") as process:
        _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert err.count("going on after step") == 1
    assert run.model_file.read_bytes() == whole.model_file.read_bytes()
    for file in ("weights.safetensors", "optimizer.safetensors"):
        assert (run.last / file).read_bytes() == (whole.last / file).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_request_stops_all_and_saves_once(toy: Path, number: int) -> None:
    run = RunDirectory(toy / f"stopped-{number}")
    with training(toy, run.path.name, "--set", "training.epochs=10000") as process:
        wait_for_step(run, 3, process)
        (other,) = others(process.pid)
        process.send_signal(number)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert ended(other)
    assert err.count(f"stopped; to go on:  nmt train --resume --run {run.path.name}") == 1
    assert err.count("saving after this step") == 1
    assert "Traceback" not in err
    assert run.is_started
    assert not run.is_finished


def test_an_error_in_another_process_is_told_once_by_the_first(toy: Path) -> None:
    with training(toy, "failing", program="failing.py") as process:
        _, err = process.communicate(timeout=600)
    assert process.returncode == 2
    assert err.count("nmt: the sky has fallen\n") == 1
    assert err.count("nmt:") == 1
    assert "Traceback" not in err


def test_the_number_of_processes_is_that_of_the_cores_and_stays_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("os.sysconf", lambda name: 1 << 18 if "PAGES" in name else 4096)
    run = create_run(tmp_path / "run", RunConfig())

    def chosen(cores: int, *settings: str) -> int:
        monkeypatch.setattr(launch, "cores", lambda: cores)
        config = with_processes(run, override(RunConfig(), settings))
        assert settings or run.config() == config
        return config.training.processes

    assert chosen(4) == 1, "there is 1 GB of memory"
    monkeypatch.setattr("os.sysconf", lambda name: 1 << 30)
    assert [chosen(cores) for cores in (1, 2, 8, 64)] == [1, 2, 8, 8]
    assert chosen(4, "training.processes=3") == 3
    assert chosen(4, "training.threads=2") == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert chosen(4) == 1


def test_a_gpu_is_not_shared_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    run = create_run(tmp_path / "run", RunConfig())
    assert with_processes(run, RunConfig()).training.processes == 1
    with pytest.raises(TrainingError, match=r"training\.processes is 2, .* torchrun"):
        with_processes(run, override(RunConfig(), ["training.processes=2"]))


def test_a_run_that_was_begun_before_there_were_processes_goes_on_with_one(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", RunConfig())
    text = run.config_file.read_text()
    run.config_file.write_text(text.replace("processes = 0\n", ""))
    assert run.config().training.processes == 1


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks into /proc")
def test_nobody_outside_of_the_machine_reaches_a_training() -> None:
    store = launch._store()
    places = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    places += [line.split()[1] for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    ours = {place.split(":")[0] for place in places if int(place.split(":")[1], 16) == store.port}
    assert ours == {"0100007F"}
