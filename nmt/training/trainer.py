"""A training from its start to its end, and what is made of it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from types import FrameType
from typing import Any

import torch

from nmt.config import RunConfig, changed_keys
from nmt.errors import RunError, TrainingError
from nmt.export.run import export_run, lexicon_of
from nmt.files import surviving_folder
from nmt.progress import counted
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import keep_config
from nmt.training.card import model_card
from nmt.training.checkpoint import TrainState, load_checkpoint
from nmt.training.distributed.workers import ALONE, Workers
from nmt.training.learner import Learner
from nmt.training.loop import Training
from nmt.training.machine import machine, threads, versions
from nmt.training.preparation import Material, guide_of, prepare, with_its_numbers
from nmt.training.progress import Reporter, Reporters, Session
from nmt.training.records import MetricsFile, TensorBoardEvents

_OF_EACH_MACHINE = (
    "corpus.path",
    "corpus.also.*.path",
    "training.device",
    "training.processes",
    "training.threads",
)
"""Settings that may differ between the processes of a training."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    Attributes:
        bleu: Validation BLEU of the weights that are kept.
        step: The step they are from.
        steps: Steps taken in all.
        elapsed_s: Seconds of training, over all sessions.
    """

    bleu: float
    step: int
    steps: int
    elapsed_s: float


def train(
    config: RunConfig,
    run: RunDirectory,
    *,
    resume: bool,
    reporter: Reporter,
    workers: Workers = ALONE,
    clock: Callable[[], float] = time.perf_counter,
) -> TrainingResult:
    """Train a run to its end.

    Of several processes the first alone writes and tells.

    Args:
        config: What to train.
        run: Where; the directory exists and holds the config.
        resume: Go on from the run's last checkpoint, if it has one.
        reporter: Whom to tell.
        workers: The processes that train it together.
        clock: Seconds, from any start; what a time budget is counted by.

    Raises:
        Interrupted: On SIGINT or SIGTERM, once the state is saved.
        NmtError: For what the user can put right.
    """
    set_up_machine(config)
    _refuse_other_settings(config, workers)
    try:
        material = workers.in_turn(lambda: prepare(config, run, reporter))
        numbered = with_its_numbers(config, material.corpus)
        if numbered != config:
            config = numbered
            reporter.note("most training pairs write their numbers otherwise: so may translations")
            workers.first_does(lambda: keep_config(run, numbered))
    finally:
        reporter.close()  # what it shows of the preparation
    source, target = material.tokenizers
    learner = Learner(config, source.vocabulary_size, target.vocabulary_size, workers)
    state = _start(run, learner, material, resume)
    if state.is_guided:
        learner.guide = workers.in_turn(lambda: guide_of(config, material, reporter))
        reporter.close()
    watchers = [reporter, *_files(config, run, state)] if workers.is_first else []
    with closing(Reporters(watchers)) as told, _stop_requests(workers) as stop:
        if state.step:
            told.note(f"going on after step {state.step}")
        training = Training(config, run, learner, material, told, state, stop, clock)
        told.note(description(training))
        if learner.emulates_bf16:
            told.note(
                "this processor has no products in bf16, and takes many times as long over them: "
                'training.precision = "fp32" is faster'
            )
        told.session(session(training))
        training.go_on()
    workers.first_does(lambda: _finish(config, run, material, state))
    return TrainingResult(state.best_bleu, state.best_step, state.step, state.elapsed_s)


def _refuse_other_settings(config: RunConfig, workers: Workers) -> None:
    """See to it that all processes are about to train the same."""
    first = RunConfig.model_validate(workers.first_does(lambda: config.model_dump(mode="json")))
    keys = [
        key
        for key in changed_keys(first, config)
        if not any(fnmatchcase(key, name) for name in _OF_EACH_MACHINE)
    ]
    if keys:
        raise TrainingError(
            f"process {workers.rank} of {workers.count} has another {keys[0]} than process 0: "
            "give every machine the same recipe and the same settings"
        )


def _start(run: RunDirectory, learner: Learner, material: Material, resume: bool) -> TrainState:
    """Where the training starts, or goes on: the first process finds out and all do as it does."""
    workers = learner.workers

    def found() -> dict[str, Any]:
        run.card.unlink(missing_ok=True)  # a run with a card is finished
        state = TrainState(pairs=material.digest)
        if resume and surviving_folder(run.last) is not None:
            state = load_checkpoint(run.last, learner.tensors)
        if state.pairs != material.digest:
            raise RunError(
                f"{run.path}: its training pairs have changed since step {state.step}, so that it "
                "cannot go on: restore the corpus and the tokenizer, or start another with --run"
            )
        return asdict(state)

    state = TrainState(**workers.first_does(found))
    if state.pairs != material.digest:
        raise TrainingError(
            f"process {workers.rank} of {workers.count} has other training pairs than process 0: "
            "give every machine the same corpus, and a folder of the run that all of them see"
        )
    for tensors in learner.tensors.values():
        workers.take_from_first(tensors)
    return state


def _files(config: RunConfig, run: RunDirectory, state: TrainState) -> list[Reporter]:
    """What is kept of how the training goes."""
    files: list[Reporter] = [MetricsFile(run.metrics_file, state.step)]
    if config.training.tensorboard:
        languages = config.corpus.source, config.corpus.target
        files.append(TensorBoardEvents(run.tensorboard, state.step, languages))
    return files


def _finish(config: RunConfig, run: RunDirectory, material: Material, state: TrainState) -> None:
    """Export what was trained, and say what it is."""
    lexicon = lexicon_of(run, material.pairs, material.tokenizers, config)
    export_run(run, run, config, lexicon)
    run.finish(model_card(config, material.corpus, state), state.best_bleu)


def session(training: Training) -> Session:
    """Where and on what a training is about to go on."""
    learner, material = training.learner, training.material
    return Session(
        step=training.state.step,
        elapsed_s=training.state.elapsed_s,
        machine=f"{machine(learner.device, learner.workers.count)}, {learner.precision}",
        versions=versions(),
        parameters=learner.parameters,
        pairs=len(material.pairs),
        too_long=material.pairs.left_out,
        corpus=material.corpus.report,
    )


def description(training: Training) -> str:
    """What was chosen for a training, in a line."""
    learner, config = training.learner, training.config.training
    length = counted(config.epochs, "epoch")
    if config.steps:
        length = counted(config.steps, "step")
    if config.minutes:
        length = f"{config.minutes:g} minutes"
    return (
        f"{learner.parameters / 1e6:.1f} million parameters, "
        f"{learner.precision} on {learner.device.type}, {threads(learner.workers.count)}, "
        f"batches of {config.tokens_per_batch:,} target tokens, "
        f"{length} on {counted(len(training.material.pairs), 'pair')}"
    )


def set_up_machine(config: RunConfig) -> None:
    """Threads, and a bound on what oneDNN remembers of every shape it meets."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    if config.training.threads:  # else torch's own choice, which honours OMP_NUM_THREADS
        torch.set_num_threads(config.training.threads)


@contextmanager
def _stop_requests(workers: Workers) -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, once; a second one stops at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        if workers.is_first:
            os.write(2, b"\nsaving after this step; once more to stop without\n")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
