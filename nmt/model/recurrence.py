"""Running a cell over a sequence.

``loop`` is the definition: step after step. Where torch (oneDNN on a CPU, cuDNN on a GPU) has the
same recurrence as one kernel, or where it is one matrix product and a ``scan``, ``unroll`` takes
that instead, or an ``lstm`` of our own where that learns faster; a test holds them together.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import _VF, Tensor
from torch.nn import functional

from nmt.model.cells import (
    Cell,
    ConnectedCell,
    ElmanCell,
    GRUCell,
    LSTMCell,
    MinGRUCell,
    MinLSTMCell,
    SRUCell,
    SSRUCell,
    State,
)
from nmt.model.lstm import lstm
from nmt.model.scan import before_each, scan, wide

_WIDE_LSTM = 512
"""From this hidden size on ``lstm`` takes 0.82 to 0.98 of the time of oneDNN's, in bf16; at half of
it as long, and in float32 1.4 times as long."""


def loop(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Step a cell through a sequence.

    Args:
        cell: The cell.
        inputs: Shape (rows, steps, input size).
        state: The state before the first step.

    Returns:
        The outputs, shape (rows, steps, hidden size), and the state after the last step.
    """
    outputs = []
    for projected in cell.project(inputs).unbind(dim=1):
        output, state = cell.step(projected, state)
        outputs.append(output)
    return torch.stack(outputs, dim=1), state


def unroll(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """The same as ``loop``, by whole sequences where that is possible."""
    fused = FUSED.get(type(cell))
    return loop(cell, inputs, state) if fused is None else fused(cell, inputs, state)


def over_time(cell: Cell) -> Callable[[Tensor, State], tuple[Tensor, State]]:
    """``unroll`` for a sequence that comes in pieces.

    An LSTM that learns on a CPU then casts its weights and adds up their gradients once for all of
    them: a step after another takes 0.6 of the time, and 0.9 in float32.
    """
    if _learns_on_cpu(cell):
        return lstm(cast(LSTMCell, cell), _type_of_products(cell))
    return partial(unroll, cell)


def _learns_on_cpu(cell: Cell) -> bool:
    return type(cell) is LSTMCell and cell.bias.device.type == "cpu" and torch.is_grad_enabled()


def _type_of_products(cell: Cell) -> torch.dtype:
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else cell.bias.dtype


def _fused_lstm(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    dtype = _type_of_products(cell)
    if cell.bias.device.type == "cpu" and dtype == torch.bfloat16:
        is_wide = cell.hidden_size >= _WIDE_LSTM and torch.is_grad_enabled()
        if is_wide or _has_no_lstm_in_bf16():
            return lstm(cast(LSTMCell, cell), dtype)(inputs, state)
    outputs, h, c = _VF.lstm(inputs, _one_layer(state), _weights(cell), *_ONE_LAYER)
    return outputs, (h[0], c[0])


def _has_no_lstm_in_bf16() -> bool:
    """Whether oneDNN, which torch would ask, has none: it needs AVX-512 for it."""
    is_asked: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_asked and not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _fused_gru(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    (h,) = _one_layer(state)
    outputs, h = _VF.gru(inputs, h, _weights(cell), *_ONE_LAYER)
    return outputs, (h[0],)


def _fused_elman(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    (h,) = _one_layer(state)
    outputs, h = _VF.rnn_tanh(inputs, h, _weights(cell), *_ONE_LAYER)
    return outputs, (h[0],)


# has_biases, layers, dropout, train, bidirectional, batch_first
_ONE_LAYER = (True, 1, 0.0, True, False, True)


def _one_layer(state: State) -> State:
    return tuple(tensor.unsqueeze(0) for tensor in state)


def _weights(cell: Cell) -> list[Tensor]:
    """Weights as torch's kernels want them: they add a second bias, ours is zero but in a GRU."""
    hidden_bias = torch.zeros_like(cell.bias)
    if isinstance(cell, GRUCell):
        hidden_bias = torch.cat([hidden_bias[: 2 * cell.hidden_size], cell.bias_candidate])
    connected = cast(ConnectedCell, cell)
    return [cell.weight_input, connected.weight_hidden, cell.bias, hidden_bias]


def _scanned_sru(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    (start,) = state
    to_forget, to_reset = cast(SRUCell, cell).peephole
    x, n, f, r = cell.project(inputs).chunk(4, dim=-1)
    c = scan(f, n, start, to_forget)
    r = (r + to_reset * before_each(c, start)).sigmoid()
    return torch.lerp(wide(x), c, r).to(x.dtype), (c[:, -1],)


def _scanned_ssru(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    n, f = cell.project(inputs).chunk(2, dim=-1)
    c = scan(f, n, *state)
    return c.to(n.dtype).relu(), (c[:, -1],)


def _scanned_mingru(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    n, z = cell.project(inputs).chunk(2, dim=-1)
    h = scan(-z, n, *state)  # 1 - sigmoid(z) = sigmoid(-z)
    return h.to(n.dtype), (h[:, -1],)


def _scanned_minlstm(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    n, i, f = cell.project(inputs).chunk(3, dim=-1)
    # f' / (f' + i') = sigmoid(log f' - log i'), where f' = sigmoid(f) and i' = sigmoid(i)
    h = scan(functional.logsigmoid(wide(f)) - functional.logsigmoid(wide(i)), n, *state)
    return h.to(n.dtype), (h[:, -1],)


Kernel = Callable[[Cell, Tensor, State], tuple[Tensor, State]]
FUSED: dict[type[Cell], Kernel] = {
    LSTMCell: _fused_lstm,
    GRUCell: _fused_gru,
    ElmanCell: _fused_elman,
    SRUCell: _scanned_sru,
    SSRUCell: _scanned_ssru,
    MinGRUCell: _scanned_mingru,
    MinLSTMCell: _scanned_minlstm,
}
