"""Search under constraints against exhaustive enumeration of what satisfies them."""

import gc
import itertools
import sys
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search import Constrained, Constraints, Hypothesis, dictate, search
from nmt.search.constraints import MOST_KNOWN, Automaton
from tests.search.scripted import EOS, ScriptedStepper, batch

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
    """Every translation of fewer than `most` tokens that satisfies the constraints, best first.

    By the score, or by the log-probability where something is required.
    """
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
    if constraints.required:
        return sorted(found, key=lambda scored: -scored[0] * (len(scored[1]) + 1))
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


@pytest.mark.slow
@settings(max_examples=50)
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


@pytest.mark.slow
def test_words_that_are_required_are_not_cheaper_at_the_end_of_a_longer_translation() -> None:
    model = ScriptedStepper(vocabulary=VOCABULARY)
    options = SearchConfig(beam=300, max_length_factor=0.01, max_length_extra=4)
    different = 0
    for source in itertools.product((4, 5, 6), repeat=3):
        [[found]] = run(model, [list(source)], options, [Constraints(required=((4,),))])
        likeliest, *_ = best_by_hand(model, source, Constraints(required=((4,),)), 5)
        by_score = max(best_by_hand(model, source, Constraints(required=((4,),)), 5))
        assert found.tokens == likeliest[1]
        assert found.score == pytest.approx(likeliest[0], abs=1e-5), "as without constraints"
        different += likeliest != by_score
    assert different > 5, "the test means nothing if both are alike"


@settings(max_examples=200)
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


def test_sentences_with_the_same_constraints_share_an_automaton() -> None:
    each = [Constraints(forbidden=((4,),)), FREE, Constraints(required=((5,),))]
    constrained = Constrained((*each, *each), CONTINUES)
    model = ScriptedStepper(vocabulary=VOCABULARY)
    search(model, *batch([[4], [5], [6]] * 2), SearchConfig(beam=2), constrained)
    assert set(constrained.known) == {each[0], each[2]}
    assert constrained.automaton(0) is constrained.automaton(3)
    assert constrained.only([5, 2]).automaton(0) is constrained.automaton(2)
    assert constrained.automaton(0) is not constrained.automaton(2)


def test_not_all_automata_are_kept() -> None:
    each = [Constraints(prefix=(4,) * n, forbidden=((5,),)) for n in range(MOST_KNOWN + 9)]
    constrained = Constrained(tuple(each), CONTINUES)
    for i, constraints in enumerate(each):
        assert constrained.automaton(i).prefix == constraints.prefix
    assert len(constrained.known) <= MOST_KNOWN


def test_an_automaton_is_freed_with_its_last_use() -> None:
    automaton = Automaton(Constraints(required=((4, 5),), forbidden=((6,),)), CONTINUES)
    automaton.nearer(automaton.start)
    remains = weakref.ref(automaton)
    gc.disable()
    try:
        del automaton
        assert remains() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", ["required", "forbidden"])
def test_a_step_takes_no_longer_if_there_are_more_runs(kind: str) -> None:
    def calls(count: int) -> int:
        """Functions called to take a step after the token 4, which starts every run."""
        runs = tuple(itertools.islice(itertools.product([4], WORDS[:3], WORDS[:3]), count))
        automaton = Automaton(Constraints(**{kind: runs}), CONTINUES)
        progress = automaton.advance(automaton.start, 4)
        assert progress is not None
        called = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal called
            called += event == "call"

        sys.setprofile(count_call)
        try:
            automaton.advance(progress, 4)
            automaton.is_open(progress.ending)
        finally:
            sys.setprofile(None)
        return called

    assert calls(9) == calls(1)


@pytest.mark.slow
@settings(max_examples=100)
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


def test_constraints_leave_the_neighbours_as_they_are() -> None:
    """To the bit, whatever the others have to be like."""
    model = ScriptedStepper(vocabulary=VOCABULARY)
    sources = [[4, 5], [6], [5, 5, 4], [], [4, 6, 6, 5]]
    options = SearchConfig(beam=3, n_best=3)
    alone = search(model, *batch(sources), options)
    bound = Constraints(prefix=(5,), required=((6, 7), (4,)), forbidden=((5, 5),))
    for i in range(5):
        each = [FREE] * 5
        each[i] = bound
        together = run(model, sources, options, each)
        for j, (found, expected) in enumerate(zip(together, alone, strict=True)):
            if i == j:
                assert all(satisfies(h.tokens, bound) for h in found)
            else:
                assert [(h.tokens, h.score) for h in found] == [
                    (h.tokens, h.score) for h in expected
                ]


