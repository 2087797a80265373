"""The objects that propose continuations: which tokens a chooser may pick from.

The log-probability of a token that its row has produced before is multiplied by the repetition
penalty, which is at least 1 (after Keskar et al. 2019, 4.1, who divide the logits).
"""

from typing import Generic, Protocol, TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search.stepper import NOT_PROBABILITIES, Booleans, Candidates, Floats, Integers, Stepper
from nmt.search.strategies import ALL_CANDIDATES
from nmt.search.trellis import Choice, Trellis

State = TypeVar("State")


class Proposer(Protocol[State]):
    """Takes the steps of a model and proposes what may come next."""

    stepper: Stepper[State]

    def start(self, source: Integers, source_lengths: Integers) -> State:
        """Read the source sentences; see `Stepper.start`."""
        ...

    def propose(self, state: State, tokens: Integers, trellis: Trellis) -> tuple[Candidates, State]:
        """Take one step in every row; see `Stepper.step`.

        Returns:
            The candidates, likeliest first, their log-probabilities lowered by the repetition
            penalty and -inf for what is not allowed; and the state after `tokens`.
        """
        ...

    def follow(self, sentences: Integers, choice: Choice) -> None:
        """Note what was picked, of the sentences that go on.

        Args:
            sentences: The numbers of the sentences in the batch, shape (sentences,).
            choice: Their next rows.
        """
        ...


class Likeliest(Generic[State]):
    """Proposes the likeliest tokens, but for repeated runs.

    Where a chooser needs `k` candidates, as many more decide the same as the whole vocabulary as
    there are tokens that may be lowered.
    """

    def __init__(self, stepper: Stepper[State], options: SearchConfig, k: int) -> None:
        """Make the proposer for a chooser that needs `k` candidates."""
        self.stepper = stepper
        self._k = k
        self._no_repeat = options.no_repeat
        self._penalty = options.repetition_penalty

    def start(self, source: Integers, source_lengths: Integers) -> State:
        """Read the source sentences; see `Proposer.start`."""
        return self.stepper.start(source, source_lengths)

    def propose(self, state: State, tokens: Integers, trellis: Trellis) -> tuple[Candidates, State]:
        """Take one step in every row; see `Proposer.propose`."""
        if not self._no_repeat and self._penalty == 1.0:
            candidates, state = self.stepper.step(state, tokens, self._k)
            check(candidates.log_probabilities)
            return candidates, state
        banned = trellis.repeats(self._no_repeat)
        penalised = trellis.history() if self._penalty != 1.0 else banned[:, :0]
        k = min(self._k + banned.shape[1] + penalised.shape[1], ALL_CANDIDATES)
        candidates, state = self.stepper.step(state, tokens, k)
        values, tokens = candidates.log_probabilities, candidates.tokens
        check(values)
        if banned.shape[1]:
            values = np.where(_are_in(tokens, banned), np.float32(-np.inf), values)
        if penalised.shape[1]:
            factor = np.float32(self._penalty)
            values = np.where(_are_in(tokens, penalised), factor * values, values)
            order = np.argsort(-values, axis=1, kind="stable")
            values = np.take_along_axis(values, order, axis=1)
            tokens = np.take_along_axis(tokens, order, axis=1)
        return Candidates(values, tokens, candidates.attention), state

    def follow(self, sentences: Integers, choice: Choice) -> None:
        """There is nothing to note."""


def check(log_probabilities: Floats) -> None:
    """Check that a model computes log-probabilities.

    Raises:
        SearchError: It does not.
    """
    if not log_probabilities.max() <= 1e-3:  # also for NaN
        raise SearchError(NOT_PROBABILITIES)


def _are_in(tokens: Integers, listed: Integers) -> Booleans:
    """Which tokens are in the list of their row.

    Args:
        tokens: Shape (rows, k).
        listed: With NO_TOKEN to fill up, shape (rows, any), or one row for all.

    Returns:
        Shape (rows, k).
    """
    row = np.arange(len(tokens))[:, None]
    # The last column is for NO_TOKEN.
    table = np.zeros((len(tokens), max(int(tokens.max()), int(listed.max())) + 2), dtype=np.bool_)
    table[row, listed] = True
    found: Booleans = table[row, tokens]
    return found
