"""How a training pair may differ each time it is met."""

import random
from dataclasses import dataclass

from nmt.data.augmentation import alter, with_stranger
from nmt.data.phrases import WordTable, fragment


@dataclass(frozen=True)
class Alterations:
    """Which share of the pairs is altered, and how.

    Attributes:
        noise: Share that is written as hurried people type, see `nmt.data.augmentation`.
        fragments: Share of which only a part is met, see `nmt.data.phrases`.
        table: What finds the parts, where there are to be any.
    """

    noise: float = 0.0
    fragments: float = 0.0
    table: WordTable | None = None

    @property
    def share(self) -> float:
        """Share of the pairs that are altered."""
        return self.noise + self.fragments

    def apply(self, source: str, target: str, draw: random.Random) -> tuple[str, str]:
        """A pair that is to be altered, as it is met this time."""
        if self.table is None or draw.random() * self.share < self.noise:
            return alter(source, target, draw)
        part = fragment(source, target, self.table, draw) or (source, target)
        if draw.random() < 0.5:
            return with_stranger(*part, draw) or part
        return part


NO_ALTERATIONS = Alterations()
