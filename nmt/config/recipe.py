"""Recipes: TOML files of these sections, and what a user changes of them with ``--set``."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from nmt.config.keys import field_of, problem_of
from nmt.config.sections import CorpusConfig, RunConfig
from nmt.errors import ConfigError

Override = tuple[str, Any]
"""The full name of a key, such as ``training.epochs``, and its new value."""

RECIPE_FILE = "recipe.toml"
LARGEST_RECIPE = 100_000
"""Bytes; that of a run has some 4,000."""
MOST_DOTS = 200
"""In a line."""
MOST_PROBLEMS = 10
"""Described in one message."""

_PACKAGE = Path(__file__).resolve().parents[1]


def find_recipe(name: str) -> Path:
    """The recipe that a user means by ``name``.

    Args:
        name: A recipe file, a folder with a ``recipe.toml``, or the name of a folder under
            ``corpora/``: that of the working directory first, else the one nmt came with.

    Raises:
        ConfigError: There is no such recipe; the message lists those that there are.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if (path / RECIPE_FILE).is_file():
        return path / RECIPE_FILE
    # In the wheel corpora/ is inside the package, in a checkout beside it.
    roots = (Path("corpora"), _PACKAGE / "corpora", _PACKAGE.parent / "corpora")
    if len(path.parts) == 1:
        for root in roots:
            if (root / name / RECIPE_FILE).is_file():
                return root / name / RECIPE_FILE
    known = sorted({found.parent.name for root in roots for found in root.glob(f"*/{RECIPE_FILE}")})
    raise ConfigError(
        f"no recipe {name!r}: it is neither a file nor a folder with a {RECIPE_FILE}, nor one of "
        f"the recipes here: {', '.join(known) or 'none'}"
    )


def recipe_name(path: Path) -> str:
    """What to call a recipe, and by default its run: its folder, or its file name if not usual."""
    return path.resolve().parent.name if path.name == RECIPE_FILE else path.stem


def load_recipe(path: Path, overrides: Sequence[str | Override] = ()) -> RunConfig:
    """Read a recipe, or the ``config.toml`` of a run, and apply ``--set`` overrides to it.

    A relative ``path`` of a corpus is relative to the recipe's folder, in an override to the
    working directory; it comes back absolute.

    Raises:
        ConfigError: The file cannot be read, or a key is unknown, wrong or contradictory.
    """
    tree = _read(path)
    for name, corpus in _tables_of_corpora(tree).items():
        if isinstance(corpus.get("path"), str) and corpus["path"]:
            corpus["path"] = _absolute(f"{path}: {name}.path", corpus["path"], path.parent)
    # Overrides come before the check: they may supply what a recipe leaves out, or mend it.
    _apply(tree, overrides)
    return _validate(tree, f"{path}: ", overrides)


def override(config: RunConfig, overrides: Sequence[str | Override]) -> RunConfig:
    """A configuration with some keys changed.

    Args:
        config: Where to start from.
        overrides: Keys and values, or texts for `parse_override`; of several for a key the last.
            Where ``corpus.source`` or ``corpus.target`` becomes the other one's language, the
            direction is reversed; the ``path`` of a corpus takes the place of its ``hub`` and
            vice versa.

    Raises:
        ConfigError: A key is unknown, or a value wrong or in contradiction with another.
    """
    tree = config.model_dump(mode="json")
    _apply(tree, overrides)
    return _validate(tree)


