"""``nmt report``: a page about a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.lines import write_line
from nmt.cli.options import argument, option, takes
from nmt.cli.searching import CorpusChanges
from nmt.errors import RunError
from nmt.progress import say

if TYPE_CHECKING:
    from nmt.runs.directory import RunDirectory

EXAMPLES = """\b
Examples:
  nmt report
  nmt report checkpoints/mine --to mine.html
  nmt report checkpoints/mine --no-scores    (translates nothing)
"""


@takes
def report(
    *,
    folder: Path | None = argument(
        "RUN",
        "The folder of a run, finished or not, or the name of a model that came with nmt. By "
        "default the one under checkpoints/ that was worked on last.",
        envvar="NMT_MODEL",
    ),
    to: Path | None = option(
        "--to FILE", "Where to write the page, by default report.html in the run."
    ),
    has_scores: bool = option(
        "--scores/--no-scores",
        "Translate the test set (the dev set if there is none) and score that.",
        True,
    ),
    sentences: int = option(
        "--sentences N",
        "How many of the best and of the worst sentences to show.",
        5,
        min=0,
        max=100,
    ),
    changes: CorpusChanges,
) -> None:
    """Write a page about a run: curves, scores, sentences, data, settings, speed.

    The page is one HTML file without scripts that needs no network. What is not known of a run is
    left out, and the page says so. Translations are kept in the run, so that the next page takes
    no time. Prints the file.
    """
    run = _chosen(folder)
    say(f"looking at {run.described}")
    from dataclasses import replace

    from nmt.files import write_atomically
    from nmt.report.page import compose
    from nmt.report.subject import describe, put_to_test

    subject = describe(run)
    # what this version of nmt does not understand is told on the page, but cannot be changed
    config = run.config() if changes.settings or subject.config is not None else None
    if config is None:
        subject = replace(subject, scores_problem=subject.config_problem)
    elif not has_scores:
        subject = replace(subject, scores_problem="they were not asked for (--no-scores)")
    else:
        config = changes.applied(config)
        subject = put_to_test(subject, config, config.search, sentences, say)
    page = run.report_file if to is None else to
    write_atomically(page, compose(subject))
    say(f"the page is in {page}")
    write_line(str(page))


def _chosen(folder: Path | None) -> "RunDirectory":
    """The run that is meant, trained or not.

    Raises:
        RunError: It is no run, or there is none.
    """
    from nmt.runs.directory import CHECKPOINTS, RunDirectory
    from nmt.runs.finding import named, newest_run

    if folder is None:
        return newest_run(CHECKPOINTS)
    folder = named(folder)
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "there is no such folder"
        raise RunError(f"{folder}: {problem}: name the folder of a run")
    run = RunDirectory(folder)
    if not run.config_file.is_file():
        raise RunError(f"{folder}: this is not a run: it has no {run.config_file.name}")
    return run
