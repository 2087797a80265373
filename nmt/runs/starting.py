"""How a run begins and goes on: what is kept of its settings, and which of them may change."""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from nmt.config import (
    Override,
    RunConfig,
    changed_keys,
    find_recipe,
    load_recipe,
    override,
    recipe_name,
    to_toml,
    value_of,
)
from nmt.errors import RunError
from nmt.files import surviving_folder, write_atomically
from nmt.runs.directory import CHECKPOINTS, LOCK, SHIPPED, RunDirectory
from nmt.runs.finding import runs_under

DEFAULT_RECIPE = "starter"

_TOKENIZER_KEYS = ("corpus.", "tokenizer.")

_HARMLESS_TO_TOKENIZER = (
    "corpus.dev",
    "corpus.test",
    "corpus.weight",
    "corpus.also.*.weight",
    "tokenizer.sampling",
)

_MAY_MOVE = (
    "corpus.path",
    "corpus.hub",
    "corpus.hub_subset",
    "corpus.format",
    "corpus.test",
    "corpus.also.*.path",
    "corpus.also.*.hub",
    "corpus.also.*.hub_subset",
    "corpus.also.*.format",
)
"""Where the corpus is; that its training pairs are the same is seen when they are read."""

_FIXED_KEYS = (
    "seed",
    "corpus.",
    "tokenizer.",
    "model.",
    "training.tokens_per_batch",
    "training.accumulate",
    "training.max_tokens",
    "training.ema_decay",
)
"""What the weights, the optimiser's state or the order of batches depends on; the other keys may
change while a run goes on."""

_OWN_KEYS = ("training.processes", "training.threads", "training.device", "search.numbers")
"""What a run keeps where its recipe leaves it open: of its machine, and learned from its pairs."""


def plan_run(
    recipe: str | None, folder: Path | None, overrides: Sequence[str | Override], *, resume: bool
) -> tuple[RunDirectory, RunConfig]:
    """Which run a user means, and the configuration it is to have. Nothing is written.

    Args:
        recipe: See `find_recipe`. None for the default one, but when resuming a run for its own.
        folder: Of the run. None for the one under ``checkpoints/`` that is named after the recipe,
            and after its languages where the overrides change them.
        overrides: See `override`.
        resume: Whether to go on where there is something to go on from. What the machine of a run
            is to do then stays as it was, where neither recipe nor overrides say.

    Raises:
        ConfigError: There is no such recipe, or it is wrong.
        RunError: The folder holds a model that came with nmt, or has the name of one; or it is no
            run to go on with, and no recipe says what to start there.
    """
    run, config = _planned(recipe, folder, overrides, resume)
    if run.is_shipped:
        raise RunError(
            f"{run.path}: this model came with nmt and only translates: train another with "
            "--run DIR"
        )
    if str(run.path) in SHIPPED and not run.config_file.exists():
        raise RunError(
            f"{run.path} is the name of a model that came with nmt, and would name this run "
            f"instead: train it in another folder, such as --run {CHECKPOINTS / run.path}"
        )
    return run, config


def _planned(
    recipe: str | None, folder: Path | None, overrides: Sequence[str | Override], resume: bool
) -> tuple[RunDirectory, RunConfig]:
    if resume and recipe is None and folder is not None:
        own = RunDirectory(folder)
        if not own.config_file.exists():
            raise RunError(_no_run_at(folder))
        return own, override(own.config(), overrides)
    file = find_recipe(recipe or DEFAULT_RECIPE)
    config = load_recipe(file, overrides)
    run = RunDirectory(CHECKPOINTS / _default_name(file, config) if folder is None else folder)
    if resume and run.config_file.exists():
        kept = run.config()
        if recipe is None:
            config = override(kept, overrides)
        else:
            config = override(load_recipe(file), [*_of_its_machine(kept, file), *overrides])
    return run, config


def _of_its_machine(kept: RunConfig, recipe: Path) -> list[str]:
    """Overrides for what was set for the machine of a run, and its recipe leaves open."""
    usual, planned = RunConfig(), load_recipe(recipe)
    return [
        f"{key}={value_of(kept, key)}"
        for key in _OWN_KEYS
        if value_of(planned, key) == value_of(usual, key)
    ]


def _no_run_at(folder: Path) -> str:
    """Why a run cannot be gone on with, and which one may be meant."""
    there = {run.path.name: run.path for run in runs_under(CHECKPOINTS) if not run.is_shipped}
    there |= {run.path.name: run.path for run in runs_under(folder.parent) if not run.is_shipped}
    near = [str(there[name]) for name in difflib.get_close_matches(folder.name, there)]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"{folder}: there is no run here to go on with: {meant}to start one here, name its recipe: "
        f"`nmt train RECIPE --resume --run {shlex.quote(str(folder))}`"
    )


