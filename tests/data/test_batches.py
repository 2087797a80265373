import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.batches import make_batch, plan_epoch
from nmt.text.tokenizer import BOS, EOS, PAD

ids = st.lists(st.integers(4, 60_000), max_size=9)
length_pairs = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=200)


@given(st.lists(st.tuples(ids, ids), min_size=1, max_size=12))
def test_a_batch_holds_each_sentence_and_then_padding(pairs: list[tuple[list[int], ...]]) -> None:
    sources, targets = zip(*pairs, strict=True)

    batch = make_batch(
        [np.array(source, np.uint16) for source in sources],
        [np.array(target, np.int32) for target in targets],
    )

    def padded(rows: list[list[int]]) -> list[list[int]]:
        longest = max(map(len, rows))
        return [row + [PAD] * (longest - len(row)) for row in rows]

    assert batch.source.tolist() == padded([[*source, EOS] for source in sources])
    assert batch.source_lengths.tolist() == [len(source) + 1 for source in sources]
    assert batch.target_in.tolist() == padded([[BOS, *target] for target in targets])
    assert batch.target_out.tolist() == padded([[*target, EOS] for target in targets])
    assert {array.dtype for array in batch} == {np.dtype(np.int64)}


def test_sides_of_different_number_make_no_batch() -> None:
    with pytest.raises(ValueError, match="2 sources but 1 targets"):
        make_batch([np.array([5]), np.array([6])], [np.array([5])])
    with pytest.raises(ValueError, match="2 sources but 1 targets"):
        plan_epoch(np.array([2, 3]), np.array([2]), 64, seed=1, epoch=0)


@given(length_pairs, st.integers(16, 300), st.integers(0, 2**63), st.integers(0, 20))
def test_an_epoch_has_every_row_once_in_batches_that_fit(
    lengths: list[tuple[int, int]], tokens_per_batch: int, seed: int, epoch: int
) -> None:
    source, target = np.array(lengths, np.int32).reshape(-1, 2).T

    batches = plan_epoch(source, target, tokens_per_batch, seed, epoch)

    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        tokens = len(batch) * max(lengths[row][1] for row in batch)
        assert tokens <= tokens_per_batch or len(batch) == 1


def random_lengths(rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    source = random.integers(2, 40, rows).astype(np.int32)
    return source, np.maximum(source + random.integers(-3, 4, rows), 2).astype(np.int32)


def as_lists(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def test_the_plan_of_an_epoch_is_a_function_of_its_arguments() -> None:
    source, target = random_lengths(3000)
    plans = [plan_epoch(source, target, 512, seed=5, epoch=2) for _ in range(2)]
    assert as_lists(plans[0]) == as_lists(plans[1])


@pytest.mark.parametrize(("seed", "epoch"), [(5, 3), (6, 2)])
def test_other_epochs_and_seeds_gather_other_rows(seed: int, epoch: int) -> None:
    source, target = random_lengths(3000)
    plan = {frozenset(batch) for batch in as_lists(plan_epoch(source, target, 512, 5, 2))}
    other = {frozenset(batch) for batch in as_lists(plan_epoch(source, target, 512, seed, epoch))}
    assert len(plan & other) < len(plan) / 10


def test_batches_are_full_and_hold_rows_of_like_length() -> None:
    source, target = random_lengths(20_000)
    batches = plan_epoch(source, target, 1024, seed=1, epoch=0)
    padded_target = sum(len(batch) * target[batch].max() for batch in batches)
    padded_source = sum(len(batch) * source[batch].max() for batch in batches)
    assert padded_target < 1.02 * target.sum()
    assert padded_source < 1.12 * source.sum()
    assert target.sum() / len(batches) > 0.93 * 1024


def test_batches_do_not_come_in_the_order_of_their_length() -> None:
    source, target = random_lengths(20_000)
    batches = plan_epoch(source, target, 1024, seed=1, epoch=0)
    longest = [target[batch].max() for batch in batches]
    correlation = np.corrcoef(longest, np.arange(len(batches)))[0, 1]
    assert abs(correlation) < 0.15


def test_the_longest_rows_are_sorted_out_exactly() -> None:
    # A sort by a sum of both lengths would let a long source go before a longer target.
    source = np.array([1_000_000, 1, 1_000_000, 1])
    target = np.array([7, 8, 7, 8])
    batches = plan_epoch(source, target, 16, seed=1, epoch=0)
    assert sorted(map(sorted, as_lists(batches))) == [[0, 2], [1, 3]]
