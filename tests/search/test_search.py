"""The search against exhaustive enumeration and a plain textbook search, over scripted models."""

import itertools
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search import Candidates, Hypothesis, search
from tests.search.scripted import BOS, EOS, PAD, PRODUCED, UNK, Rows, ScriptedStepper, batch


def run(
    model: ScriptedStepper, sources: Sequence[Sequence[int]], options: SearchConfig
) -> list[list[Hypothesis]]:
    return search(model, *batch(sources), options)


def limit(source: Sequence[int], options: SearchConfig) -> int:
    return math.floor(len(source) * options.max_length_factor + options.max_length_extra)


def score_by_hand(
    model: ScriptedStepper, source: Sequence[int], tokens: Sequence[int], penalty: float
) -> tuple[float, float]:
    """Teacher-forced log-probability of tokens as they stand, and that over length ** penalty."""
    total = 0.0
    for i, token in enumerate(tokens):
        total += float(model.predicts((*source, EOS), tuple(tokens[:i]))[token])
    return total, total / len(tokens) ** penalty


def every_translation(
    model: ScriptedStepper, source: Sequence[int], options: SearchConfig
) -> list[tuple[float, tuple[int, ...]]]:
    """All complete translations within the limit, best first."""
    words = [token for token in PRODUCED if token != EOS]
    found = []
    for length in range(limit(source, options)):
        for tokens in itertools.product(words, repeat=length):
            _, score = score_by_hand(model, source, (*tokens, EOS), options.length_penalty)
            found.append((score, tokens))
    return sorted(found, reverse=True)


def coverage_by_hand(model: ScriptedStepper, source: Sequence[int], tokens: Sequence[int]) -> float:
    """Wu et al. 2016, equation 14, without beta; of tokens as they stand."""
    read = (*source, EOS)
    covered = [0.0] * len(read)
    for step in range(len(tokens)):
        for i, weight in enumerate(model.looks(read, tuple(tokens[:step]))):
            covered[i] += float(weight)
    return sum(math.log(min(total, 1.0)) for total in covered)


def textbook_beam_search(
    model: ScriptedStepper, source: Sequence[int], options: SearchConfig
) -> list[tuple[tuple[int, ...], bool]]:
    """Beam search of one sentence over the whole vocabulary, that does not look ahead."""
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    ended: list[tuple[float, tuple[int, ...]]] = []
    for step in range(1, limit(source, options) + 1):
        pool = [
            (total + float(model.predicts((*source, EOS), tokens)[token]), (*tokens, token))
            for total, tokens in live
            for token in PRODUCED
        ]
        pool.sort(key=lambda entry: -entry[0])
        ended += [
            (
                total / step**options.length_penalty
                + options.coverage_penalty * coverage_by_hand(model, source, tokens),
                tokens[:-1],
            )
            for total, tokens in pool[: options.beam]
            if tokens[-1] == EOS
        ]
        live = [entry for entry in pool if entry[1][-1] != EOS][: options.beam]
        if len(ended) >= options.beam and options.stop == "enough":
            break
    ended.sort(key=lambda entry: -entry[0])
    live.sort(
        key=lambda entry: (
            -(
                entry[0] / max(1, len(entry[1])) ** options.length_penalty
                + options.coverage_penalty * coverage_by_hand(model, source, entry[1])
            )
        )
    )
    result = [(tokens, True) for _, tokens in ended] + [(tokens, False) for _, tokens in live]
    return result[: options.n_best]


SOURCES = [[4, 5], [6], [5, 5, 4], [], [4, 6, 6, 5]]
source_lists = st.lists(st.lists(st.integers(4, 6), max_size=5), min_size=1, max_size=6)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 1.7])
def test_a_wide_beam_finds_the_best_of_all_translations(penalty: float) -> None:
    options = SearchConfig(
        beam=400, n_best=12, length_penalty=penalty, max_length_factor=0.5, max_length_extra=4
    )
    model = ScriptedStepper()
    for source, found in zip(SOURCES, run(model, SOURCES, options), strict=True):
        best = every_translation(model, source, options)[:12]
        assert [h.tokens for h in found] == [tokens for _, tokens in best]
        assert [h.score for h in found] == pytest.approx([score for score, _ in best], abs=1e-5)


