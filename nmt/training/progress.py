"""What a training reports, and how a person sees it."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from nmt.data.filtering import CorpusReport
from nmt.progress import clock, say, visible
from nmt.translator.results import Translation


@dataclass(frozen=True)
class Session:
    """A training that begins, or goes on.

    Attributes:
        step: Optimiser steps taken before.
        elapsed_s: Seconds of training before.
        machine: What it runs on, such as ``AMD EPYC 9R14, 2 threads, bf16``.
        versions: Of Python and of the packages that decide the result, by name.
        parameters: Numbers in the model.
        pairs: Training pairs that are learned from.
        too_long: Training pairs left out for their number of subwords.
        corpus: What the check of the corpus found.
    """

    step: int
    elapsed_s: float
    machine: str
    versions: Mapping[str, str]
    parameters: int
    pairs: int
    too_long: int
    corpus: CorpusReport


@dataclass(frozen=True)
class Progress:
    """A training after some steps.

    Attributes:
        step: Optimiser steps taken.
        epoch: Passes over the corpus, with the fraction of the current one.
        share: Share of the run that is over, 0 to 1.
        loss: Smoothed mean training loss of a target token, in nats.
        rate: Learning rate.
        gradient_norm: Of the last step.
        tokens_per_s: Target tokens a second, validation left out, since the last report.
        elapsed_s: Seconds of training, over all sessions.
        skipped: Steps skipped so far because they were not finite.
    """

    step: int
    epoch: float
    share: float
    loss: float
    rate: float
    gradient_norm: float
    tokens_per_s: float
    elapsed_s: float
    skipped: int


@dataclass(frozen=True)
class Validation:
    """How good the weights were after some steps.

    Attributes:
        step: Optimiser steps taken.
        epoch: Passes over the corpus, with the fraction of the current one.
        loss: Mean cross-entropy of a dev token, in nats, without smoothing.
        bleu: BLEU of greedy translations of dev sentences: all, or some spread over the set.
        is_best: The weights are kept.
        elapsed_s: Seconds of training, over all sessions.
        sample: A dev sentence, its reference and its translation.
        translation: The same translation with the attention it was made with; None if not known.
    """

    step: int
    epoch: float
    loss: float
    bleu: float
    is_best: bool
    elapsed_s: float
    sample: tuple[str, str, str]
    translation: Translation | None = field(default=None, compare=False)

    @property
    def perplexity(self) -> float:
        """``exp(loss)``."""
        return math.exp(min(self.loss, 700.0))


class Reporter:
    """Somebody to tell; this one does not listen."""

    def note(self, text: str) -> None:
        """A line for people: what was found, what was chosen."""

    def preparing(self, work: str, pairs: int, total: int | None) -> None:
        """The corpus is being made ready.

        Args:
            work: What is being done, such as ``reading train``.
            pairs: With how many pairs it is done.
            total: With how many it will be; None where that is not known.
        """

    def session(self, session: Session) -> None:
        """The first step is about to be taken."""

    def progress(self, progress: Progress) -> None:
        """Some steps were taken."""

    def validation(self, validation: Validation) -> None:
        """The weights were tried."""

    def close(self) -> None:
        """Nothing more is told, for now."""


class Reporters(Reporter):
    """Several, told in order."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters

    @override
    def note(self, text: str) -> None:
        for reporter in self._reporters:
            reporter.note(text)

    @override
    def preparing(self, work: str, pairs: int, total: int | None) -> None:
        for reporter in self._reporters:
            reporter.preparing(work, pairs, total)

    @override
    def session(self, session: Session) -> None:
        for reporter in self._reporters:
            reporter.session(session)

    @override
    def progress(self, progress: Progress) -> None:
        for reporter in self._reporters:
            reporter.progress(progress)

    @override
    def validation(self, validation: Validation) -> None:
        for reporter in self._reporters:
            reporter.validation(validation)

    @override
    def close(self) -> None:
        for reporter in self._reporters:
            reporter.close()


def make_reporter(is_terminal: bool) -> Reporter:
    """Tells on stderr: a live display in a terminal, plain lines into a pipe or a file."""
    return LiveReporter() if is_terminal else LineReporter()


