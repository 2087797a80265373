"""The models of a server: which languages go into which."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nmt.errors import ServerError
from nmt.runs.directory import RunDirectory
from nmt.text.languages import language_name
from nmt.translator.translator import Translator

TRADITIONAL = {"tw", "hk", "mo"}
"""Countries in which Chinese is written in traditional characters."""


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
    def codes(self) -> list[str]:
        """All languages, in order of their codes."""
        return sorted({code for direction in self._models for code in direction})

    @property
    def directions(self) -> list[tuple[str, str]]:
        """From where to where, the first model first."""
        return list(self._models)

    def code_of(self, code: str) -> str:
        """The language here that a code stands for: in other letters, or with a country.

        Args:
            code: Such as ``EN``, ``fr-FR`` or ``zh-Hans``.

        Returns:
            The code as it is here; where there is no such language, as it is given.
        """
        asked = _written(code)
        same = [each for each in self.codes if _written(each) == asked]
        return next((each for each in same if each.lower() == code.lower()), (*same, code)[0])

    def sources_of(self, target: str) -> list[str]:
        """The languages that are translated into one."""
        return sorted(source for source, other in self._models if other == target)

    def find(self, source: str, target: str) -> Model | None:
        """The model for a direction, if there is one; see `code_of`."""
        return self._models.get((self.code_of(source), self.code_of(target)))

    def take_over(self, other: "Models") -> None:
        """Translate with other models from now on; what is begun ends with those of before.

        Raises:
            ServerError: They translate in other directions.
        """
        if other._models.keys() != self._models.keys():
            raise ServerError("the models translate in other directions now: start it again")
        self._models = other._models

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


def _written(code: str) -> tuple[str, str]:
    """The language of a code and the script it is written in, as far as that is not the usual."""
    language, *others = code.lower().replace("_", "-").split("-")
    script = next((part for part in others if len(part) == 4), "")
    if language == "zh" and not script:
        script = "hant" if TRADITIONAL & set(others) else "hans"
    return language, script