@pytest.mark.parametrize(
    ("coverage", "repetition"), [(0.3, 1.0), (2.0, 1.0), (0.0, 1.3), (0.5, 2.0)]
)
def test_a_wide_beam_finds_the_best_with_penalties_too(coverage: float, repetition: float) -> None:
    options = SearchConfig(
        beam=400,
        n_best=12,
        length_penalty=0.8,
        coverage_penalty=coverage,
        repetition_penalty=repetition,
        max_length_factor=0.5,
        max_length_extra=4,
    )
    model = ScriptedStepper()
    for source, hypotheses in zip(SOURCES, run(model, SOURCES, options), strict=True):
        expected = []
        for _, words in every_translation(model, source, options):
            tokens = (*words, EOS)
            read = (*source, EOS)
            each = [float(model.predicts(read, tokens[:i])[t]) for i, t in enumerate(tokens)]
            lowered = [
                p * repetition ** (t in tokens[:i])
                for i, (p, t) in enumerate(zip(each, tokens, strict=True))
            ]
            score = sum(lowered) / len(tokens) ** 0.8
            score += coverage * coverage_by_hand(model, source, tokens)
            expected.append((score, words, sum(each)))
        expected.sort(reverse=True)
        assert [h.tokens for h in hypotheses] == [words for _, words, _ in expected[:12]]
        for hypothesis, (score, _, log_probability) in zip(hypotheses, expected, strict=False):
            assert hypothesis.score == pytest.approx(score, abs=1e-5)
            assert hypothesis.log_probability == pytest.approx(log_probability, abs=1e-5)


def test_greedy_search_lowers_what_it_has_produced() -> None:
    """The likeliest tokens may all be lowered: as many more have to be asked for."""
    model = ScriptedStepper(end_bonus=-3.0)
    options = SearchConfig(beam=1, repetition_penalty=3.0)
    for source, (hypothesis,) in zip(SOURCES, run(model, SOURCES, options), strict=True):
        tokens: tuple[int, ...] = ()
        while len(tokens) < limit(source, options):
            values = model.predicts((*source, EOS), tokens).copy()
            values[[PAD, BOS, UNK]] = -np.inf
            values[list(set(tokens))] *= 3.0
            tokens += (int(values.argmax()),)
            if tokens[-1] == EOS:
                break
        assert hypothesis.tokens == tokens[: len(hypothesis.tokens)]
        assert len(tokens) == len(hypothesis.tokens) + hypothesis.is_complete


@pytest.mark.slow
@settings(max_examples=200)
@given(
    sources=source_lists,
    beam=st.integers(1, 5),
    n_best=st.integers(1, 5),
    penalty=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    coverage=st.sampled_from([0.0, 0.4, 3.0]),
    stop=st.sampled_from(["enough", "certain"]),
    extra=st.integers(1, 6),
    end_bonus=st.sampled_from([-8.0, -1.0, 0.0, 3.0]),
)
def test_early_stopping_and_batching_find_what_a_textbook_search_finds(
    sources: list[list[int]],
    beam: int,
    n_best: int,
    penalty: float,
    coverage: float,
    stop: Literal["enough", "certain"],
    extra: int,
    end_bonus: float,
) -> None:
    """With "certain" the textbook search always goes on to the length limit."""
    options = SearchConfig(
        beam=beam,
        n_best=min(n_best, beam),
        length_penalty=penalty,
        coverage_penalty=coverage,
        stop=stop,
        max_length_factor=1.5,
        max_length_extra=extra,
    )
    model = ScriptedStepper(end_bonus)
    found = run(model, sources, options)
    for source, hypotheses in zip(sources, found, strict=True):
        expected = textbook_beam_search(model, source, options)
        assert [(h.tokens, h.is_complete) for h in hypotheses] == expected


