"""Which of several systems is better: one table, with significance tests by sacrebleu.

Every system is compared with the first, on the same sentences, by paired bootstrap resampling
(Koehn 2004) or paired approximate randomisation (Riezler and Maxwell 2005); the figures are those
of ``sacrebleu --paired-bs`` and ``--paired-ar`` on the same files.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np
from sacrebleu.significance import PairedTest

from nmt.evaluation.metrics import (
    LengthRange,
    check_lengths,
    length_ranges,
    metrics,
    resamples,
    sentence_chrf,
)
from nmt.evaluation.tables import SIGNIFICANT, comparison_table

Paired = Literal["bs", "ar"]
"""Paired bootstrap resampling, or paired approximate randomisation."""

TRIALS_PER_RESAMPLE = 10
"""Approximate randomisation tries 10,000 times where the bootstrap resamples 1,000 times."""


@dataclass(frozen=True)
class SystemOutput:
    """Translations that are compared with others.

    Attributes:
        name: What to call it.
        members: The translations of each sentence, by each of the runs that are one system, such as
            one recipe with several seeds; mostly there is one.
    """

    name: str
    members: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """One metric of one system.

    Attributes:
        metric: ``BLEU``, ``chrF2`` or ``TER``.
        score: From 0 to 100; of several members the mean.
        mean: Mean of the bootstrap resamples.
        margin: Half of the width of their 95% interval.
        scores: Of each member.
        deviation: Standard deviation of these; None where there is one.
        p_value: How often chance alone makes as large a difference from the first system; None for
            the first itself.
    """

    metric: str
    score: float
    mean: float
    margin: float
    scores: tuple[float, ...]
    deviation: float | None
    p_value: float | None

    @property
    def is_significant(self) -> bool:
        """Whether it differs from the first system's by more than chance makes likely."""
        return self.p_value is not None and self.p_value < SIGNIFICANT


@dataclass(frozen=True)
class Row:
    """A system in the table; one figure for each metric."""

    name: str
    members: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class LengthRow:
    """BLEU of each system where the source has from `shortest` to `longest` words (None: any)."""

    shortest: int
    longest: int | None
    sentences: int
    bleu: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """A sentence and what each system made of it.

    Attributes:
        line: Which it is, from 1.
        source: None where it is not known.
        reference: What a person wrote.
        translations: One of each system: of several members the first's.
        chrf: Sentence chrF2 of each system: of several members the mean.
    """

    line: int
    source: str | None
    reference: str
    translations: tuple[str, ...]
    chrf: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """What systems are worth on one test set, and which of them is better than the first.

    Attributes:
        sentences: Number of sentence pairs.
        paired: The test.
        signatures: sacrebleu's account of how each metric was computed.
        rows: The systems, the one that the others are compared with first.
        by_source_length: Empty without the sources.
        most_different: The sentences where the systems are furthest apart, those first.
    """

    sentences: int
    paired: Paired
    signatures: dict[str, str]
    rows: tuple[Row, ...]
    by_source_length: tuple[LengthRow, ...]
    most_different: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        found = asdict(self)
        for row, shown in zip(self.rows, found["rows"], strict=True):
            for figure, values in zip(row.figures, shown["figures"], strict=True):
                values["is_significant"] = figure.is_significant
        return found

    def lines(self) -> list[str]:
        """A table for people, one line an entry."""
        return comparison_table(self)


def compare(
    systems: Sequence[SystemOutput],
    references: Sequence[str],
    sources: Sequence[str] | None = None,
    language: str = "",
    paired: Paired = "bs",
    shown: int = 5,
    further: Sequence[Sequence[str]] = (),
) -> Comparison:
    """Compare systems with the first of them.

    Args:
        systems: At least one.
        references: What a person wrote for each sentence.
        sources: What was translated, for BLEU by length; None if not known.
        language: Code of the target language, such as ``fr``: decides how words are told apart.
        paired: Which test.
        shown: How many sentences to show, of those where the systems differ.
        further: More references of each sentence: whatever is in one of them is right.

    Raises:
        CorpusError: There are no sentences, or a system has more or fewer translations.
    """
    for system in systems:
        for member in system.members:
            check_lengths(member, references, sources)
    every = [references, *further]
    signatures, rows = _tested(systems, every, language, paired)
    return Comparison(
        sentences=len(references),
        paired=paired,
        signatures=signatures,
        rows=rows,
        by_source_length=_by_source_length(systems, every, sources, language),
        most_different=_most_different(systems, every, sources, shown),
    )


