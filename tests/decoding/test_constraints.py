"""Search under constraints against exhaustive enumeration of what satisfies them."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nmt.config import SearchConfig
from nmt.decoding import Constrained, Constraints, Hypothesis, search
from nmt.decoding.constraints import Automaton
from nmt.errors import SearchError
from tests.decoding.scripted import EOS, ScriptedStepper, batch

Run = tuple[int, ...]

VOCABULARY = 8
WORDS = [4, 5, 6, 7]
CONTINUES = np.array([False] * 7 + [True])  # 7 goes on with the word before
FREE = Constraints()


def run(
    model: ScriptedStepper,
    sources: Sequence[Sequence[int]],
    options: SearchConfig,
    each: Sequence[Constraints],
) -> list[list[Hypothesis]]:
    return search(model, *batch(sources), options, Constrained(tuple(each), CONTINUES))


def occurrences(tokens: Run, run: Run) -> int:
    """How often a run appears as whole words."""
    followers = (*tokens, EOS)
    return sum(
        tokens[i : i + len(run)] == run and not CONTINUES[followers[i + len(run)]]
        for i in range(len(tokens) - len(run) + 1)
    )


def satisfies(tokens: Run, constraints: Constraints) -> bool:
    return (
        tokens[: len(constraints.prefix)] == constraints.prefix
        and all(
            occurrences(tokens, run) >= constraints.required.count(run)
            for run in constraints.required
        )
        and not any(occurrences(tokens, run) for run in constraints.forbidden)
    )


def extra_tokens(constraints: Constraints) -> int:
    return len(constraints.prefix) + sum(map(len, constraints.required))


def best_by_hand(
    model: ScriptedStepper, source: Sequence[int], constraints: Constraints, most: int
) -> list[tuple[float, Run]]:
    """Every translation of fewer than `most` tokens that satisfies the constraints, best first."""
    found = []
    for length in range(most):
        for tokens in itertools.product(WORDS, repeat=length):
            if satisfies(tokens, constraints):
                ended = (*tokens, EOS)
                total = sum(
                    float(model.predicts((*source, EOS), ended[:i])[token])
                    for i, token in enumerate(ended)
                )
                found.append((total / len(ended), tokens))
    return sorted(found, reverse=True)


runs = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(tuple)
constraint_sets = st.builds(
    Constraints,
    prefix=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    required=st.lists(runs, max_size=2).map(tuple),
    forbidden=st.lists(runs, max_size=2).map(tuple),
)


def try_automaton(constraints: Constraints) -> Automaton | None:
    try:
        return Automaton(constraints, CONTINUES)
    except SearchError:
        return None


@settings(max_examples=100, deadline=None)
@given(source=st.lists(st.integers(4, 6), max_size=3), constraints=constraint_sets)
def test_a_wide_beam_finds_the_best_of_all_that_satisfy(
    source: list[int], constraints: Constraints
) -> None:
    """Required runs that share tokens may be refused the last few tokens before the limit."""
    model = ScriptedStepper(vocabulary=VOCABULARY)
    required = [token for run in constraints.required for token in run]
    assume(len(set(required)) == len(required))
    extra = extra_tokens(constraints)
    assume(extra <= 4)
    options = SearchConfig(beam=300, n_best=4, max_length_factor=0.01, max_length_extra=5 - extra)
    expected = best_by_hand(model, source, constraints, 5)
    automaton = try_automaton(constraints)
    assume(automaton is not None and automaton.length == extra)
    (found,) = run(model, [source], options, [constraints])
    complete = [h for h in found if h.is_complete]
    assert [h.tokens for h in complete] == [tokens for _, tokens in expected[:4]]
    assert [h.score for h in complete] == pytest.approx([s for s, _ in expected[:4]], abs=1e-5)


@settings(max_examples=300, deadline=None)
@given(constraints=constraint_sets)
def test_constraints_are_refused_only_if_nothing_satisfies_them(constraints: Constraints) -> None:
    automaton = try_automaton(constraints)
    if automaton is not None:
        most = min(automaton.length, 7)
        possible = any(
            satisfies(constraints.prefix + tokens, constraints)
            for n in range(most - len(constraints.prefix) + 1)
            for tokens in itertools.product(WORDS, repeat=n)
        )
        assert possible or automaton.length > 7
    else:
        for n in range(5):
            for tokens in itertools.product(WORDS, repeat=n):
                assert not satisfies(constraints.prefix + tokens, constraints)


@settings(max_examples=200, deadline=None)
@given(
    sources=st.lists(st.lists(st.integers(4, 6), max_size=4), min_size=1, max_size=4),
    beam=st.integers(1, 5),
    end_bonus=st.sampled_from([-30.0, -3.0, 0.0, 4.0]),
    no_repeat=st.integers(0, 2),
    penalty=st.sampled_from([1.0, 1.5]),
    data=st.data(),
)
def test_what_is_found_satisfies_the_constraints_whatever_the_beam(
    sources: list[list[int]],
    beam: int,
    end_bonus: float,
    no_repeat: int,
    penalty: float,
    data: st.DataObject,
) -> None:
    each = [data.draw(constraint_sets) for _ in sources]
    assume(all(try_automaton(constraints) for constraints in each))
    options = SearchConfig(
        beam=beam,
        n_best=beam,
        max_length_factor=1.0,
        max_length_extra=data.draw(st.integers(1, 3)),
        no_repeat=no_repeat,
        repetition_penalty=penalty,
    )
    model = ScriptedStepper(end_bonus, vocabulary=VOCABULARY)
    for constraints, found in zip(each, run(model, sources, options, each), strict=True):
        assert found
        for hypothesis in found:
            assert satisfies(hypothesis.tokens, constraints)
