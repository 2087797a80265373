"""``nmt diversify``: more text to learn from, by two models of the same corpus."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli.lines import write_line
from nmt.cli.options import refuse_missing_corpus, refuse_missing_packages, search_of
from nmt.runs.finding import open_run

EXAMPLES = """\b
Examples:
  nmt train multi30k --set corpus.path=DIR --run checkpoints/to-en
  nmt train multi30k --set corpus.path=DIR --run checkpoints/to-fr --set corpus.source=en
  nmt diversify checkpoints/to-en checkpoints/to-fr --to more
  nmt train multi30k --set corpus.path=DIR --set corpus.also.more.path=more --run checkpoints/better
"""

TEMPERATURE = 0.5
TOP_K = 10


def diversify(
    forward: Annotated[
        Path,
        typer.Argument(
            metavar="FORWARD",
            show_default=False,
            help="A trained run that translates as the next one is to. Its corpus is translated.",
        ),
    ],
    backward: Annotated[
        Path,
        typer.Argument(
            metavar="BACKWARD",
            show_default=False,
            help="One that translates the other way, trained on the same text.",
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="DIR",
            show_default=False,
            help="The folder for the new pairs. The same line again goes on with what was stopped.",
        ),
    ],
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            metavar="X",
            help="BACKWARD draws its translations at random: above 1 for more variety, below 1 for "
            "less.",
        ),
    ] = TEMPERATURE,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another seed gives other translations.")
    ] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="Override a key of the corpus, such as corpus.path=DIR, or of FORWARD's search. "
            "Repeat for more.",
        ),
    ] = None,
) -> None:
    """Make more text to learn from out of the same corpus (data diversification).

    FORWARD translates the training sources, and BACKWARD the training targets. A model that is
    trained on these pairs beside the corpus's own is better than both where there are few pairs.
    Pairs that the corpus has, and those of which a sentence was made that is in dev or test, are
    left out. Prints the folder.
    """
    from nmt.bulk.diversification import (
        backward_half,
        diversify,
        forward_half,
        refuse_other_directions,
    )
    from nmt.config import override
    from nmt.runs.finding import named

    runs = [open_run(named(path)) for path in (forward, backward)]
    sections = ("corpus", "search")
    config, search = search_of(runs[0].config(), {}, settings or [], sections)
    corpus = config.corpus
    drawn = {"sample": True, "top_k": TOP_K, "temperature": temperature, "seed": seed}
    alone = ["search.n_best=1", "search.diversity_groups=1"]
    _, sampling = search_of(runs[1].config(), drawn, alone, sections)
    refuse_other_directions(corpus, *runs)
    refuse_missing_corpus(override(config, ["corpus.also={}"]))
    refuse_missing_packages("datasets")
    from nmt.progress import make_display

    halves = [forward_half(runs[0], search), backward_half(runs[1], sampling)]
    found = diversify(corpus, halves, to, lambda: make_display(sys.stderr.isatty()))
    for made in found:
        print(made.told(corpus), file=sys.stderr)
    if not corpus.test:
        print(
            "no test set is named (--set corpus.test=NAME), so its sentences may be among them",
            file=sys.stderr,
        )
    more = shlex.quote(f"corpus.also.more.path={to}")
    print(f"learn from them too:  nmt train RECIPE --set {more} --run DIR", file=sys.stderr)
    write_line(str(to))
