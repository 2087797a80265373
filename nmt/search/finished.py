"""The hypotheses that have ended, and what another one has to beat."""

import heapq

import numpy as np

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search.stepper import NOT_PROBABILITIES, Booleans, Doubles, Integers
from nmt.search.trellis import Choice, Ending, Hypothesis, Trellis
from nmt.text.tokenizer import EOS

LEAST_ATTENTION = float(np.finfo(np.float32).tiny)  # that the logarithm of a coverage sees


class Endings:
    """The hypotheses that have ended, of every sentence.

    A score is the total log-probability of a hypothesis over its length to the power of the length
    penalty, plus the coverage penalty (Wu et al. 2016, equation 14): beta * sum over the source
    tokens i of log(min(sum over the steps t of attention[t, i], 1)).
    """

    def __init__(self, limits: Integers, source_lengths: Integers, options: SearchConfig) -> None:
        """Begin with none.

        Args:
            limits: Most tokens of a translation, its end counted, shape (sentences,).
            source_lengths: Tokens of each sentence, EOS included, shape (sentences,).
            options: Penalties, and how many hypotheses are wanted.
        """
        self.step = 0
        self.limits = limits
        self.count = np.zeros(limits.size, dtype=np.int64)  # complete ones
        self.to_beat = np.full(limits.size, -np.inf)  # score of the last of the n best so far
        self.options = options
        self._source_lengths = np.asarray(source_lengths)
        self._first_limit = int(limits.min())
        self._longest: Doubles = limits.astype(np.float64) ** options.length_penalty
        self._best: list[list[float]] = [[] for _ in limits]  # a heap of the n best scores
        self._endings: list[list[Ending]] = [[] for _ in limits]

    def at_limit(self, sentences: Integers) -> Booleans:
        """Whether the sentences have taken all the steps they may, shape (sentences,)."""
        return self.limits[sentences] <= self.step

    def attainable(self, sentences: Integers, totals: Doubles) -> Doubles:
        """An upper bound of the scores that unfinished hypotheses may still get.

        Totals only fall, dividing by the longest length is the kindest, and the coverage penalty
        is a sum of logarithms of at most 1, so at most 0.
        """
        bound: Doubles = totals / self._longest[sentences]
        return bound

    def collect(self, sentences: Integers, choice: Choice, trellis: Trellis) -> None:
        """Note what ended in a step, and what is cut off because it was the last one allowed."""
        self.step += 1
        if choice.ended_lines.size:
            owners = sentences[choice.ended_lines]
            tokens = np.full(owners.size, EOS)
            self._add(owners, choice.ended_rows, tokens, choice.ended_totals, trellis)
        if self.step >= self._first_limit:
            at = np.nonzero(self.at_limit(sentences)[:, None] & np.isfinite(choice.totals))
            if at[0].size:
                owners = sentences[at[0]]
                self._add(owners, choice.rows[at], choice.tokens[at], choice.totals[at], trellis)

    def _add(
        self,
        owners: Integers,
        rows: Integers,
        tokens: Integers,
        totals: Doubles,
        trellis: Trellis,
    ) -> None:
        coverage = np.zeros(owners.size)
        if self.options.coverage_penalty:
            coverage = self.options.coverage_penalty * self._coverage(owners, rows, trellis)
        scores = totals / self.step**self.options.length_penalty + coverage
        for owner, *ending in zip(
            owners.tolist(),
            rows.tolist(),
            tokens.tolist(),
            totals.tolist(),
            coverage.tolist(),
            scores.tolist(),
            strict=True,
        ):
            self._endings[owner].append(Ending(self.step - 1, *ending))
            if ending[1] == EOS:
                self._complete(owner, ending[-1])

    def _coverage(self, owners: Integers, rows: Integers, trellis: Trellis) -> Doubles:
        """The sum of equation 14 for the row of each owner, at most 0, shape (rows,)."""
        looked = trellis.looked(rows)
        if looked is None:
            raise SearchError(
                f"search.coverage_penalty is {self.options.coverage_penalty} but the model has no "
                "attention, so what it has covered is unknown: set it to 0"
            )
        is_real = np.arange(looked.shape[1]) < self._source_lengths[owners][:, None]
        logarithms = np.log(looked.clip(LEAST_ATTENTION, 1.0))
        covered: Doubles = np.where(is_real, logarithms, 0.0).sum(axis=1)
        return covered

    def _complete(self, sentence: int, score: float) -> None:
        self.count[sentence] += 1
        best = self._best[sentence]
        heapq.heappush(best, score)
        if len(best) > self.options.n_best:
            heapq.heappop(best)
        if len(best) == self.options.n_best:
            self.to_beat[sentence] = best[0]

    def of(self, sentence: int) -> tuple[Ending, ...]:
        """All that has ended of a sentence, in that order."""
        return tuple(self._endings[sentence])

    def hypotheses(self, trellis: Trellis) -> list[list[Hypothesis]]:
        """The n best of each sentence, complete ones first, then by score."""
        if not all(self._endings):
            raise SearchError(NOT_PROBABILITIES)
        n_best, groups = self.options.n_best, self.options.diversity_groups
        # Groups of a diverse search may find the same, and only tokens tell.
        read = None if groups > 1 else n_best
        best = [
            sorted(found, key=lambda ending: (ending.token != EOS, -ending.score))[:read]
            for found in self._endings
        ]
        lengths = np.repeat(self._source_lengths, [len(found) for found in best])
        hypotheses = iter(
            trellis.hypotheses([ending for found in best for ending in found], lengths.tolist())
        )
        result = [[next(hypotheses) for _ in found] for found in best]
        return [_distinct(found)[:n_best] for found in result] if groups > 1 else result


def _distinct(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """The first of each text."""
    return list({(h.tokens, h.is_complete): h for h in reversed(hypotheses)}.values())[::-1]
