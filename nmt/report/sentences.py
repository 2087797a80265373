"""The best and the worst translations of a test set, one by one, with their attention."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nmt.evaluation.metrics import Evaluation, sentence_chrf
from nmt.translator.results import Translation
from nmt.translator.translator import Translator


@dataclass(frozen=True)
class Scores:
    """What a run makes of sentences that it has not learned from.

    Attributes:
        split: Their name in the corpus.
        is_test: They decided nothing; False for the dev set, which decided what weights are kept.
        languages: Codes of the languages translated from and into.
        sources: What was translated.
        references: What a person wrote for each.
        hypotheses: What the model made of each.
        evaluation: How good that is.
    """

    split: str
    is_test: bool
    languages: tuple[str, str]
    sources: tuple[str, ...]
    references: tuple[str, ...]
    hypotheses: tuple[str, ...]
    evaluation: Evaluation


@dataclass(frozen=True)
class Judged:
    """A sentence and what a model made of it.

    Attributes:
        number: Its line in the test set, from 1.
        source: What was translated.
        reference: What a person wrote.
        hypothesis: What the model wrote.
        chrf: How alike these two are, 0 to 100: chrF2 of the one sentence (Popović 2015), for
            which BLEU is too coarse.
        translation: The hypothesis with the attention it was made with; None if not asked for.
    """

    number: int
    source: str
    reference: str
    hypothesis: str
    chrf: float
    translation: Translation | None = None


@dataclass(frozen=True)
class Extremes:
    """The sentences that a model did best and worst at, most extreme first, none in both."""

    best: tuple[Judged, ...]
    worst: tuple[Judged, ...]


NO_SENTENCES = Extremes((), ())


def extremes(scores: Scores, translator: Translator, count: int) -> Extremes:
    """Choose the best and the worst sentences, of those as good the longest, and look at them.

    Args:
        scores: Of a test set.
        translator: What it was translated with.
        count: How many of each, at most.
    """
    judged = judge(scores)
    best = sorted(judged, key=lambda one: (-one.chrf, -len(one.source), one.number))[:count]
    chosen = {one.number for one in best}
    others = [one for one in judged if one.number not in chosen]
    worst = sorted(others, key=lambda one: (one.chrf, -len(one.source), one.number))[:count]
    looked_at = _with_attention([*best, *worst], translator)
    return Extremes(tuple(looked_at[: len(best)]), tuple(looked_at[len(best) :]))


def judge(scores: Scores) -> list[Judged]:
    """Score each sentence by itself; those with an empty side, which say nothing, are left out."""
    chrf = sentence_chrf(scores.hypotheses, [scores.references])
    rows = zip(scores.sources, scores.references, scores.hypotheses, chrf, strict=True)
    return [Judged(number, *row) for number, row in enumerate(rows, start=1) if row[0] and row[1]]


def _with_attention(chosen: Sequence[Judged], translator: Translator) -> list[Judged]:
    translations = translator.translate([one.source for one in chosen], align=True)
    return [
        replace(one, translation=translation)
        for one, translation in zip(chosen, translations, strict=True)
    ]