def _default_name(recipe: Path, config: RunConfig) -> str:
    """The name of a run: that of its recipe, and of its languages where they are not the usual."""
    usual = load_recipe(recipe).corpus
    languages = (config.corpus.source, config.corpus.target)
    name = recipe_name(recipe)
    return name if languages == (usual.source, usual.target) else "-".join((name, *languages))


def create_run(path: Path, config: RunConfig) -> RunDirectory:
    """Make a run at ``path``, where none has started.

    Raises:
        RunError: A training was started there, the run has a tokenizer of another config, or
            the folder cannot be made.
    """
    run = RunDirectory(path)
    run.make_folder()
    begin(run, config)
    return run


def begin(run: RunDirectory, config: RunConfig) -> None:
    """Keep ``config`` with a run that has not started training.

    Raises:
        RunError: It has, or its tokenizer was trained with another config.
    """
    _refuse_if_started(run)
    if any(file.exists() for file in run.tokenizer_files(config.tokenizer.joint)):
        changes = _changes(run, config, _TOKENIZER_KEYS, _HARMLESS_TO_TOKENIZER)
        if changes:
            raise RunError(
                f"{run.path}: the tokenizer here belongs to other settings: "
                f"{', '.join(changes)}: keep to them, or train it anew with `nmt tokenizer`"
            )
    keep_config(run, config)


def begin_tokenizer(run: RunDirectory, config: RunConfig) -> None:
    """Keep ``config`` with a run that has not started training, and no tokenizer.

    Raises:
        RunError: It has started.
    """
    _refuse_if_started(run)
    for file in (run.joint_model, run.source_model, run.target_model):
        file.unlink(missing_ok=True)
    keep_config(run, config)


def _refuse_if_started(run: RunDirectory) -> None:
    if run.is_finished:
        length = "steps" if run.config().training.steps else "epochs"
        raise RunError(
            f"{run.path}: there is a finished run here: train another with --run DIR, or this "
            f"one for longer with `{run.go_on_command} --set training.{length}=N`"
        )
    if run.is_started:
        raise RunError(
            f"{run.path}: there is an unfinished run here: go on with "
            f"`{run.go_on_command}`, or train another with --run DIR"
        )
    if run.card.exists():
        raise RunError(f"{run.card}: a run would overwrite this file: name another --run DIR")
    if run.config_file.exists():
        run.config()  # refuses what is not a run's


def forget_if_empty(run: RunDirectory) -> None:
    """Remove the folder if it holds no more than what the run was to be like."""
    files = list(run.path.iterdir())
    if {file.name for file in files} <= {run.config_file.name, LOCK}:
        for file in files:
            file.unlink()
        run.path.rmdir()


def go_on(run: RunDirectory, config: RunConfig) -> list[str]:
    """Keep ``config`` with a run that has started, if it can go on with it.

    Returns:
        The changes, one for each key.

    Raises:
        RunError: A key differs that cannot change any more.
    """
    refused = _changes(run, config, _FIXED_KEYS, _MAY_MOVE)
    if refused:
        raise RunError(
            f"{run.path}: this run cannot go on with other settings: {', '.join(refused)}: "
            f"keep to them, as `{run.go_on_command}` does, or start another with --run DIR"
        )
    changes = _changes(run, config, ("",))
    if changes and run.is_finished and surviving_folder(run.last) is None:
        raise RunError(
            f"{run.path}: this run is finished, and without {run.last.name}/ it cannot go on "
            f"with {', '.join(changes)}: start another with --run DIR"
        )
    if changes:
        keep_config(run, config)
    return changes


def _changes(
    run: RunDirectory, config: RunConfig, prefixes: tuple[str, ...], but: Iterable[str] = ()
) -> list[str]:
    """Which of the run's settings are other ones in ``config``, for people."""
    trained, kept = _trained_with(run), run.config()
    changes = []
    for key in changed_keys(trained, config):
        moves = any(fnmatchcase(key, name) for name in _MAY_MOVE)
        before, now = value_of(kept if moves else trained, key), value_of(config, key)
        is_asked = key.startswith(prefixes) and not any(fnmatchcase(key, name) for name in but)
        if is_asked and before != now:
            changes.append(f"{key} is {before!r} here, now {now!r}")
    return changes


def _trained_with(run: RunDirectory) -> RunConfig:
    """What the last checkpoint was trained with; where there is none, what the run is to be.

    A copy lies with the checkpoint, under its checksum, so that a change of the run's own
    ``config.toml`` is noticed, whoever or whatever made it.
    """
    last = surviving_folder(run.last)
    copy = None if last is None else last / run.config_file.name
    return load_recipe(copy) if copy is not None and copy.is_file() else run.config()


def keep_config(run: RunDirectory, config: RunConfig) -> None:
    """Write what a run is made with, in the place of what was said before."""
    write_atomically(run.config_file, to_toml(config).encode())
