"""Dropout, drawn anew at each step or once for a sentence."""

import math
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
        return keep_mask(shape, 1.0 - self.rate, vectors) / (1.0 - self.rate)


def keep_mask(shape: tuple[int, ...], share: float, like: Tensor) -> Tensor:
    """Ones with this probability, else zeros, in the type and on the device of ``like``.

    Four draws of 16 bits are cut from each random number of 64: four times as fast on a CPU as
    ``bernoulli_``, which spends one on each value. The share is rounded to a multiple of 2^-16.
    """
    count = math.prod(shape)
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=like.device)
    draws = words.random_(-(2**63), None).view(torch.int16)[:count].view(shape)
    # a draw is uniform over the 2^16 values from -2^15 on; one more would not fit its type
    kept = min(round(share * 2**16), 2**16 - 1)
    return (draws < kept - 2**15).to(like.dtype)
