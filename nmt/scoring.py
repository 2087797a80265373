"""A trained run put to the test: translate a test set, and say how good that is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.config import RunConfig, SearchConfig
from nmt.corpus.pairs import read_split
from nmt.corpus.readers import read_text_pair
from nmt.corpus.text import normalise
from nmt.errors import CorpusError, RunError
from nmt.evaluation import Evaluation, evaluate
from nmt.run import RunDirectory, write_atomically

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Score:
    """What a run is worth on a test set.

    Attributes:
        evaluation: The numbers.
        hypotheses_file: The translations, one a line.
    """

    evaluation: Evaluation
    hypotheses_file: Path


def own_test_set(config: RunConfig) -> "Dataset":
    """The test set that a run was made with, columns ``source`` and ``target``.

    Raises:
        CorpusError: It has none, or it is not where it was.
    """
    if not config.corpus.test:
        raise CorpusError(
            "this run has no test set (corpus.test is empty): name two files with --source and "
            f"--reference, or another split with --set corpus.test={config.corpus.dev}"
        )
    return read_split(config.corpus, config.corpus.test)


def test_set_of_files(source: Path, reference: Path) -> "Dataset":
    """A test set in two text files, columns ``source`` and ``target``.

    Raises:
        CorpusError: They are not text, or of different length.
    """
    from datasets import Dataset

    sides: dict[str, list[str]] = {"source": [], "target": []}
    for chunk in read_text_pair(source, reference):
        sides["source"] += map(normalise, chunk.source)
        sides["target"] += map(normalise, chunk.target)
    return Dataset.from_dict(sides)


def score(
    run: RunDirectory, config: RunConfig, search: SearchConfig, pairs: "Dataset", name: str
) -> Score:
    """Translate a test set, compare with its references, and keep the translations.

    Args:
        run: The model.
        config: The run's.
        search: How to translate.
        pairs: The test set, columns ``source`` and ``target``.
        name: What to call the translations.

    Raises:
        RunError: The run is damaged.
    """
    from nmt.translator import Translator

    if not run.model_file.is_file():
        raise RunError(
            f"{run.path}: this folder only translates, and perplexity needs the weights "
            f"({run.model_file.name}): score the run that it was exported from"
        )
    translator = Translator.load(run, search)
    sources, references = list(pairs["source"]), list(pairs["target"])
    hypotheses = [translation.text for translation in translator.translate(sources)]
    evaluation = evaluate(
        hypotheses,
        references,
        sources,
        language=config.corpus.target,
        perplexity=_perplexity(run, config, pairs),
    )
    file = run.hypotheses_file(name)
    write_atomically(file, "".join(f"{text}\n" for text in hypotheses).encode())
    return Score(evaluation, file)


def _perplexity(run: RunDirectory, config: RunConfig, pairs: "Dataset") -> float:
    """Of the references, for each target subword, by the model that the run kept."""
    import math

    from nmt.config import override
    from nmt.corpus.encoded import encode_pairs
    from nmt.corpus.tokenizer import Tokenizer
    from nmt.model.weights import load_weights
    from nmt.training.learner import Learner
    from nmt.training.validation import mean_loss

    files = run.tokenizer_files(config.tokenizer.joint)
    source, target = (Tokenizer.load(file) for file in files)
    exact = override(
        config, ["training.precision=fp32", "training.ema_decay=0", "training.device=auto"]
    )
    learner = Learner(exact, source.vocabulary_size, target.vocabulary_size)
    load_weights(learner.model, run.model_file)
    encoded = encode_pairs(pairs, source, target, None)
    with learner.evaluated_weights():
        return math.exp(min(mean_loss(learner, encoded, config.training.tokens_per_batch), 700.0))