def parse_override(text: str) -> Override:
    """What ``section.key=value`` says: the value in TOML, or else a plain string.

    Raises:
        ConfigError: There is no such key, or no value.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise ConfigError(f"--set {text}: there is no value: write --set section.key=value")
    return name, _parse(field_of(name), value.strip())


def to_toml(config: RunConfig) -> str:
    """The whole configuration as TOML that `load_recipe` reads back to an equal one."""
    return tomli_w.dumps(config.model_dump(mode="json"))


def _read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file of at most `LARGEST_RECIPE` bytes."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: cannot be read: this is not a regular file")
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_RECIPE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_RECIPE:
        raise ConfigError(f"{path}: too large: a recipe has at most {LARGEST_RECIPE:,} bytes")
    # tomllib takes time that is quadratic in the parts of a key
    if any(line.count(b".") > MOST_DOTS for line in content.splitlines()):
        raise ConfigError(f"{path}: not a recipe: a line of it has more than {MOST_DOTS} dots")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # a whole number can be too long to be one
        raise ConfigError(f"{path}: not a TOML file: {error}") from error


def _absolute(name: str, path: str, folder: Path) -> str:
    if "\0" in path:
        raise ConfigError(f"{name} is {path!r}: no path holds a NUL character")
    return str((folder / Path(path).expanduser()).resolve())


def _apply(tree: dict[str, Any], overrides: Sequence[str | Override]) -> None:
    """Write overrides into the tree of a recipe, in place."""
    given = dict(parse_override(each) if isinstance(each, str) else each for each in overrides)
    for section in {name.rpartition(".")[0] for name in given if name.startswith("corpus.")}:
        path = given.get(f"{section}.path")
        if path:
            given[f"{section}.path"] = _absolute(f"{section}.path", path, Path.cwd())
            given.setdefault(f"{section}.hub", "")
            given.setdefault(f"{section}.hub_subset", "")
        elif given.get(f"{section}.hub"):
            given.setdefault(f"{section}.path", "")
    if "training.epochs" in given or given.get("training.minutes"):
        given.setdefault("training.steps", 0)
    if "training.epochs" in given or given.get("training.steps"):
        given.setdefault("training.minutes", 0.0)
    _reverse(tree, given)
    for name, value in given.items():
        *sections, key = name.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{section} is {table!r}: it is a section, [{section}]")
        table[key] = value


def _reverse(tree: Mapping[str, Any], given: dict[str, Any]) -> None:
    """Complete an override of the languages that turns the direction round."""
    corpora = _tables_of_corpora(tree)
    source, target = (
        corpora.get("corpus", {}).get(key, CorpusConfig.model_fields[key].default)
        for key in ("source", "target")
    )
    new_source, new_target = given.get("corpus.source"), given.get("corpus.target")
    if (new_source or target, new_target or source) != (target, source) or not (
        new_source or new_target
    ):
        return
    given["corpus.source"], given["corpus.target"] = target, source
    for section, table in corpora.items():
        if section == "corpus" or "corpus.also" not in given:
            given.setdefault(f"{section}.source_column", table.get("target_column", ""))
            given.setdefault(f"{section}.target_column", table.get("source_column", ""))


def _tables_of_corpora(tree: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of a recipe that say where pairs come from, by section; only what is a table."""
    corpus = tree.get("corpus")
    if not isinstance(corpus, dict):
        return {}
    also = corpus.get("also")
    further = also if isinstance(also, dict) else {}
    tables = {"corpus": corpus, **{f"corpus.also.{name}": t for name, t in further.items()}}
    return {section: table for section, table in tables.items() if isinstance(table, dict)}


def _parse(field: FieldInfo, value: str) -> Any:
    """The value of an override: TOML, or what comes close, or the text where the key is text."""
    if field.annotation is str and value[:1] not in {'"', "'"}:
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        try:
            return float(value)  # such as .5
        except ValueError:
            return value


def _validate(
    tree: Mapping[str, Any], where: str = "", overrides: Sequence[str | Override] = ()
) -> RunConfig:
    """Check a recipe; ``where`` it is, is said unless overrides alone are to blame."""
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for detail in error.errors(include_url=False):
            if len(problems) == MOST_PROBLEMS:
                problems["..."] = "and more"
                break
            # A union reports a problem for each of its members: the first of a key is enough.
            parts = 4 if detail["loc"][:2] == ("corpus", "also") else 2
            key = ".".join(str(part) for part in detail["loc"][:parts]) or str(len(problems))
            problems.setdefault(key, problem_of(detail))
        given = [
            each.partition("=")[0].strip() if isinstance(each, str) else each[0]
            for each in overrides
        ]
        if all(any(name in problem for name in given) for problem in problems.values()):
            where = ""
        raise ConfigError(where + "; ".join(problems.values())) from error
