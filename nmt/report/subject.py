"""What a page tells of: a run, its history, and how good it is, as far as that can be known."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nmt.config import RunConfig, SearchConfig, override
from nmt.errors import ConfigError, NmtError
from nmt.report.sentences import NO_SENTENCES, Extremes, Scores, extremes
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import open_run
from nmt.runs.history import History, read_history


@dataclass(frozen=True)
class Subject:
    """A run, and all that there is to tell of it.

    Attributes:
        run: Where it is.
        config: Its settings; None where this version of nmt does not understand them.
        config_problem: Why not.
        history: How its training went.
        parameters: Numbers in the model; None where there are no weights.
        scores: How good it is; None where that is not known.
        scores_problem: Why not.
        sentences: What it did best and worst at.
    """

    run: RunDirectory
    config: RunConfig | None
    config_problem: str
    history: History
    parameters: int | None
    scores: Scores | None = None
    scores_problem: str = ""
    sentences: Extremes = NO_SENTENCES


def describe(run: RunDirectory) -> Subject:
    """What the folder of a run tells, without its scores."""
    config, problem = None, ""
    try:
        config = run.config()
    except ConfigError as error:
        problem = str(error)
    history = read_history(run.metrics_file)
    return Subject(run, config, problem, history, _parameters(run.model_file))


def put_to_test(
    subject: Subject,
    config: RunConfig,
    search: SearchConfig,
    count: int,
    note: Callable[[str], None],
) -> Subject:
    """The same with its scores, or with why there are none.

    Args:
        subject: A run.
        config: Its settings, with the corpus where it is now.
        search: How to translate.
        count: How many of the best and of the worst sentences to look at.
        note: Told what takes a while and what cannot be had.
    """
    from nmt.translator.translator import Translator

    try:
        scores = _scores(subject.run, config, search)
        chosen = extremes(scores, Translator.load(subject.run, search), count)
    except NmtError as error:
        note(f"without scores: {error}")
        return replace(subject, scores_problem=str(error))
    return replace(subject, scores=scores, sentences=chosen)


def _scores(run: RunDirectory, config: RunConfig, search: SearchConfig) -> Scores:
    """Of the test set, as ``nmt eval`` has them; of the dev set where there is none."""
    from nmt.evaluation.evaluate import prepare
    from nmt.evaluation.systems import Models, System

    corpus = config.corpus
    tried = override(config, [] if corpus.test else [f"corpus.test={corpus.dev}"])
    tried = tried.model_copy(update={"search": search})
    models = Models((open_run(run.path),))
    trial = prepare([System(models.name, (models,))], None, [], lambda _: tried)
    outcome = trial.outcome(models)
    test_set = trial.test_set
    return Scores(
        split=test_set.name,
        is_test=bool(corpus.test),
        languages=(corpus.source, corpus.target),
        sources=test_set.sources or (),
        references=test_set.references,
        hypotheses=outcome.texts,
        evaluation=trial.evaluation(outcome),
    )


def _parameters(weights: Path) -> int | None:
    if not weights.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as file:
            names: list[str] = file.keys()
            shapes: list[list[int]] = [file.get_slice(name).get_shape() for name in names]
            return sum(map(math.prod, shapes))
    except SafetensorError:
        return None
