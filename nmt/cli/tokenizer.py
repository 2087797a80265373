"""``nmt tokenizer``: the subwords of a corpus, as a stage of its own."""

from nmt.cli.lines import write_line
from nmt.cli.options import Plan, option, refuse_missing_corpus, refuse_missing_packages, takes
from nmt.progress import say, visible

EXAMPLES = """\b
Examples:
  nmt tokenizer
  nmt tokenizer multi30k --set corpus.path=DIR --set tokenizer.vocabulary_size=4000
"""


@takes
def tokenizer(
    plan: Plan,
    samples: int = option("--samples N", "Sentences to show in subwords.", 3, min=0),
) -> None:
    """Train the tokenizer of a run, and show how it divides words.

    Reads and checks the corpus and trains subwords on its training text, without training a
    model. `nmt train` does this too where a run has no tokenizer; on its own it is a quick way to
    look at a new corpus and to try vocabulary sizes. An earlier tokenizer of the run is replaced.
    Prints some sentences, their subwords set apart.
    """
    if plan.are_keys_asked:
        plan.show_keys()
        return
    from nmt.runs.starting import begin_tokenizer, plan_run

    run, config = plan_run(plan.recipe, plan.folder, plan.settings, resume=False)
    refuse_missing_corpus(config)
    refuse_missing_packages("datasets")
    with run.locked():
        from nmt.data.filtering import load_corpus
        from nmt.training.preparation import tokenizers_of

        corpus = load_corpus(config.corpus)
        for line in corpus.report.lines():
            say(line)
        begin_tokenizer(run, config)
        tokenizers = tokenizers_of(config, run, corpus)
    for pair in corpus.train.select(range(min(samples, len(corpus.train)))):
        for side, text in zip(tokenizers, (pair["source"], pair["target"]), strict=True):
            write_line(visible(" ".join(side.pieces(side.encode(text)))))
    say(f"tokenizer kept in {run.path}; train with it:  {run.go_on_command}")
