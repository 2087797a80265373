"""What a person reads of an evaluation and of a comparison: a table, one line an entry."""

from typing import TYPE_CHECKING

from nmt.progress import counted

if TYPE_CHECKING:
    from nmt.evaluation.comparison import Comparison, Figure
    from nmt.evaluation.metrics import Evaluation

SIGNIFICANT = 0.05
"""A difference counts if one as large comes about by chance less often than this."""
LESS_IS_BETTER = {"TER"}
_TESTS = {"bs": "bootstrap resampling", "ar": "approximate randomisation"}


def evaluation_table(evaluation: "Evaluation") -> list[str]:
    """Scores, BLEU by source length, and the signatures."""
    lines = [
        f"{evaluation.bleu.name:<12}{evaluation.bleu.score:6.2f}  "
        f"(95% of resamples: {evaluation.bleu_mean:.2f} ± {evaluation.bleu_margin:.2f})",
        f"{evaluation.chrf.name:<12}{evaluation.chrf.score:6.2f}",
        f"{evaluation.ter.name:<12}{evaluation.ter.score:6.2f}  (less is better)",
    ]
    if evaluation.perplexity is not None:
        lines.append(f"{'perplexity':<12}{evaluation.perplexity:6.2f}  (less is better)")
    over, _, sentences = counted(evaluation.sentences, "sentence").partition(" ")
    lines.append(f"{'over':<12}{over:>6}  {sentences}")
    if evaluation.searched_again or evaluation.copied:
        lines.append(
            f"{'robust':<12}{evaluation.searched_again:6d}  searched again, {evaluation.copied} "
            "copied at least in part (search.robust)"
        )
    if evaluation.by_source_length:
        lines += ["", "source words  sentences    BLEU"]
    for bucket in evaluation.by_source_length:
        words = span(bucket.shortest, bucket.longest)
        lines.append(f"{words:>12}  {bucket.sentences:9d}  {bucket.bleu:6.2f}")
    lines.append("")
    lines += [
        f"{metric.name:<12}{metric.signature}"
        for metric in (evaluation.bleu, evaluation.chrf, evaluation.ter)
    ]
    return lines


def comparison_table(comparison: "Comparison") -> list[str]:
    """Scores, what the tests say, BLEU by source length, what differs most, and the signatures."""
    signatures = [f"{metric:<7}{signature}" for metric, signature in comparison.signatures.items()]
    blocks = [
        [*_scores(comparison), *_explanation(comparison)],
        _verdicts(comparison),
        _lengths(comparison),
        _differences(comparison),
        signatures,
    ]
    return [line for block in blocks if block for line in ("", *block)][1:]


def _scores(comparison: "Comparison") -> list[str]:
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


def _explanation(comparison: "Comparison") -> list[str]:
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


def _verdicts(comparison: "Comparison") -> list[str]:
    """What the tests say, in words."""
    first, *others = comparison.rows
    return [
        _verdict(row.name, figure, first.name, before.score)
        for row in others
        for before, figure in zip(first.figures, row.figures, strict=True)
    ]


def _verdict(name: str, figure: "Figure", first: str, score_of_first: float) -> str:
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


def _lengths(comparison: "Comparison") -> list[str]:
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


def _differences(comparison: "Comparison") -> list[str]:
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


def span(shortest: int, longest: int | None) -> str:
    """From how many to how many words, in words; None for any number."""
    if longest is None:
        return f"{shortest} and more"
    return f"{shortest} to {longest}" if shortest else f"up to {longest}"
