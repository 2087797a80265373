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
<<<<<<< HEAD
from nmt.files import surviving_folder
from nmt.model.weights import named_weights, weights_bytes
=======
from nmt.files import surviving_folder, write_atomically
>>>>>>> 6ae5875 (Divide trainer and progress; fold lost, alterations, word dropout)
from nmt.progress import counted
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import keep_config
from nmt.training.card import model_card
from nmt.training.checkpoint import TrainState, load_checkpoint
from nmt.training.distributed.workers import ALONE, Workers
from nmt.training.learner import Learner
<<<<<<< HEAD
from nmt.training.machine import give_back_memory, machine, threads, versions
from nmt.training.preparation import Material, guide_of, prepare, with_its_numbers
from nmt.training.progress import (
    MetricsFile,
    Progress,
    Reporter,
    Reporters,
    Session,
    TensorBoardEvents,
    Validation,
)
from nmt.training.schedule import guidance, learning_rate
from nmt.training.validation import DevSet, ValidationStopped

_STEPS_BETWEEN_REPORTS = 20
_STEPS_BETWEEN_RETURNS = 100
"""After which memory that is free is given back to the system."""
_VALIDATIONS_OF_A_BUDGET = 10
_SHARE_OF_VALIDATION = 0.2
"""Of a budget of minutes, at most, as soon as it is known how long one takes."""
_SECONDS_OF_A_VALIDATION = 20.0
"""Of a budget of minutes, at least, for each: in less there is little to see."""
=======
from nmt.training.loop import Training
from nmt.training.machine import machine, threads, versions
from nmt.training.preparation import Material, guide_of, prepare
from nmt.training.progress import Reporter, Reporters, Session
from nmt.training.records import MetricsFile, TensorBoardEvents
>>>>>>> 6ae5875 (Divide trainer and progress; fold lost, alterations, word dropout)

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


