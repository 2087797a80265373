"""Several models as one: the mean of their probabilities."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from nmt.errors import SearchError
from nmt.search.stepper import Candidates, Distribution, Floats, Integers, Stepper

States = tuple[Any, ...]


class EnsembleStepper:
    """Steps several models at once and takes the mean of their probabilities.

    All read the same source tokens and write the same target tokens. The attention is the mean of
    those that have one.

    Args:
        steppers: The models, at least one.
    """

    def __init__(self, steppers: Sequence[Stepper[Any]]) -> None:
        if not steppers:
            raise ValueError("an ensemble needs at least one model")
        self._steppers = tuple(steppers)

    def start(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> States:
        """Read the source sentences; see `Stepper.start`."""
        return tuple(stepper.start(source, source_lengths, needed) for stepper in self._steppers)

    def step(self, state: States, tokens: Integers, k: int) -> tuple[Candidates, States]:
        """Take one step in every row; see `Stepper.step`."""
        distribution, state = self.distribution(state, tokens)
        return distribution.candidates(k), state

    def distribution(self, state: States, tokens: Integers) -> tuple[Distribution, States]:
        """Take one step in every row; see `Stepper.distribution`.

        Raises:
            SearchError: The models have vocabularies of different sizes.
        """
        steps = [
            stepper.distribution(own, tokens)
            for stepper, own in zip(self._steppers, state, strict=True)
        ]
        every = [distribution.log_probabilities for distribution, _ in steps]
        sizes = [log_probabilities.shape[1] for log_probabilities in every]
        if len(set(sizes)) > 1:
            raise SearchError(
                f"the models have vocabularies of {' and '.join(map(str, sizes))} target tokens: "
                "an ensemble needs models with the same tokenizer"
            )
        with np.errstate(divide="ignore"):  # what no model produces has probability 0
            mean = np.log(np.mean(np.exp(every), axis=0))
        attention = _mean_attention([distribution.attention for distribution, _ in steps])
        return Distribution(mean, attention), tuple(after for _, after in steps)

    def select(self, state: States, rows: Integers) -> States:
        """Keep, repeat and reorder rows; see `Stepper.select`."""
        return tuple(
            stepper.select(own, rows) for stepper, own in zip(self._steppers, state, strict=True)
        )

    def memory(self, state: States) -> Floats:
        """The memory vectors of all models, end to end; see `Stepper.memory`."""
        every = [stepper.memory(own) for stepper, own in zip(self._steppers, state, strict=True)]
        sentences, length = np.min([vectors.shape[:2] for vectors in every], axis=0)
        return np.concatenate([vectors[:sentences, :length] for vectors in every], axis=2)


def _mean_attention(every: Sequence[Floats | None]) -> Floats | None:
    """The mean of those there are; one may be padded with more zeros than another."""
    weights = [attention for attention in every if attention is not None]
    if not weights:
        return None
    length = min(attention.shape[1] for attention in weights)
    mean: Floats = np.mean([attention[:, :length] for attention in weights], axis=0)
    return mean
