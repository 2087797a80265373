"""A run directory: everything that one training leaves, under names that are written only here.

Files appear whole or not at all (`nmt.files`), so that a process killed at any moment leaves a
complete state.
"""

import hashlib
import json
import math
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nmt.config import RunConfig, load_recipe, override, to_toml
from nmt.errors import RunError
from nmt.files import (
    digest_of,
    locked,
    read_limited,
    refuse_links_out,
    remove_folder,
    surviving_folder,
    write_atomically,
)

CHECKPOINTS = Path("checkpoints")
"""Where runs are made and looked for."""

SHIPPED = ("fr-en", "en-fr")
"""The models that come with nmt, folders under ``checkpoints/``; the first is the usual one."""

LOCK = ".lock"
"""The file in a run that says that a process is writing to it."""

_LARGEST_SCORES = 10_000
_LARGEST_CARD = 1_000_000
_LARGEST_COPIED = 2**26
_BLEU_IN_CARD = re.compile(r"^\|[^|]*\bBLEU\b[^|]*\| *\**([0-9]+(?:\.[0-9]+)?)", re.MULTILINE)


class _Inside:
    """A file or folder of a run, under the name that it always has."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: "RunDirectory", kind: type) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run, such as ``checkpoints/starter``. Copied anywhere, it translates."""

    path: Path

    config_file = _Inside("config.toml")
    """The resolved configuration."""
    model_file = _Inside("model.safetensors")
    """The best weights so far."""
    metrics_file = _Inside("metrics.jsonl")
    """One JSON object a line: losses and scores as the training went."""
    last = _Inside("last")
    """The folder to resume from; see `nmt.files.read_folder`."""
    export = _Inside("export")
    """The folder to translate from without torch; see `nmt.export.graphs`."""
    joint_model = _Inside("joint.model")
    """The tokenizer of both languages, where they share one."""
    source_model = _Inside("source.model")
    """The tokenizer of the source language, where each has its own."""
    target_model = _Inside("target.model")
    """The tokenizer of the target language, where each has its own."""
    card = _Inside("README.md")
    """The model card. It is written last: a run with a card is finished."""
    scores_file = _Inside("scores.json")
    """A JSON object of how good a finished run is: ``{"dev_bleu": 33.4}``."""
    tensorboard = _Inside("tensorboard")
    """The folder of TensorBoard events."""
    shipped_mark = _Inside("shipped.txt")
    """The file that says that the model came with nmt, and was not trained here."""

    @property
    def report_file(self) -> Path:
        """The page about the run."""
        return self._about("report.html")

    @property
    def is_shipped(self) -> bool:
        """Whether it came with nmt; such a model only translates."""
        return self.shipped_mark.is_file()

    @property
    def name(self) -> str:
        """What a user gives to name it, of which another model has no part; see `named`."""
        if self.is_shipped:
            return self.path.name
        return f".{os.sep}{self.path}" if str(self.path) in SHIPPED else str(self.path)

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
        """BLEU of its weights on the dev set, as far as it was trained; None where nothing says it.

        Of a training that is not finished, it is of greedy translations.
        """
        if self.card.is_file():
            bleu = self._kept_bleu()
            if bleu is not None:
                return bleu
        from nmt.runs.history import read_history  # takes longer, the longer the training was

        best = read_history(self.metrics_file).best
        bleu = math.nan if best is None else best.number("bleu")
        return bleu if math.isfinite(bleu) else None

    def card_text(self) -> str:
        """The model card.

        Raises:
            RunError: There is none, or it is larger than any that nmt writes.
        """
        return read_limited(self.card, _LARGEST_CARD).decode("utf-8", "replace")

    def _kept_bleu(self) -> float | None:
        """What was kept at the end of the training; until nmt 0.1 only the card says it."""
        try:
            with self.scores_file.open("rb") as stream:
                bleu = json.loads(stream.read(_LARGEST_SCORES))["dev_bleu"]
            return float(bleu) if math.isfinite(bleu) else None
        except FileNotFoundError:
            found = _BLEU_IN_CARD.search(self.card_text())
            return float(found[1]) if found else None
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None  # damaged, and nothing translates by it

    def finish(self, card: str, dev_bleu: float) -> None:
        """Keep how good a trained model is, and its card: the run is finished then."""
        write_atomically(self.scores_file, json.dumps({"dev_bleu": dev_bleu}).encode())
        write_atomically(self.card, card.encode())

    def hypotheses_file(self, name: str) -> Path:
        """Where the translations of a test set are written.

        Args:
            name: What was translated, such as ``test`` or the name of a file.
        """
        safe = re.sub(r"[^\w.-]+", "_", name)
        return self._about(f"hypotheses.{safe}.txt")

    def _about(self, name: str) -> Path:
        """Where something about the run is written: into its folder, if it is trained there.

        What is about a model that came with nmt, or from somebody else as an export without
        weights, goes into the working directory.
        """
        only_translates = self.is_exported and not self.model_file.is_file()
        is_ours = not self.is_shipped and not only_translates
        return self.path / name if is_ours else Path(f"{self.path.resolve().name}.{name}")

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

        Where on this machine the corpus is, the copy does not say.

        Args:
            path: A folder that is not there yet, or empty.

        Raises:
            RunError: There is something in it, or it cannot be made.
        """
        copy = RunDirectory(path)
        copy.make_folder()
        if any(path.iterdir()):
            raise RunError(f"{path}: there is something here already: name a new folder")
        config = self.config()
        places = {
            f"{section}.path": corpus.path
            for section, corpus in config.corpus.to_learn_from().items()
            if corpus.path
        }
        contents = {
            file.name: read_limited(file, _LARGEST_COPIED)
            for file in {self.card, self.scores_file, *self.tokenizer_files(config.tokenizer.joint)}
            if file.exists()
        }
        if self.card.name in contents:
            card = contents[self.card.name]
            for place in places.values():
                card = card.replace(place.encode(), Path(place).name.encode())
            contents[self.card.name] = card
        nowhere = override(config, [(key, "") for key in places])
        contents[self.config_file.name] = to_toml(nowhere).encode()
        for name, content in contents.items():
            write_atomically(path / name, content)
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
        """The configuration that the run was made with; its file is read again once it changed.

        Raises:
            RunError: This is not a run.
            ConfigError: Its configuration is not one that this version understands.
        """
        if not self.config_file.is_file():
            raise RunError(f"{self.path}: this is not a run: it has no {self.config_file.name}")
        refuse_links_out(self.path)
        state = self.config_file.stat()
        version = (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size)
        return _read_config(self.config_file, version)

    def make_folder(self) -> None:
        """Make the folder if it is missing.

        Raises:
            RunError: It cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be made: {error.strerror}") from error

    @property
    def go_on_command(self) -> str:
        """What a user types to go on training."""
        return f"nmt train --resume --run {shlex.quote(str(self.path))}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to this run; a killed process leaves no lock.

        Makes the folder if it is missing.

        Raises:
            RunError: Another process is writing to it, or the folder cannot be made.
        """
        self.make_folder()
        problem = f"{self.path}: another nmt process is writing to this run"
        with locked(self.path / LOCK, RunError(problem)):
            yield


@lru_cache(maxsize=64)
def _read_config(file: Path, version: tuple[int, ...]) -> RunConfig:
    """The configuration of a run, read and checked once for each version of its file."""
    config = load_recipe(file)
    # begun before there were such keys, when no attention was guided and one process trained
    before = {"guided_attention": 0.0, "processes": 1}
    missing = {key: before[key] for key in before.keys() - config.training.model_fields_set}
    training = config.training.model_copy(update=missing)
    return config.model_copy(update={"training": training})
