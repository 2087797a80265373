"""A run directory: everything that one training leaves, under names that are written only here.

Files appear whole or not at all (`nmt.files`), so that a process killed at any moment leaves a
complete state.
"""

import difflib
import hashlib
import json
import math
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from nmt.config import (
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
from nmt.files import digest_of, remove_folder, surviving_folder, write_atomically

CHECKPOINTS = Path("checkpoints")
"""Where runs are made and looked for."""

LOCK = ".lock"
"""The file in a run that says that a process is writing to it."""

SHIPPED = ("fr-en", "en-fr")
"""The models that come with nmt, folders under ``checkpoints/``; the first is the usual one."""
_PACKAGE = Path(__file__).resolve().parent

_BLEU_IN_CARD = re.compile(r"^\|[^|]*\bBLEU\b[^|]*\| *\**([0-9]+(?:\.[0-9]+)?)", re.MULTILINE)

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
_MACHINE_KEYS = ("training.threads", "training.device")
"""What is set for a machine, and not for a corpus."""


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run, such as ``checkpoints/starter``. Copied anywhere, it translates."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def model_file(self) -> Path:
        """The best weights so far."""
        return self.path / "model.safetensors"

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line: losses and scores as the training went."""
        return self.path / "metrics.jsonl"

    @property
    def last(self) -> Path:
        """The folder to resume from; see `nmt.files.read_folder`."""
        return self.path / "last"

    @property
    def export(self) -> Path:
        """The folder to translate from without torch; see `nmt.decoding.export`."""
        return self.path / "export"

    @property
    def joint_model(self) -> Path:
        """The tokenizer of both languages, where they share one."""
        return self.path / "joint.model"

    @property
    def source_model(self) -> Path:
        """The tokenizer of the source language, where each has its own."""
        return self.path / "source.model"

    @property
    def target_model(self) -> Path:
        """The tokenizer of the target language, where each has its own."""
        return self.path / "target.model"

    @property
    def card(self) -> Path:
        """The model card. It is written last: a run with a card is finished."""
        return self.path / "README.md"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard events."""
        return self.path / "tensorboard"

    @property
    def report_file(self) -> Path:
        """The page about the run."""
        return self._about("report.html")

    @property
    def translations_file(self) -> Path:
        """The translations that the page is about."""
        return self._about("report.json")

    @property
    def shipped_mark(self) -> Path:
        """The file that says that the model came with nmt, and was not trained here."""
        return self.path / "shipped.txt"

    @property
    def is_shipped(self) -> bool:
        """Whether it came with nmt; such a model only translates."""
        return self.shipped_mark.is_file()

    @property
    def name(self) -> str:
        """What a user gives to name it; see `named`."""
        return self.path.name if self.is_shipped else str(self.path)

    @property
    def described(self) -> str:
        """What to call it when saying which model speaks."""
        return f"{self.name} (came with nmt)" if self.is_shipped else self.name

    @property
    def introduced(self) -> str:
        """The same, and how good it is."""
        facts = ", ".join(self.facts)
        return f"{self.name} ({facts})" if facts else self.name

    @property
    def facts(self) -> list[str]:
        """What to know of it before it is used, as far as that is known."""
        bleu = self.dev_bleu
        facts = ["came with nmt"] * self.is_shipped
        facts += [] if bleu is None else [f"dev BLEU {bleu:.1f}"]
        facts += ["not finished"] * (self.model_file.is_file() and not self.is_finished)
        return facts

    @property
    def dev_bleu(self) -> float | None:
        """BLEU of its weights on the dev set, as its card or its training has it; None if neither.

        The one may be of better translations, the other is of greedy ones.
        """
        card = self.card.read_text("utf-8", "replace") if self.card.is_file() else ""
        if found := _BLEU_IN_CARD.search(card):
            return float(found[1])
        from nmt.report.history import read_history  # takes longer, the longer the training was

        best = read_history(self.metrics_file).best
        bleu = math.nan if best is None else best.number("bleu")
        return bleu if math.isfinite(bleu) else None

    def hypotheses_file(self, name: str) -> Path:
        """Where the translations of a test set are written.

        Args:
            name: What was translated, such as ``test`` or the name of a file.
        """
        safe = re.sub(r"[^\w.-]+", "_", name)
        return self._about(f"hypotheses.{safe}.txt")

    def _about(self, name: str) -> Path:
        """Where something about the run is written: into its folder, if that is the user's.

        A model that came with nmt is in the installed package; what is about it goes into the
        working directory.
        """
        return Path(f"{self.path.name}.{name}") if self.is_shipped else self.path / name

    def tokenizer_files(self, joint: bool) -> tuple[Path, Path]:
        """The files of the source and of the target tokenizer; one and the same if ``joint``."""
        if joint:
            return self.joint_model, self.joint_model
        return self.source_model, self.target_model

    @property
    def is_trained(self) -> bool:
        """Whether it can translate: it has weights, or was exported."""
        return self.model_file.is_file() or self.is_exported

    @property
    def is_exported(self) -> bool:
        """Whether it can translate without torch."""
        return surviving_folder(self.export) is not None

    @property
    def is_started(self) -> bool:
        """Whether there is something to go on from: a checkpoint, or weights."""
        return self.is_trained or surviving_folder(self.last) is not None

    def keep_weights(self, weights: bytes) -> None:
        """Keep better weights, and drop what was exported of worse ones."""
        remove_folder(self.export)
        write_atomically(self.model_file, weights)

    def copy_to(self, path: Path) -> "RunDirectory":
        """Copy what translating from an export needs, and the model card, but not the export.

        Args:
            path: A folder that is not there yet, or empty.

        Raises:
            RunError: There is something in it, or it cannot be made.
        """
        copy = RunDirectory(path)
        copy.make_folder()
        if any(path.iterdir()):
            raise RunError(f"{path}: there is something here already: name a new folder")
        joint = self.config().tokenizer.joint
        for file in {self.config_file, self.card, *self.tokenizer_files(joint)}:
            if file.exists():
                write_atomically(path / file.name, file.read_bytes())
        return copy

    @property
    def is_finished(self) -> bool:
        """Whether the training came to its end."""
        return self.is_started and self.card.exists()

    def fingerprint(self) -> str:
        """Another one where translations may be other ones: SHA-256 of all that they depend on."""
        files = (self.config_file, self.model_file, *self.path.glob("*.model"))
        named = [(file.name, file) for file in files]
        export = surviving_folder(self.export)
        if export is not None:
            named += [(f"{self.export.name}/{file.name}", file) for file in export.iterdir()]
        parts = {name: digest_of(file) for name, file in named if file.is_file()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def config(self) -> RunConfig:
        """The configuration that the run was made with.

        Raises:
            RunError: This is not a run.
            ConfigError: Its configuration is not one that this version understands.
        """
        if not self.config_file.is_file():
            raise RunError(f"{self.path}: this is not a run: it has no {self.config_file.name}")
        config = load_recipe(self.config_file)
        if "guided_attention" in config.training.model_fields_set:
            return config
        # begun before there was such a key, when no attention was guided
        training = config.training.model_copy(update={"guided_attention": 0.0})
        return config.model_copy(update={"training": training})

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> "RunDirectory":
        """Make a run at ``path``, where none has started.

        Raises:
            RunError: A training was started there, the run has a tokenizer of another config, or
                the folder cannot be made.
        """
        run = cls(path)
        run.make_folder()
        run.begin(config)
        return run

    def make_folder(self) -> None:
        """Make the folder if it is missing.

        Raises:
            RunError: It cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be made: {error.strerror}") from error

    def begin(self, config: RunConfig) -> None:
        """Keep ``config`` with a run that has not started training.

        Raises:
            RunError: It has, or its tokenizer was trained with another config.
        """
        self._refuse_if_started()
        if any(file.exists() for file in self.tokenizer_files(config.tokenizer.joint)):
            changes = self._changes(config, _TOKENIZER_KEYS, _HARMLESS_TO_TOKENIZER)
            if changes:
                raise RunError(
                    f"{self.path}: the tokenizer here belongs to other settings: "
                    f"{', '.join(changes)}: keep to them, or train it anew with `nmt tokenizer`"
                )
        self._write_config(config)

    def begin_tokenizer(self, config: RunConfig) -> None:
        """Keep ``config`` with a run that has not started training, and no tokenizer.

        Raises:
            RunError: It has started.
        """
        self._refuse_if_started()
        for file in (self.joint_model, self.source_model, self.target_model):
            file.unlink(missing_ok=True)
        self._write_config(config)

    def _refuse_if_started(self) -> None:
        if self.is_finished:
            length = "steps" if self.config().training.steps else "epochs"
            raise RunError(
                f"{self.path}: there is a finished run here: train another with --run DIR, or this "
                f"one for longer with `{self.go_on_command} --set training.{length}=N`"
            )
        if self.is_started:
            raise RunError(
                f"{self.path}: there is an unfinished run here: go on with "
                f"`{self.go_on_command}`, or train another with --run DIR"
            )
        if self.card.exists():
            raise RunError(f"{self.card}: a run would overwrite this file: name another --run DIR")
        if self.config_file.exists():
            self.config()  # refuses what is not a run's

    def forget_if_empty(self) -> None:
        """Remove the folder if it holds no more than what the run was to be like."""
        files = list(self.path.iterdir())
        if {file.name for file in files} <= {self.config_file.name, LOCK}:
            for file in files:
                file.unlink()
            self.path.rmdir()

    def go_on(self, config: RunConfig) -> list[str]:
        """Keep ``config`` with a run that has started, if it can go on with it.

        Returns:
            The changes, one for each key.

        Raises:
            RunError: A key differs that cannot change any more.
        """
        refused = self._changes(config, _FIXED_KEYS, _MAY_MOVE)
        if refused:
            raise RunError(
                f"{self.path}: this run cannot go on with other settings: {', '.join(refused)}: "
                f"keep to them, as `{self.go_on_command}` does, or start another with --run DIR"
            )
        changes = self._changes(config, ("",))
        if changes and self.is_finished and surviving_folder(self.last) is None:
            raise RunError(
                f"{self.path}: this run is finished, and without {self.last.name}/ it cannot go on "
                f"with {', '.join(changes)}: start another with --run DIR"
            )
        if changes:
            self._write_config(config)
        return changes

    @property
    def go_on_command(self) -> str:
        """What a user types to go on training."""
        return f"nmt train --resume --run {shlex.quote(str(self.path))}"

    def _changes(
        self, config: RunConfig, prefixes: tuple[str, ...], but: Iterable[str] = ()
    ) -> list[str]:
        """Which of the run's settings are other ones in ``config``, for people."""
        old = self.config()
        return [
            f"{key} is {value_of(old, key)!r} here, now {value_of(config, key)!r}"
            for key in changed_keys(old, config)
            if key.startswith(prefixes) and not any(fnmatchcase(key, name) for name in but)
        ]

    def _write_config(self, config: RunConfig) -> None:
        write_atomically(self.config_file, to_toml(config).encode())

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """The trained run at ``path``.

        Raises:
            RunError: There is no such folder, it is not a run, it has no weights yet, or one of
                its files is missing.
        """
        run = cls(path)
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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to this run; a killed process leaves no lock.

        Makes the folder if it is missing.

        Raises:
            RunError: Another process is writing to it, or the folder cannot be made.
        """
        import filelock

        self.make_folder()
        lock = filelock.FileLock(self.path / LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise RunError(f"{self.path}: another nmt process is writing to this run") from error
        try:
            yield
        finally:
            lock.release()


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
    runs = [run for run in _runs(root) if not run.is_shipped]
    if not runs:
        raise RunError(f"no run under {root}/: train one with `nmt train`, or name its folder")
    return max(runs, key=_worked_on)


def interrupted_run(root: Path) -> RunDirectory | None:
    """Of the trainings in a folder of runs the one that was worked on last, if not finished."""
    started = [run for run in _runs(root) if run.is_started and not run.is_shipped]
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
    known = [run.path.name for run in shipped_models()] + [str(r.path) for r in _runs(CHECKPOINTS)]
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
        return [RunDirectory.open(_run_for(direction, without_torch).path)]
    runs = [RunDirectory.open(named(path)) for path in directories]
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
    trained = [run for run in _runs(root) if run.is_trained and not run.is_shipped]
    return sorted(trained, key=lambda run: (_trained_at(run), run.path.name), reverse=True)


def _runs(root: Path) -> list[RunDirectory]:
    """All runs of a folder of runs."""
    return [RunDirectory(file.parent) for file in root.glob("*/config.toml")]


def _trained_at(run: RunDirectory) -> int:
    """When the weights of a run were written, or what stands for them, in nanoseconds."""
    file = run.model_file if run.model_file.is_file() else run.config_file
    return file.stat().st_mtime_ns


def plan_run(
    recipe: str | None, folder: Path | None, overrides: Sequence[str], *, resume: bool
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
        RunError: The folder holds a model that came with nmt; or it is no run to go on with, and
            no recipe says what to start there.
    """
    run, config = _planned(recipe, folder, overrides, resume)
    if run.is_shipped:
        raise RunError(
            f"{run.path}: this model came with nmt and only translates: train another with "
            "--run DIR"
        )
    return run, config


def _planned(
    recipe: str | None, folder: Path | None, overrides: Sequence[str], resume: bool
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
        for key in _MACHINE_KEYS
        if value_of(planned, key) == value_of(usual, key)
    ]


def _no_run_at(folder: Path) -> str:
    """Why a run cannot be gone on with, and which one may be meant."""
    there = {run.path.name: run.path for run in _runs(CHECKPOINTS) if not run.is_shipped}
    there |= {run.path.name: run.path for run in _runs(folder.parent) if not run.is_shipped}
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
