"""Which models a command translates with, and what it says of them."""

import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nmt.config import RunConfig, SearchConfig
    from nmt.runs.directory import RunDirectory
    from nmt.translator.translator import Translator

    SearchOf = Callable[[RunConfig], tuple[RunConfig, SearchConfig]]
    """A run's configuration and its search, as the command line changes them."""

TAG = re.compile("<[^<>]*>")


@dataclass(frozen=True)
class Asked:
    """What the command line says of models.

    Attributes:
        models: Those that it names.
        source: The code of the language to translate from; empty for any.
        target: Of the language to translate into, likewise.
    """

    models: Sequence[Path]
    source: str
    target: str

    @property
    def is_open(self) -> bool:
        """Whether the direction is left to nmt."""
        return not (self.models or self.source or self.target)

    def runs(self) -> "list[RunDirectory]":
        """The models that are meant, without threads that they have no use for.

        Raises:
            RunError: See `nmt.runs.finding.chosen_runs`.
        """
        from nmt.runs.finding import Direction, chosen_runs

        runs = chosen_runs(self.models, Direction(self.source, self.target))
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
    def load(cls, runs: "Sequence[RunDirectory]", search_of: "SearchOf") -> "Speaker":
        """Load models that translate together.

        Raises:
            NmtError: See `nmt.translator.translator.Translator.load_ensemble`.
        """
        from nmt.translator.translator import Translator

        _, search = search_of(runs[0].config())
        return cls(runs, search, Translator.load_ensemble(runs, search))

    def facing(self, text: str, may_turn: bool, search_of: "SearchOf") -> "Speaker":
        """The same, or where the text is in the language translated into, the other way round.

        What is the matter is said on standard error.

        Args:
            text: What is to be translated, or its beginning; it may have tags.
            may_turn: The user has not said which model is to be taken, nor which direction.
            search_of: How the other model is to search.
        """
        if not self.translator.is_wrong_way(TAG.sub(" ", text)):
            return self
        others = _turned(self.runs[0], may_turn)
        if not others:
            return self
        turned = Speaker.load(others, search_of)
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
    print(doing, "with", ", ".join(run.introduced for run in runs), file=sys.stderr)
    for run in runs:
        if not run.is_exported:
            print(
                f"{run.path} is not exported, so torch is loaded, which takes longer: "
                f"`nmt export {shlex.quote(str(run.path))}` changes that",
                file=sys.stderr,
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
        print(f"{problem}: no good may come of it", file=sys.stderr)
        return []
    if may_turn:
        print(f"{problem}: it is translated into {source} instead", file=sys.stderr)
        return others
    [other] = [run.path.name if run.is_shipped else run.path for run in others]
    quoted = shlex.quote(str(other))
    print(f"{problem}: `--model {quoted}` would translate it into {source}", file=sys.stderr)
    return []
