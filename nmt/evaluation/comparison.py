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
    span,
)
from nmt.progress import counted

Paired = Literal["bs", "ar"]
"""Paired bootstrap resampling, or paired approximate randomisation."""

SIGNIFICANT = 0.05
"""A difference counts if one as large comes about by chance less often than this."""
TRIALS_PER_RESAMPLE = 10
"""Approximate randomisation tries 10,000 times where the bootstrap resamples 1,000 times."""
LESS_IS_BETTER = {"TER"}
_TESTS = {"bs": "bootstrap resampling", "ar": "approximate randomisation"}


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
        signatures = [f"{metric:<7}{signature}" for metric, signature in self.signatures.items()]
        blocks = [
            [*_scores(self), *_explanation(self)],
            _verdicts(self),
            _lengths(self),
            _differences(self),
            signatures,
        ]
        return [line for block in blocks if block for line in ("", *block)][1:]


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


def _scores(comparison: Comparison) -> list[str]:
    """A line for each system, and one for the spread of its members where there are several."""
    metrics = [figure.metric for figure in comparison.rows[0].figures]
    titles = [f"{name} (less is better)" if name in LESS_IS_BETTER else name for name in metrics]
    table = [("", titles)]
    for row in comparison.rows:
        cells = [
            f"{figure.score:6.2f} ± {figure.margin:.2f}{' *' if figure.is_significant else ''}"
            for figure in row.figures
        ]
        table.append((row.name, cells))
        if row.members > 1:
            spreads = [f"{figure.deviation:6.2f}" for figure in row.figures]
            table.append((f"  deviation of {row.members}", spreads))
    width = max(len(name) for name, _ in table)
    return [
        f"{name:{width}}  {''.join(f'{cell:<18}' for cell in cells)}".rstrip()
        for name, cells in table
    ]


def _explanation(comparison: Comparison) -> list[str]:
    """What the signs in the table mean."""
    sentences = counted(comparison.sentences, "sentence")
    lines = [f"over {sentences}; ± half of the 95% interval of resamples"]
    if len(comparison.rows) > 1:
        lines.append(
            f"* differs from {comparison.rows[0].name}: p < {SIGNIFICANT} by paired "
            f"{_TESTS[comparison.paired]}"
        )
    if any(row.members > 1 for row in comparison.rows):
        lines.append(
            "several runs as one: their mean and standard deviation; interval and p are of other "
            "sentences for these runs, not of other runs"
        )
    return lines


def _verdicts(comparison: Comparison) -> list[str]:
    """What the tests say, in words."""
    first, *others = comparison.rows
    return [
        _verdict(row.name, figure, first.name, before.score)
        for row in others
        for before, figure in zip(first.figures, row.figures, strict=True)
    ]


def _verdict(name: str, figure: Figure, first: str, score_of_first: float) -> str:
    """What one test says of a system and the first."""
    p_value = figure.p_value or 0.0
    p_text = f"p = {p_value:.3f}" if p_value >= 0.0005 else f"p = {p_value:.4f}"
    gain = figure.score - score_of_first
    if not figure.is_significant:
        return (
            f"no difference can be told between {name} and {first} in {figure.metric} "
            f"({gain:+.2f}, {p_text})"
        )
    is_better = (gain < 0) == (figure.metric in LESS_IS_BETTER)
    word = "better" if is_better else "worse"
    return f"{name} is {word} than {first} by {abs(gain):.2f} {figure.metric}, {p_text}"


def _lengths(comparison: Comparison) -> list[str]:
    """BLEU by source length, a column for each system."""
    names = [row.name for row in comparison.rows]
    widths = [max(len(name), 6) for name in names]
    titles = [f"{name:>{width}}" for name, width in zip(names, widths, strict=True)]
    lines = [f"source words  sentences  {'  '.join(titles)}  (BLEU)"]
    for row in comparison.by_source_length:
        scores = [f"{bleu:{width}.2f}" for bleu, width in zip(row.bleu, widths, strict=True)]
        words = span(row.shortest, row.longest)
        lines.append(f"{words:>12}  {row.sentences:9d}  {'  '.join(scores)}")
    return lines if comparison.by_source_length else []


def _differences(comparison: Comparison) -> list[str]:
    """The sentences where the systems are furthest apart, with the chrF2 of each translation."""
    width = max(len("reference"), *(len(row.name) for row in comparison.rows))
    lines: list[str] = []
    for found in comparison.most_different:
        lines += ["", f"line {found.line}"] if lines else [f"line {found.line}"]
        if found.source is not None:
            lines.append(f"  {'source':{width}}         {found.source}")
        lines.append(f"  {'reference':{width}}         {found.reference}")
        for row, score, text in zip(comparison.rows, found.chrf, found.translations, strict=True):
            lines.append(f"  {row.name:{width}}  {score:5.1f}  {text}".rstrip())
    return ["where they differ most, with the chrF2 of each sentence", *lines] if lines else []
