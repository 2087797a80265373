"""What is evaluated: a run, an ensemble of runs, a file of translations, or several of one kind."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nmt.config import RunConfig
from nmt.data.readers import read_lines
from nmt.errors import CorpusError, RunError
from nmt.evaluation.test_sets import HeldOut
from nmt.progress import counted
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import named, open_run
from nmt.text.normalise import normalise

Changed = Callable[[RunConfig], RunConfig]
"""A run's configuration, as the command line changes it."""


@dataclass(frozen=True)
class Models:
    """One run, or several that translate together."""

    runs: tuple[RunDirectory, ...]

    def __str__(self) -> str:
        return "+".join(run.described for run in self.runs)

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return "+".join(run.path.resolve().name for run in self.runs)


@dataclass(frozen=True)
class TranslatedFile:
    """Translations in a text file, one a line."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return self.path.name

    def translations(self, test_set: HeldOut) -> tuple[str, ...]:
        """Read the translations of a test set.

        Raises:
            CorpusError: The file is not text, or has not a line for each sentence.
        """
        texts = tuple(map(normalise, read_lines(self.path)))
        if len(texts) != len(test_set.references):
            raise CorpusError(
                f"{self.path} has {counted(len(texts), 'line')} but the test set "
                f"{test_set.name} has {len(test_set.references)}: line N must be the "
                "translation of its sentence N"
            )
        return texts


Member = Models | TranslatedFile


@dataclass(frozen=True)
class System:
    """One row of a table.

    Attributes:
        name: What to call it.
        members: The systems that are shown as one, such as the runs of a recipe with several seeds;
            mostly there is one.
    """

    name: str
    members: tuple[Member, ...]


def one_system(runs: Sequence[RunDirectory]) -> System:
    """A run, or several that translate together."""
    models = Models(tuple(runs))
    return System(models.name, (models,))


def find_systems(texts: Sequence[str]) -> list[System]:
    """The systems that a user means.

    Args:
        texts: For each ``PATH``, a run, the name of a model that came with nmt, or a file of
            translations; ``PATH+PATH``, runs that translate together; or ``NAME=PATH,PATH``,
            several as one row. A path that exists is one, whatever signs it has.

    Returns:
        Systems whose names differ, in order.

    Raises:
        RunError: One is not there, or no trained run.
        ConfigError: A run's configuration is not one that this version understands.
    """
    systems = [_system(text) for text in texts]
    names = _distinct([system.name for system in systems], texts)
    return [replace(system, name=name) for system, name in zip(systems, names, strict=True)]


def _distinct(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Names made different: the paths where they are not, and numbers for what is given twice."""
    of_paths = Counter(dict(zip(paths, names, strict=True)).values())
    seen: Counter[str] = Counter()
    distinct = []
    for name, path in zip(names, paths, strict=True):
        name = name if of_paths[name] == 1 else path
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _system(text: str) -> System:
    name, equals, paths = text.partition("=")
    if Path(text).exists() or not equals:
        member = _member(text)
        return System(member.name, (member,))
    if not name or not all(paths.split(",")):
        raise RunError(f"{text}: write several runs as one system NAME=RUN,RUN")
    return System(name, tuple(map(_member, paths.split(","))))


def _member(text: str) -> Member:
    parts = [text] if Path(text).exists() else text.split("+")
    paths = tuple(named(Path(part)) for part in parts)
    for part, path in zip(parts, paths, strict=True):
        if not path.exists():
            raise RunError(
                f"{part}: there is no such run and no such file of translations (runs that "
                "translate together are A+B, several as one row NAME=A,B)"
            )
    if len(parts) == 1 and Path(text).is_file():
        return TranslatedFile(Path(text))
    return Models(tuple(map(open_run, paths)))


def runs_of(systems: Sequence[System]) -> Iterator[RunDirectory]:
    """All runs that are needed, in order."""
    for system in systems:
        for member in system.members:
            if isinstance(member, Models):
                yield from member.runs
