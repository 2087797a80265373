"""The search's view of a torch model."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nmt.model.decoder import Memory
from nmt.model.seq2seq import Seq2Seq
from nmt.search.stepper import NEVER_PRODUCED, Candidates, Distribution, Floats, Integers
from nmt.text.tokenizer import PAD

# Matrix products of fewer rows than this run through other kernels, and sums over the source are
# split at multiples of this length: with both kept, a sentence's numbers are the same to the bit
# whatever is beside it (measured on AVX-512 with 1 and 2 threads; elsewhere to about 1e-6).
FEWEST_ROWS = 16
LENGTH_MULTIPLE = 8


class TorchState(NamedTuple):
    """Where a search is.

    Attributes:
        memory: Held once for a sentence; stand-ins behind the real sentences, if there are few,
            make up `FEWEST_ROWS` rows.
        rows: The decoder's state, each tensor of shape (rows, size), with the stand-ins' rows.
        width: Rows of each sentence.
    """

    memory: Memory
    rows: tuple[Tensor, ...]
    width: int


class TorchStepper:
    """Steps a `Seq2Seq`, wherever its weights are.

    Args:
        model: In evaluation mode, since dropout would make translations random.
    """

    def __init__(self, model: Seq2Seq) -> None:
        self.model = model

    @torch.inference_mode()
    def start(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> TorchState:
        """Read the source sentences; see `Stepper.start`. All tokens are always in reach."""
        if self.model.training:
            raise ValueError("the model is in training mode: call model.eval() before searching")
        sentences, longest = source.shape
        lines = _with_stand_ins(np.arange(sentences)[:, None])[:, 0]
        padding = ((0, 0), (0, -longest % LENGTH_MULTIPLE))
        padded = np.pad(source[lines], padding, constant_values=PAD)
        memory = self.model.encode(self._tensor(padded), self._tensor(source_lengths[lines]))
        return TorchState(memory, self.model.start(memory), 1)

    @torch.inference_mode()
    def step(self, state: TorchState, tokens: Integers, k: int) -> tuple[Candidates, TorchState]:
        """Take one step in every row; see `Stepper.step`."""
        logits, attention, state = self._decode(state, tokens)
        values, best = _likeliest(logits, k)
        return Candidates(values.cpu().numpy(), best.cpu().numpy(), attention), state

    @torch.inference_mode()
    def distribution(self, state: TorchState, tokens: Integers) -> tuple[Distribution, TorchState]:
        """Take one step in every row; see `Stepper.distribution`."""
        logits, attention, state = self._decode(state, tokens)
        return Distribution(logits.log_softmax(dim=1).cpu().numpy(), attention), state

    @torch.inference_mode()
    def select(self, state: TorchState, rows: Integers) -> TorchState:
        """Keep, repeat and reorder rows; see `Stepper.select`."""
        width = rows.shape[1]
        rows = _with_stand_ins(rows)
        kept = rows[:, 0] // state.width
        memory = state.memory
        if not np.array_equal(kept, np.arange(len(memory.states))):
            index = self._tensor(kept)
            memory = Memory(*(tensor.index_select(0, index) for tensor in memory))
        index = self._tensor(rows.reshape(-1))
        selected = tuple(tensor.index_select(0, index) for tensor in state.rows)
        return TorchState(memory, selected, width)

    def memory(self, state: TorchState) -> Floats:
        """The encoder's memory vectors; see `Stepper.memory`, and those of stand-ins behind."""
        memory: Floats = state.memory.states.float().cpu().numpy()
        return memory

    def _decode(
        self, state: TorchState, tokens: Integers
    ) -> tuple[Tensor, Floats | None, TorchState]:
        """The logits of the real rows, where they look, and the state after the step.

        The logits of what is never produced are minus infinity.
        """
        real = len(tokens)
        stand_ins = len(state.rows[0]) - real
        read = self._tensor(np.pad(tokens, (0, stand_ins), mode="edge"))
        logits, rows, weights = self.model.decode(read[:, None], state.rows, state.memory)
        attention = None if weights is None else weights[:real, 0].float().cpu().numpy()
        logits = logits[:real, 0].float()
        logits[:, NEVER_PRODUCED] = -torch.inf
        return logits, attention, state._replace(rows=rows)

    def _tensor(self, array: Integers) -> Tensor:
        device = self.model.vocabulary.weight.device
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _with_stand_ins(rows: Integers) -> Integers:
    """The lines, the last one repeated until there are `FEWEST_ROWS` rows, shape (lines, width)."""
    lines, width = rows.shape
    missing = max(0, -(-FEWEST_ROWS // width) - lines)
    return np.pad(rows, ((0, missing), (0, 0)), mode="edge")


def _likeliest(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k likeliest tokens that may be produced.

    Args:
        logits: Shape (rows, vocabulary).
        k: How many, at most.

    Returns:
        Log-probabilities, normalised over all of them, likeliest first, shape (rows, k); and their
        tokens.
    """
    k = min(k, logits.shape[1] - len(NEVER_PRODUCED))
    normaliser = logits.logsumexp(dim=1, keepdim=True)
    if k == 1:
        values, best = logits.max(dim=1, keepdim=True)
    else:
        values, best = logits.topk(k, dim=1)
    return values - normaliser, best
