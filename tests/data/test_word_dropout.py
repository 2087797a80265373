"""Word dropout: how much goes, what stays, and that chance is a function of the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.batches import Batch, make_batch
from nmt.data.word_dropout import drop_words
from nmt.text.tokenizer import BOS, EOS, PAD, UNK

IDS = st.lists(st.integers(UNK, 50), max_size=9)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=8)


def batch_of(pairs: list[tuple[list[int], list[int]]]) -> Batch:
    sources, targets = zip(*pairs, strict=True)
    return make_batch([np.array(ids, int) for ids in sources], [np.array(ids) for ids in targets])


def long_batch() -> Batch:
    random = np.random.default_rng(1)
    lengths = random.integers(50, 150, (64, 2))
    return make_batch(*([random.integers(4, 50, n) for n in side] for side in lengths.T))


def is_special(tokens: np.ndarray) -> np.ndarray:
    return (tokens == PAD) | (tokens == BOS) | (tokens == EOS)


@given(PAIRS, st.floats(0.0, 0.99), st.integers(0, 2**63 - 1))
def test_only_subwords_that_are_read_are_replaced_and_only_with_unk(
    pairs: list[tuple[list[int], list[int]]], share: float, seed: int
) -> None:
    whole = batch_of(pairs)
    before = [array.copy() for array in whole]
    dropped = drop_words(whole, share, seed)
    for array, copy in zip(whole, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(dropped.source_lengths, whole.source_lengths)
    np.testing.assert_array_equal(dropped.target_out, whole.target_out)
    for name in ("source", "target_in"):
        tokens, now = getattr(whole, name), getattr(dropped, name)
        assert now.dtype == np.int64
        np.testing.assert_array_equal(is_special(now), is_special(tokens))
        changed = now != tokens
        assert (now[changed] == UNK).all()


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("side", ["source", "target_in"])
def test_the_share_asked_for_is_dropped_of_each_side(share: float, side: str) -> None:
    whole = long_batch()
    tokens = getattr(whole, side)
    now = getattr(drop_words(whole, share, 3), side)
    words = ~is_special(tokens)
    # some 6,000 subwords: four standard deviations
    margin = 4 * (share * (1 - share) / words.sum()) ** 0.5
    assert (now[words] == UNK).mean() == pytest.approx(share, abs=margin)
    # anywhere in a sentence, and not at the same places in all of them
    assert (now == UNK).any(axis=1).mean() > 0.9
    assert (now == UNK).any(axis=0)[1:50].mean() > 0.9


def test_a_share_of_0_is_the_batch_itself() -> None:
    whole = long_batch()
    assert drop_words(whole, 0.0, 1) is whole


def test_what_is_dropped_is_a_function_of_the_seed_and_of_nothing_else() -> None:
    whole = long_batch()
    first = drop_words(whole, 0.2, 5)
    np.random.default_rng(5).random(99)
    again, other = drop_words(whole, 0.2, 5), drop_words(whole, 0.2, 6)
    for name in ("source", "target_in"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
        assert (getattr(other, name) != getattr(first, name)).any()


def test_the_two_sides_lose_words_at_places_of_their_own() -> None:
    ids = np.full(100, 7)
    dropped = drop_words(make_batch([ids] * 8, [ids] * 8), 0.5, 1)
    # the decoder reads the same with BOS in front, the source has EOS behind
    assert ((dropped.source[:, :-1] == UNK) != (dropped.target_in[:, 1:] == UNK)).mean() > 0.4
