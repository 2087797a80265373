"""Scripted models: the search's view of a model that has no weights."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nmt.search import Candidates, Distribution

PAD, BOS, EOS, UNK = 0, 1, 2, 3
VOCABULARY = 7
PRODUCED = [2, 4, 5, 6]


class Rows(NamedTuple):
    """State of the scripted steppers: the source of each sentence, the history of each row."""

    sources: tuple[tuple[int, ...], ...]
    histories: tuple[tuple[int, ...], ...]


class ScriptedStepper:
    """A language model whose every distribution is a random table entry for (source, history)."""

    def __init__(
        self, end_bonus: float = 0.0, spread: float = 1.5, vocabulary: int = VOCABULARY
    ) -> None:
        self.vocabulary = vocabulary
        self.produced = [EOS, *range(4, vocabulary)]
        self.end_bonus = end_bonus
        self.spread = spread
        self.asked: list[int] = []
        self.needed: Sequence[Collection[int]] = ()
        self.predicts = lru_cache(maxsize=None)(self._predicts)

    def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
        """Log-probabilities of the whole vocabulary."""
        random = np.random.default_rng([7, len(source), *source, 99, *history])
        logits = random.normal(scale=self.spread, size=self.vocabulary)
        logits[EOS] += self.end_bonus
        return (logits - np.log(np.exp(logits).sum())).astype(np.float32)

    def looks(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
        random = np.random.default_rng([8, *source, 99, *history])
        weights = random.random(len(source))
        return (weights / weights.sum()).astype(np.float32)

    def start(
        self,
        source: np.ndarray,
        source_lengths: np.ndarray,
        needed: Sequence[Collection[int]] = (),
    ) -> Rows:
        self.needed = needed
        sources = tuple(
            tuple(row[:n].tolist()) for row, n in zip(source, source_lengths, strict=True)
        )
        return Rows(sources, ((),) * len(sources))

    def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
        self.asked.append(k)
        distribution, state = self.distribution(state, tokens)
        log_probabilities = distribution.log_probabilities
        best = np.array(
            [sorted(self.produced, key=lambda t: -row[t])[:k] for row in log_probabilities]
        )
        values = np.take_along_axis(log_probabilities, best, axis=1)
        return Candidates(values, best, distribution.attention), state

    def distribution(self, state: Rows, tokens: np.ndarray) -> tuple[Distribution, Rows]:
        width = len(state.histories) // len(state.sources)
        longest = max(map(len, state.sources))
        histories, values, looks = [], [], []
        for row, (history, token) in enumerate(zip(state.histories, tokens, strict=True)):
            source = state.sources[row // width]
            history = (*history, int(token))
            log_probabilities = self.predicts(source, history[1:]).copy()
            log_probabilities[[PAD, BOS, UNK]] = -np.inf
            histories.append(history)
            values.append(log_probabilities)
            looks.append(np.pad(self.looks(source, history[1:]), (0, longest - len(source))))
        distribution = Distribution(np.array(values), np.array(looks))
        return distribution, Rows(state.sources, tuple(histories))

    def select(self, state: Rows, rows: np.ndarray) -> Rows:
        width = len(state.histories) // len(state.sources)
        lines = rows // width
        assert (lines == lines[:, :1]).all(), "the rows of a line belong to one sentence"
        assert (np.diff(lines[:, 0]) > 0).all(), "sentences stay in order"
        return Rows(
            tuple(state.sources[line] for line in lines[:, 0]),
            tuple(state.histories[row] for row in rows.reshape(-1)),
        )


def batch(sources: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(s) + 1 for s in sources], dtype=np.int64)
    padded = np.full((len(sources), lengths.max(initial=0)), PAD, dtype=np.int64)
    for i, source in enumerate(sources):
        padded[i, : len(source) + 1] = [*source, EOS]
    return padded, lengths
