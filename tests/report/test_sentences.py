"""Sentences one by one, with the numbers of sacrebleu's own function for them."""

from collections.abc import Sequence

import pytest
import sacrebleu

from nmt.evaluation.metrics import evaluate
from nmt.report.sentences import Scores, extremes, judge
from nmt.translator.results import TranslatedHypothesis, Translation

PAIRS = [
    ("un", "one", "one"),
    ("deux trois", "two three", "two three"),
    ("quatre", "four", "xyz"),
    ("cinq cinq", "five five", "qqqqqqqq"),
    ("six", "six", "sixes"),
    ("", "", "noise"),
    ("sept", "", ""),
]


def scores(pairs: Sequence[tuple[str, str, str]] = PAIRS) -> Scores:
    sources, references, hypotheses = (tuple(side) for side in zip(*pairs, strict=True))
    evaluation = evaluate(hypotheses, references, sources, "en")
    return Scores("test", True, ("fr", "en"), sources, references, hypotheses, evaluation)


class Parrot:
    """Stands for a translator."""

    def translate(self, texts: list[str], align: bool) -> list[Translation]:
        assert align
        return [
            Translation(text, (), (TranslatedHypothesis(text, 0.0, 0.0, (), None, True),))
            for text in texts
        ]


def test_each_sentence_is_scored_as_sacrebleu_scores_one_and_empty_ones_are_left_out() -> None:
    judged = judge(scores())
    assert [one.number for one in judged] == [1, 2, 3, 4, 5]
    for one, (source, reference, hypothesis) in zip(judged, PAIRS, strict=False):
        assert (one.source, one.reference, one.hypothesis) == (source, reference, hypothesis)
        expected = sacrebleu.sentence_chrf(hypothesis, [reference]).score
        assert one.chrf == pytest.approx(expected)


@pytest.mark.parametrize(
    ("count", "best", "worst"),
    [
        (0, [], []),
        (1, [2], [4]),
        (2, [2, 1], [4, 3]),
        (3, [2, 1, 5], [4, 3]),
        (9, [2, 1, 5, 4, 3], []),
    ],
)
def test_of_sentences_as_good_the_longest_come_first_and_none_twice(
    count: int, best: list[int], worst: list[int]
) -> None:
    found = extremes(scores(), Parrot(), count)  # type: ignore[arg-type]
    assert [one.number for one in found.best] == best
    assert [one.number for one in found.worst] == worst
    for one in (*found.best, *found.worst):
        assert one.translation is not None and one.translation.source == one.source