class _Pooled:
    """A metric of sacrebleu over several translations of each sentence, for `PairedTest`.

    The counts of the members are added up sentence by sentence, so that a sentence is drawn with
    all of its translations: the members share their sentences, and drawing those apart would make
    chance look smaller than it is. With one member it is the metric itself.
    """

    def __init__(self, metric: Any) -> None:
        self._metric = metric
        self._aggregate_and_compute = metric._aggregate_and_compute
        self._compute_score_from_stats = metric._compute_score_from_stats
        self.get_signature = metric.get_signature

    def _extract_corpus_statistics(
        self, hypotheses: Sequence[tuple[str, ...]], references: None
    ) -> list[list[float]]:
        """Counts of each sentence, shape (sentences, counts), from its translations."""
        members = zip(*hypotheses, strict=True)
        counts = [self._metric._extract_corpus_statistics(each, references) for each in members]
        if len(counts) == 1:
            return list(counts[0])
        summed: list[list[float]] = np.sum(counts, axis=0).tolist()
        return summed


def _tested(
    systems: Sequence[SystemOutput],
    references: Sequence[Sequence[str]],
    language: str,
    paired: Paired,
) -> tuple[dict[str, str], tuple[Row, ...]]:
    """The signatures, and the figures of each system."""
    each = metrics(language, references)
    samples = resamples(len(references[0]))
    named: list[Any] = [
        (system.name, list(zip(*system.members, strict=True))) for system in systems
    ]
    pooled: dict[str, Any] = {str(number): _Pooled(metric) for number, metric in enumerate(each)}
    test = PairedTest(
        named,
        pooled,
        references=None,
        test_type=paired,
        n_samples=samples if paired == "bs" else TRIALS_PER_RESAMPLE * samples,
        n_ar_confidence=samples if paired == "ar" else -1,
    )
    signatures, results = test()
    found: dict[str, list[Any]] = {name: results[name] for name in signatures}
    rows = []
    for number, system in enumerate(systems):
        figures = []
        for metric, (name, of_systems) in zip(each, found.items(), strict=True):
            scores = [float(of_systems[number].score)]
            if len(system.members) > 1:
                scores = [metric.corpus_score(member, None).score for member in system.members]
            figures.append(_figure(name, scores, of_systems[number], of_systems[0]))
        rows.append(Row(system.name, len(system.members), tuple(figures)))
    return {name: str(signature) for name, signature in signatures.items()}, tuple(rows)


def _figure(metric: str, scores: Sequence[float], result: Any, first: Any) -> Figure:
    """A figure from what sacrebleu found, given the score of each member."""
    p_value = result.p_value
    if p_value is not None and result.score == first.score:
        # To sacrebleu it is 1 in 1,001, for no resample differs by more than nothing.
        p_value = 1.0
    return Figure(
        metric=metric,
        score=fmean(scores),
        mean=float(result.mean),
        margin=float(result.ci),
        scores=tuple(scores),
        deviation=stdev(scores) if len(scores) > 1 else None,
        p_value=p_value,
    )


def _by_source_length(
    systems: Sequence[SystemOutput],
    references: Sequence[Sequence[str]],
    sources: Sequence[str] | None,
    language: str,
) -> tuple[LengthRow, ...]:
    def bleu(found: LengthRange, system: SystemOutput) -> float:
        return fmean(found.bleu(member, references, language) for member in system.members)

    return tuple(
        LengthRow(
            found.shortest,
            found.longest,
            len(found.rows),
            tuple(bleu(found, system) for system in systems),
        )
        for found in length_ranges(sources or ())
    )


def _most_different(
    systems: Sequence[SystemOutput],
    references: Sequence[Sequence[str]],
    sources: Sequence[str] | None,
    shown: int,
) -> tuple[Difference, ...]:
    if len(systems) == 1 or not shown:
        return ()
    scores = [
        [fmean(of_members) for of_members in zip(*of_system, strict=True)]
        for of_system in (
            [sentence_chrf(member, references) for member in system.members] for system in systems
        )
    ]
    found = [
        Difference(
            line=row + 1,
            source=None if sources is None else sources[row],
            reference=reference,
            translations=tuple(system.members[0][row] for system in systems),
            chrf=tuple(chrf),
        )
        for row, (reference, *chrf) in enumerate(zip(references[0], *scores, strict=True))
    ]
    order = sorted(found, key=lambda one: min(one.chrf) - max(one.chrf))
    return tuple(one for one in order[:shown] if max(one.chrf) > min(one.chrf))
