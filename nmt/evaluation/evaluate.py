"""Systems put to the test: translate a test set, and say how good that is, or which is better."""

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.config import CorpusConfig, RunConfig, SearchConfig
from nmt.errors import CorpusError
from nmt.evaluation.comparison import Comparison, Paired, SystemOutput, compare
from nmt.evaluation.metrics import Evaluation, evaluate
from nmt.evaluation.systems import Changed, Member, Models, System, runs_of
from nmt.evaluation.test_sets import HeldOut, held_out_files, own_test_set
from nmt.progress import say
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import refuse_other_directions


@dataclass(frozen=True)
class Trial:
    """What systems are tried on.

    Attributes:
        test_set: The sentences.
        language: Code of the language translated into; empty for unknown.
        changed: How a run searches.
    """

    test_set: HeldOut
    language: str
    changed: Changed

    def translations(self, member: Member) -> tuple[str, ...]:
        """What a system makes of the test set; what models translate is kept in their folder.

        Raises:
            NmtError: Models cannot translate it, or a file has not a line for each sentence.
        """
        if not isinstance(member, Models):
            return member.translations(self.test_set)
        say(f"translating with {member}")
        texts = member.translations(self.test_set, self.changed)
        try:
            say(f"translations kept in {member.keep(texts, self.test_set)}")
        except OSError as error:  # such as a model that belongs to somebody else
            say(f"translations not kept: {error.filename or member}: {error.strerror}")
        return texts


def prepare(
    systems: Sequence[System], source: Path | None, reference: Path | None, changed: Changed
) -> Trial:
    """Find what systems are to be tried on.

    Args:
        systems: Those that are to be tried.
        source: Of the test set; None for that of the first run, or if nothing is to be translated.
        reference: Of the test set; None for that of the first run.
        changed: How a run searches, and where its corpus is.

    Raises:
        CorpusError: There is no test set, or it is not where it was.
        RunError: The runs translate between different languages.
    """
    runs = list(dict.fromkeys(runs_of(systems)))
    corpora = [changed(run.config()).corpus for run in runs]
    refuse_other_directions(runs, "no test set is for both")
    if reference is not None:
        if source is None and runs:
            raise CorpusError("--source and --reference belong together: name both files")
        language = corpora[0].target if runs else reference.suffix.removeprefix(".")
        return Trial(held_out_files(source, reference), language, changed)
    if source is not None:
        raise CorpusError("--source and --reference belong together: name both files")
    if not runs:
        raise CorpusError("files of translations have no test set of their own: add --reference")
    for run, corpus in zip(runs, corpora, strict=True):
        if _test_set_of(corpus) != _test_set_of(corpora[0]):
            say(
                f"{run.described} has another test set of its own; tried is that of "
                f"{runs[0].described}"
            )
    return Trial(own_test_set(corpora[0]), corpora[0].target, changed)


def _test_set_of(corpus: CorpusConfig) -> tuple[str, ...]:
    return corpus.path, corpus.hub, corpus.hub_subset, corpus.test


def compare_systems(
    systems: Sequence[System], trial: Trial, paired: Paired, shown: int
) -> Comparison:
    """Try systems and compare them with the first.

    Args:
        systems: At least one.
        trial: What on.
        paired: See `nmt.evaluation.comparison.compare`.
        shown: See `nmt.evaluation.comparison.compare`.

    Raises:
        NmtError: See `Trial.translations`.
    """
    members = {member for system in systems for member in system.members}
    # Files first: what is wrong with them shows at once, and each model is asked once.
    order = sorted(members, key=lambda member: (isinstance(member, Models), str(member)))
    made = {member: trial.translations(member) for member in order}
    outputs = [
        SystemOutput(system.name, tuple(made[member] for member in system.members))
        for system in systems
    ]
    test_set = trial.test_set
    return compare(outputs, test_set.references, test_set.sources, trial.language, paired, shown)


def score_member(member: Member, trial: Trial) -> Evaluation:
    """Try one system, with the perplexity if it is a model.

    Raises:
        NmtError: See `Trial.translations`.
    """
    test_set = trial.test_set
    hypotheses = trial.translations(member)
    perplexity = _perplexity(member, trial) if isinstance(member, Models) else None
    return evaluate(hypotheses, test_set.references, test_set.sources, trial.language, perplexity)


def _perplexity(models: Models, trial: Trial) -> float:
    """Of the references, for each target subword."""
    first, *others = models.runs
    if not others and first.model_file.is_file() and importlib.util.find_spec("torch"):
        return _perplexity_of_weights(first, trial.changed(first.config()), trial.test_set)
    if not others:
        say("perplexity is that of the exported model: that of its weights needs them and torch")
    search = trial.changed(first.config()).search
    return _perplexity_of_search(models, search, trial.test_set)


def _perplexity_of_search(models: Models, search: SearchConfig, test_set: HeldOut) -> float:
    """As the models translate: over all that they may write, which no control token is."""
    from nmt.translator.translator import Translator

    whole = search.model_copy(update={"shortlist": False})
    translator = Translator.load_ensemble(models.runs, whole)
    pairs = translator.score(test_set.sources or (), test_set.references)
    logs = [log for pair in pairs for log in pair.log_probabilities]
    return math.exp(min(-math.fsum(logs) / max(len(logs), 1), 700.0))


def _perplexity_of_weights(run: RunDirectory, config: RunConfig, test_set: HeldOut) -> float:
    """By the weights that the run kept, in full precision."""
    from datasets import Dataset

    from nmt.config import override
    from nmt.data.encoded import encode_pairs
    from nmt.model.weights import load_weights
    from nmt.text.tokenizer import Tokenizer
    from nmt.training.learner import Learner
    from nmt.training.validation import mean_loss

    files = run.tokenizer_files(config.tokenizer.joint)
    source, target = (Tokenizer.load(file) for file in files)
    exact = override(
        config, ["training.precision=fp32", "training.ema_decay=0", "training.device=auto"]
    )
    learner = Learner(exact, source.vocabulary_size, target.vocabulary_size)
    load_weights(learner.model, run.model_file)
    pairs = Dataset.from_dict({"source": test_set.sources, "target": test_set.references})
    encoded = encode_pairs(pairs, source, target, None)
    with learner.evaluated_weights():
        return math.exp(min(mean_loss(learner, encoded, config.training.tokens_per_batch), 700.0))
