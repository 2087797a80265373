"""How often pairs are met, against counting."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.mixture import Mixture, Portion

weights = st.sampled_from([0.01, 0.1, 0.3, 0.5, 1.0, 1.25, 2.0, 3.7])
portions = st.lists(st.builds(Portion, st.integers(0, 40), weights), min_size=1, max_size=3)


@given(portions, st.integers(0, 9))
def test_over_many_epochs_every_row_is_met_as_often_as_its_weight_says(
    portions: list[Portion], seed: int
) -> None:
    epochs = 20
    mixture = Mixture(tuple(portions))
    met: Counter[int] = Counter()
    for epoch in range(epochs):
        rows = mixture.rows(seed, epoch).tolist()
        assert rows == sorted(rows)
        assert len(rows) >= mixture.smallest_epoch
        met.update(rows)
    expected = [portion.weight * epochs for portion in portions for _ in range(portion.pairs)]
    assert set(met) <= set(range(len(expected)))
    # All rows of a portion are met before one is met again.
    assert all(abs(met[row] - times) < 1.001 for row, times in enumerate(expected))


def test_the_two_halves_of_a_portion_take_turns() -> None:
    mixture = Mixture((Portion(7, 1.0), Portion(10, 0.5)))
    first, second = (mixture.rows(3, epoch) for epoch in (0, 1))
    assert first[:7].tolist() == second[:7].tolist() == list(range(7))
    assert sorted([*first[7:], *second[7:]]) == list(range(7, 17))
    assert len(first) == 12


def test_rows_are_a_function_of_seed_and_epoch() -> None:
    mixture = Mixture((Portion(100, 0.3), Portion(100, 0.3)))
    rows = mixture.rows(1, 4)
    assert rows.tolist() == mixture.rows(1, 4).tolist()
    assert rows.tolist() != mixture.rows(2, 4).tolist()
    assert rows.tolist() != mixture.rows(1, 5).tolist()
    # Nor are the same ones drawn of every portion.
    assert rows[:30].tolist() != (rows[30:] - 100).tolist()


def test_without_weights_every_row_is_met_once() -> None:
    assert Mixture((Portion(3, 1.0), Portion(2, 1.0))).rows(1, 9).tolist() == [0, 1, 2, 3, 4]


def test_pairs_that_were_left_out_are_not_counted() -> None:
    mixture = Mixture.of((Portion(4, 2.0), Portion(0, 1.0), Portion(3, 0.5)), np.array([1, 3, 6]))
    assert mixture == Mixture((Portion(2, 2.0), Portion(0, 1.0), Portion(1, 0.5)))


@pytest.mark.parametrize(("sizes", "smallest"), [((9, 9), 0), ((10, 9), 1), ((10, 20), 3)])
def test_an_epoch_has_at_least_the_whole_pairs_of_each_portion(
    sizes: tuple[int, int], smallest: int
) -> None:
    assert Mixture(tuple(Portion(size, 0.1) for size in sizes)).smallest_epoch == smallest


def test_the_digest_is_that_of_the_pairs_unless_there_are_weights() -> None:
    assert Mixture((Portion(3, 1.0), Portion(2, 1.0))).digest("pairs") == "pairs"
    digests = {
        Mixture(portions).digest(pairs)
        for pairs in ("pairs", "others")
        for portions in (
            (Portion(3, 1.0), Portion(2, 2.0)),
            (Portion(3, 1.0), Portion(2, 3.0)),
            (Portion(2, 1.0), Portion(3, 2.0)),
        )
    }
    assert len(digests | {"pairs", "others"}) == 8
