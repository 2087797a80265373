"""Each cell against its paper's equations, and against torch's own layer with the same weights."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nmt.model.cells import CELLS, Cell
from nmt.model.recurrence import loop
from tests import reference

INPUT, HIDDEN, ROWS, STEPS = 5, 4, 3, 6


def make_cell(name: str, dtype: torch.dtype = torch.float64, size: int = INPUT) -> Cell:
    """A cell with weights far from 0, so that no gate is close to any other."""
    cell = CELLS[name](size, HIDDEN).to(dtype)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-1.0, 1.0, generator=generator)
    return cell


def in_numpy(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: p.detach().double().numpy().copy() for name, p in module.named_parameters()}


def draw(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("size", [INPUT, HIDDEN])
@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_the_equation_of_the_paper(name: str, size: int) -> None:
    cell = make_cell(name, size=size)
    x = draw(ROWS, size)
    state = tuple(draw(ROWS, HIDDEN) * (1 + number) for number in range(cell.states))
    output, after = cell.step(cell.project(x), state)
    assert len(after) == cell.states == reference.states_of(name)
    for row in range(ROWS):
        before = tuple(tensor[row].numpy() for tensor in state)
        expected = reference.STEPS[name](in_numpy(cell), x[row].numpy(), before)
        for value, wanted in zip((output, *after), (expected[0], *expected[1]), strict=True):
            np.testing.assert_allclose(value[row].detach(), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_is_one_step_after_another(name: str) -> None:
    cell = make_cell(name)
    inputs = draw(ROWS, STEPS, INPUT)
    outputs, after = loop(cell, inputs, cell.initial_state(ROWS))
    for row in range(ROWS):
        wanted, last = reference.run(
            name, in_numpy(cell), inputs[row].numpy(), reference.zeros(name, HIDDEN)
        )
        np.testing.assert_allclose(outputs[row].detach(), wanted, rtol=0, atol=1e-12)
        for value, end in zip(after, last, strict=True):
            np.testing.assert_allclose(value[row].detach(), end, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "layer"), [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_cells_agree_with_torch_layers_that_have_the_same_weights(
    name: str, layer: type[nn.RNNBase]
) -> None:
    cell = make_cell(name)
    torch_layer = layer(INPUT, HIDDEN, batch_first=True).double()
    hidden_bias: Any = torch.zeros_like(cell.bias)
    if name == "gru":  # torch has a second bias everywhere; only the candidate's is not redundant
        hidden_bias[2 * HIDDEN :] = cell.bias_candidate
    with torch.no_grad():
        torch_layer.weight_ih_l0.copy_(cell.weight_input)
        torch_layer.weight_hh_l0.copy_(cell.weight_hidden)
        torch_layer.bias_ih_l0.copy_(cell.bias)
        torch_layer.bias_hh_l0.copy_(hidden_bias)
    inputs = draw(ROWS, STEPS, INPUT)
    state = tuple(draw(ROWS, HIDDEN) for _ in range(cell.states))
    before = tuple(tensor[None] for tensor in state)
    wanted, end = torch_layer(inputs, before if name == "lstm" else before[0])
    outputs, after = loop(cell, inputs, state)
    torch.testing.assert_close(outputs, wanted, rtol=0, atol=1e-12)
    ends = end if name == "lstm" else (end,)
    for value, expected in zip(after, ends, strict=True):
        torch.testing.assert_close(value, expected[0], rtol=0, atol=1e-12)


def test_the_two_kinds_of_gru_differ_with_the_same_weights() -> None:
    torch_gru, cho = make_cell("gru"), make_cell("gru-cho")
    with torch.no_grad():
        torch_gru.bias_candidate.zero_()
        for name, parameter in cho.named_parameters():
            parameter.copy_(torch_gru.get_parameter(name))
    inputs, state = draw(ROWS, STEPS, INPUT), (draw(ROWS, HIDDEN),)
    difference = loop(torch_gru, inputs, state)[0] - loop(cho, inputs, state)[0]
    assert difference.abs().max() > 0.01


def test_the_highway_of_an_sru_costs_no_matrix_where_the_sizes_agree() -> None:
    narrow, same = make_cell("sru"), make_cell("sru", size=HIDDEN)
    assert (len(narrow.weight_input), len(same.weight_input)) == (4 * HIDDEN, 3 * HIDDEN)


@pytest.mark.parametrize("name", CELLS)
def test_the_initial_state_is_zeros_of_the_type_of_the_weights(name: str) -> None:
    for dtype in (torch.float32, torch.float64):
        state = make_cell(name, dtype).initial_state(2)
        assert [tensor.shape for tensor in state] == [(2, HIDDEN)] * reference.states_of(name)
        assert all(tensor.dtype == dtype and not tensor.any() for tensor in state)
