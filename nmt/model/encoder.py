"""The encoder: source tokens in, one memory vector for each token out."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import Function, once_differentiable
from typing_extensions import override

from nmt.config import CellName, ModelConfig
from nmt.model.cells import CELLS, Cell
from nmt.model.dropout import Dropout
from nmt.model.normalisation import normalisation
from nmt.model.recurrence import unroll


class EncoderLayer(nn.Module):
    """One layer, read left to right or in both directions.

    Args:
        cell: Name of the cell.
        input_size: Size of the vectors read.
        config: Hidden size (halved for each direction), bidirectionality.
    """

    def __init__(self, cell: CellName, input_size: int, config: ModelConfig) -> None:
        super().__init__()
        directions = 2 if config.bidirectional else 1
        size = config.hidden_size // directions
        self.directions = nn.ModuleList(CELLS[cell](input_size, size) for _ in range(directions))

    def forward(self, inputs: Tensor, backwards: Tensor) -> Tensor:
        """Outputs, shape (sentences, source length, hidden size).

        Args:
            inputs: Shape (sentences, source length, input size).
            backwards: ``reading_order_backwards`` of the lengths.
        """
        outputs = []
        for reads_backwards, cell in enumerate(cast(list[Cell], list(self.directions))):
            read = reorder(inputs, backwards) if reads_backwards else inputs
            states, _ = unroll(cell, read, cell.initial_state(len(read)))
            outputs.append(reorder(states, backwards) if reads_backwards else states)
        return torch.cat(outputs, dim=-1)


def reading_order_backwards(lengths: Tensor, longest: int) -> Tensor:
    """Positions that reverse each sentence by its own length and leave its padding behind it.

    Reversing with a gather, running a forward layer and reversing back is an exact backward layer
    that needs no packed sequences. The order is its own inverse.

    Args:
        lengths: Tokens of each sentence, shape (sentences,).
        longest: Length of the padded batch.

    Returns:
        Shape (sentences, longest): row (2, 1, 0, 3) for a sentence of 3 tokens in a batch of 4.
    """
    positions = torch.arange(longest, device=lengths.device)
    mirrored = lengths[:, None] - 1 - positions
    return torch.where(mirrored >= 0, mirrored, positions)


def reorder(vectors: Tensor, order: Tensor) -> Tensor:
    """Vectors of shape (sentences, length, size) taken in the order of each sentence.

    Args:
        vectors: What to take.
        order: Positions, shape (sentences, length); its own inverse.
    """
    starts = torch.arange(len(order), device=order.device) * order.shape[1]
    places = (order + starts[:, None]).flatten()
    return _Reordered.apply(vectors.flatten(0, 1), places).view_as(vectors)  # type: ignore[no-any-return, no-untyped-call]


class _Reordered(Function):
    """Rows in an order that is its own inverse, so that the gradient is reordered by it, too."""

    @staticmethod
    @override
    def forward(ctx: Any, rows: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        return rows.index_select(0, places)

    @staticmethod
    @once_differentiable
    @override
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (places,) = ctx.saved_tensors
        return gradient.index_select(0, places), None


class Encoder(nn.Module):
    """Stacked layers over the source.

    Args:
        config: Layers, cells, sizes, normalisation, dropout.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        size = config.embedding_size
        for cell in config.cells(config.encoder_layers):
            self.layers.append(EncoderLayer(cell, size, config))
            self.norms.append(normalisation(config))
            size = config.hidden_size
        self.dropout = Dropout(config.dropout, config.dropout_shared_over_time)
        self.residual = config.residual

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Read.

        Args:
            embedded: Source embeddings, shape (sentences, source length, embedding size).
            lengths: Tokens of each sentence, shape (sentences,).

        Returns:
            States of the last layer, shape (sentences, source length, hidden size). What stands
            behind a sentence's own length is of no meaning.
        """
        backwards = reading_order_backwards(lengths, embedded.shape[1])
        states = embedded
        for depth, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            read = states if depth == 0 else self.dropout(states)
            written = layer(read, backwards)
            if self.residual and _alike(written, states):
                written = written + states
            states = norm(written)
        return states


def _alike(written: Tensor, read: Tensor) -> bool:
    return written.shape[-1] == read.shape[-1]
