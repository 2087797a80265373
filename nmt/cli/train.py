"""``nmt train``: a recipe becomes a run with a trained model."""

import os
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.lines import write_line
from nmt.cli.options import Plan, option, refuse_missing_corpus, refuse_missing_packages, takes
from nmt.errors import NmtError
from nmt.progress import clock, say

if TYPE_CHECKING:
    from nmt.config import Override, RunConfig
    from nmt.runs.directory import RunDirectory
    from nmt.training.distributed.workers import Workers

EXAMPLES = """\b
Examples:
  nmt train
  nmt train --minutes 10 --run checkpoints/quick
  nmt train --set corpus.source=en           (from English to French)
  nmt train multi30k --set corpus.path=DIR --resume
"""


TURNS_BEFORE_SLEEP = 10_000
"""Some tenths of a millisecond, longer than threads wait on a quiet machine."""


@takes
def train(
    plan: Plan,
    resume: bool = option(
        "--resume",
        "Go on where the run stopped; with neither a RECIPE nor --run, where the training stopped "
        "that was worked on last. What is named is started if there is nothing to go on from.",
        False,
    ),
    minutes: float | None = option(
        "--minutes N",
        "Plan the training to end in N minutes, all sessions together: short for "
        "--set training.minutes=N.",
    ),
) -> None:
    """Train a translation model.

    Reads and checks the corpus, trains the tokenizer if the run has none yet, then the model,
    and keeps the weights that translate the dev set best. Ctrl-C saves where it is, and --resume
    goes on from there: in a training of so many epochs, to the very same result. Prints the
    folder of the run.
    """
    if plan.are_keys_asked:
        plan.show_keys()
        return
    from nmt.runs.starting import forget_if_empty, plan_run
    from nmt.training.distributed.torchrun import is_started_again, joined

    folder = plan.folder
    if resume and plan.recipe is None and folder is None:
        folder = _interrupted()
    overrides: list[str | Override] = [*plan.settings]
    if minutes is not None:
        overrides.append(("training.minutes", minutes))
    resume = resume or is_started_again()
    run, config = plan_run(plan.recipe, folder, overrides, resume=resume)
    if not run.is_finished or (resume and run.config() != config):
        refuse_missing_corpus(config)
        refuse_missing_packages("torch", "datasets", "sacrebleu", "safetensors", "onnx")
    let_threads_sleep()
    is_new = not run.path.exists()
    with joined() as workers, run.locked() if workers.is_first else nullcontext():
        try:
            if workers.first_does(lambda: _begin(config, run, resume)):
                _train(config, run, resume, workers)
        except NmtError:
            if is_new and workers.is_first:
                forget_if_empty(run)
            raise
    if workers.is_first:
        _say_how_to_use(run)


def _interrupted() -> Path | None:
    """The folder of the training to go on with where none is named; None to begin the usual one."""
    from nmt.runs.directory import CHECKPOINTS
    from nmt.runs.finding import interrupted_run
    from nmt.runs.starting import DEFAULT_RECIPE
    from nmt.training.distributed.torchrun import is_spokesman

    run = interrupted_run(CHECKPOINTS)
    if is_spokesman():
        usual = f"no training under {CHECKPOINTS}/ was interrupted: recipe {DEFAULT_RECIPE}"
        say(f"going on with {run.path}" if run else usual)
    return run.path if run else None


def _begin(config: "RunConfig", run: "RunDirectory", resume: bool) -> bool:
    """Keep the configuration with the run, and find out whether there is anything left to do."""
    from nmt.runs.starting import begin, go_on

    changes: list[str] = []
    if resume and run.is_started:
        changes = go_on(run, config)
        for change in changes:
            say(f"going on with another setting: {change}")
    else:
        begin(run, config)
    if run.is_finished and not changes:
        say(f"{run.path}: this run is finished already")
        return False
    return True


def _say_how_to_use(run: "RunDirectory") -> None:
    write_line(str(run.path))
    quoted = shlex.quote(str(run.path))
    say(f'translate with it:  nmt translate --model {quoted} "..."')
    say(f"score it:           nmt eval --model {quoted}")


def let_threads_sleep() -> None:
    """Have threads of torch that wait for others sleep soon, before it is imported.

    GNU's OpenMP has them turn round for milliseconds at each of thousands of barriers of a step,
    which on a machine with other work keeps the very thread from its core that they wait for: with
    two threads on two cores and a load of nine, a step took 13 to 29 s, and 2 s with this.
    """
    if not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        os.environ["GOMP_SPINCOUNT"] = str(TURNS_BEFORE_SLEEP)


def _train(config: "RunConfig", run: "RunDirectory", resume: bool, workers: "Workers") -> None:
    from nmt.training.distributed.torchrun import note_begin

    note_begin()
    try:
        # Slow to import, and Ctrl-C may come before it is done.
        from nmt.training.distributed.launch import started, with_processes
        from nmt.training.distributed.workers import ALONE
        from nmt.training.loop import Interrupted
        from nmt.training.progress import Reporter, make_reporter
        from nmt.training.trainer import train as train_run

        reporter = make_reporter(sys.stderr.isatty()) if workers.is_first else Reporter()
        try:
            if workers is ALONE:
                config = with_processes(run, config)
            with started(config, run, resume, workers) as workers:
                result = train_run(config, run, resume=resume, reporter=reporter, workers=workers)
        except Interrupted as interrupt:
            raise KeyboardInterrupt from interrupt
    except KeyboardInterrupt:
        if workers.is_first:
            say("")
            say(f"stopped; to go on:  {run.go_on_command}")
        raise
    if workers.is_first:
        say(
            f"best dev BLEU {result.bleu:.1f}, at step {result.step} of {result.steps}, "
            f"after {clock(result.elapsed_s)}"
        )
