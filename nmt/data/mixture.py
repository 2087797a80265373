"""How often the pairs of each corpus are met in an epoch, where several are learned from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Portion(NamedTuple):
    """Consecutive training pairs that are met equally often."""

    pairs: int
    weight: float
    """How often each of them is met in an epoch, on average."""


@dataclass(frozen=True)
class Mixture:
    """The portions that training pairs are made of, in order."""

    portions: tuple[Portion, ...]

    @classmethod
    def of(cls, portions: Sequence[Portion], rows: NDArray[np.int64]) -> Self:
        """The mixture of some of the pairs.

        Args:
            portions: What all the pairs are made of.
            rows: Which of them there are, ascending.
        """
        ends = np.searchsorted(rows, list(accumulate(portion.pairs for portion in portions)))
        sizes = np.diff(ends, prepend=0).tolist()
        return cls(tuple(Portion(n, p.weight) for n, p in zip(sizes, portions, strict=True)))

    @property
    def smallest_epoch(self) -> int:
        """Pairs that are met in every epoch, at least."""
        return sum(int(portion.pairs * portion.weight) for portion in self.portions)

    def rows(self, seed: int, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch, ascending, each as many times as it is met.

        Where a weight is no whole number, the rows of its portion are shuffled once and dealt in a
        circle: each epoch takes as many as it has room for and goes on where the one before it
        stopped, so that no row is ever more than one ahead of another.

        Args:
            seed: The run's seed.
            epoch: Number of the epoch, from 0.
        """
        starts = accumulate((portion.pairs for portion in self.portions), initial=0)
        parts = [
            start + np.repeat(np.arange(portion.pairs), _times(portion, (seed, number), epoch))
            for number, (start, portion) in enumerate(zip(starts, self.portions, strict=False))
        ]
        return np.concatenate(parts)

    def digest(self, pairs: str) -> str:
        """What changes where the pairs or how often they are met do.

        Args:
            pairs: What changes where the pairs do; the result where each is met once an epoch.
        """
        if all(portion.weight == 1.0 for portion in self.portions):
            return pairs
        return hashlib.sha256(json.dumps([pairs, self.portions]).encode()).hexdigest()[:32]


def _times(portion: Portion, seed: tuple[int, int], epoch: int) -> NDArray[np.int64] | int:
    """How often each row of a portion is met in an epoch: shape (pairs,), or one number for all."""
    if portion.weight.is_integer():
        return int(portion.weight)
    dealt = [round(number * portion.weight * portion.pairs) for number in (epoch, epoch + 1)]
    circle = np.random.default_rng(seed).permutation(portion.pairs)
    return np.bincount(circle[np.arange(*dealt) % portion.pairs], minlength=portion.pairs)