def textbook_diverse_search(
    model: ScriptedStepper, source: Sequence[int], options: SearchConfig
) -> list[tuple[float, tuple[int, ...]]]:
    """Vijayakumar et al. 2018, algorithm 1, one group after the other, the whole vocabulary."""
    size = options.beam // options.diversity_groups
    groups: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())]] * options.diversity_groups
    ended: list[list[tuple[float, tuple[int, ...]]]] = [[] for _ in groups]
    for step in range(1, limit(source, options) + 1):
        taken: Counter[int] = Counter()
        for g, group in enumerate(groups):
            pool = []
            for total, tokens in group:
                for token in PRODUCED:
                    now = total + float(model.predicts((*source, EOS), tokens)[token])
                    rank = now - options.diversity_penalty * taken[token]
                    pool.append((rank, now, (*tokens, token)))
            pool.sort(key=lambda entry: -entry[0])
            ended[g] += [
                (now / step**options.length_penalty, tokens[:-1])
                for _, now, tokens in pool[:size]
                if tokens[-1] == EOS
            ]
            groups[g] = [(now, t) for _, now, t in pool if t[-1] != EOS][:size]
            if len(ended[g]) >= size:
                groups[g] = []
            taken.update(tokens[-1] for _, tokens in groups[g])
    best = {tokens: score for found in ended for score, tokens in found}
    return sorted(((score, tokens) for tokens, score in best.items()), reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 5.0])
@pytest.mark.parametrize("groups", [2, 3, 6])
def test_diverse_groups_find_what_a_textbook_diverse_search_finds(
    penalty: float, groups: int
) -> None:
    options = SearchConfig(beam=6, n_best=6, diversity_groups=groups, diversity_penalty=penalty)
    model = ScriptedStepper()
    for source, hypotheses in zip(SOURCES, run(model, SOURCES, options), strict=True):
        complete = [h for h in hypotheses if h.is_complete]
        expected = textbook_diverse_search(model, source, options)[: options.n_best]
        assert [h.tokens for h in complete] == [tokens for _, tokens in expected]
        assert [h.score for h in complete] == pytest.approx([s for s, _ in expected], abs=1e-5)
        for hypothesis in complete:  # the model's own numbers, without the penalty
            total, _ = score_by_hand(model, source, (*hypothesis.tokens, EOS), 1.0)
            assert hypothesis.log_probability == pytest.approx(total, abs=1e-5)


def test_groups_that_avoid_each_other_differ_more() -> None:
    model = ScriptedStepper(spread=3.0)

    def first_tokens(penalty: float) -> int:
        options = SearchConfig(
            beam=3, n_best=3, diversity_groups=3, diversity_penalty=penalty, max_length_extra=3
        )
        return sum(len({h.tokens[:1] for h in found}) for found in run(model, SOURCES, options))

    assert first_tokens(9.0) > first_tokens(0.0)


def test_a_beam_of_one_takes_the_likeliest_token_at_each_step() -> None:
    options = SearchConfig(beam=1)
    model = ScriptedStepper()
    for source, (hypothesis,) in zip(SOURCES, run(model, SOURCES, options), strict=True):
        tokens: list[int] = []
        while len(tokens) < limit(source, options):
            distribution = model.predicts((*source, EOS), tuple(tokens)).copy()
            distribution[[PAD, BOS, UNK]] = -np.inf
            tokens.append(int(distribution.argmax()))
            if tokens[-1] == EOS:
                break
        assert hypothesis.is_complete == (tokens[-1] == EOS)
        assert list(hypothesis.tokens) == [token for token in tokens if token != EOS]


ALL_KINDS = {
    "beam": SearchConfig(beam=3, n_best=3),
    "no repeat": SearchConfig(beam=3, n_best=3, no_repeat=2),
    "coverage": SearchConfig(beam=3, n_best=3, coverage_penalty=0.5, stop="certain"),
    "diverse": SearchConfig(beam=4, n_best=3, diversity_groups=2),
    "repetition": SearchConfig(beam=3, n_best=3, repetition_penalty=1.5),
    "sample": SearchConfig(sample=True, n_best=3, no_repeat=1),
    "typical": SearchConfig(sample=True, n_best=3, typical_p=0.6, repetition_penalty=1.5),
}


