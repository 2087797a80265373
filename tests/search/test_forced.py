"""Scores of given translations against the scores of the search that found them."""

import numpy as np
import pytest

from nmt.config import SearchConfig
from nmt.search import dictate, search
from tests.search.scripted import EOS, UNK, ScriptedStepper, batch

SOURCES = [[4, 5], [6], [5, 5, 4], [], [4, 6, 6, 5]]


@pytest.mark.parametrize(
    "options",
    [
        SearchConfig(beam=1, repetition_penalty=1.4),
        SearchConfig(beam=4, n_best=4, length_penalty=0.7, coverage_penalty=0.3),
        SearchConfig(beam=4, n_best=2, diversity_groups=2),
        SearchConfig(sample=True, n_best=3, top_p=0.9, repetition_penalty=1.2),
    ],
    ids=["greedy", "coverage", "diverse", "sample"],
)
def test_a_found_translation_gets_its_own_score(options: SearchConfig) -> None:
    model = ScriptedStepper()
    compared = 0
    found = search(model, *batch(SOURCES), options)
    for rank in range(options.n_best):
        complete = [i for i, hypotheses in enumerate(found) if hypotheses[rank].is_complete]
        targets = [found[i][rank].tokens for i in complete]
        forced = dictate(model, *batch([SOURCES[i] for i in complete]), targets, options)
        for i, dictated in zip(complete, forced, strict=True):
            hypothesis, expected = dictated.hypothesis, found[i][rank]
            assert hypothesis.tokens == expected.tokens
            assert hypothesis.is_complete
            assert hypothesis.score == pytest.approx(expected.score, abs=1e-5)
            assert hypothesis.log_probability == pytest.approx(expected.log_probability, abs=1e-5)
            np.testing.assert_array_equal(hypothesis.attention, expected.attention)
            compared += 1
    assert compared > 2


def test_the_log_probabilities_of_the_tokens_are_the_models_whatever_the_penalty() -> None:
    model = ScriptedStepper()
    target, ended = (4, 4, 5, 4), (4, 4, 5, 4, EOS)
    options = SearchConfig(repetition_penalty=1.5)
    (dictated,) = dictate(model, *batch([[4, 6]]), [target], options)
    expected = [
        float(model.predicts((4, 6, EOS), ended[:i])[token]) for i, token in enumerate(ended)
    ]
    assert dictated.log_probabilities == pytest.approx(expected)
    assert sum(expected) == pytest.approx(dictated.hypothesis.log_probability)
    lowered = sum(expected) + 0.5 * (expected[1] + expected[3])
    assert dictated.hypothesis.score == pytest.approx(lowered / 5)


def test_any_translation_is_scored_an_empty_one_too() -> None:
    model = ScriptedStepper()
    dictated = dictate(model, *batch([[4], [5, 6]]), [(), (4,) * 40])
    empty, long = (each.hypothesis for each in dictated)
    assert empty.log_probability == pytest.approx(float(model.predicts((4, EOS), ())[EOS]))
    assert empty.attention.shape == (1, 2)
    assert long.tokens == (4,) * 40
    assert long.attention.shape == (41, 3)


def test_the_tokens_of_a_translation_are_needed() -> None:
    model = ScriptedStepper()
    dictate(model, *batch([[4], [5]]), [(4, 5), (6,)])
    assert [set(needed) for needed in model.needed] == [{4, 5, EOS}, {6, EOS}]


def test_what_is_never_produced_has_no_probability() -> None:
    unknown, known = dictate(ScriptedStepper(), *batch([[4], [5]]), [(4, UNK, 5), (4,)])
    assert unknown.hypothesis.log_probability == -np.inf
    assert np.isfinite(known.hypothesis.log_probability)


def test_no_pairs_have_no_scores() -> None:
    assert dictate(ScriptedStepper(), *batch([]), []) == []
