"""The fused kernels against the loop that defines them, forwards and backwards."""

import pytest
import torch
from torch import Tensor

from nmt.model.cells import CELLS, Cell
from nmt.model.recurrence import FUSED, loop, unroll

INPUT, HIDDEN = 7, 6


def make_cell(name: str, size: int = INPUT) -> Cell:
    cell = CELLS[name](size, HIDDEN)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-0.7, 0.7, generator=generator)
    return cell


def results(run: object, cell: Cell, rows: int, steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs and last state, and the gradients of weights, inputs and first state."""
    generator = torch.Generator().manual_seed(rows * 100 + steps)
    inputs = torch.randn(rows, steps, cell.input_size, generator=generator).requires_grad_()
    state = tuple(
        torch.randn(rows, HIDDEN, generator=generator).requires_grad_() for _ in range(cell.states)
    )
    outputs, after = run(cell, inputs, state)  # type: ignore[operator]
    values = [outputs, *after]
    # every number counts, and each differently
    loss = sum(
        (value.float() * torch.linspace(-1.0, 1.0, value.numel()).view_as(value)).sum()
        for value in values
    )
    gradients = torch.autograd.grad(loss, [*cell.parameters(), inputs, *state])
    return [value.detach() for value in values], list(gradients)


def test_only_a_gru_that_resets_before_the_product_is_looped() -> None:
    assert CELLS.keys() - {name for name, cell in CELLS.items() if cell in FUSED} == {"gru-cho"}


@pytest.mark.parametrize("size", [INPUT, HIDDEN])
@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (4, 1), (3, 9), (16, 20)])
@pytest.mark.parametrize("name", CELLS)
def test_whole_sequences_are_the_loop_forwards_and_in_gradients(
    name: str, rows: int, steps: int, size: int
) -> None:
    cell = make_cell(name, size)
    values, gradients = results(unroll, cell, rows, steps)
    wanted_values, wanted_gradients = results(loop, cell, rows, steps)
    for value, wanted in zip(values, wanted_values, strict=True):
        torch.testing.assert_close(value, wanted, rtol=0, atol=1e-5)
    for gradient, wanted in zip(gradients, wanted_gradients, strict=True):
        scale = max(1.0, float(wanted.abs().max()))
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("name", CELLS)
def test_bf16_stays_near_the_float32_loop(name: str) -> None:
    cell = make_cell(name)
    with torch.autocast("cpu", torch.bfloat16):
        values, gradients = results(unroll, cell, 8, 12)
    wanted_values, wanted_gradients = results(loop, cell, 8, 12)
    # bf16 keeps 8 bits: 0.4% a number, a few times that after 12 steps
    for value, wanted in zip(values, wanted_values, strict=True):
        assert float((value.float() - wanted).abs().max()) < 0.04
    for gradient, wanted in zip(gradients, wanted_gradients, strict=True):
        assert float((gradient.float() - wanted).norm() / wanted.norm()) < 0.04


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_in_two_pieces_is_the_whole_sequence(name: str) -> None:
    cell = make_cell(name)
    inputs = torch.randn(3, 8, INPUT, generator=torch.Generator().manual_seed(2))
    whole, end = unroll(cell, inputs, cell.initial_state(3))
    first, middle = unroll(cell, inputs[:, :5], cell.initial_state(3))
    second, last = unroll(cell, inputs[:, 5:], middle)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-6)
    for value, wanted in zip(last, end, strict=True):
        torch.testing.assert_close(value, wanted, rtol=0, atol=1e-6)
