"""The decoder: target tokens and the encoder's memory in, one output vector for each token out."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.model.attention import Attention, NoAttention, build_attention
from nmt.model.cells import CELLS, Cell, State
from nmt.model.dropout import Dropout
from nmt.model.normalisation import normalisation
from nmt.model.recurrence import over_time, unroll
from nmt.model.shapes import linear


class Memory(NamedTuple):
    """What the encoder leaves for the decoder, held once for a sentence.

    Attributes:
        states: Shape (sentences, source length, hidden size).
        first_keys: Keys for the attention of the first decoder layer.
        last_keys: Keys for the attention of the last decoder layer.
        mask: Shape (sentences, source length), True where a real token is.
        summary: The context vector, shape (sentences, hidden size).
    """

    states: Tensor
    first_keys: Tensor
    last_keys: Tensor
    mask: Tensor
    summary: Tensor


class Decoder(nn.Module):
    """Stacked layers over the target, with up to two looks into the memory.

    The first layer's output asks ``first_attention`` and what it sees goes into the layers above;
    the last layer's output asks ``last_attention`` and both go into the output vector
    ``tanh(W [h; context])`` (Luong et al. 2015, equation 5). With input feeding that vector is an
    input of the next step (section 3.3), and a sequence has to be decoded step after step;
    without, each layer runs over a whole sequence at once.

    The state is a flat tuple: the states of the layers from the bottom up, then with input
    feeding the last output vector.

    Args:
        config: Layers, cells, sizes, attention, normalisation, dropout.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        asks_first = config.attention_query in ("first", "both")
        asks_last = config.attention_query in ("last", "both")
        self.first_attention: Attention = build_attention(config) if asks_first else NoAttention()
        self.last_attention: Attention = build_attention(config) if asks_last else NoAttention()
        self.input_feeding = config.input_feeding
        self.context_every_step = config.context_every_step
        self.residual = config.residual
        self.output_size = config.embedding_size if config.tied_output else hidden

        fed = self.output_size * config.input_feeding + hidden * config.context_every_step
        size = config.embedding_size + fed
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        for cell in config.cells(config.decoder_layers):
            self.layers.append(CELLS[cell](size, hidden))
            self.norms.append(normalisation(config))
            size = hidden + self.first_attention.context_size
        seen = self.last_attention.context_size
        if len(self.layers) == 1:  # no layer above to hand the first look to
            seen += self.first_attention.context_size
        self.bridge = nn.ModuleList(
            nn.Linear(hidden, cell.hidden_size * cell.states) for cell in self._cells()
        )
        self.output = nn.Linear(hidden + seen, self.output_size)
        self.dropout = Dropout(config.dropout, config.dropout_shared_over_time)

    def _cells(self) -> list[Cell]:
        return cast(list[Cell], list(self.layers))

    def start(self, memory: Memory) -> State:
        """The state before the first token, from the context vector of each sentence.

        ``tanh(W summary)`` for each state of each layer (Bahdanau et al. 2015, appendix A.2.2).
        """
        state: State = ()
        for cell, bridge in zip(self._cells(), self.bridge, strict=True):
            state += torch.tanh(bridge(memory.summary)).chunk(cell.states, dim=-1)
        if self.input_feeding:
            state += (memory.summary.new_zeros(len(memory.summary), self.output_size),)
        return state

    def forward(
        self, embedded: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State, Tensor | None]:
        """Go on from a state by any number of tokens.

        Args:
            embedded: Target embeddings, shape (rows, steps, embedding size); ``rows`` is the
                number of sentences, or a multiple of it with the rows of a sentence together.
            state: The state before, each tensor of shape (rows, size).
            memory: The encoder's memory, of ``sentences`` sentences.

        Returns:
            The output vectors, shape (rows, steps, output size); the state after the last step;
            the weights of the last attention that there is, shape (rows, steps, source length).
        """
        drops = [self.dropout.over_time() for _ in self.layers]  # between layers, before the output
        if not self.input_feeding:
            unrolls = [partial(unroll, cell) for cell in self._cells()]
            return self._advance(embedded, state, memory, drops, unrolls)
        in_pieces = [over_time(cell) for cell in self._cells()]
        outputs, looks = [], []
        for step in torch.split(embedded, 1, dim=1):
            fed = torch.cat([step, state[-1][:, None]], dim=-1)
            output, state, weights = self._advance(fed, state[:-1], memory, drops, in_pieces)
            state += (output[:, 0],)
            outputs.append(output)
            looks.append(weights)
        seen = None if looks[0] is None else torch.cat([w for w in looks if w is not None], dim=1)
        return torch.cat(outputs, dim=1), state, seen

    def _advance(
        self,
        inputs: Tensor,
        state: State,
        memory: Memory,
        drops: Sequence[Callable[[Tensor], Tensor]],
        unrolls: Sequence[Callable[[Tensor, State], tuple[Tensor, State]]],
    ) -> tuple[Tensor, State, Tensor | None]:
        rows, steps, _ = inputs.shape
        if self.context_every_step:
            context = memory.summary.repeat_interleave(rows // len(memory.summary), dim=0)
            inputs = torch.cat([inputs, context[:, None].expand(-1, steps, -1)], dim=-1)
        states = iter(state)
        after: State = ()
        context = inputs[:, :, :0]
        weights: Tensor | None = None
        vectors = inputs
        for depth, cell in enumerate(self._cells()):
            read = vectors
            if depth > 0:
                read = torch.cat([drops[depth - 1](vectors), context], dim=-1)
            before = tuple(next(states) for _ in range(cell.states))
            written, new = unrolls[depth](read, before)
            if self.residual and written.shape == vectors.shape:
                written = written + vectors
            vectors, after = self.norms[depth](written), after + new
            if depth == 0:
                context, weights = look(self.first_attention, vectors, memory.first_keys, memory)
        last, last_weights = look(self.last_attention, vectors, memory.last_keys, memory)
        seen = [vectors, context, last] if len(self.layers) == 1 else [vectors, last]
        output = torch.tanh(linear(torch.cat(seen, dim=-1), self.output.weight, self.output.bias))
        return drops[-1](output), after, weights if last_weights is None else last_weights


def look(
    attention: Attention, query: Tensor, keys: Tensor, memory: Memory
) -> tuple[Tensor, Tensor | None]:
    """Ask the memory of each sentence with all its rows and steps at once.

    Args:
        attention: The module to ask.
        query: Shape (rows, steps, hidden size), the rows of a sentence together.
        keys: What ``attention.keys`` gave for the memory.
        memory: The memory, of ``sentences`` sentences.

    Returns:
        Contexts, shape (rows, steps, context size); weights, shape (rows, steps, source length).
    """
    rows, steps, size = query.shape
    # (sentences * width, T, H) = (sentences, width * T, H): a beam's rows are queries like steps
    folded = query.reshape(len(memory.states), -1, size)
    context, weights = attention(folded, memory.states, keys, memory.mask)
    if weights is not None:
        weights = weights.reshape(rows, steps, -1)
    return context.reshape(rows, steps, attention.context_size), weights
