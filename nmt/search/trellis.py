"""What the search remembers: every row of every step, and the hypotheses read off them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nmt.search.stepper import Booleans, Doubles, Floats, Integers
from nmt.text.tokenizer import EOS

NO_TOKEN = -1


@dataclass(frozen=True)
class Hypothesis:
    """One translation of a sentence.

    Attributes:
        tokens: Target token ids, without the end of sentence.
        log_probability: Sum of the natural log-probabilities that the model gives the tokens, the
            end of sentence included.
        score: What it is ranked by: `log_probability`, lowered by the repetition penalty, divided
            by the number of tokens, the end of sentence included, to the power of the length
            penalty; and the coverage penalty added.
        penalised: `log_probability`, lowered by the repetition penalty.
        coverage: The coverage penalty, at most 0.
        attention: Where each token, the end of sentence included, looked in the source, shape
            (target length, source length), no padding; None for a model without attention.
        is_complete: The model ended it; False where it was cut off at the length limit.
        is_second: It is of a second search, for the first one failed (``search.robust``).
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    penalised: float
    coverage: float
    attention: Floats | None
    is_complete: bool
    is_second: bool = False


class Choice(NamedTuple):
    """The continuations to follow, and those that end, after one step.

    Attributes:
        rows: The row that each new row continues, shape (sentences, new width).
        tokens: The token that it adds, shape (sentences, new width).
        totals: Its log-probability, -inf for no row at all, shape (sentences, new width).
        ended_lines: Which sentence of the step each ended hypothesis belongs to, shape (ended,).
        ended_rows: The row that ended, shape (ended,).
        ended_totals: Its log-probability with the end of sentence, shape (ended,).
    """

    rows: Integers
    tokens: Integers
    totals: Doubles
    ended_lines: Integers
    ended_rows: Integers
    ended_totals: Doubles

    def only(self, going: Booleans) -> "Choice":
        """What there is to follow of the sentences that go on."""
        if going.all():
            return self
        return self._replace(
            rows=self.rows[going], tokens=self.tokens[going], totals=self.totals[going]
        )


class Ending(NamedTuple):
    """Where in the trellis a hypothesis ended, and with what.

    Attributes:
        step: The step that added its last token, from 0.
        row: The row of that step that it continues.
        token: Its last token: EOS, or another where it was cut off.
        total: The log-probabilities of all its tokens, lowered by the repetition penalty.
        coverage: The coverage penalty.
        score: What it is ranked by.
    """

    step: int
    row: int
    token: int
    total: float
    coverage: float
    score: float


