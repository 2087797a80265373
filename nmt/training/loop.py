"""The training loop: learn, validate, keep, save, report."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from nmt.config import RunConfig
from nmt.data.augmentation import drop_words
from nmt.data.batches import Batch, make_batch
from nmt.data.encoded import Variation
from nmt.errors import TrainingError
from nmt.model.weights import named_weights, weights_bytes
from nmt.runs.directory import RunDirectory
from nmt.training.checkpoint import TrainState, save_checkpoint
from nmt.training.learner import Learner, Step
from nmt.training.machine import give_back_memory
from nmt.training.preparation import Material
from nmt.training.progress import Progress, Reporter, Validation
from nmt.training.schedule import Length, guidance, learning_rate
from nmt.training.validation import DevSet, ValidationStopped

_STEPS_BETWEEN_REPORTS = 20
_STEPS_BETWEEN_RETURNS = 100
"""After which memory that is free is given back to the system."""


class Interrupted(Exception):
    """The training was asked to stop; its state is saved and it can go on."""


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
        self._length = Length(self.config.training, self.state)
        self._meter = _Meter(self.state.elapsed_s, self.clock)
        self._is_to_stop = False

    def go_on(self) -> None:
        """Train until the epochs, the steps, the time or the patience is used up."""
        if self.state.is_untried:
            self._validate()
        while not self._length.is_over:
            for batches in self.steps_left_in_epoch():
                self.step(batches)
                if self._length.is_validation_due:
                    self._validate()
                if self.state.step % self.config.training.checkpoint_every == 0:
                    self._save()
                if self._is_to_stop:
                    self._save()
                    raise Interrupted
                if self._length.is_over:
                    break
            else:
                self.state.epoch += 1
                self.state.batch_in_epoch = 0
                if self._length.validates_epochs:
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
            seeds = [seed_of(self.config.seed, self.state.epoch, number) for number in group]
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
        state, training, workers = self.state, self.config.training, self.learner.workers
        share = self._length.share
        rate = learning_rate(training, state.step, share)
        seed = seed_of(self.config.seed, state.step, *workers.own_seed)
        guided = guidance(training, share) if state.is_guided else 0.0
        if not guided:
            state.is_guided, self.learner.guide = False, None
        step = self.learner.step(batches, rate, seed, guided)
        state.step += 1
        state.batch_in_epoch += len(batches)
        state.target_tokens += step.target_tokens
        elapsed_s = self._meter.elapsed_s()
        state.elapsed_s, self._is_to_stop = workers.agree(elapsed_s, self.stop.is_set())
        if step.is_skipped:
            self._skip()
        else:
            state.skipped_in_a_row = 0
            self._meter.add(step.loss, step.target_tokens)
        if state.step % _STEPS_BETWEEN_RETURNS == 0:
            give_back_memory()
        if state.step % _STEPS_BETWEEN_REPORTS == 0:
            self._report(step, rate)

    def _skip(self) -> None:
        """Count a step that was not finite."""
        state, training = self.state, self.config.training
        state.skipped += 1
        state.skipped_in_a_row += 1
        if state.skipped_in_a_row >= training.max_skipped_steps:
            raise TrainingError(
                f"the loss or its gradient was not finite in {state.skipped_in_a_row} steps in a "
                f"row, up to step {state.step}: the run is left as it last was; lower "
                f"training.learning_rate (now {training.learning_rate:g}) and go on with --resume"
            )

    def _report(self, step: Step, rate: float) -> None:
        state = self.state
        loss, tokens_per_s = self._meter.take()
        self.reporter.progress(
            Progress(
                step=state.step,
                epoch=state.epochs,
                share=self._length.share,
                loss=loss,
                rate=rate,
                gradient_norm=step.gradient_norm,
                tokens_per_s=tokens_per_s,
                elapsed_s=state.elapsed_s,
                skipped=state.skipped,
            )
        )

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
        state.elapsed_s = self._meter.elapsed_s()
        self._meter.skip(state.validation_s)
        reference, translation = self._dev.sample(state.step, translations)
        self.reporter.validation(
            Validation(
                step=state.step,
                epoch=state.epochs,
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
        self.state.elapsed_s = self._meter.elapsed_s()
        save_checkpoint(self.run.last, self.state, self.learner.tensors, self.config)
        self._meter.skip(self.clock() - started)

    def _let_first(self, work: Callable[[], None]) -> None:
        """Do something in the first process, and wait for what becomes of the state."""

        def done() -> dict[str, Any]:
            work()
            return asdict(self.state)

        vars(self.state).update(self.learner.workers.first_does(done))


class _Meter:
    """Seconds of training over all sessions; loss and speed since the last report."""

    def __init__(self, before_s: float, now: Callable[[], float]) -> None:
        self._now = now
        self._loss, self._tokens, self._started = 0.0, 0, now()
        self._begin = self._started - before_s

    def elapsed_s(self) -> float:
        return self._now() - self._begin

    def add(self, loss: float, tokens: int) -> None:
        self._loss += loss * tokens
        self._tokens += tokens

    def skip(self, seconds: float) -> None:
        """Leave out of the speed time in which nothing was learned."""
        self._started += seconds

    def take(self) -> tuple[float, float]:
        """Mean loss of a target token in nats, and target tokens a second."""
        now = self._now()
        figures = self._loss / max(self._tokens, 1), self._tokens / (now - self._started)
        self._loss, self._tokens, self._started = 0.0, 0, now
        return figures


def seed_of(*numbers: int) -> int:
    """A seed that is a pure function of some numbers, and unlike that of any others."""
    # the count, because to NumPy (1, 2) and (1, 2, 0) are the same
    return int(
        np.random.SeedSequence((len(numbers), *numbers)).generate_state(1, np.uint64)[0] >> 1
    )