@pytest.mark.parametrize("options", ALL_KINDS.values(), ids=ALL_KINDS)
@settings(max_examples=25)
@given(sources=source_lists, data=st.data())
def test_a_translation_does_not_depend_on_its_neighbours(
    options: SearchConfig, sources: list[list[int]], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(sources))))
    model = ScriptedStepper()
    together = run(model, [sources[i] for i in order], options)
    for i, hypotheses in zip(order, together, strict=True):
        (alone,) = run(model, [sources[i]], options)
        assert [(h.tokens, h.log_probability, h.score) for h in hypotheses] == [
            (h.tokens, h.log_probability, h.score) for h in alone
        ]
        for mine, other in zip(hypotheses, alone, strict=True):
            np.testing.assert_array_equal(mine.attention, other.attention)


@pytest.mark.parametrize(
    "options",
    [
        SearchConfig(beam=4, n_best=4, length_penalty=0.7),
        SearchConfig(beam=2, n_best=2, max_length_factor=0.1, max_length_extra=2),
        SearchConfig(sample=True, n_best=6, temperature=1.7, top_p=0.9, length_penalty=0.7),
    ],
    ids=["beam", "cut off", "sample"],
)
def test_the_score_is_that_of_the_tokens_read_one_after_the_other(options: SearchConfig) -> None:
    model = ScriptedStepper()
    for source, hypotheses in zip(SOURCES, run(model, SOURCES, options), strict=True):
        assert len(hypotheses) == options.n_best
        for hypothesis in hypotheses:
            tokens = hypothesis.tokens + (EOS,) * hypothesis.is_complete
            total, score = score_by_hand(model, source, tokens, options.length_penalty)
            assert hypothesis.log_probability == pytest.approx(total, abs=1e-5)
            assert hypothesis.score == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("sample", [False, True])
def test_attention_follows_the_hypothesis_back_to_its_start(sample: bool) -> None:
    model = ScriptedStepper()
    options = SearchConfig(beam=4, n_best=4, sample=sample)
    for source, hypotheses in zip(SOURCES, run(model, SOURCES, options), strict=True):
        for hypothesis in hypotheses:
            steps = len(hypothesis.tokens) + hypothesis.is_complete
            expected = [
                model.looks((*source, EOS), hypothesis.tokens[:step]) for step in range(steps)
            ]
            np.testing.assert_array_equal(hypothesis.attention, np.stack(expected))


def test_a_model_without_attention_gives_none() -> None:
    class Blind(ScriptedStepper):
        def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
            candidates, state = super().step(state, tokens, k)
            return Candidates(candidates.log_probabilities, candidates.tokens), state

    assert all(h.attention is None for (h,) in run(Blind(), SOURCES, SearchConfig()))
    with pytest.raises(
        SearchError, match=r"coverage_penalty is 0\.2 but the model has no attention"
    ):
        run(Blind(), SOURCES, SearchConfig(coverage_penalty=0.2))


@pytest.mark.parametrize(
    "options", [SearchConfig(beam=5), SearchConfig(beam=1), SearchConfig(sample=True, n_best=3)]
)
def test_a_model_that_never_ends_is_cut_off_at_the_limit(options: SearchConfig) -> None:
    model = ScriptedStepper(end_bonus=-math.inf)
    for source, hypotheses in zip(SOURCES, run(model, SOURCES, options), strict=True):
        assert len(hypotheses) == options.n_best
        for hypothesis in hypotheses:
            assert not hypothesis.is_complete
            assert len(hypothesis.tokens) == limit(source, options) == 2 * len(source) + 10


def test_a_complete_hypothesis_comes_before_a_better_one_that_was_cut_off() -> None:
    model = ScriptedStepper()
    options = SearchConfig(beam=4, n_best=4, max_length_factor=0.1, max_length_extra=2)
    for hypotheses in run(model, SOURCES * 3, options):
        complete = [h.is_complete for h in hypotheses]
        assert complete == sorted(complete, reverse=True)
        for _, group in itertools.groupby(hypotheses, key=lambda h: h.is_complete):
            scores = [h.score for h in group]
            assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("sample", [False, True])
