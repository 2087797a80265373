"""Which run a user means: the one that is named, trained last, or came with nmt."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nmt.errors import RunError
from nmt.runs.directory import CHECKPOINTS, SHIPPED, RunDirectory

_PACKAGE = Path(__file__).resolve().parents[1]


def latest_run(root: Path) -> RunDirectory:
    """The most recently trained run in a folder of runs; no model that came with nmt is one.

    Raises:
        RunError: There is none.
    """
    runs = trained_runs(root)
    if not runs:
        raise RunError(
            f"no trained model under {root}/: train one with `nmt train`, "
            "or name one with --model DIR"
        )
    return runs[0]


def newest_run(root: Path) -> RunDirectory:
    """The run in a folder of runs that was worked on last, trained or not; see `latest_run`.

    Raises:
        RunError: There is none.
    """
    runs = [run for run in runs_under(root) if not run.is_shipped]
    if not runs:
        raise RunError(f"no run under {root}/: train one with `nmt train`, or name its folder")
    return max(runs, key=_worked_on)


def interrupted_run(root: Path) -> RunDirectory | None:
    """Of the trainings in a folder of runs the one that was worked on last, if not finished."""
    started = [run for run in runs_under(root) if run.is_started and not run.is_shipped]
    last = max(started, key=_worked_on, default=None)
    return None if last is None or last.is_finished else last


def _worked_on(run: RunDirectory) -> tuple[int, str]:
    """When a run was worked on last, in nanoseconds; and its name, of two at one time."""
    files = (run.metrics_file, run.model_file, run.config_file)
    times = [file.stat().st_mtime_ns for file in files if file.is_file()]
    return max(times), run.path.name


def shipped_models() -> list[RunDirectory]:
    """The models that came with nmt, the usual one first."""
    # In the wheel checkpoints/ is inside the package, in a checkout beside it.
    roots = (_PACKAGE / CHECKPOINTS, _PACKAGE.parent / CHECKPOINTS)
    runs = (RunDirectory(root / name) for root in roots for name in SHIPPED)
    return [run for run in runs if run.is_shipped]


def named(path: Path) -> Path:
    """A path that a user gives for a run: of a model that came with nmt the name is enough."""
    shipped = {run.path.name: run.path for run in shipped_models()}
    return path if path.exists() else shipped.get(str(path), path)


def _nearest_to(path: Path) -> str:
    """What a user may have meant who named this folder, to be said behind that it is not there."""
    known = [run.path.name for run in shipped_models()] + [
        str(r.path) for r in runs_under(CHECKPOINTS)
    ]
    nearest = difflib.get_close_matches(str(path), known, 1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


@dataclass(frozen=True)
class Direction:
    """From which language and into which; empty for any."""

    source: str = ""
    target: str = ""

    @classmethod
    def of(cls, run: RunDirectory) -> Self:
        """That of a run.

        Raises:
            NmtError: See `RunDirectory.config`.
        """
        corpus = run.config().corpus
        return cls(corpus.source, corpus.target)

    @property
    def turned(self) -> "Direction":
        """The other way round."""
        return Direction(self.target, self.source)

    def holds(self, other: "Direction") -> bool:
        """Whether another one, without gaps, is what this one asks for, in capitals or not."""
        return all(
            wanted.lower() in ("", code.lower())
            for wanted, code in ((self.source, other.source), (self.target, other.target))
        )

    def __str__(self) -> str:
        words = ("from", self.source) * bool(self.source) + ("to", self.target) * bool(self.target)
        return " ".join(words)


ANY_DIRECTION = Direction()


def refuse_other_directions(runs: Sequence[RunDirectory], reason: str) -> None:
    """See to it that runs translate in one direction.

    Args:
        runs: What has to.
        reason: Why, for the message.

    Raises:
        RunError: The first that does not.
    """
    for run in runs[1:]:
        usual, other = Direction.of(runs[0]), Direction.of(run)
        if other != usual:
            raise RunError(
                f"{run.described} translates {other}, and {runs[0].described} {usual}: {reason}"
            )


def chosen_runs(
    directories: Sequence[Path],
    direction: Direction = ANY_DIRECTION,
    *,
    without_torch: bool = False,
) -> list[RunDirectory]:
    """The runs to translate with.

    Args:
        directories: Those that are named; of a model that came with nmt, the name alone is enough
            where there is no such folder. None for those of the environment variable NMT_MODEL,
            divided as in PATH, else the one under ``checkpoints/`` trained last, else a model that
            came with nmt.
        direction: What they have to translate from and into.
        without_torch: Pass over runs that are not exported, such as one whose training is not
            finished; not over those that are named.

    Raises:
        RunError: One is not a trained run or translates otherwise, or there is none.
    """
    if not directories:
        names = os.environ.get("NMT_MODEL", "").split(os.pathsep)
        directories = [Path(name) for name in names if name]
    if not directories:
        return [open_run(_run_for(direction, without_torch).path)]
    runs = [open_run(named(path)) for path in directories]
    for run in runs:
        if direction != ANY_DIRECTION and not direction.holds(Direction.of(run)):
            raise RunError(
                f"{run.path}: this model translates {Direction.of(run)}, not {direction}: "
                "name another, or none"
            )
    return runs


def _run_for(direction: Direction, without_torch: bool) -> RunDirectory:
    """The run for a direction: the one trained last, else the one that came with nmt."""
    trained, shipped = trained_runs(CHECKPOINTS), shipped_models()
    if without_torch:
        trained = [run for run in trained if run.is_exported]
    if direction == ANY_DIRECTION:
        return next(iter(trained or shipped), None) or latest_run(CHECKPOINTS)
    there: dict[Direction, RunDirectory] = {}
    for run in (*trained, *shipped):
        found = Direction.of(run)
        if direction.holds(found):
            return run
        there.setdefault(found, run)
    if not there:
        return latest_run(CHECKPOINTS)  # which says that there is none
    known = ", ".join(f"{other} ({run.described})" for other, run in there.items())
    raise RunError(
        f"no model translates {direction}: there is {known}: train one with `nmt train`, "
        "or name one with --model DIR"
    )


def trained_runs(root: Path) -> list[RunDirectory]:
    """The runs that were trained here and not shipped, the latest first."""
    trained = [run for run in runs_under(root) if run.is_trained and not run.is_shipped]
    return sorted(trained, key=lambda run: (_trained_at(run), run.path.name), reverse=True)


def runs_under(root: Path) -> list[RunDirectory]:
    """All runs of a folder of runs."""
    return [RunDirectory(file.parent) for file in root.glob("*/config.toml")]


def _trained_at(run: RunDirectory) -> int:
    """When the weights of a run were written, or what stands for them, in nanoseconds."""
    file = run.model_file if run.model_file.is_file() else run.config_file
    return file.stat().st_mtime_ns


def open_run(path: Path) -> RunDirectory:
    """The trained run at ``path``.

    Raises:
        RunError: There is no such folder, it is not a run, it has no weights yet, or one of
            its files is missing.
    """
    run = RunDirectory(path)
    if not path.is_dir():
        is_file = path.exists()
        raise RunError(
            f"{path}: this is a file: name the folder of a run"
            if is_file
            else f"{path}: there is no such folder{_nearest_to(path)}"
        )
    config = run.config()
    if run.is_shipped and not run.is_trained:
        raise RunError(f"{run.export}: this folder is missing: copy the whole model again")
    if not run.is_trained:
        raise RunError(
            f"{path}: this run has no weights yet ({run.model_file.name}): train it with "
            f"`{run.go_on_command}`"
        )
    for file in run.tokenizer_files(config.tokenizer.joint):
        if not file.is_file():
            raise RunError(f"{file}: this file of the run is missing: copy the whole folder")
    return run
