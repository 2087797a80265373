"""What the search needs of a model: read the sources, then one step of every row at a time.

A *row* is one unfinished hypothesis. Every sentence of a batch has the same number of rows, its
`width`, and they lie next to each other: row ``sentence * width + column``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from nmt.text.tokenizer import BOS, PAD, UNK

State = TypeVar("State")

NEVER_PRODUCED = [PAD, BOS, UNK]
"""What no translation has in it."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Booleans = NDArray[np.bool_]

NOT_PROBABILITIES = (
    "the model computes numbers that are not probabilities (such as NaN): its weights are damaged "
    "or its training diverged; use another run or an earlier checkpoint"
)


@dataclass(frozen=True)
class Candidates:
    """The likeliest next tokens of each row.

    Attributes:
        log_probabilities: Natural logarithms, likeliest first, float32, shape (rows, k).
        tokens: The token of each, int64, shape (rows, k).
        attention: Attention weights of each row in this step that sum to 1 over the source,
            float32, shape (rows, source length), or longer with zeros; None for a model without
            attention.
    """

    log_probabilities: Floats
    tokens: Integers
    attention: Floats | None = None


@dataclass(frozen=True)
class Distribution:
    """All next tokens of each row.

    Attributes:
        log_probabilities: Natural logarithms, float32, shape (rows, vocabulary); -inf for PAD, BOS
            and UNK, which are never produced, and for what is out of reach of the row.
        attention: As in `Candidates`.
    """

    log_probabilities: Floats
    attention: Floats | None = None

    def candidates(self, k: int) -> Candidates:
        """The `k` likeliest tokens of each row, as many as there are if there are fewer."""
        values = self.log_probabilities
        k = min(k, values.shape[1])
        best = np.argpartition(-values, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(values, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        return Candidates(np.take_along_axis(values, best, axis=1), best, self.attention)


class Stepper(Protocol[State]):
    """A translation model, as the search sees it.

    A state is a value: `step` and `select` return a new one and leave the old one as it was.
    The encoder's memory is held once for each sentence, not for each row.
    """

    def start(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> State:
        """Read the source sentences.

        Args:
            source: Token ids, each sentence ending in EOS, PAD after, shape (sentences, source
                length).
            source_lengths: Tokens of each sentence, EOS included, shape (sentences,).
            needed: For each sentence the target tokens that must be in reach even of a model that
                looks at a part of the vocabulary only; empty for none.

        Returns:
            A state with one row for each sentence, before its first token.
        """
        ...

    def step(self, state: State, tokens: Integers, k: int) -> tuple[Candidates, State]:
        """Take one step in every row.

        Args:
            state: Where the rows are.
            tokens: The last token of each row (BOS at first), shape (rows,).
            k: How many candidates to return for each row; all there are if there are fewer.

        Returns:
            The `k` likeliest next tokens, with log-probabilities that are normalised over all that
            can be produced (never PAD, BOS or UNK); and the state after `tokens`.
        """
        ...

    def distribution(self, state: State, tokens: Integers) -> tuple[Distribution, State]:
        """Take one step in every row, as `step`, and tell of every token.

        Args:
            state: Where the rows are.
            tokens: The last token of each row (BOS at first), shape (rows,).

        Returns:
            The log-probabilities that `step` chooses from; and the state after `tokens`.
        """
        ...

    def select(self, state: State, rows: Integers) -> State:
        """Keep, repeat and reorder rows.

        Args:
            state: Where the rows are.
            rows: Numbers of the rows to keep, shape (sentences kept, new width). Those on one
                line belong to one sentence, and the lines keep the order of the sentences. A
                sentence may be missing: it is finished. The width may differ from before.

        Returns:
            A state with ``rows.size`` rows, in row-major order.
        """
        ...

    def memory(self, state: State) -> Floats:
        """What the encoder left of each source token.

        Returns:
            The memory vectors of the sentences of a state, shape (sentences, source length, size),
            or longer with padding.
        """
        ...