@pytest.mark.slow
@settings(max_examples=50)
@given(
    sources=st.lists(st.lists(st.integers(4, 6), max_size=4), min_size=2, max_size=5),
    beam=st.integers(1, 4),
    data=st.data(),
)
def test_a_constrained_translation_does_not_depend_on_its_neighbours(
    sources: list[list[int]], beam: int, data: st.DataObject
) -> None:
    model = ScriptedStepper(vocabulary=VOCABULARY)
    each = [data.draw(constraint_sets) for _ in sources]
    assume(all(try_automaton(constraints) for constraints in each))
    options = SearchConfig(beam=beam, n_best=beam, max_length_extra=5)
    together = run(model, sources, options, each)
    for source, constraints, found in zip(sources, each, together, strict=True):
        (expected,) = run(model, [source], options, [constraints])
        assert [(h.tokens, h.score) for h in found] == [(h.tokens, h.score) for h in expected]


def test_the_score_under_constraints_is_the_models() -> None:
    model = ScriptedStepper(vocabulary=VOCABULARY)
    sources = [[4, 5], [6]]
    each = [Constraints(prefix=(7, 4), required=((5, 5),)), Constraints(forbidden=((4,), (5, 6)))]
    found = run(model, sources, SearchConfig(beam=3), each)
    assert all(h.is_complete for (h,) in found)
    forced = dictate(model, *batch(sources), [h.tokens for (h,) in found])
    for (hypothesis,), dictated in zip(found, forced, strict=True):
        expected = dictated.hypothesis
        assert hypothesis.log_probability == pytest.approx(expected.log_probability, abs=1e-5)
        assert hypothesis.score == pytest.approx(expected.score, abs=1e-5)
        np.testing.assert_array_equal(hypothesis.attention, expected.attention)


def test_samples_begin_with_the_prefix_and_hold_nothing_forbidden() -> None:
    model = ScriptedStepper(end_bonus=-1.0, vocabulary=VOCABULARY)
    constraints = Constraints(prefix=(6, 5), forbidden=((4,), (5, 5)))
    options = SearchConfig(sample=True, n_best=1000, max_length_factor=0.01, max_length_extra=2)
    (found,) = run(model, [[4, 5]], options, [constraints])
    drawn = {h.tokens for h in found}
    assert all(satisfies(tokens, constraints) for tokens in drawn)
    every = [(6, 5, *tokens) for n in (0, 1) for tokens in itertools.product(WORDS, repeat=n)]
    assert {tokens for tokens in every if satisfies(tokens, constraints)} <= drawn


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (SearchConfig(sample=True), "search.sample"),
        (SearchConfig(beam=4, diversity_groups=2), "search.diversity_groups"),
    ],
)
def test_what_is_required_needs_beam_search(options: SearchConfig, key: str) -> None:
    with pytest.raises(SearchError, match=f"need beam search: leave out {key}"):
        run(ScriptedStepper(vocabulary=VOCABULARY), [[4]], options, [Constraints(required=((4,),))])