class LineReporter(Reporter):
    """A line now and then.

    Args:
        write: Takes a line; None for stderr.
        every_s: Seconds between two lines of progress.
        now_s: The time in seconds, from any start.
    """

    def __init__(
        self,
        write: Callable[[str], object] | None = None,
        every_s: float = 10.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write or say
        self._every_s = every_s
        self._next_s = 0.0
        self._now_s = now_s
        self._next_of_preparation_s = now_s() + every_s

    @override
    def note(self, text: str) -> None:
        self._write(text)

    @override
    def preparing(self, work: str, pairs: int, total: int | None) -> None:
        if self._now_s() >= self._next_of_preparation_s:
            self._next_of_preparation_s = self._now_s() + self._every_s
            self._write(f"{work}{_headway(pairs, total)}")

    @override
    def progress(self, progress: Progress) -> None:
        if progress.elapsed_s < self._next_s:
            return
        self._next_s = progress.elapsed_s + self._every_s
        self._write(
            f"{clock(progress.elapsed_s)}  epoch {progress.epoch:.2f}  step {progress.step}  "
            f"loss {progress.loss:.3f}  {progress.tokens_per_s:,.0f} tokens/s  "
            f"{clock(_left_s(progress))} left" + _skipped(progress)
        )

    @override
    def validation(self, validation: Validation) -> None:
        self._write(_validation_line(validation))


class LiveReporter(Reporter):
    """A progress bar at the bottom of the terminal, with what happens above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[facts]}"),
            console=self._console,
            transient=True,
        )
        self._preparation = self._bar.add_task("", total=None, facts="")
        self._task = self._bar.add_task("training", total=1.0, facts="", visible=False)
        self._is_shown = False
        self._bleu = ""

    @override
    def note(self, text: str) -> None:
        self._console.print(visible(text), markup=False, soft_wrap=True)

    @override
    def preparing(self, work: str, pairs: int, total: int | None) -> None:
        self._show()
        self._bar.update(
            self._preparation,
            description=work,
            total=total,
            completed=pairs,
            facts=f"{pairs:,} pairs" if pairs else "",
        )

    def _show(self) -> None:
        if not self._is_shown:
            self._bar.start()
            self._is_shown = True

    @override
    def progress(self, progress: Progress) -> None:
        self._bar.update(self._preparation, visible=False)
        self._bar.update(self._task, visible=True)
        self._show()
        facts = (
            f"epoch {progress.epoch:.1f}  loss {progress.loss:.2f}{self._bleu}  "
            f"{progress.tokens_per_s:,.0f} tokens/s  {clock(_left_s(progress))} left"
        )
        self._bar.update(self._task, completed=progress.share, facts=facts + _skipped(progress))

    @override
    def validation(self, validation: Validation) -> None:
        self._bleu = f"  BLEU {validation.bleu:.1f}"
        self._console.print(_validation_line(validation), markup=False)
        from rich.text import Text

        source, _, hypothesis = validation.sample
        # in one go: between two prints the bar would draw itself
        self._console.print(
            Text.assemble((f"    {source}\n    → ", "dim"), hypothesis), soft_wrap=True
        )

    @override
    def close(self) -> None:
        if self._is_shown:
            self._bar.stop()
            self._is_shown = False


def _headway(pairs: int, total: int | None) -> str:
    """How far a preparation is, to follow what is being done."""
    if not pairs:
        return ""
    return f": {pairs:,} pairs" if total is None else f": {pairs:,} of {total:,} pairs"


def _left_s(progress: Progress) -> float:
    if progress.share <= 0.0:
        return 0.0
    return progress.elapsed_s * (1.0 - progress.share) / progress.share


def _skipped(progress: Progress) -> str:
    return f"  {progress.skipped} steps skipped" if progress.skipped else ""


def _validation_line(validation: Validation) -> str:
    return (
        f"{clock(validation.elapsed_s)}  epoch {validation.epoch:.2f}  step {validation.step}  "
        f"dev perplexity {validation.perplexity:.2f}  dev BLEU {validation.bleu:.1f}"
        + ("  (best, kept)" if validation.is_best else "")
    )
