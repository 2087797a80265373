"""``nmt diversify``: more text to learn from, by two models of the same corpus."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from nmt.cli.lines import write_line
from nmt.cli.options import (
    argument,
    option,
    refuse_missing_corpus,
    refuse_missing_packages,
    takes,
)
from nmt.cli.searching import CorpusChanges
from nmt.progress import say

EXAMPLES = """\b
Examples:
  nmt train multi30k --set corpus.path=DIR --run checkpoints/to-en
  nmt train multi30k --set corpus.path=DIR --run checkpoints/to-fr --set corpus.source=en
  nmt diversify checkpoints/to-en checkpoints/to-fr --to more
  nmt train multi30k --set corpus.path=DIR --set corpus.also.more.path=more --run checkpoints/better
"""

TEMPERATURE = 0.5
TOP_K = 10


@dataclass(frozen=True)
class Diversifying(CorpusChanges):
    """What is changed of the forward model's configuration."""

    settings: list[str] = option(
        "--set KEY=VALUE",
        "Override a key of the corpus, such as corpus.path=DIR, or of FORWARD's search. Repeat for "
        "more.",
        list,
    )


@takes
def diversify(
    changes: Diversifying,
    forward: Path = argument(
        "FORWARD",
        "A trained run that translates as the next one is to. Its corpus is translated.",
        ...,
    ),
    backward: Path = argument(
        "BACKWARD", "One that translates the other way, trained on the same text.", ...
    ),
    to: Path = option(
        "--to DIR",
        "The folder for the new pairs. The same line again resumes what was stopped.",
        ...,
    ),
    temperature: float = option(
        "--temperature X",
        "BACKWARD draws its translations at random: above 1 for more variety, below 1 for less.",
        TEMPERATURE,
    ),
    seed: int = option("--seed N", "Another seed gives other translations.", 1),
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
    from nmt.config import Override, override
    from nmt.runs.finding import named, open_run

    runs = [open_run(named(path)) for path in (forward, backward)]
    config = changes.applied(runs[0].config())
    corpus = config.corpus
    drawn: list[Override] = [
        ("search.sample", True),
        ("search.top_k", TOP_K),
        ("search.temperature", temperature),
        ("search.seed", seed),
        ("search.n_best", 1),
        ("search.diversity_groups", 1),
    ]
    sampling = override(runs[1].config(), drawn).search
    refuse_other_directions(corpus, *runs)
    refuse_missing_corpus(override(config, [("corpus.also", {})]))
    refuse_missing_packages("datasets")
    from nmt.progress import make_display

    halves = [forward_half(runs[0], config.search), backward_half(runs[1], sampling)]
    found = diversify(corpus, halves, to, lambda: make_display(sys.stderr.isatty()))
    for made in found:
        say(made.told(corpus))
    if not corpus.test:
        say("no test set is named (--set corpus.test=NAME), so its sentences may be among them")
    more = shlex.quote(f"corpus.also.more.path={to}")
    say(f"learn from them too:  nmt train RECIPE --set {more} --run DIR")
    write_line(str(to))
