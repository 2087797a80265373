"""Scores of given translations, by the decode loop of the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.search.finished import Endings
from nmt.search.proposals import check
from nmt.search.search import decode
from nmt.search.stepper import Booleans, Candidates, Doubles, Integers, Stepper
from nmt.search.trellis import Choice, Hypothesis, Trellis, repetition
from nmt.text.tokenizer import EOS

State = TypeVar("State")


@dataclass(frozen=True)
class Dictated:
    """A given translation and what the model makes of it.

    Attributes:
        hypothesis: As the search would return it, complete. One that the model never produces has
            the log-probability -inf.
        log_probabilities: That the model gives each of its tokens, the end of sentence included;
            no penalty lowers them.
    """

    hypothesis: Hypothesis
    log_probabilities: tuple[float, ...]


def dictate(
    stepper: Stepper[State],
    source: Integers,
    source_lengths: Integers,
    targets: Sequence[Sequence[int]],
    options: SearchConfig | None = None,
) -> list[Dictated]:
    """Score given translations, and each token of them.

    Args:
        stepper: The model.
        source: Token ids, each sentence ending in EOS, PAD after, shape (sentences, source
            length).
        source_lengths: Tokens of each sentence, EOS included, shape (sentences,).
        targets: The translation of each sentence, without its end.
        options: The penalties of a score; None for the usual ones.

    Raises:
        SearchError: As `search`.
    """
    if len(targets) != len(source_lengths):
        raise ValueError(f"{len(targets)} translations for {len(source_lengths)} sentences")
    if not targets:
        return []
    options = SearchConfig() if options is None else options
    options = options.model_copy(update={"n_best": 1})
    limits = np.array([len(target) + 1 for target in targets], dtype=np.int64)
    dictation = Dictation(stepper, targets, options)
    endings = Endings(limits, source_lengths, options)
    found = decode(dictation, dictation, endings, source, source_lengths)
    return [
        Dictated(hypothesis, tuple(values))
        for (hypothesis,), values in zip(found, dictation.log_probabilities, strict=True)
    ]


class Dictation(Generic[State]):
    """Proposes and picks the tokens of given translations, one row for each sentence."""

    candidates = 1

    def __init__(
        self, stepper: Stepper[State], targets: Sequence[Sequence[int]], options: SearchConfig
    ) -> None:
        """Begin before the first token.

        Args:
            stepper: The model.
            targets: The translation of each sentence, without its end.
            options: The penalties of a score.
        """
        self.stepper = stepper
        self._targets = [np.array([*target, EOS], dtype=np.int64) for target in targets]
        self._factors = [repetition(t, options.repetition_penalty) for t in self._targets]
        self._sentences = np.arange(len(targets))
        self._step = 0
        self.log_probabilities: list[list[float]] = [[] for _ in targets]  # of each token so far

    def start(self, source: Integers, source_lengths: Integers) -> State:
        """Read the source sentences; see `Proposer.start`."""
        needed = [frozenset(target.tolist()) for target in self._targets]
        return self.stepper.start(source, source_lengths, needed)

    def propose(self, state: State, tokens: Integers, trellis: Trellis) -> tuple[Candidates, State]:
        """Take one step in every row; see `Proposer.propose`."""
        distribution, state = self.stepper.distribution(state, tokens)
        check(distribution.log_probabilities)
        following = np.array([self._targets[i][self._step] for i in self._sentences])[:, None]
        values = np.take_along_axis(distribution.log_probabilities, following, axis=1)
        for sentence, value in zip(self._sentences, values[:, 0], strict=True):
            self.log_probabilities[sentence].append(float(value))
        factors = np.array([self._factors[i][self._step] for i in self._sentences])[:, None]
        if (factors != 1.0).any():
            values = values * factors.astype(np.float32)
        return Candidates(values, following, distribution.attention), state

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Follow the one continuation of each row, or end it."""
        totals = totals + candidates.log_probabilities
        is_end = candidates.tokens[:, 0] == EOS
        lines = np.flatnonzero(is_end)
        self._step += 1
        return Choice(
            rows=np.arange(len(totals))[:, None],
            tokens=candidates.tokens,
            totals=np.where(is_end[:, None], -np.inf, totals),
            ended_lines=lines,
            ended_rows=lines,
            ended_totals=totals[lines, 0],
        )

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """None before its limit."""
        return np.zeros(len(sentences), dtype=np.bool_)

    def follow(self, sentences: Integers, choice: Choice) -> None:
        """Note which sentences go on; see `Proposer.follow`."""
        self._sentences = sentences
