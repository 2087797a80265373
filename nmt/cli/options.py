"""Options that several subcommands have, and what they stand for."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli.lines import write_line
from nmt.errors import ConfigError, SearchError
from nmt.runs.finding import open_run

if TYPE_CHECKING:
    from nmt.config import RunConfig, SearchConfig
    from nmt.runs.directory import RunDirectory


def _show_keys(is_asked: bool) -> None:
    if is_asked:
        from nmt.config import keys

        for key in keys():
            for line in (f"{key.name} = {key.default}   ({key.values})", f"    {key.help}", ""):
                write_line(line)
        raise typer.Exit


Recipe = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE",
        show_default=False,
        help="A recipe.toml, a folder with one, or a name under corpora/: starter (the default), "
        "multi30k, tatoeba, tatoeba-zh.",
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        show_default=False,
        help="The folder of the run. By default checkpoints/ and the name of the recipe.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Override a key of the recipe, such as training.epochs=3. Repeat for more.",
    ),
]
SetSearch = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Override another key of the search, such as search.no_repeat=3. Repeat for more; "
        "`nmt train --keys` lists them.",
    ),
]
SetSearchOrCorpus = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Override a key of the search or the corpus, such as corpus.test=dev. Repeat for "
        "more; `nmt train --keys` lists them.",
    ),
]
Keys = Annotated[
    bool,
    typer.Option(
        "--keys",
        callback=_show_keys,
        is_eager=True,
        help="List every key of a recipe, with its default and what it does, and exit.",
    ),
]
Models = Annotated[
    list[Path] | None,
    typer.Option(
        "--model",
        metavar="DIR",
        envvar="NMT_MODEL",
        show_default=False,
        help="The folder of a trained run, or the name of a model that came with nmt. By default "
        "the run under checkpoints/ trained last, else one that came with nmt. Repeat for an "
        "ensemble of runs with the same tokenizer, of which the first says how to search.",
    ),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="LANGUAGE",
        show_default=False,
        help="Take a model that translates from this language, such as fr.",
    ),
]
To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="LANGUAGE",
        show_default=False,
        help="Take a model that translates into this language.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON, for programs, in the place of text.")
]
Beam = Annotated[
    int | None,
    typer.Option(
        "--beam",
        metavar="N",
        show_default=False,
        help="Hypotheses kept at each step, by default as the run says (5); 1 is greedy, quickest.",
    ),
]
LengthPenalty = Annotated[
    float | None,
    typer.Option(
        "--length-penalty",
        metavar="X",
        show_default=False,
        help="Divide scores by length to this power: 0 favours short translations.",
    ),
]
NBest = Annotated[
    int | None,
    typer.Option(
        "--n-best",
        metavar="N",
        show_default=False,
        help="Print the N best translations of each line, as LINE, SCORE and TEXT with tabs "
        "between, lines counted from 1. N is at most the beam.",
    ),
]
Sample = Annotated[
    bool,
    typer.Option("--sample", help="Draw a translation at random: livelier, worse."),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        metavar="X",
        show_default=False,
        help="With --sample: above 1 for more variety, below 1 for less.",
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        metavar="N",
        show_default=False,
        help="With --sample: only among the N likeliest subwords; 0 for all.",
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        metavar="P",
        show_default=False,
        help="With --sample: only among the likeliest subwords that add up to probability P.",
    ),
]
TypicalP = Annotated[
    float | None,
    typer.Option(
        "--typical-p",
        metavar="P",
        show_default=False,
        help="With --sample: only among the most typical subwords that add up to probability P.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        show_default=False,
        help="With --sample: another seed gives other translations; 1 by default.",
    ),
]


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


def chosen_run(model: Path | None) -> "RunDirectory":
    """The run to work with: the one named, else the one trained last.

    Raises:
        RunError: It is not a trained run, or there is none.
    """
    from nmt.runs.directory import CHECKPOINTS
    from nmt.runs.finding import latest_run

    return open_run(latest_run(CHECKPOINTS).path if model is None else model)


def search_of(
    config: "RunConfig",
    options: Mapping[str, Any],
    settings: Sequence[str],
    sections: tuple[str, ...],
) -> "tuple[RunConfig, SearchConfig]":
    """The run's configuration and its search, changed by the command line.

    Args:
        config: The run's; of several that translate together, the first's.
        options: Values of keys of ``search``; None where an option was not given.
        settings: ``--set`` overrides.
        sections: Sections whose keys these may change.

    Raises:
        ConfigError: A value is wrong, or contradicts another, or its key is in another section.
        SearchError: An option that is only for sampling was given without ``--sample``, or the
            width of a beam with it.
    """
    from nmt.config import override

    given = {key: value for key, value in options.items() if value is not None}
    changed = override(
        config, [*settings, *(f"search.{key}={value}" for key, value in given.items())]
    )
    for setting in settings:
        if setting.partition(".")[0].strip() not in sections:
            raise ConfigError(
                f"--set {setting}: a trained model keeps this as it is; only keys of "
                f"{' and '.join(sections)} can be set here"
            )
    is_beam_set = any(setting.partition("=")[0].strip() == "search.beam" for setting in settings)
    if changed.search.sample and ("beam" in given or is_beam_set):
        raise SearchError("--beam is for searching and --sample draws at random: leave one out")
    for key in ("temperature", "top_k", "top_p", "typical_p", "seed"):
        if key in given and not changed.search.sample:
            option = "--" + key.replace("_", "-")
            raise SearchError(f"{option} is for drawing translations at random: add --sample")
    return changed, changed.search


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
