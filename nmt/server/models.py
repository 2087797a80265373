"""The models of a server: which languages go into which."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nmt.errors import ServerError
from nmt.runs.directory import RunDirectory
from nmt.text.languages import language_name
from nmt.translator.translator import Translator


@dataclass(frozen=True)
class Model:
    """A translator and its direction.

    Attributes:
        source: The code of the language translated from.
        target: Of the language translated into.
        translator: What translates.
    """

    source: str
    target: str
    translator: Translator


class Models:
    """The models that are served, one for each direction."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = {(model.source, model.target): model for model in models}

    @classmethod
    def load(cls, runs: Sequence[RunDirectory]) -> "Models":
        """Load exported runs.

        Args:
            runs: At least one. Of two for one direction, the first is used; that is said on
                standard error.

        Raises:
            ServerError: A run is not exported.
            RunError: A run is damaged.
        """
        models: dict[tuple[str, str], Model] = {}
        for run in runs:
            corpus = run.config().corpus
            direction = corpus.source, corpus.target
            if direction in models:
                print(
                    f"{run.described} is left out: another model before it translates from "
                    f"{corpus.source} to {corpus.target}, too",
                    file=sys.stderr,
                )
                continue
            if not run.is_exported:
                raise ServerError(
                    f"{run.path}: this run is not exported, and the server works without torch: "
                    f"write its export first with `nmt export {run.path}`"
                )
            models[direction] = Model(*direction, Translator.load(run, threads=1))
            print(f"{corpus.source} to {corpus.target}: {run.introduced}", file=sys.stderr)
        return cls(list(models.values()))

    @property
    def sources(self) -> list[str]:
        """The languages that are translated from, in order of their codes."""
        return sorted({source for source, _ in self._models})

    @property
    def codes(self) -> list[str]:
        """All languages, in order of their codes."""
        return sorted({code for direction in self._models for code in direction})

    @property
    def directions(self) -> list[tuple[str, str]]:
        """From where to where, the first model first."""
        return list(self._models)

    def sources_of(self, target: str) -> list[str]:
        """The languages that are translated into one."""
        return sorted(source for source, other in self._models if other == target)

    def find(self, source: str, target: str) -> Model | None:
        """The model for a direction, if there is one."""
        return self._models.get((source, target))

    def listed(self) -> list[dict[str, Any]]:
        """The languages as the API lists them."""
        return [
            {
                "code": code,
                "name": language_name(code),
                "targets": sorted(target for source, target in self._models if source == code),
            }
            for code in self.codes
        ]
