"""The scan over single elements: its definition, its gradient, and what it keeps in memory."""

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.model.scan import scan
from tests.reference import sigmoid

ROWS, STEPS, SIZE = 3, 6, 4


def draw(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    numbers = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return (2.0 * numbers).requires_grad_()


def arguments(steps: int, has_peephole: bool) -> list[Tensor]:
    parts = [draw(ROWS, steps, SIZE), draw(ROWS, steps, SIZE) * 1.5, draw(ROWS, SIZE)]
    return [*parts, draw(SIZE)] if has_peephole else parts


@pytest.mark.parametrize("has_peephole", [False, True])
def test_a_scan_is_the_recurrence_element_by_element(has_peephole: bool) -> None:
    gate, candidate, c, *peephole = (t.detach().numpy() for t in arguments(STEPS, has_peephole))
    states = scan(*arguments(STEPS, has_peephole)).detach()
    for step in range(STEPS):
        seen = peephole[0] * c if has_peephole else 0.0
        keep = sigmoid(gate[:, step] + seen)
        c = keep * c + (1.0 - keep) * candidate[:, step]
        np.testing.assert_allclose(states[:, step], c, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("has_peephole", [False, True])
def test_the_gradient_is_that_of_finite_differences(steps: int, has_peephole: bool) -> None:
    assert torch.autograd.gradcheck(scan, arguments(steps, has_peephole))


@pytest.mark.parametrize("has_peephole", [False, True])
def test_a_scan_of_bf16_adds_up_in_float32(has_peephole: bool) -> None:
    # a keep of nearly 1: in bf16 each of the many small changes would be rounded away
    halves = [t.detach().bfloat16() for t in arguments(STEPS, has_peephole)]
    halves[0] = torch.full((ROWS, 200, SIZE), 6.0).bfloat16()
    halves[1] = torch.ones(ROWS, 200, SIZE).bfloat16()
    wide = [t.double() for t in halves]
    with torch.autocast("cpu", torch.bfloat16):
        states = scan(*halves)
    assert states.dtype == torch.float32
    torch.testing.assert_close(states.double(), scan(*wide), rtol=0, atol=1e-4)


def test_gradients_have_the_types_of_what_they_are_of() -> None:
    halves = [t.detach().bfloat16().requires_grad_() for t in arguments(STEPS, False)]
    for gradient in torch.autograd.grad(scan(*halves).sum(), halves):
        assert gradient.dtype == torch.bfloat16


@pytest.mark.parametrize("has_peephole", [False, True])
def test_a_scan_keeps_nothing_but_its_gates_and_what_others_hold_anyway(has_peephole: bool) -> None:
    given = arguments(STEPS, has_peephole)
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        states = scan(*given)
    storages = {t.untyped_storage().data_ptr() for t in (*given, states)}
    own = [t for t in kept if t.untyped_storage().data_ptr() not in storages]
    assert len(own) == 1
