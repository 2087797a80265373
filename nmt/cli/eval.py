"""``nmt eval``: how good a model is, on its own test set or on another, or which is better."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nmt.cli.lines import write_line
from nmt.cli.options import Beam, Json, LengthPenalty, SetSearchOrCorpus, search_of
from nmt.errors import RunError

if TYPE_CHECKING:
    from nmt.evaluation.comparison import Comparison
    from nmt.evaluation.metrics import Evaluation

EXAMPLES = """\b
Examples:
  nmt eval
  nmt eval checkpoints/multi30k --beam 1
  nmt eval --source letters.fr --reference letters.en
  nmt eval --json | jq .bleu.score
  nmt eval checkpoints/a checkpoints/b       (which is better?)
  nmt eval checkpoints/a theirs.en --source letters.fr --reference letters.en
  nmt eval base=runs/1,runs/2 wide=runs/3,runs/4 runs/3+runs/4
"""


def evaluate(
    systems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SYSTEM",
            show_default=False,
            help="The folder of a run, the name of a model that came with nmt, or a file of "
            "translations, one a line. Several are compared with the first. A+B is two runs "
            "translating together; NAME=A,B is several as one system, such as the seeds of a "
            "recipe. By default the run trained last.",
        ),
    ] = None,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="DIR",
            show_default=False,
            help="The folder of a run, in the place of SYSTEM; by default that in NMT_MODEL. "
            "Repeat for an ensemble, as in `nmt translate`.",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            metavar="FILE",
            show_default=False,
            help="Translate this file, one sentence a line, instead of the (first) run's own test "
            "set.",
        ),
    ] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            show_default=False,
            help="The right translations of --source, line by line. Repeat where several people "
            "translated it: whatever is in one of them is right.",
        ),
    ] = None,
    beam: Beam = None,
    length_penalty: LengthPenalty = None,
    settings: SetSearchOrCorpus = None,
    paired: Annotated[
        Literal["bs", "ar"],
        typer.Option(
            help="How to test differences: paired bootstrap resampling, or paired approximate "
            "randomisation, which takes longer.",
        ),
    ] = "bs",
    sentences: Annotated[
        int,
        typer.Option(
            "--sentences", metavar="N", min=0, help="Show the N sentences that differ most."
        ),
    ] = 5,
    as_json: Json = False,
) -> None:
    """Score a model with BLEU, chrF, TER and perplexity, or compare several.

    Translates the test set of the model's recipe, or the files that are named, and compares with
    the references. Scores come with the signature that says how they were computed. The
    translations are kept in the folder of the model, in hypotheses.NAME.txt.

    Of several, says which are better or worse than the first, and where only chance tells them
    apart.
    """
    if systems and models:
        raise RunError("--model is in the place of SYSTEM: give one or the other")
    from nmt.evaluation.systems import find_systems, one_system
    from nmt.runs.finding import chosen_runs

    chosen = find_systems(systems) if systems else [one_system(chosen_runs(models or []))]
    changed = partial(
        search_of,
        options={"beam": beam, "length_penalty": length_penalty},
        settings=settings or [],
        sections=("search", "corpus"),
    )
    from nmt.evaluation.evaluate import compare_systems, prepare

    trial = prepare(chosen, source, references or [], changed)
    found: dict[str, Any] = {"test_set": trial.test_set.name}
    result: Comparison | Evaluation
    if len(chosen) == len(chosen[0].members) == 1:
        (member,) = chosen[0].members
        result = trial.evaluation(trial.outcome(member))
        found = {"model": str(member), **found}
    else:
        result = compare_systems(chosen, trial, paired, sentences)
    if as_json:
        write_line(json.dumps({**found, **result.as_dict()}, ensure_ascii=False))
        return
    for line in result.lines():
        write_line(line)
