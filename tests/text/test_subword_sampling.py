"""Segmentations are drawn as often as an exhaustive calculation says."""

import itertools
import math
import random
from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest

from nmt.text.subword_sampling import UNKNOWN_PENALTY, BpeDropout, UnigramSampler, WordSampler

DRAWS = 8_000

# In the order in which BPE learned them: the score is minus the rank.
MERGES = ["ab", "bc", "cd", "abc", "abcd", "ba", "aba"]
BPE_SCORES = {**{piece: -float(rank) for rank, piece in enumerate(MERGES)}, "a": -90.0, "b": -91.0}
UNIGRAM_SCORES = {"a": -2.0, "b": -2.5, "ab": -3.0, "ba": -3.2, "aba": -4.0, "bx": -5.0}


def bpe_dropout(symbols: tuple[str, ...], rate: float) -> dict[tuple[str, ...], float]:
    """The probability of every outcome of algorithm 1 of Provilkov et al. 2020.

    As printed there: all merges that are possible are dropped or not, each by itself; the best of
    those left is made; until none is left.
    """
    possible = [
        (MERGES.index(left + right), place)
        for place, (left, right) in enumerate(itertools.pairwise(symbols))
        if left + right in MERGES
    ]
    outcomes: dict[tuple[str, ...], float] = defaultdict(float)
    for kept in itertools.product([False, True], repeat=len(possible)):
        probability = math.prod(1 - rate if keep else rate for keep in kept)
        left = [merge for merge, keep in zip(possible, kept, strict=True) if keep]
        if not left:
            outcomes[symbols] += probability
            continue
        _, place = min(left)
        merged = (*symbols[:place], symbols[place] + symbols[place + 1], *symbols[place + 2 :])
        for outcome, rest in bpe_dropout(merged, rate).items():
            outcomes[outcome] += probability * rest
    return outcomes


def unigram(word: str, smoothing: float) -> dict[tuple[str, ...], float]:
    """P(x) ** smoothing, normalised, of every segmentation x (Kudo 2018, section 3.2)."""
    unknown = min(UNIGRAM_SCORES.values()) - UNKNOWN_PENALTY
    weights = {}
    for cuts in itertools.product([False, True], repeat=len(word) - 1):
        places = [0, *(i + 1 for i, is_cut in enumerate(cuts) if is_cut), len(word)]
        pieces = tuple(word[start:end] for start, end in itertools.pairwise(places))
        if all(piece in UNIGRAM_SCORES or len(piece) == 1 for piece in pieces):
            score = sum(UNIGRAM_SCORES.get(piece, unknown) for piece in pieces)
            weights[pieces] = math.exp(smoothing * score)
    return {pieces: weight / sum(weights.values()) for pieces, weight in weights.items()}


def assert_drawn_as_often(
    sampler: WordSampler, word: str, expected: Mapping[tuple[str, ...], float]
) -> None:
    draw = random.Random(11).random
    drawn = Counter(tuple(sampler.sample(word, draw)) for _ in range(DRAWS))
    assert set(drawn) <= set(expected)
    for outcome, probability in expected.items():
        deviation = math.sqrt(probability * (1 - probability) * DRAWS)
        assert abs(drawn[outcome] - probability * DRAWS) < 4 * deviation + 1, outcome


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("word", ["abcd", "ababa", "abcab", "xabx", "a", "ababcd"])
def test_bpe_dropout_follows_the_algorithm_of_its_paper(word: str, rate: float) -> None:
    expected = bpe_dropout(tuple(word), rate)
    assert math.isclose(sum(expected.values()), 1.0)
    assert_drawn_as_often(BpeDropout(BPE_SCORES, rate), word, expected)


@pytest.mark.parametrize("smoothing", [0.05, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("word", ["ababab", "abx", "xx", "a", "babxb"])
def test_unigram_segmentations_are_drawn_by_their_smoothed_probability(
    word: str, smoothing: float
) -> None:
    expected = unigram(word, smoothing)
    assert_drawn_as_often(UnigramSampler(UNIGRAM_SCORES, smoothing), word, expected)


@pytest.mark.parametrize(
    "sampler", [BpeDropout(BPE_SCORES, 0.3), UnigramSampler(UNIGRAM_SCORES, 1)]
)
def test_a_draw_does_not_depend_on_earlier_words(
    sampler: WordSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.text.subword_sampling.MAX_CACHED_WORDS", 3)

    def draw(words: list[str]) -> list[list[str]]:
        random_draw = random.Random(2).random
        return [sampler.sample(word, random_draw) for word in words]

    words = ["abab", "abc", "ba", "aba", "abab", "abcd", "abc"] * 3
    first = draw(words)
    draw(words[::-1])
    assert draw(words) == first


def test_a_very_long_word_is_no_trouble() -> None:
    draw = random.Random(1).random
    for sampler in (BpeDropout(BPE_SCORES, 0.1), UnigramSampler(UNIGRAM_SCORES, 0.1)):
        assert "".join(sampler.sample("ab" * 5000, draw)) == "ab" * 5000
