"""``nmt tokenizer``: the subwords of a corpus, as a stage of its own."""

import sys
from typing import Annotated

import typer

from nmt.cli.lines import write_line
from nmt.cli.options import Keys, Recipe, Run, Set, refuse_missing_corpus, refuse_missing_packages
from nmt.runs.starting import begin_tokenizer

EXAMPLES = """\b
Examples:
  nmt tokenizer
  nmt tokenizer multi30k --set corpus.path=DIR --set tokenizer.vocabulary_size=4000
"""


def tokenizer(
    recipe: Recipe = None,
    folder: Run = None,
    settings: Set = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=0, help="Sentences to show in subwords.")
    ] = 3,
    keys: Keys = False,
) -> None:
    """Train the tokenizer of a run, and show how it divides words.

    Reads and checks the corpus and trains subwords on its training text, without training a
    model. `nmt train` does this too where a run has no tokenizer; on its own it is a quick way to
    look at a new corpus and to try vocabulary sizes. An earlier tokenizer of the run is replaced.
    Prints some sentences, their subwords set apart.
    """
    from nmt.runs.starting import plan_run

    run, config = plan_run(recipe, folder, settings or [], resume=False)
    refuse_missing_corpus(config)
    refuse_missing_packages("datasets")
    with run.locked():
        from nmt.data.filtering import load_corpus
        from nmt.training.preparation import tokenizers_of

        corpus = load_corpus(config.corpus)
        for line in corpus.report.lines():
            print(line, file=sys.stderr)
        begin_tokenizer(run, config)
        tokenizers = tokenizers_of(config, run, corpus)
    for pair in corpus.train.select(range(min(samples, len(corpus.train)))):
        for side, text in zip(tokenizers, (pair["source"], pair["target"]), strict=True):
            write_line(" ".join(side.pieces(side.encode(text))))
    print(f"tokenizer kept in {run.path}; train with it:  {run.go_on_command}", file=sys.stderr)
