"""The keys of a configuration, described for people who write and mistype them."""

import ast
import difflib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from nmt.config.sections import PairsConfig, RunConfig, Section
from nmt.errors import ConfigError

FIRST = (
    "corpus.path",
    "corpus.source",
    "corpus.target",
    "tokenizer.vocabulary_size",
    "model.cell",
    "model.hidden_size",
    "model.encoder_layers",
    "model.dropout",
    "training.epochs",
    "training.learning_rate",
)
"""The ten keys that matter most, those of one's own corpus first."""


@dataclass(frozen=True)
class Key:
    """One key of a recipe, described for people."""

    name: str
    """Full name, such as ``training.epochs``."""
    values: str
    """What it takes, such as ``true or false``."""
    default: str
    """Its default, in TOML."""
    help: str
    """Its docstring."""


def keys(section: type[Section] = RunConfig, prefix: str = "") -> Iterator[Key]:
    """Every key of a recipe, in order."""
    help_texts = _help_texts(section)
    for name, field in section.model_fields.items():
        default = field.get_default()
        if isinstance(default, Section):
            yield from keys(type(default), f"{prefix}{name}.")
        else:
            text = " ".join(help_texts[name].replace("``", "").split())
            yield Key(f"{prefix}{name}", _values(field.annotation), json.dumps(default), text)


def keys_about(word: str = "") -> list[Key]:
    """The keys whose name or help has a word in it, those that matter most first.

    Args:
        word: In capitals or not; empty for every key.

    Raises:
        ConfigError: There is none.
    """
    found = [key for key in keys() if word.lower() in f"{key.name} {key.help}".lower()]
    if not found:
        raise ConfigError(f"no key is about {word!r}: `nmt train --keys` lists them all")
    return sorted(found, key=lambda key: FIRST.index(key.name) if key.name in FIRST else len(FIRST))


def changed_keys(old: RunConfig, new: RunConfig) -> list[str]:
    """Full names of the keys in which two configurations differ."""
    before, after = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    # A further corpus may be in one of them only.
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def value_of(config: RunConfig, name: str) -> Any:
    """The value of a key by its full name; None for one of a further corpus that is not there."""
    value: Any = config.model_dump(mode="json")
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            values |= _flat(value, f"{prefix}{name}.")
        else:
            values[prefix + name] = value
    return values


def _help_texts(section: type[Section]) -> dict[str, str]:
    """The docstring under each field, by its name; those of the section it extends first.

    Read from the source only when somebody asks: that pydantic reads them at every start would
    take as long as building the sections.
    """
    [declaration] = ast.parse(inspect.getsource(section)).body
    assert isinstance(declaration, ast.ClassDef)
    extended = section.__base__
    texts = _help_texts(extended) if extended and issubclass(extended, Section) else {}
    for field, below in pairwise(declaration.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                texts[name] = text
    return texts


def _values(annotation: Any) -> str:
    """What a key of this type takes, in words."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if annotation in names:
        return names[annotation]
    if get_origin(annotation) is Literal:
        return ", ".join(get_args(annotation))
    if get_origin(annotation) is Annotated:
        return _values(get_args(annotation)[0])
    if get_origin(annotation) is tuple:
        return "a list of these"
    if get_origin(annotation) is dict:
        return "sections with a name, {} for none"
    return " or ".join(_values(argument) for argument in get_args(annotation))


def field_of(name: str) -> FieldInfo:
    """The field with this full name."""
    *sections, key = name.split(".")
    section: type[BaseModel] = RunConfig
    if _general(name) != name:
        section, sections = PairsConfig, []
    for part in sections:
        field = section.model_fields.get(part)
        if field is None or not isinstance(field.get_default(), Section):
            raise ConfigError(_unknown(name))
        section = type(field.get_default())
    field = section.model_fields.get(key)
    if field is None or isinstance(field.get_default(), Section):
        raise ConfigError(_unknown(name))
    return field


def _general(name: str) -> str:
    """The full name of a key, with NAME instead of the name of a further corpus."""
    return re.sub(r"^corpus\.also\.[^.]+\.", "corpus.also.NAME.", name)


@cache
def _all_keys() -> dict[str, Key]:
    """Every key by its full name, those of further corpora too, as those of NAME."""
    return {key.name: key for key in (*keys(), *keys(PairsConfig, _general("corpus.also.x.")))}


def _unknown(name: str) -> str:
    """What to say of a key that does not exist, with the nearest one that does."""
    further = re.match(r"corpus\.also\.([^.]+)", name)
    known = [key.replace("NAME", further[1]) if further else key for key in _all_keys()]
    sections = sorted({section for section, dot, _ in (key.partition(".") for key in known) if dot})
    sections += [further[0]] if further else []
    if name in sections:
        example = next(key for key in known if key.startswith(f"{name}."))
        return f"{name} is a section: name one of its keys, such as {example}"
    if len(name) > 100:
        return f"unknown key {name[:100]}...: `nmt train --keys` lists them all"
    likeness = {candidate: _likeness(name, candidate) for candidate in known + sections}
    best = max(likeness.values())
    near = [candidate for candidate in likeness if likeness[candidate] == best]
    hint = (
        f"did you mean {' or '.join(near)}?" if best > 0.6 else "`nmt train --keys` lists them all"
    )
    return f"unknown key {name}: {hint}"


def _likeness(name: str, candidate: str) -> float:
    """From 0 to 1. A right key in the wrong section is as near as one misspelt."""
    last, own = name.rpartition(".")[2], candidate.rpartition(".")[2]
    return max(
        difflib.SequenceMatcher(None, *words).ratio() for words in ((name, candidate), (last, own))
    )


def problem_of(detail: ErrorDetails) -> str:
    """One problem that pydantic found, in our words and with the full key."""
    location = [str(part) for part in detail["loc"]]
    if detail["type"] == "extra_forbidden":
        return _unknown(".".join(location))
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    names = _all_keys()
    if detail["type"] == "model_type":
        section = ".".join(location)
        return f"{section} is {_shown(detail['input'])}: it is a section, [{section}]"
    while _general(".".join(location)) not in names:
        location.pop()
    name = ".".join(location)
    wanted = requirement(detail, names[_general(name)].values)
    return f"{name} is {_shown(detail['input'])}: {wanted}"


def _shown(value: object) -> str:
    """A value as it is written, cut short where it is long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def requirement(detail: ErrorDetails, values: str = "") -> str:
    """What a value should have been that pydantic refused, in our words.

    Args:
        detail: What it says.
        values: What the key takes, where that is known.
    """
    kind = detail["type"]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "string_too_short":
        return "it must not be empty"
    if kind.endswith(("_type", "_parsing", "literal_error", "int_from_float")):
        number = "a number" if kind.startswith("float") else "a whole number"
        return f"it takes {values or number}"
    return detail["msg"].replace("Input should be", "it must be")
