"""The search's view of a torch model."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nmt.corpus.tokenizer import BOS, PAD, UNK
from nmt.decoding.stepper import Candidates, Integers
from nmt.model.decoder import Memory
from nmt.model.seq2seq import Seq2Seq

NEVER_PRODUCED = [PAD, BOS, UNK]


class TorchState(NamedTuple):
    """The memory, held once for a sentence, and the decoder's state, one for each row."""

    memory: Memory
    rows: tuple[Tensor, ...]


class TorchStepper:
    """Steps a `Seq2Seq`, wherever its weights are.

    Args:
        model: In evaluation mode, since dropout would make translations random.
    """

    def __init__(self, model: Seq2Seq) -> None:
        self.model = model

    @torch.inference_mode()
    def start(self, source: Integers, source_lengths: Integers) -> TorchState:
        """Read the source sentences; see `Stepper.start`."""
        if self.model.training:
            raise ValueError("the model is in training mode: call model.eval() before searching")
        memory = self.model.encode(self._tensor(source), self._tensor(source_lengths))
        return TorchState(memory, self.model.start(memory))

    @torch.inference_mode()
    def step(self, state: TorchState, tokens: Integers, k: int) -> tuple[Candidates, TorchState]:
        """Take one step in every row; see `Stepper.step`."""
        read = self._tensor(tokens)[:, None]
        logits, rows, weights = self.model.decode(read, state.rows, state.memory)
        values, best = _likeliest(logits[:, 0].float(), k)
        attention = None if weights is None else weights[:, 0].float().cpu().numpy()
        candidates = Candidates(values.cpu().numpy(), best.cpu().numpy(), attention)
        return candidates, TorchState(state.memory, rows)

    @torch.inference_mode()
    def select(self, state: TorchState, rows: Integers) -> TorchState:
        """Keep, repeat and reorder rows; see `Stepper.select`."""
        sentences = len(state.memory.states)
        width = len(state.rows[0]) // sentences
        kept = rows[:, 0] // width
        memory = state.memory
        if len(kept) < sentences:
            index = self._tensor(kept)
            memory = Memory(*(tensor.index_select(0, index) for tensor in memory))
        index = self._tensor(rows.reshape(-1))
        return TorchState(memory, tuple(tensor.index_select(0, index) for tensor in state.rows))

    def _tensor(self, array: Integers) -> Tensor:
        device = self.model.vocabulary.weight.device
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _likeliest(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k likeliest tokens that may be produced.

    Args:
        logits: Shape (rows, vocabulary); overwritten.
        k: How many, at most.

    Returns:
        Log-probabilities, normalised over the whole vocabulary, likeliest first, shape (rows, k);
        and their tokens.
    """
    k = min(k, logits.shape[1] - len(NEVER_PRODUCED))
    normaliser = logits.logsumexp(dim=1, keepdim=True)
    logits[:, NEVER_PRODUCED] = -torch.inf
    if k == 1:
        values, best = logits.max(dim=1, keepdim=True)
    else:
        values, best = logits.topk(k, dim=1)
    return values - normaliser, best
