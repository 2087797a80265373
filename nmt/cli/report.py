"""``nmt report``: a page about a run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.lines import write_line
from nmt.cli.options import SetSearchOrCorpus, search_of
from nmt.errors import RunError

if TYPE_CHECKING:
    from nmt.runs.directory import RunDirectory

EXAMPLES = """\b
Examples:
  nmt report
  nmt report checkpoints/mine --to mine.html
  nmt report checkpoints/mine --no-scores    (translates nothing)
"""


def report(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            envvar="NMT_MODEL",
            show_default=False,
            help="The folder of a run, finished or not, or the name of a model that came with "
            "nmt. By default the one under checkpoints/ that was worked on last.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FILE",
            show_default=False,
            help="Where to write the page, by default report.html in the run.",
        ),
    ] = None,
    has_scores: Annotated[
        bool,
        typer.Option(
            "--scores/--no-scores",
            help="Translate the test set (the dev set if there is none) and score that.",
        ),
    ] = True,
    sentences: Annotated[
        int,
        typer.Option(
            "--sentences",
            metavar="N",
            min=0,
            max=100,
            help="How many of the best and of the worst sentences to show.",
        ),
    ] = 5,
    settings: SetSearchOrCorpus = None,
) -> None:
    """Write a page about a run: curves, scores, sentences, data, settings, speed.

    The page is one HTML file without scripts that needs no network. What is not known of a run is
    left out, and the page says so. Translations are kept in the run, so that the next page takes
    no time. Prints the file.
    """
    run = _chosen(folder)
    print(f"looking at {run.described}", file=sys.stderr)
    from dataclasses import replace

    from nmt.files import write_atomically
    from nmt.report.page import compose
    from nmt.report.subject import describe, put_to_test

    subject = describe(run)
    # what this version of nmt does not understand is told on the page, but cannot be changed
    config = run.config() if settings or subject.config is not None else None
    if config is None:
        subject = replace(subject, scores_problem=subject.config_problem)
    elif not has_scores:
        subject = replace(subject, scores_problem="they were not asked for (--no-scores)")
    else:
        config, search = search_of(config, {}, settings or [], sections=("search", "corpus"))
        subject = put_to_test(subject, config, search, sentences, _note)
    page = run.report_file if to is None else to
    write_atomically(page, compose(subject))
    print(f"the page is in {page}", file=sys.stderr)
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


def _note(text: str) -> None:
    print(text, file=sys.stderr)
