"""Recurrent cells: one step each, written as their equations.

A cell computes ``W x + b`` for a whole sequence at once (``project``: it does not depend on the
recurrence) and then one step from that and the state before (``step``). Looping over time is
somebody else's job: see ``recurrence``. A state is a flat tuple of tensors of shape (rows, hidden
size), such as ``(h,)`` or ``(h, c)``.

There are two families. In a `ConnectedCell` the gates look at all of the state before, by a matrix
product in every step. In an `ElementwiseCell` each element of the state looks at itself at most, so
that all matrix products of a sequence are one, and a scan is left.
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
        hidden_size: Size of the state and of the output.
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    weight_input: nn.Parameter
    bias: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    def project(self, inputs: Tensor) -> Tensor:
        """``W x + b``: shape (..., input size) to (..., gates * hidden size)."""
        return functional.linear(inputs, self.weight_input, self.bias)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """The output, shape (rows, hidden size), and the state after one step.

        Args:
            projected: What ``project`` gave for this step, shape (rows, gates * hidden size).
            state: The state before, each tensor of shape (rows, hidden size).
        """
        raise NotImplementedError

    def initial_state(self, rows: int) -> State:
        """All zeros, each tensor of shape (rows, hidden size)."""
        zeros = self.bias.new_zeros(rows, self.hidden_size)
        return (zeros,) * self.states


class ConnectedCell(Cell):
    """A cell whose gates look at all of the state before: ``W x + b`` and ``U h``."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.weight_input = nn.Parameter(torch.empty(self.gates * hidden_size, input_size))
        self.weight_hidden = nn.Parameter(torch.empty(self.gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(self.gates * hidden_size))


class ElmanCell(ConnectedCell):
    """The simple recurrent network (Elman 1990, "Finding structure in time")."""

    gates = 1

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (h,) = state
        h = torch.tanh(projected + functional.linear(h, self.weight_hidden))
        return h, (h,)


class LSTMCell(ConnectedCell):
    """Long short-term memory with a forget gate (Gers et al. 2000), without peepholes.

    The gates lie in the weights in the order input, forget, candidate, output.
    """

    gates = 4
    states = 2

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        h, c = state
        i, f, g, o = (projected + functional.linear(h, self.weight_hidden)).chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        h = o * c.tanh()
        return h, (h, c)


class GRUCell(ConnectedCell):
    """Gated recurrent unit in the variant of cuDNN and torch: reset *after* the product.

    The candidate is ``tanh(W x + b + r * (U h + b'))``; see ``ChoGRUCell`` for the original. The
    gates lie in the weights in the order reset, update, candidate.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.bias_candidate = nn.Parameter(torch.empty(hidden_size))

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (h,) = state
        r, z, n = projected.chunk(3, dim=-1)
        hidden_r, hidden_z, hidden_n = functional.linear(h, self.weight_hidden).chunk(3, dim=-1)
        r, z = (r + hidden_r).sigmoid(), (z + hidden_z).sigmoid()
        n = torch.tanh(n + r * (hidden_n + self.bias_candidate))
        h = z * h + (1 - z) * n
        return h, (h,)


class ChoGRUCell(ConnectedCell):
    """Gated recurrent unit as first published: reset *before* the product.

    The candidate is ``tanh(W x + b + U (r * h))`` (Cho et al. 2014, "Learning phrase
    representations using RNN encoder-decoder", equations 5 to 8). The gates lie in the weights in
    the order reset, update, candidate.
    """

    gates = 3

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (h,) = state
        size = self.hidden_size
        gates = projected[:, : 2 * size] + functional.linear(h, self.weight_hidden[: 2 * size])
        r, z = gates.sigmoid().chunk(2, dim=-1)
        candidate = functional.linear(r * h, self.weight_hidden[2 * size :])
        n = torch.tanh(projected[:, 2 * size :] + candidate)
        h = z * h + (1 - z) * n
        return h, (h,)


class ElementwiseCell(Cell):
    """A cell in which an element of the state looks at no other one; see ``scan``.

    Args:
        input_size: Size of the vectors read at each step.
        hidden_size: Size of the state and of the output.
        given: Of the gates, how many the input itself is, and not a product with it.
    """

    unbiased: ClassVar[int] = 0
    """Gates that have no bias; they come first."""

    def __init__(self, input_size: int, hidden_size: int, given: int = 0) -> None:
        super().__init__(input_size, hidden_size)
        rows, biases = (
            (self.gates - given) * hidden_size,
            (self.gates - self.unbiased) * hidden_size,
        )
        self.weight_input = nn.Parameter(torch.empty(rows, input_size))
        self.bias = nn.Parameter(torch.empty(biases))

    @override
    def project(self, inputs: Tensor) -> Tensor:
        bias = functional.pad(self.bias, (len(self.weight_input) - len(self.bias), 0))
        return functional.linear(inputs, self.weight_input, bias)


class SRUCell(ElementwiseCell):
    """Simple recurrent unit: gates that look at their own element of the state, and a highway.

    Lei et al. 2018, "Simple recurrent units for highly parallelizable recurrence", equations 1 to
    4. The highway, which the reset gate lets past the state, is the input itself where the sizes
    agree, else a product with it. The gates lie in the weights in the order highway, candidate,
    forget, reset; those of ``peephole`` are the last two. The scale of the highway with which the
    paper starts deep stacks (section 3.2) is left out.
    """

    gates = 4
    unbiased = 2

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, given=int(input_size == hidden_size))
        self.peephole = nn.Parameter(torch.empty(2, hidden_size))

    @override
    def project(self, inputs: Tensor) -> Tensor:
        projected = super().project(inputs)
        if self.input_size != self.hidden_size:
            return projected
        return torch.cat([inputs.to(projected.dtype), projected], dim=-1)

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (before,) = state
        x, n, f, r = projected.chunk(4, dim=-1)
        f, r = (f + self.peephole[0] * before).sigmoid(), (r + self.peephole[1] * before).sigmoid()
        c = f * before + (1 - f) * n
        return r * c + (1 - r) * x, (c,)


class SSRUCell(ElementwiseCell):
    """Simpler simple recurrent unit: no reset, no look at the state, and a ReLU of it.

    Kim et al. 2019, "From research to production and back: ludicrously fast neural machine
    translation". Its way past the state is ``model.residual``. The gates lie in the weights in the
    order candidate, forget.
    """

    gates = 2
    unbiased = 1

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (c,) = state
        n, f = projected.chunk(2, dim=-1)
        f = f.sigmoid()
        c = f * c + (1 - f) * n
        return c.relu(), (c,)


class MinGRUCell(ElementwiseCell):
    """Minimal gated recurrent unit: no reset, no tanh, and an update that does not look back.

    Feng et al. 2024, "Were RNNs all we needed?", section 3.1. The gates lie in the weights in the
    order candidate, update.
    """

    gates = 2

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (h,) = state
        n, z = projected.chunk(2, dim=-1)
        z = z.sigmoid()
        h = (1 - z) * h + z * n
        return h, (h,)


class MinLSTMCell(ElementwiseCell):
    """Minimal long short-term memory: what is kept and what is written add up to 1.

    No output gate, no tanh, and gates that do not look back (Feng et al. 2024, "Were RNNs all we
    needed?", section 3.2). The gates lie in the weights in the order candidate, input, forget.
    """

    gates = 3

    @override
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (h,) = state
        n, i, f = projected.chunk(3, dim=-1)
        i, f = i.sigmoid(), f.sigmoid()
        h = (f * h + i * n) / (f + i)
        return h, (h,)


CELLS: dict[CellName, type[Cell]] = {
    "lstm": LSTMCell,
    "gru": GRUCell,
    "gru-cho": ChoGRUCell,
    "rnn": ElmanCell,
    "sru": SRUCell,
    "ssru": SSRUCell,
    "mingru": MinGRUCell,
    "minlstm": MinLSTMCell,
}