class Trellis:
    """Every row of every step, linked to the row it continues.

    Translations are read off backwards once they are known, so that a step copies nothing that
    grows with the length.

    Args:
        repetition_penalty: What the log-probabilities of repeated tokens were multiplied by.
    """

    def __init__(self, repetition_penalty: float = 1.0) -> None:
        self.tokens: list[Integers] = []  # that step i added to each row of step i + 1
        self.rows: list[Integers] = []  # that each row of step i + 1 continues in step i
        self._totals: list[Doubles] = []  # of each row of step i + 1
        self._attention: list[Floats | None] = []  # of the rows of step i
        self._penalty = repetition_penalty

    def look(self, attention: Floats | None) -> None:
        """Note where the rows of the present step look."""
        self._attention.append(attention)

    def grow(self, choice: Choice) -> None:
        """Add the rows of the next step."""
        self.rows.append(choice.rows.reshape(-1))
        self.tokens.append(choice.tokens.reshape(-1))
        self._totals.append(choice.totals.reshape(-1))

    def _back(self, rows: Integers) -> Iterator[tuple[int, Integers, Integers]]:
        """Walk from present rows to the first: each step before, its rows, what they added."""
        for before in range(len(self.tokens) - 1, -1, -1):
            added = self.tokens[before][rows]
            rows = self.rows[before][rows]
            yield before, rows, added

    def history(self) -> Integers:
        """The tokens of every present row, in order, shape (rows, steps)."""
        if not self.tokens:
            return np.empty((1, 0), dtype=np.int64)
        last = np.arange(self.tokens[-1].size)
        return np.stack([added for _, _, added in self._back(last)][::-1], axis=1)

    def repeats(self, n: int) -> Integers:
        """The tokens that would repeat a run of `n` tokens of their row.

        Args:
            n: Length of a run; 0 if all may be repeated.

        Returns:
            Forbidden tokens, filled up with NO_TOKEN, shape (rows, most of any row).
        """
        if n == 0 or len(self.tokens) < n:
            return np.empty((1, 0), dtype=np.int64)
        history = self.history()
        following = history[:, n - 1 :]
        if n == 1:
            return following
        # (rows, steps - n + 2, n - 1): the last of them is how the row ends now.
        runs = sliding_window_view(history, n - 1, axis=1)
        repeated = (runs[:, :-1] == runs[:, -1:]).all(axis=2)
        forbidden = np.where(repeated, following, NO_TOKEN)
        most = int(repeated.sum(axis=1).max())
        return -np.sort(-forbidden, axis=1)[:, :most]

    def looked(self, rows: Integers) -> Doubles | None:
        """How much rows have attended to each source token in all steps, the present one included.

        Returns:
            Sums of attention weights, shape (rows, source length), or longer with zeros; None for
            a model without attention.
        """
        latest = self._attention[-1]
        if latest is None:
            return None
        total = latest[rows].astype(np.float64)
        for before, at, _ in self._back(rows):
            weights = self._attention[before]
            assert weights is not None
            total += weights[at, : total.shape[1]]
        return total

    def hypotheses(
        self, endings: Sequence[Ending], source_lengths: Sequence[int]
    ) -> list[Hypothesis]:
        """Read off hypotheses, all at once, from their ends to their beginnings.

        Args:
            endings: Where each ended.
            source_lengths: Tokens of the source sentence of each.

        Returns:
            One for each ending, in order.
        """
        order = sorted(range(len(endings)), key=lambda i: -endings[i].step)
        steps = np.array([endings[i].step for i in order])
        rows = np.array([endings[i].row for i in order])
        # Those that have begun to be read are the first `reading[step]`.
        reading = np.searchsorted(-steps, -np.arange(steps[0] + 1), side="right")
        tokens = np.zeros((len(order), steps[0]), dtype=np.int64)
        totals = np.zeros((len(order), steps[0]))
        first = self._attention[0]
        shape = (len(order), steps[0] + 1, 0 if first is None else first.shape[1])
        looks = np.zeros(shape, dtype=np.float32)
        for step in range(steps[0], -1, -1):
            n = reading[step]
            if (weights := self._attention[step]) is not None:
                looks[:n, step, : weights.shape[1]] = weights[rows[:n]]
            if step:
                tokens[:n, step - 1] = self.tokens[step - 1][rows[:n]]
                totals[:n, step - 1] = self._totals[step - 1][rows[:n]]
                rows[:n] = self.rows[step - 1][rows[:n]]
        found: dict[int, Hypothesis] = {}
        for at, i in enumerate(order):
            past = endings[i].step
            attention = None if first is None else looks[at, : past + 1, : source_lengths[i]]
            found[i] = self._hypothesis(endings[i], tokens[at, :past], totals[at, :past], attention)
        return [found[i] for i in range(len(endings))]

    def _hypothesis(
        self, ending: Ending, tokens: Integers, totals: Doubles, attention: Floats | None
    ) -> Hypothesis:
        produced = [*tokens.tolist(), ending.token]
        log_probability = ending.total
        if self._penalty != 1.0:
            parts = np.diff(totals, prepend=0.0, append=ending.total)
            log_probability = float(np.sum(parts / repetition(np.array(produced), self._penalty)))
        is_complete = ending.token == EOS
        return Hypothesis(
            tokens=tuple(produced[:-1] if is_complete else produced),
            log_probability=log_probability,
            score=ending.score,
            penalised=ending.total,
            coverage=ending.coverage,
            # A copy of its own, or it would hold on to the attention of the whole batch.
            attention=None if attention is None else attention.copy(),
            is_complete=is_complete,
        )


def repetition(tokens: Integers, penalty: float) -> Doubles:
    """What to multiply the log-probability of each token by.

    Args:
        tokens: Of one row, in order, shape (steps,).
        penalty: For a token that was produced before.

    Returns:
        The penalty for repeated tokens, else 1, shape (steps,).
    """
    first = np.zeros(tokens.size, dtype=np.bool_)
    first[np.unique(tokens, return_index=True)[1]] = True
    factors: NDArray[np.float64] = np.where(first, 1.0, penalty)
    return factors
