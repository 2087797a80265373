"""Options of the command line, each declared once: as the default of a parameter or of a field.

`takes` makes a command of a function. A parameter whose type is a dataclass stands for as many
options as it has fields with one, so that commands share them and get them as one value.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from nmt.cli.lines import write_line
from nmt.cli.together import refuse_apart
from nmt.errors import SearchError

if TYPE_CHECKING:
    from nmt.config import RunConfig

_DECLARATION = "declaration"


def option(declaration: str, help: str, default: Any = None, **more: Any) -> Any:
    """An option, to stand as the default of a parameter or field.

    Args:
        declaration: As its help shows it, such as ``--beam N``.
        help: What it does.
        default: Its value where it is not given; ``list`` for one that can be repeated.
        more: See `typer.Option`.
    """
    name, _, metavar = declaration.partition(" ")
    is_shown = default not in (None, "", list)
    return _field(
        default,
        typer.Option(name, metavar=metavar or None, help=help, show_default=is_shown, **more),
    )


def argument(metavar: str, help: str, default: Any = None, **more: Any) -> Any:
    """An argument, likewise; a default of ``...`` is for one that has to be given."""
    return _field(default, typer.Argument(metavar=metavar, help=help, show_default=False, **more))


def _field(default: Any, declaration: Any) -> Any:
    if default is list:
        return field(default_factory=list, metadata={_DECLARATION: declaration})
    return field(default=default, metadata={_DECLARATION: declaration})


class _Declared(NamedTuple):
    """An option of a command: its type and declaration, and the dataclass that it is a field of."""

    annotation: Any
    field: "Field[Any]"
    group: str

    @property
    def default(self) -> Any:
        return [] if self.field.default is MISSING else self.field.default

    @property
    def parameter_default(self) -> Any:
        if self.field.default is ...:
            return inspect.Parameter.empty
        return None if self.field.default is MISSING else self.field.default

    @property
    def name(self) -> str:
        declaration = self.field.metadata[_DECLARATION]
        is_option = isinstance(declaration, typer.models.OptionInfo)
        return str(declaration.default if is_option else declaration.metavar).split("/")[0]


def takes(command: Callable[..., None]) -> Callable[..., None]:
    """A command as typer understands it, each of whose options is a parameter.

    Options that do not go together are refused before it is called; see `nmt.cli.together`.
    """
    parameters = inspect.signature(command).parameters
    groups: dict[str, Any] = {
        name: p.annotation for name, p in parameters.items() if is_dataclass(p.annotation)
    }
    declared = dict(_declared(parameters.values()))

    @wraps(command)
    def called(**values: Any) -> None:
        values = {n: d.default if values.get(n) is None else values[n] for n, d in declared.items()}
        arguments = {n: values[n] for n, d in declared.items() if not d.group}
        for group, kind in groups.items():
            own = {n: values[n] for n, d in declared.items() if d.group == group}
            arguments[group] = kind(**own)
            values |= vars(arguments[group])
        given = [d.name for n, d in declared.items() if values[n] != d.default]
        for group in groups:
            given += getattr(arguments[group], "implied", ())
        refuse_apart(command.__name__, given)
        command(**arguments)

    signature = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=d.parameter_default,
            annotation=Annotated[d.annotation, d.field.metadata[_DECLARATION]],
        )
        for name, d in declared.items()
    ]
    called.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    return called


def _declared(parameters: Iterable[inspect.Parameter]) -> Iterator[tuple[str, _Declared]]:
    for parameter in parameters:
        if not is_dataclass(parameter.annotation):
            yield parameter.name, _Declared(parameter.annotation, parameter.default, "")
            continue
        types = get_type_hints(parameter.annotation)
        for each in fields(parameter.annotation):
            if _DECLARATION in each.metadata:
                yield each.name, _Declared(types[each.name], each, parameter.name)


JSON: Any = option("--json", "Print JSON, for programs, instead of text.", False)


@dataclass(frozen=True)
class Plan:
    """A training, as a user describes it."""

    recipe: str | None = argument(
        "RECIPE",
        "A recipe.toml, a folder with one, or a name under corpora/: starter (the default), "
        "multi30k, tatoeba, tatoeba-zh.",
    )
    folder: Path | None = option(
        "--run DIR", "The folder of the run. By default checkpoints/ and the name of the recipe."
    )
    settings: list[str] = option(
        "--set KEY=VALUE",
        "Override a key of the recipe, such as training.epochs=3. Repeat for more.",
        list,
    )
    are_keys_asked: bool = option(
        "--keys",
        "List the keys of a recipe with their defaults and what they do, those that matter most "
        "first, and exit. With a word instead of RECIPE: only the keys that are about it.",
        False,
    )

    def show_keys(self) -> None:
        """Print the keys.

        Raises:
            ConfigError: None is about the word.
        """
        from nmt.config import keys_about

        for key in keys_about(self.recipe or ""):
            for line in (f"{key.name} = {key.default}   ({key.values})", f"    {key.help}", ""):
                write_line(line)


def refuse_missing_corpus(config: "RunConfig") -> None:
    """Look for the files of a local corpus, before anything slow is done.

    Raises:
        CorpusError: A split is not there.
    """
    from nmt.data.splits import find_origin

    for section, corpus in config.corpus.to_learn_from().items():
        splits = (corpus.train, corpus.dev, corpus.test) if section == "corpus" else (corpus.train,)
        for split in splits:
            if split and not corpus.hub:
                find_origin(corpus, split, section)


def refuse_missing_packages(*names: str) -> None:
    """Look for packages that the base install leaves out, before anything is written.

    Raises:
        ModuleNotFoundError: The first that is not there.
    """
    for name in names:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def refuse_misplaced(option: str, file: Path) -> None:
    """See to it, before anything takes long, that a file can be where it is to be.

    Args:
        option: What names it, such as ``--html``.
        file: The file.

    Raises:
        SearchError: It is a folder, or in none.
    """
    if file.is_dir():
        raise SearchError(f"{option} {file}: this is a folder: name a file in it")
    if not file.parent.is_dir():
        raise SearchError(f"{option} {file}: there is no folder {file.parent}: make it first")
