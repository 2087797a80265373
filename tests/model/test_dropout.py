"""Dropout: what it zeroes, what it leaves, and masks that are shared over time."""

import pytest
import torch

from nmt.model.dropout import Dropout, keep_mask

ONES = torch.ones(50, 7, 40)


@pytest.mark.parametrize("is_shared", [False, True])
def test_values_are_dropped_at_the_rate_and_the_others_scaled_up(is_shared: bool) -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.25, is_shared)(ONES)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    # 2000 independent draws at least: the standard deviation of the share is below 0.01
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.04)


def test_a_shared_mask_is_the_same_at_each_step_and_another_for_each_row() -> None:
    torch.manual_seed(2)
    dropped = Dropout(0.5, shared_over_time=True)(ONES)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert len({tuple(row.tolist()) for row in dropped[:, 0]}) == len(dropped)


def test_an_unshared_mask_is_another_one_at_each_step() -> None:
    torch.manual_seed(3)
    dropped = Dropout(0.5)(ONES)
    assert len({tuple(step.tolist()) for step in dropped[0]}) == ONES.shape[1]


@pytest.mark.parametrize("is_shared", [False, True])
def test_nothing_is_dropped_outside_training_or_at_rate_0(is_shared: bool) -> None:
    assert torch.equal(Dropout(0.9, is_shared).eval()(ONES), ONES)
    assert torch.equal(Dropout(0.0, is_shared)(ONES), ONES)


def test_a_sequence_in_pieces_keeps_a_shared_mask() -> None:
    torch.manual_seed(4)
    drop = Dropout(0.5, shared_over_time=True).over_time()
    pieces = [drop(piece) for piece in ONES.split([1, 2, 4], dim=1)]
    dropped = torch.cat(pieces, dim=1)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert (dropped == 0).any()


def test_a_sequence_in_pieces_without_sharing_draws_for_each_step() -> None:
    torch.manual_seed(5)
    drop = Dropout(0.5).over_time()
    dropped = torch.cat([drop(piece) for piece in ONES.split(1, dim=1)], dim=1)
    assert len({tuple(step.tolist()) for step in dropped[0]}) == ONES.shape[1]


@pytest.mark.parametrize("rate", [1e-6, 0.01, 0.3, 0.5, 0.999, 0.999999])
def test_a_mask_keeps_the_share_asked_for_even_at_the_ends(rate: float) -> None:
    torch.manual_seed(6)
    kept = keep_mask((1000, 1001), 1.0 - rate, ONES)
    assert set(kept.unique().tolist()) <= {0.0, 1.0}
    # four standard deviations of the mean of a million draws, and the rounding to 2^-16
    margin = 4 * (rate * (1 - rate) / kept.numel()) ** 0.5 + 2**-16
    assert kept.mean(dtype=torch.float64).item() == pytest.approx(1.0 - rate, abs=margin)


def test_the_four_draws_of_a_random_number_are_independent() -> None:
    torch.manual_seed(7)
    kept = keep_mask((250_000, 4), 0.5, ONES).double()
    # +-1 values: products of two independent ones have mean 0 and variance 1
    signs = 2 * kept - 1
    correlations = signs.t() @ signs / len(signs) - torch.eye(4)
    assert correlations.abs().max().item() < 4 / 500


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 7), (2, 5, 3), (0, 4, 2)])
def test_a_mask_has_its_shape_and_the_type_of_what_it_is_for(shape: tuple[int, ...]) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        kept = keep_mask(shape, 0.5, torch.ones(1, dtype=dtype))
        assert kept.shape == shape
        assert kept.dtype == dtype
        assert set(kept.flatten().tolist()) <= {0.0, 1.0}


def test_a_mask_is_a_pure_function_of_the_seed() -> None:
    torch.manual_seed(7)
    one, other = (keep_mask((1000,), 0.5, ONES) for _ in range(2))
    torch.manual_seed(7)
    assert torch.equal(keep_mask((1000,), 0.5, ONES), one)
    assert not torch.equal(one, other)