def test_no_run_of_tokens_is_repeated(n: int, sample: bool) -> None:
    options = SearchConfig(
        beam=3, n_best=3, no_repeat=n, sample=sample, top_k=2 * sample, max_length_extra=12
    )
    model = ScriptedStepper(end_bonus=-4.0)
    free = options.model_copy(update={"no_repeat": 0})
    repeats = []
    for hypotheses in run(model, SOURCES, options) + run(model, SOURCES, free):
        for tokens in (h.tokens for h in hypotheses):
            runs = [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
            repeats.append(len(runs) - len(set(runs)))
    half = len(repeats) // 2
    assert not any(repeats[:half])
    assert sum(repeats[half:]) > 10, "the test means nothing unless the model likes to repeat"


def test_banning_repeats_asks_for_enough_candidates() -> None:
    """Greedy search without repeats must take the likeliest token that is left."""
    model = ScriptedStepper(end_bonus=-3.0)
    options = SearchConfig(beam=1, no_repeat=1)
    for source, (hypothesis,) in zip(SOURCES, run(model, SOURCES, options), strict=True):
        tokens: tuple[int, ...] = ()
        while True:
            distribution = model.predicts((*source, EOS), tokens).copy()
            distribution[[PAD, BOS, UNK, *tokens]] = -np.inf
            if (token := int(distribution.argmax())) == EOS:
                break
            tokens += (token,)
        assert hypothesis.tokens == tokens


@pytest.mark.parametrize(("beam", "candidates"), [(1, 1), (2, 3), (3, 4)])
def test_no_more_candidates_are_asked_for_than_can_matter(beam: int, candidates: int) -> None:
    model = ScriptedStepper()
    run(model, SOURCES, SearchConfig(beam=beam))
    assert set(model.asked) == {candidates}


def test_finished_sentences_leave_the_batch() -> None:
    class Counting(ScriptedStepper):
        rows: tuple[int, ...] = ()

        def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
            self.rows += (len(tokens),)
            return super().step(state, tokens, k)

    model = Counting(end_bonus=1.0)
    run(model, SOURCES * 4, SearchConfig(beam=1))
    assert model.rows[0] == 20
    assert list(model.rows) == sorted(model.rows, reverse=True)
    assert model.rows[-1] < 8


def test_rows_that_stay_where_they_are_are_not_selected_again() -> None:
    class Counting(ScriptedStepper):
        selections = 0

        def select(self, state: Rows, rows: np.ndarray) -> Rows:
            self.selections += 1
            assert not np.array_equal(rows.reshape(-1), np.arange(len(state.histories)))
            return super().select(state, rows)

    model = Counting(end_bonus=-2.0)
    run(model, SOURCES, SearchConfig(beam=1))
    assert len(model.asked) > 10
    assert model.selections <= len(SOURCES)  # a sentence leaves


def test_a_sentence_is_over_once_no_hypothesis_can_get_ahead() -> None:
    """With an end that is nearly certain, waiting for a whole beam of ends gains nothing."""
    model = ScriptedStepper(end_bonus=12.0)
    options = SearchConfig(beam=5, length_penalty=0.0)
    for source in SOURCES:
        model.asked.clear()
        ((best,),) = run(model, [source], options)
        assert best.log_probability > -0.1
        assert len(model.asked) == 1


def exact_probabilities(
    model: ScriptedStepper, source: Sequence[int], options: SearchConfig
) -> dict[tuple[int, ...], float]:
    """Probability of every translation, cut-off ones included, under the sampling options."""

    def drawn(history: tuple[int, ...]) -> dict[int, float]:
        distribution = model.predicts((*source, EOS), history)
        best = sorted(PRODUCED, key=lambda token: -distribution[token])
        best = best[: options.top_k or len(best)]
        weights = [math.exp(distribution[token] / options.temperature) for token in best]
        total, before, kept = sum(weights), 0.0, {}
        for token, weight in zip(best, weights, strict=True):
            if before < options.top_p * total:
                kept[token] = weight
            before += weight
        share = {token: weight / sum(kept.values()) for token, weight in kept.items()}
        entropy = -sum(p * math.log(p) for p in share.values())
        typical = sorted(share, key=lambda token: abs(-math.log(share[token]) - entropy))
        mass, count = 0.0, 0
        while mass < options.typical_p and count < len(typical):
            mass += share[typical[count]]
            count += 1
        return {token: share[token] / mass for token in typical[:count]}

    result: dict[tuple[int, ...], float] = {}
    unfinished: dict[tuple[int, ...], float] = {(): 1.0}
    for step in range(1, limit(source, options) + 1):
        grown: dict[tuple[int, ...], float] = {}
        for history, probability in unfinished.items():
            for token, share in drawn(history).items():
                ends = token == EOS or step == limit(source, options)
                (result if ends else grown)[(*history, token)] = probability * share
        unfinished = grown
    return result


@pytest.mark.parametrize(
    "options",
    [
        SearchConfig(),
        SearchConfig(temperature=0.5),
        SearchConfig(temperature=2.0),
        SearchConfig(top_k=2),
        SearchConfig(top_p=0.7),
        SearchConfig(typical_p=0.4),
        SearchConfig(typical_p=0.8),
        SearchConfig(temperature=1.5, top_k=3, top_p=0.9, typical_p=0.7),
    ],
    ids=["plain", "cold", "hot", "top-k", "top-p", "typical", "less typical", "all"],
)
def test_samples_are_as_frequent_as_the_model_says(options: SearchConfig) -> None:
    count = 4000
    options = options.model_copy(
        update={"sample": True, "n_best": count, "max_length_factor": 0.5, "max_length_extra": 2}
    )
    model = ScriptedStepper()
    source = [4, 5]
    (hypotheses,) = run(model, [source], options)
    drawn = Counter(h.tokens + (EOS,) * h.is_complete for h in hypotheses)
    expected = exact_probabilities(model, source, options)
    assert sum(drawn.values()) == count
    assert sum(expected.values()) == pytest.approx(1.0)
    assert set(drawn) <= set(expected), "something outside top_k or top_p was drawn"
    squares = sum(
        (drawn[tokens] - count * p) ** 2 / (count * p) for tokens, p in expected.items() if p
    )
    freedom = len(expected) - 1
    # Chi-square has mean `freedom` and variance 2 * freedom.
    assert squares < freedom + 4 * math.sqrt(2 * max(freedom, 1))


def test_a_sample_depends_on_the_seed_and_not_on_how_many_are_drawn() -> None:
    model = ScriptedStepper()

    def samples(seed: int, n: int) -> list[set[tuple[int, ...]]]:
        options = SearchConfig(sample=True, seed=seed, n_best=n)
        return [{h.tokens for h in found} for found in run(model, SOURCES, options)]

    assert samples(1, 3) == samples(1, 3)
    assert samples(1, 8) != samples(2, 8)
    for few, many in zip(samples(1, 2), samples(1, 9), strict=True):
        assert few <= many


def test_sentences_do_not_share_their_randomness() -> None:
    class Deaf(ScriptedStepper):
        def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
            return super()._predicts((), history)

    first, second = run(Deaf(), [[4, 5], [5, 4]], SearchConfig(sample=True, n_best=20))
    assert {h.tokens for h in first} != {h.tokens for h in second}


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("sample", [False, True])
def test_numbers_that_are_no_probabilities_are_an_error_and_not_a_hang(
    wrong: float, sample: bool
) -> None:
    class Broken(ScriptedStepper):
        def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
            candidates, state = super().step(state, tokens, k)
            if len(self.asked) == 3:
                candidates.log_probabilities[-1, 0] = wrong
            return candidates, state

    with pytest.raises(SearchError, match="not probabilities"):
        run(Broken(end_bonus=-5.0), SOURCES, SearchConfig(sample=sample))


@pytest.mark.parametrize("sample", [False, True])
def test_a_model_that_allows_nothing_is_an_error(sample: bool) -> None:
    class Mute(ScriptedStepper):
        def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
            candidates, state = super().step(state, tokens, k)
            candidates.log_probabilities[:] = -np.inf
            return candidates, state

    with pytest.raises(SearchError, match="not probabilities"):
        run(Mute(), SOURCES, SearchConfig(sample=sample))


def test_nothing_to_translate_gives_nothing() -> None:
    assert run(ScriptedStepper(), [], SearchConfig()) == []


def test_the_search_does_not_import_torch() -> None:
    code = (
        "import sys, nmt.search.search, nmt.translator.translator; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