<<<<<<< HEAD
@dataclass
class Training:
    """One run being trained, from its state to its end.

    Attributes:
        config: What is trained.
        run: Where to.
        learner: The model, as it learns.
        material: What it learns from.
        reporter: Whom to tell.
        state: How far it has come.
        stop: Set from outside to ask it to save and stop.
        clock: Seconds, from any start.
    """

    config: RunConfig
    run: RunDirectory
    learner: Learner
    material: Material
    reporter: Reporter
    state: TrainState = field(default_factory=TrainState)
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        self._dev = DevSet(self.material, self.config, self.stop)
        self._clock = _Clock(self.state.elapsed_s, self.clock)
        self._recent = _Recent(self.clock)
        self._is_to_stop = False

    def go_on(self) -> None:
        """Train until the epochs, the steps, the time or the patience is used up."""
        if self.state.is_untried:
            self._validate()
        while not self._is_over():
            for batches in self.steps_left_in_epoch():
                self.step(batches)
                if self._is_validation_due():
                    self._validate()
                if self.state.step % self.config.training.checkpoint_every == 0:
                    self._save()
                if self._is_to_stop:
                    self._save()
                    raise Interrupted
                if self._is_over():
                    break
            else:
                self.state.epoch += 1
                self.state.batch_in_epoch = 0
                if self._validates_epochs:
                    self._validate()
        if self.state.validated_step != self.state.step:
            self._validate()
        self._save()

    def steps_left_in_epoch(self) -> Iterator[list[Batch]]:
        """Give the batches of each step left: a pure function of seed, epoch and position."""
        training, pairs = self.config.training, self.material.pairs
        plan = self.material.plan(training.tokens_per_batch, self.config.seed, self.state.epoch)
        self.state.batches_of_epoch = len(plan)
        sampling, alterations = self.config.tokenizer.sampling, self.material.alterations
        for first in range(self.state.batch_in_epoch, len(plan), training.accumulate):
            group = range(first, min(first + training.accumulate, len(plan)))
            seeds = [_seed(self.config.seed, self.state.epoch, number) for number in group]
            taken = [
                pairs.take(plan[number], Variation(seed, sampling, alterations))
                for number, seed in zip(group, seeds, strict=True)
            ]
            yield [
                drop_words(make_batch(*sides), training.word_dropout, seed)
                for sides, seed in zip(taken, seeds, strict=True)
            ]

    def step(self, batches: list[Batch]) -> None:
        """Learn from the batches of one step.

        Raises:
            TrainingError: Too many steps in a row were not finite.
        """
        state, training = self.state, self.config.training
        rate = learning_rate(training, state.step, self._share())
        seed = _seed(self.config.seed, state.step, *self.learner.workers.own_seed)
        guided = guidance(training, self._share()) if state.is_guided else 0.0
        if not guided:
            state.is_guided, self.learner.guide = False, None
        step = self.learner.step(batches, rate, seed, guided)
        state.step += 1
        state.batch_in_epoch += len(batches)
        state.target_tokens += step.target_tokens
        state.elapsed_s, self._is_to_stop = self.learner.workers.agree(
            self._clock.elapsed_s(), self.stop.is_set()
        )
        state.skipped += step.is_skipped
        state.skipped_in_a_row = state.skipped_in_a_row + 1 if step.is_skipped else 0
        if state.skipped_in_a_row >= training.max_skipped_steps:
            raise TrainingError(
                f"the loss or its gradient was not finite in {state.skipped_in_a_row} steps in a "
                f"row, up to step {state.step}: the run is left as it last was; lower "
                f"training.learning_rate (now {training.learning_rate:g}) and go on with --resume"
            )
        if not step.is_skipped:
            self._recent.add(step.loss, step.target_tokens)
        if state.step % _STEPS_BETWEEN_RETURNS == 0:
            give_back_memory()
        if state.step % _STEPS_BETWEEN_REPORTS == 0:
            loss, tokens_per_s = self._recent.take()
            self.reporter.progress(
                Progress(
                    step=state.step,
                    epoch=self._epochs(),
                    share=self._share(),
                    loss=loss,
                    rate=rate,
                    gradient_norm=step.gradient_norm,
                    tokens_per_s=tokens_per_s,
                    elapsed_s=state.elapsed_s,
                    skipped=state.skipped,
                )
            )

    @property
    def _validates_epochs(self) -> bool:
        return not (self.config.training.validate_every or self.config.training.minutes)

    def _is_validation_due(self) -> bool:
        """Whether to try the weights in the middle of an epoch."""
        training, state = self.config.training, self.state
        if training.validate_every:
            return state.step % training.validate_every == 0
        if self._validates_epochs:
            return False
        return int(self._validations_of_budget() * self._share()) > state.validations

    def _validations_of_budget(self) -> int:
        """How many times to try the weights, so that little of the minutes goes into that."""
        budget_s = self.config.training.minutes * 60.0
        cost_s = max(self.state.validation_s / _SHARE_OF_VALIDATION, _SECONDS_OF_A_VALIDATION)
        return max(1, min(_VALIDATIONS_OF_A_BUDGET, int(budget_s / cost_s)))

    def _validate(self) -> None:
        """Let the first process try the weights, and keep them if they are the best so far.

        Raises:
            Interrupted: It was asked to stop meanwhile.
        """
        self._let_first(self._try_weights)
        if self.state.is_untried:
            self._save()
            raise Interrupted
        is_best = self.state.best_step == self.state.step
        if is_best and self.config.training.minutes:
            # what the clock decides is not decided the same way again after a kill
            self._save()

    def _try_weights(self) -> None:
        state = self.state
        started = self.clock()
        state.is_untried = True
        with self.learner.evaluated_weights() as model:
            try:
                loss = self._dev.loss(self.learner)
                bleu, translations = self._dev.bleu(self.learner)
            except ValidationStopped:
                return
            is_best = (bleu, -loss) > (state.best_bleu, -state.best_loss)
            if is_best:
                self.run.keep_weights(weights_bytes(named_weights(model)))
                state.best_bleu, state.best_loss, state.best_step = bleu, loss, state.step
        state.is_untried = False
        state.stale_validations = 0 if is_best else state.stale_validations + 1
        state.validations += 1
        state.validated_step = state.step
        state.validation_s = self.clock() - started
        state.elapsed_s = self._clock.elapsed_s()
        self._recent.skip(state.validation_s)
        reference, translation = self._dev.sample(state.step, translations)
        self.reporter.validation(
            Validation(
                step=state.step,
                epoch=self._epochs(),
                loss=loss,
                bleu=bleu,
                is_best=is_best,
                elapsed_s=state.elapsed_s,
                sample=(translation.source, reference, translation.text),
                translation=translation,
            )
        )

    def _save(self) -> None:
        self._let_first(self._write_checkpoint)

    def _write_checkpoint(self) -> None:
        started = self.clock()
        self.state.elapsed_s = self._clock.elapsed_s()
        save_checkpoint(self.run.last, self.state, self.learner.tensors)
        self._recent.skip(self.clock() - started)

    def _let_first(self, work: Callable[[], None]) -> None:
        """Do something in the first process, and wait for what becomes of the state."""

        def done() -> dict[str, Any]:
            work()
            return asdict(self.state)

        vars(self.state).update(self.learner.workers.first_does(done))

    def _is_over(self) -> bool:
        training = self.config.training
        if training.patience and self.state.stale_validations >= training.patience:
            return True
        return self._share() >= 1.0

    def _share(self) -> float:
        """Share of the run that is over: of its time, its steps or its epochs."""
        training = self.config.training
        if training.minutes:
            return self.state.elapsed_s / self._budget_s()
        if training.steps:
            return self.state.step / training.steps
        return self._epochs() / training.epochs

    def _budget_s(self) -> float:
        """Seconds to learn in, with enough left of the minutes to try the weights at the end."""
        budget = self.config.training.minutes * 60.0
        last_s = 1.2 * self.state.validation_s
        if not last_s and self._validations_of_budget() == 1:  # so that is the first, too
            last_s = _SHARE_OF_VALIDATION * budget
        return max(budget - last_s, 0.5 * budget)

    def _epochs(self) -> float:
        return self.state.epoch + self.state.batch_in_epoch / self.state.batches_of_epoch

    def session(self) -> Session:
        """Where and on what the training is about to go on."""
        precision = "fp32" if self.learner.autocast_type is None else "bf16"
        return Session(
            step=self.state.step,
            elapsed_s=self.state.elapsed_s,
            machine=f"{machine(self.learner.device, self.learner.workers.count)}, {precision}",
            versions=versions(),
            parameters=self.learner.parameters,
            pairs=len(self.material.pairs),
            too_long=self.material.pairs.left_out,
            corpus=self.material.corpus.report,
        )

    def description(self) -> str:
        """What was chosen, in a line."""
        learner, training = self.learner, self.config.training
        length = counted(training.epochs, "epoch")
        if training.steps:
            length = counted(training.steps, "step")
        if training.minutes:
            length = f"{training.minutes:g} minutes"
        precision = "fp32" if learner.autocast_type is None else "bf16"
        return (
            f"{learner.parameters / 1e6:.1f} million parameters, "
            f"{precision} on {learner.device.type}, {threads(learner.workers.count)}, "
            f"batches of {training.tokens_per_batch:,} target tokens, "
            f"{length} on {counted(len(self.material.pairs), 'pair')}"
        )
=======
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
>>>>>>> 6ae5875 (Divide trainer and progress; fold lost, alterations, word dropout)


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
