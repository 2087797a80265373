"""``nmt eval``: how good a model is, on its own test set or on another."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.lines import write_line
from nmt.cli.options import Beam, Json, LengthPenalty, Model, chosen_run, search_of
from nmt.errors import CorpusError

EXAMPLES = """\b
Examples:
  nmt eval
  nmt eval --model checkpoints/multi30k --beam 1
  nmt eval --source letters.fr --reference letters.en
  nmt eval --json | jq .bleu.score
"""


def evaluate(
    model: Model = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            metavar="FILE",
            show_default=False,
            help="Translate this file, one sentence a line, instead of the model's own test set.",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            show_default=False,
            help="The right translations of --source, line by line.",
        ),
    ] = None,
    beam: Beam = None,
    length_penalty: LengthPenalty = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="Override a key of the search or the corpus, such as corpus.test=dev. Repeat for "
            "more; `nmt train --keys` lists them.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a model with BLEU, chrF, TER and perplexity.

    Translates the test set of the model's recipe, or the files that are named, and compares with
    the references. Scores come with the signature that says how they were computed. The
    translations are kept in the folder of the model, in hypotheses.NAME.txt.
    """
    run = chosen_run(model)
    config, search = search_of(
        run.config(),
        {"beam": beam, "length_penalty": length_penalty},
        settings or [],
        sections=("search", "corpus"),
    )
    if (source is None) != (reference is None):
        raise CorpusError("--source and --reference belong together: name both files")
    print(f"scoring {run.path}", file=sys.stderr)
    from nmt.scoring import own_test_set, score, test_set_of_files

    if source is not None and reference is not None:
        pairs, name = test_set_of_files(source, reference), source.name
    else:
        pairs, name = own_test_set(config), config.corpus.test
    result = score(run, config, search, pairs, name)
    if as_json:
        found = {"model": str(run.path), "test_set": name, **result.evaluation.as_dict()}
        write_line(json.dumps(found, ensure_ascii=False))
    else:
        for line in result.evaluation.lines():
            write_line(line)
    print(f"translations kept in {result.hypotheses_file}", file=sys.stderr)
