"""An LSTM that learns on a CPU: some steps at a time, and gradients written by hand.

A sequence may come in pieces, as it has to where each step is fed with what the one before came to.
The weights are then cast once, and what they are moved by is one product over all steps of all
pieces; one for each piece would read and write a gradient as large as the weights every time.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from typing_extensions import override

from nmt.model.cells import LSTMCell, State
from nmt.model.shapes import with_rows_that_recur

Piece = tuple[Tensor, Tensor, Tensor]
"""Gradient of the gates, inputs, and states before; each of shape (steps * rows, size), perhaps
with rows added at the end, whose gradients of the gates are 0."""


def lstm(cell: LSTMCell, dtype: torch.dtype) -> Callable[[Tensor, State], tuple[Tensor, State]]:
    """``loop`` of the cell for one piece of a sequence after another, in this type."""
    pieces: list[Piece] = []
    weights = _Weights.apply(pieces, dtype, cell.weight_input, cell.weight_hidden, cell.bias)  # type: ignore[no-untyped-call]

    def unroll(inputs: Tensor, state: State) -> tuple[Tensor, State]:
        vectors = (vector.to(dtype) for vector in (inputs, *state))
        outputs, c = _Steps.apply(pieces, *vectors, *weights)  # type: ignore[no-untyped-call]
        return outputs, (outputs[:, -1], c)

    return unroll


class _Weights(Function):
    """The weights in the type of the products, and their gradients once all pieces have theirs."""

    @staticmethod
    @override
    def forward(
        ctx: Any, pieces: list[Piece], dtype: torch.dtype, *weights: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.pieces, ctx.type = pieces, weights[0].dtype
        return tuple(weight.to(dtype) for weight in weights)

    @staticmethod
    @once_differentiable
    @override
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gates, inputs, before = (torch.cat(parts) for parts in zip(*ctx.pieces, strict=True))
        ctx.pieces.clear()
        ones = gates.new_ones(1, len(gates))
        products = gates.t() @ inputs, gates.t() @ before, (ones @ gates)[0]
        return None, None, *(product.to(ctx.type) for product in products)


class _Steps(Function):
    """``LSTMCell`` over some steps; the gradients of its weights are left to ``_Weights``."""

    @staticmethod
    @override
    def forward(
        ctx: Any,
        pieces: list[Piece],
        inputs: Tensor,
        h: Tensor,
        c: Tensor,
        weight_input: Tensor,
        weight_hidden: Tensor,
        bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        rows, steps, size = inputs.shape
        count = steps * rows
        read = with_rows_that_recur(inputs.transpose(0, 1).reshape(count, size))
        gates = torch.addmm(bias, read, weight_input.t())[:count].view(steps, rows, -1)
        behind = len(read) - count  # rows that were added
        stored = _room(h, steps, behind)
        before = stored[: len(read)]  # each step, one after another
        states = stored[: rows + count].view(steps + 1, rows, -1)
        cells = _room(c, steps).view(steps + 1, rows, -1)
        seen = torch.empty_like(cells[1:])  # tanh of the cells
        for step, (i, f, g, o) in enumerate(_each_step(gates)):
            gates[step].addmm_(states[step], weight_hidden.t())
            i.sigmoid_(), f.sigmoid_(), g.tanh_(), o.sigmoid_()
            torch.mul(f, cells[step], out=cells[step + 1]).addcmul_(i, g)
            torch.tanh(cells[step + 1], out=seen[step])
            torch.mul(o, seen[step], out=states[step + 1])
        ctx.pieces = pieces
        ctx.save_for_backward(read, weight_input, weight_hidden, gates, before, cells, seen)
        return states[1:].transpose(0, 1), cells[-1].clone()

    @staticmethod
    @once_differentiable
    @override
    def backward(ctx: Any, by_outputs: Tensor, by_c: Tensor) -> tuple[Tensor | None, ...]:
        read, weight_input, weight_hidden, gates, before, cells, seen = ctx.saved_tensors
        steps, rows, size = seen.shape
        count = steps * rows
        # what a gate is moved by for each unit of c, of the output gate for each unit of h
        flat = gates.new_empty(len(read), 4 * size)
        flat[count:] = 0
        by_gates = flat[:count].view(steps, rows, 4 * size)
        _write_slopes(by_gates, gates, cells[:-1], seen)
        c_by_h = torch.ops.aten.tanh_backward(gates[:, :, 3 * size :], seen)
        c, h = by_c.clone(), torch.zeros_like(by_c)
        for step in reversed(range(steps)):
            h += by_outputs[:, step]
            c.addcmul_(h, c_by_h[step])
            by_gates[step, :, 3 * size :].mul_(h)
            by_gates[step, :, : 3 * size].view(rows, 3, size).mul_(c[:, None])
            c *= gates[step, :, size : 2 * size]
            torch.mm(by_gates[step], weight_hidden, out=h)
        ctx.pieces.append((flat, read, before))
        by_inputs = (flat @ weight_input)[:count].view(steps, rows, -1).transpose(0, 1)
        return None, by_inputs, h, c, None, None, None


def _room(first: Tensor, steps: int, behind: int = 0) -> Tensor:
    """Rows for the state before each step and after the last, beginning with the first.

    Args:
        first: Shape (rows, size).
        steps: How many.
        behind: Further rows, of zeros.
    """
    rows, size = first.shape
    room = first.new_empty((steps + 1) * rows + behind, size)
    room[:rows] = first
    room[len(room) - behind :] = 0
    return room


def _each_step(gates: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Of gates of shape (steps, rows, 4 * size) the four of each step, shape (rows, size)."""
    return zip(*(gate.unbind(0) for gate in gates.chunk(4, dim=2)), strict=True)


def _write_slopes(slopes: Tensor, gates: Tensor, before: Tensor, seen: Tensor) -> None:
    """Derivatives by what goes into the gates: of ``f * c + i * g``, and of ``o * tanh(c)``.

    Args:
        slopes: Where to, shape of the gates.
        gates: Input, forget, candidate, output; shape (steps, rows, 4 * size).
        before: The cells before each step, shape (steps, rows, size).
        seen: The tanh of those after it, likewise.
    """
    i, f, g, o = gates.chunk(4, dim=2)
    by_i, by_f, by_g, by_o = slopes.chunk(4, dim=2)
    torch.ops.aten.sigmoid_backward.grad_input(g, i, grad_input=by_i)
    torch.ops.aten.sigmoid_backward.grad_input(before, f, grad_input=by_f)
    torch.ops.aten.tanh_backward.grad_input(i, g, grad_input=by_g)
    torch.ops.aten.sigmoid_backward.grad_input(seen, o, grad_input=by_o)
