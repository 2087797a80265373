"""Recurrent cells: one step each, written as their equations.

A cell computes ``W x + b`` for a whole sequence at once (``project``: it does not depend on the
recurrence) and then one step from that and the state before (``step``). Looping over time is
somebody else's job: see ``recurrence``. A state is a flat tuple of tensors of shape (rows, hidden
size), ``(h,)`` or ``(h, c)``; the first is always the cell's output.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from nmt.config import CellName

State = tuple[Tensor, ...]


class Cell(nn.Module):
    """Weights of one recurrent layer and the equations of one step.

    Args:
        input_size: Size of the vectors read at each step.
        hidden_size: Size of the state.
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.weight_input = nn.Parameter(torch.empty(self.gates * hidden_size, input_size))
        self.weight_hidden = nn.Parameter(torch.empty(self.gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(self.gates * hidden_size))

    def project(self, inputs: Tensor) -> Tensor:
        """``W x + b``: shape (..., input size) to (..., gates * hidden size)."""
        return functional.linear(inputs, self.weight_input, self.bias)

    def step(self, projected: Tensor, state: State) -> State:
        """The state after one step.

        Args:
            projected: What ``project`` gave for this step, shape (rows, gates * hidden size).
            state: The state before, each tensor of shape (rows, hidden size).
        """
        raise NotImplementedError

    def initial_state(self, rows: int) -> State:
        """All zeros, each tensor of shape (rows, hidden size)."""
        zeros = self.bias.new_zeros(rows, self.hidden_size)
        return (zeros,) * self.states


class ElmanCell(Cell):
    """The simple recurrent network (Elman 1990, "Finding structure in time")."""

    gates = 1

    @override
    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(projected + functional.linear(h, self.weight_hidden)),)


class LSTMCell(Cell):
    """Long short-term memory with a forget gate (Gers et al. 2000), without peepholes.

    The gates lie in the weights in the order input, forget, candidate, output.
    """

    gates = 4
    states = 2

    @override
    def step(self, projected: Tensor, state: State) -> State:
        h, c = state
        i, f, g, o = (projected + functional.linear(h, self.weight_hidden)).chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        return o * c.tanh(), c


class GRUCell(Cell):
    """Gated recurrent unit in the variant of cuDNN and torch: reset *after* the product.

    The candidate is ``tanh(W x + b + r * (U h + b'))``; see ``ChoGRUCell`` for the original. The
    gates lie in the weights in the order reset, update, candidate.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.bias_candidate = nn.Parameter(torch.empty(hidden_size))

    @override
    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        r, z, n = projected.chunk(3, dim=-1)
        hidden_r, hidden_z, hidden_n = functional.linear(h, self.weight_hidden).chunk(3, dim=-1)
        r, z = (r + hidden_r).sigmoid(), (z + hidden_z).sigmoid()
        n = torch.tanh(n + r * (hidden_n + self.bias_candidate))
        return (z * h + (1 - z) * n,)


class ChoGRUCell(Cell):
    """Gated recurrent unit as first published: reset *before* the product.

    The candidate is ``tanh(W x + b + U (r * h))`` (Cho et al. 2014, "Learning phrase
    representations using RNN encoder-decoder", equations 5 to 8). The gates lie in the weights in
    the order reset, update, candidate.
    """

    gates = 3

    @override
    def step(self, projected: Tensor, state: State) -> State:
        (h,) = state
        size = self.hidden_size
        gates = projected[:, : 2 * size] + functional.linear(h, self.weight_hidden[: 2 * size])
        r, z = gates.sigmoid().chunk(2, dim=-1)
        candidate = functional.linear(r * h, self.weight_hidden[2 * size :])
        n = torch.tanh(projected[:, 2 * size :] + candidate)
        return (z * h + (1 - z) * n,)


CELLS: dict[CellName, type[Cell]] = {
    "rnn": ElmanCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
    "gru-cho": ChoGRUCell,
}
