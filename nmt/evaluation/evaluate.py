"""Systems put to the test: translate a test set, and say how good that is, or which is better."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nmt.config import CorpusConfig
from nmt.errors import CorpusError
from nmt.evaluation.comparison import Comparison, Paired, SystemOutput, compare
from nmt.evaluation.metrics import Evaluation, evaluate
from nmt.evaluation.outcomes import Outcome, kept_outcome, outcome_of
from nmt.evaluation.systems import Changed, Member, Models, System, runs_of
from nmt.evaluation.test_sets import HeldOut, held_out_files, own_test_set
from nmt.progress import counted, say
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

    def outcome(self, member: Member) -> Outcome:
        """What a system makes of the test set; what models translate is kept in their folder.

        Raises:
            NmtError: Models cannot translate it, or a file has not a line for each sentence.
        """
        if not isinstance(member, Models):
            return Outcome(member.translations(self.test_set))
        if self.test_set.sources is None:
            raise CorpusError(
                f"{member}: there is nothing to translate: name the file with --source"
            )
        search = self.changed(member.runs[0].config()).search
        found = kept_outcome(member, search, self.test_set)
        if found is None:
            say(f"translating {counted(len(self.test_set.sources), 'sentence')} with {member}")
            found = outcome_of(member, search, self.test_set)
            try:
                say(f"translations kept in {found.keep(member, search, self.test_set)}")
            except OSError as error:  # such as a model that belongs to somebody else
                say(f"translations not kept: {error.filename or member}: {error.strerror}")
        return found

    def evaluation(self, outcome: Outcome) -> Evaluation:
        """How good that is, with the perplexity if it is of a model."""
        test_set = self.test_set
        found = evaluate(
            outcome.texts, test_set.references, test_set.sources, self.language, test_set.further
        )
        return replace(
            found,
            perplexity=outcome.perplexity,
            searched_again=outcome.searched_again,
            copied=outcome.copied,
        )


def prepare(
    systems: Sequence[System],
    source: Path | None,
    references: Sequence[Path],
    changed: Changed,
) -> Trial:
    """Find what systems are to be tried on.

    Args:
        systems: Those that are to be tried.
        source: Of the test set; None for that of the first run, or if nothing is to be translated.
        references: Of the test set, one or several for each sentence; none for that of the first
            run.
        changed: How a run searches, and where its corpus is.

    Raises:
        CorpusError: There is no test set, or it is not where it was.
        RunError: The runs translate between different languages.
    """
    runs = list(dict.fromkeys(runs_of(systems)))
    corpora = [changed(run.config()).corpus for run in runs]
    refuse_other_directions(runs, "no test set is for both")
    if (source is None) != (not references) and (runs or source is not None):
        raise CorpusError("--source and --reference belong together: name both files")
    if references:
        language = corpora[0].target if runs else references[0].suffix.removeprefix(".")
        return Trial(held_out_files(source, references), language, changed)
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
        NmtError: See `Trial.outcome`.
    """
    members = {member for system in systems for member in system.members}
    # Files first: what is wrong with them shows at once, and each model is asked once.
    order = sorted(members, key=lambda member: (isinstance(member, Models), str(member)))
    made = {}
    for member in order:
        outcome = trial.outcome(member)
        made[member] = outcome.texts
        if outcome.searched_again or outcome.copied:
            say(
                f"{member}: of {counted(len(outcome.texts), 'sentence')} {outcome.searched_again} "
                f"searched again, {outcome.copied} copied at least in part (search.robust)"
            )
    outputs = [
        SystemOutput(system.name, tuple(made[member] for member in system.members))
        for system in systems
    ]
    test_set = trial.test_set
    return compare(
        outputs,
        test_set.references,
        test_set.sources,
        trial.language,
        paired,
        shown,
        test_set.further,
    )
