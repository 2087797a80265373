"""``nmt eval``: how good a model is, on its own test set or on another, or which is better."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nmt.cli.lines import write_line
from nmt.cli.options import JSON, argument, option, takes
from nmt.cli.searching import Evaluating
from nmt.progress import visible

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


@takes
def evaluate(
    *,
    systems: list[str] = argument(
        "SYSTEM",
        "The folder of a run, the name of a model that came with nmt, or a file of translations, "
        "one a line. Several are compared with the first. A+B is two runs translating together; "
        "NAME=A,B is several as one system, such as the seeds of a recipe. By default the run "
        "trained last.",
        list,
    ),
    models: list[Path] = option(
        "--model DIR",
        "The folder of a run, instead of SYSTEM; by default that in NMT_MODEL. Repeat for an "
        "ensemble, as in `nmt translate`.",
        list,
    ),
    source: Path | None = option(
        "--source FILE",
        "Translate this file, one sentence a line, instead of the (first) run's own test set.",
    ),
    references: list[Path] = option(
        "--reference FILE",
        "The right translations of --source, line by line. Repeat where several people translated "
        "it: whatever is in one of them is right.",
        list,
    ),
    search: Evaluating,
    paired: Literal["bs", "ar"] = option(
        "--paired",
        "How to test differences: paired bootstrap resampling, or paired approximate "
        "randomisation, which takes longer.",
        "bs",
    ),
    sentences: int = option("--sentences N", "Show the N sentences that differ most.", 5, min=0),
    is_json: bool = JSON,
) -> None:
    """Score a model with BLEU, chrF, TER and perplexity, or compare several.

    Translates the test set of the model's recipe, or the files that are named, and compares with
    the references. Scores come with the signature that says how they were computed. The
    translations are kept in the folder of the model, in hypotheses.NAME.txt.

    Of several, says which are better or worse than the first, and where only chance tells them
    apart.
    """
    from nmt.evaluation.systems import find_systems, one_system
    from nmt.runs.finding import chosen_runs

    chosen = find_systems(systems) if systems else [one_system(chosen_runs(models))]
    from nmt.evaluation.evaluate import compare_systems, prepare

    trial = prepare(chosen, source, references, search.applied)
    found: dict[str, Any] = {"test_set": trial.test_set.name}
    result: Comparison | Evaluation
    if len(chosen) == len(chosen[0].members) == 1:
        (member,) = chosen[0].members
        result = trial.evaluation(trial.outcome(member))
        found = {"model": str(member), **found}
    else:
        result = compare_systems(chosen, trial, paired, sentences)
    if is_json:
        write_line(json.dumps({**found, **result.as_dict()}, ensure_ascii=False))
        return
    for line in result.lines():
        write_line(visible(line))
