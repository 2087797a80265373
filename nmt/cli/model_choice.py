"""Which models a command translates with, and what it says of them."""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.options import option
from nmt.progress import say

if TYPE_CHECKING:
    from nmt.cli.searching import Changes
    from nmt.config import SearchConfig
    from nmt.runs.directory import RunDirectory
    from nmt.translator.translator import Translator

TAG = re.compile("<[^<>]*>")


@dataclass(frozen=True)
class Asked:
    """What the command line says of models."""

    models: list[Path] = option(
        "--model DIR",
        "The folder of a trained run, or the name of a model that came with nmt. By default the "
        "run under checkpoints/ trained last, else one that came with nmt. Repeat for an ensemble "
        "of runs with the same tokenizer, of which the first says how to search.",
        list,
        envvar="NMT_MODEL",
    )
    source_language: str = option(
        "--from LANGUAGE", "Take a model that translates from this language, such as fr.", ""
    )
    target_language: str = option(
        "--to LANGUAGE", "Take a model that translates into this language.", ""
    )

    @property
    def implied(self) -> list[str]:
        """What this is in the table of `nmt.cli.together`."""
        return ["a second --model"] * (len(self.models) > 1)

    @property
    def is_open(self) -> bool:
        """Whether the direction is left to nmt."""
        return not (self.models or self.source_language or self.target_language)

    def runs(self) -> "list[RunDirectory]":
        """The models that are meant, without threads that they have no use for.

        Raises:
            RunError: See `nmt.runs.finding.chosen_runs`.
        """
        from nmt.runs.finding import Direction, chosen_runs

        runs = chosen_runs(self.models, Direction(self.source_language, self.target_language))
        spare_threads(runs)
        return runs


@dataclass(frozen=True)
class Speaker:
    """What translates.

    Attributes:
        runs: Whose models; several together.
        search: How they search.
        translator: The same, loaded.
    """

    runs: "Sequence[RunDirectory]"
    search: "SearchConfig"
    translator: "Translator"

    @classmethod
    def load(cls, runs: "Sequence[RunDirectory]", search: "SearchConfig") -> "Speaker":
        """Load models that translate together.

        Raises:
            NmtError: See `nmt.translator.translator.Translator.load_ensemble`.
        """
        from nmt.translator.translator import Translator

        return cls(runs, search, Translator.load_ensemble(runs, search))

    def facing(self, text: str, may_turn: bool, changes: "Changes") -> "Speaker":
        """The same, or where the text is in the language translated into, the other way round.

        What is the matter is said on standard error.

        Args:
            text: What is to be translated, or its beginning; it may have tags.
            may_turn: The user has not said which model is to be taken, nor which direction.
            changes: How the other model is to search.
        """
        if not self.translator.is_wrong_way(TAG.sub(" ", text)):
            return self
        others = _turned(self.runs[0], may_turn)
        if not others:
            return self
        turned = Speaker.load(others, changes.applied(others[0].config()).search)
        announce("translating", others)
        return turned


def spare_threads(runs: "Sequence[RunDirectory]") -> None:
    """Have NumPy start no thread for each core, before it is imported, where torch is not used.

    It multiplies no matrices then, and starting them takes it 0.05 s.
    """
    if all(run.is_exported for run in runs):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def announce(doing: str, runs: "Sequence[RunDirectory]") -> None:
    """Say which models speak, and what would make them quicker.

    Args:
        doing: What they do, such as ``translating``.
        runs: The models.
    """
    say(f"{doing} with {', '.join(run.introduced for run in runs)}")
    for run in runs:
        if not run.is_exported:
            say(
                f"{run.path} is not exported, so torch is loaded, which takes longer: "
                f"`nmt export {shlex.quote(str(run.path))}` changes that"
            )


def _turned(run: "RunDirectory", may_turn: bool) -> "list[RunDirectory]":
    """The model to take instead of one that a text is in the wrong language for; none to keep it.

    Says on standard error that it is, and what becomes of that.
    """
    from nmt.errors import NmtError
    from nmt.runs.finding import Direction, chosen_runs
    from nmt.text.languages import language_name

    here = Direction.of(run)
    source, target = language_name(here.source), language_name(here.target)
    problem = f"this text is in {target}, and {run.path.name} translates from {source}"
    try:
        others = chosen_runs([], Direction(here.target, here.source))
    except NmtError:
        say(f"{problem}: no good may come of it")
        return []
    if may_turn:
        say(f"{problem}: it is translated into {source} instead")
        return others
    [other] = [run.path.name if run.is_shipped else run.path for run in others]
    quoted = shlex.quote(str(other))
    say(f"{problem}: `--model {quoted}` would translate it into {source}")
    return []
