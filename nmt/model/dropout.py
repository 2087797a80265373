"""Dropout, drawn anew at each step or once for a sentence."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al. 2014) on vectors of shape (rows, steps, size).

    Args:
        rate: Share of the values set to 0 in training.
        shared_over_time: Draw one mask for a row and use it at all its steps (Gal and
            Ghahramani 2016, section 4).
    """

    def __init__(self, rate: float, shared_over_time: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.shared_over_time = shared_over_time

    def forward(self, vectors: Tensor) -> Tensor:
        """The vectors, with some values 0 and the others scaled up; unchanged outside training."""
        return self.over_time()(vectors)

    def over_time(self) -> Callable[[Tensor], Tensor]:
        """The same for a sequence that comes in pieces: a shared mask lasts for all of them."""
        drawn: list[Tensor] = []

        def drop(vectors: Tensor) -> Tensor:
            if not self.training or self.rate == 0.0:
                return vectors
            if not (drawn and self.shared_over_time):
                drawn[:] = [self._draw(vectors)]
            return vectors * drawn[0]

        return drop

    def _draw(self, vectors: Tensor) -> Tensor:
        rows, steps, size = vectors.shape
        shape = (rows, 1 if self.shared_over_time else steps, size)
        kept = torch.empty(shape, dtype=vectors.dtype, device=vectors.device)
        return kept.bernoulli_(1.0 - self.rate).div_(1.0 - self.rate)
