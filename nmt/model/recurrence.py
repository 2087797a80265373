"""Running a cell over a sequence.

``loop`` is the definition: step after step. Where torch (oneDNN on a CPU, cuDNN on a GPU) has the
same recurrence as one kernel, ``unroll`` takes that instead; a test holds the two together.
"""

from collections.abc import Callable

import torch
from torch import _VF, Tensor

from nmt.model.cells import Cell, ElmanCell, GRUCell, LSTMCell, State


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
        state = cell.step(projected, state)
        outputs.append(state[0])
    return torch.stack(outputs, dim=1), state


def unroll(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """The same as ``loop``, by one kernel where there is one."""
    fused = FUSED.get(type(cell))
    return loop(cell, inputs, state) if fused is None else fused(cell, inputs, state)


def _fused_lstm(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs, h, c = _VF.lstm(inputs, _one_layer(state), _weights(cell), *_ONE_LAYER)
    return outputs, (h[0], c[0])


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
    return [cell.weight_input, cell.weight_hidden, cell.bias, hidden_bias]


Kernel = Callable[[Cell, Tensor, State], tuple[Tensor, State]]
FUSED: dict[type[Cell], Kernel] = {
    LSTMCell: _fused_lstm,
    GRUCell: _fused_gru,
    ElmanCell: _fused_elman,
}