def test_diverse_groups_keep_to_a_prefix_and_to_what_is_forbidden() -> None:
    constraints = Constraints(prefix=(6,), forbidden=((4,),))
    options = SearchConfig(beam=4, n_best=4, diversity_groups=2)
    model = ScriptedStepper(vocabulary=VOCABULARY)
    (found,) = run(model, [[4, 5]], options, [constraints])
    assert len(found) > 1
    assert all(satisfies(h.tokens, constraints) for h in found)


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (Constraints(required=((4, 5, 6),), forbidden=((5,),)), "one forbids another"),
        (Constraints(required=((4, 5),), forbidden=((4, 5),)), "one forbids another"),
        (Constraints(prefix=(4, 5), forbidden=((4,),)), "cannot begin with"),
        (Constraints(required=((),)), "has no tokens"),
        (Constraints(forbidden=((4, EOS),)), "token 2 cannot be in a translation"),
        (Constraints(prefix=(99,)), "token 99 cannot be in a translation"),
    ],
)
def test_what_no_translation_can_be_like_is_refused(constraints: Constraints, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        run(ScriptedStepper(vocabulary=VOCABULARY), [[4]], SearchConfig(), [constraints])


def test_a_word_that_goes_on_is_another_word() -> None:
    """4 is forbidden and 4 7 is not; 4 is required and 4 7 does not do."""
    model = ScriptedStepper(vocabulary=VOCABULARY)
    options = SearchConfig(beam=300, max_length_factor=0.01, max_length_extra=4)
    for constraints in (Constraints(forbidden=((4,),)), Constraints(required=((4,),))):
        (found,) = run(model, [[5]], options.model_copy(update={"n_best": 40}), [constraints])
        assert all(satisfies(h.tokens, constraints) for h in found)
        assert any((4, 7) in itertools.pairwise(h.tokens) for h in found)


def test_the_model_is_told_what_must_be_in_reach() -> None:
    model = ScriptedStepper(vocabulary=VOCABULARY)
    run(model, [[4], [5]], SearchConfig(), [FREE, Constraints(prefix=(6,), required=((4, 5),))])
    (needed,) = model.needed
    assert {4, 5, 6} <= set(needed)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_what_is_required_appears_even_if_the_model_would_never_say_it(beam: int) -> None:
    class Reluctant(ScriptedStepper):
        def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
            values = super()._predicts(source, history).copy()
            values[[5, 6]] -= 40.0
            return values

    model = Reluctant(vocabulary=VOCABULARY)
    constraints = Constraints(required=((5, 7, 6), (6,)))
    sources: list[list[int]] = [[], [4], [4, 4, 4]]
    options = SearchConfig(beam=beam, max_length_factor=0.5, max_length_extra=1)
    for (hypothesis,) in run(model, sources, options, [constraints] * 3):
        assert satisfies(hypothesis.tokens, constraints)


class Told(ScriptedStepper):
    """Prefers tokens as it is told: logits of the tokens after a history, else 0."""

    def __init__(self, rules: Callable[[Run], dict[int, float]]) -> None:
        super().__init__(vocabulary=VOCABULARY)
        self.rules = rules

    def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
        logits = np.zeros(VOCABULARY)
        for token, logit in self.rules(history).items():
            logits[token] = logit
        return (logits - np.log(np.exp(logits).sum())).astype(np.float32)


def test_a_narrow_beam_takes_up_what_is_required_where_the_model_would_end() -> None:
    """And not before, nor only where the length limit makes it; and it does not lose heart."""

    def rules(history: Run) -> dict[int, float]:
        return {4 if len(history) < 3 or history[-1] == 5 else EOS: 5.0}

    constraints = Constraints(required=((5, 6),))
    options = SearchConfig(beam=1, max_length_extra=20)
    ((hypothesis,),) = run(Told(rules), [[4]], options, [constraints])
    assert hypothesis.tokens == (4, 4, 4, 5, 6)


def test_each_bank_has_its_share_of_the_beam() -> None:
    """What is required is unlikely at first, but later far more so."""

    def rules(history: Run) -> dict[int, float]:
        if not history:
            return {4: 5.0, 6: 4.0, 5: 1.0}
        return {5: -40.0, EOS if len(history) == 3 else 4: 5.0}

    options = SearchConfig(beam=2, max_length_extra=20)
    ((hypothesis,),) = run(Told(rules), [[4]], options, [Constraints(required=((5,),))])
    assert hypothesis.tokens[0] == 5


def test_a_narrow_beam_does_not_turn_forbidden_words_into_others() -> None:
    """After 4 only 7 is allowed, and unlikely."""

    def rules(history: Run) -> dict[int, float]:
        return {4: 5.0, EOS: 9.0 if len(history) == 2 else -9.0, 7: -30.0}

    for beam in (1, 2, 4):
        options = SearchConfig(beam=beam)
        ((hypothesis,),) = run(Told(rules), [[4]], options, [Constraints(forbidden=((4,),))])
        assert 7 not in hypothesis.tokens
        assert len(hypothesis.tokens) == 2


@pytest.mark.parametrize("beam", [1, 2, 4])
def test_constraints_that_do_not_matter_change_nothing(beam: int) -> None:
    class NoSevens(ScriptedStepper):
        def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
            values = super()._predicts(source, history).copy()
            values[7] = -100.0
            return values

    model = NoSevens(vocabulary=VOCABULARY)
    sources = [[4, 5], [6], [5, 5, 4], [], [4, 6, 6, 5], [5], [6, 6]]
    options = SearchConfig(beam=beam, n_best=beam, length_penalty=0.3)
    free = search(model, *batch(sources), options)
    bound = run(model, sources, options, [Constraints(forbidden=((7, 7),))] * 7)
    for found, expected in zip(bound, free, strict=True):
        assert [(h.tokens, h.score) for h in found] == [(h.tokens, h.score) for h in expected]
