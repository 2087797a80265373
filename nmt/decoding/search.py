"""The one search: greedy, beam and sampling, over any `Stepper`, in NumPy alone.

The loop knows steps, rows and sentences that are over; a *chooser* knows which continuations are
worth following. Beam search keeps the best of each sentence (Sutskever et al. 2014, 3.2) and is
greedy search with a beam of 1; sampling draws one continuation for each row.

A hypothesis ends with the end-of-sentence token, or is cut off, and then incomplete, at the length
limit of its sentence. Nothing that happens to a sentence depends on the others of its batch.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from nmt.config import SearchConfig
from nmt.corpus.tokenizer import BOS, EOS
from nmt.decoding.stepper import Candidates, Floats, Integers, Stepper
from nmt.errors import SearchError

State = TypeVar("State")

Doubles = NDArray[np.float64]
Booleans = NDArray[np.bool_]

ALL_CANDIDATES = int(np.iinfo(np.int32).max)
NO_TOKEN = -1
NOT_PROBABILITIES = (
    "the model computes numbers that are not probabilities (such as NaN): its weights are damaged "
    "or its training diverged; use another run or an earlier checkpoint"
)


@dataclass(frozen=True)
class Hypothesis:
    """One translation of a sentence.

    Attributes:
        tokens: Target token ids, without the end of sentence.
        log_probability: Sum of the natural log-probabilities of the tokens, the end of sentence
            included.
        score: `log_probability` divided by the number of tokens, the end of sentence included,
            to the power of the length penalty.
        attention: Where each token, the end of sentence included, looked in the source, shape
            (target length, source length), no padding; None for a model without attention.
        is_complete: The model ended it; False where it was cut off at the length limit.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    attention: Floats | None
    is_complete: bool


def search(
    stepper: Stepper[State], source: Integers, source_lengths: Integers, options: SearchConfig
) -> list[list[Hypothesis]]:
    """Translate a batch of sentences.

    Args:
        stepper: The model.
        source: Token ids, each sentence ending in EOS, PAD after, shape (sentences, source
            length).
        source_lengths: Tokens of each sentence, EOS included, shape (sentences,).
        options: What to look for, and how widely.

    Returns:
        For each sentence ``options.n_best`` hypotheses, complete ones first, then by score; fewer
        only where the beam has found no more.

    Raises:
        SearchError: The model's numbers are not log-probabilities, such as NaN.
    """
    limits = length_limits(source_lengths, options)
    if not limits.size:
        return []
    chooser = _chooser(options, source, source_lengths, limits)
    endings = Endings(limits, options)
    trellis = Trellis()
    sentences = np.arange(limits.size)  # those still being translated
    totals = np.zeros((limits.size, 1))  # log-probability of each row; -inf where there is none
    tokens = np.full(limits.size, BOS, dtype=np.int64)
    state = stepper.start(source, source_lengths)
    while True:
        banned = trellis.repeats(options.no_repeat)
        k = min(chooser.candidates + banned.shape[1], ALL_CANDIDATES)
        candidates, state = stepper.step(state, tokens, k)
        log_probabilities = _without(banned, candidates)
        choice = chooser.choose(sentences, totals, log_probabilities, candidates.tokens)
        endings.collect(sentences, choice)
        going = ~(endings.at_limit(sentences) | chooser.is_over(endings, sentences, choice.totals))
        trellis.grow(choice, going, candidates.attention)
        sentences = sentences[going]
        if not sentences.size:
            return endings.hypotheses(trellis, source_lengths)
        totals, tokens = choice.totals[going], trellis.tokens[-1]
        state = stepper.select(state, choice.rows[going])


def length_limits(source_lengths: Integers, options: SearchConfig) -> Integers:
    """The most tokens a translation may have, its end of sentence counted.

    Args:
        source_lengths: Tokens of each source sentence, EOS included, shape (sentences,).
        options: ``max_length_factor`` for each source token but EOS, plus ``max_length_extra``.

    Returns:
        At least 1 for each sentence, shape (sentences,).
    """
    tokens = np.asarray(source_lengths, dtype=np.int64) - 1
    return (tokens * options.max_length_factor).astype(np.int64) + options.max_length_extra


@dataclass(frozen=True)
class Choice:
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


class Chooser(Protocol):
    """Picks the continuations: all that tells beam search from sampling."""

    candidates: int
    """How many candidates of each row it needs to see."""

    def choose(
        self, sentences: Integers, totals: Doubles, log_probabilities: Floats, tokens: Integers
    ) -> Choice:
        """Pick the next rows.

        Args:
            sentences: The numbers of the sentences in the batch, shape (sentences,).
            totals: Log-probability of each row, shape (sentences, width).
            log_probabilities: Of the candidates, likeliest first; -inf where one is not allowed,
                shape (sentences x width, k).
            tokens: The candidates, shape (sentences x width, k).
        """
        ...

    def is_over(self, endings: "Endings", sentences: Integers, totals: Doubles) -> Booleans:
        """Whether there is nothing more to gain, shape (sentences,)."""
        ...


def _chooser(
    options: SearchConfig, source: Integers, source_lengths: Integers, limits: Integers
) -> Chooser:
    if options.sample:
        return Sampler(options, source, source_lengths, limits)
    return Beam(options.beam)


class Beam:
    """Follows the `beam` likeliest continuations of each sentence.

    One that ends counts if it is among the `beam` likeliest itself. A sentence is over once `beam`
    hypotheses have ended, or none can get ahead of the n best any more.

    Of a row, at most `beam` continuations can be followed and one more is its end: `beam` + 1
    candidates decide the same as the whole vocabulary. With a beam of 1 one does: where it is the
    end, nothing is followed.
    """

    def __init__(self, beam: int) -> None:
        """Make the chooser for a beam of this width."""
        self.beam = beam
        self.candidates = beam + 1 if beam > 1 else 1

    def choose(
        self, sentences: Integers, totals: Doubles, log_probabilities: Floats, tokens: Integers
    ) -> Choice:
        """Pick the likeliest of all continuations of a sentence."""
        lines, width = totals.shape
        k = tokens.shape[1]
        # (sentences, width, 1) + (sentences, width, k) = (sentences, width, k)
        pool = (totals[:, :, None] + log_probabilities.reshape(lines, width, k)).reshape(lines, -1)
        # At most one candidate of each row is an end, so that 2 x beam hold `beam` that go on.
        order = np.argsort(-pool, axis=1, kind="stable")[:, : 2 * self.beam]
        ranked = np.take_along_axis(pool, order, axis=1)
        token = np.take_along_axis(tokens.reshape(lines, -1), order, axis=1)
        rows = order // k + np.arange(lines)[:, None] * width
        ends = token == EOS
        ended = ends & np.isfinite(ranked)
        ended[:, self.beam :] = False
        ranked_on = np.where(ends, -np.inf, ranked)
        on = np.argsort(ends, axis=1, kind="stable")[:, : self.beam]
        return Choice(
            rows=np.take_along_axis(rows, on, axis=1),
            tokens=np.take_along_axis(token, on, axis=1),
            totals=np.take_along_axis(ranked_on, on, axis=1),
            ended_lines=np.nonzero(ended)[0],
            ended_rows=rows[ended],
            ended_totals=ranked[ended],
        )

    def is_over(self, endings: "Endings", sentences: Integers, totals: Doubles) -> Booleans:
        """Enough have ended, or the best row cannot reach the n best however it goes on."""
        attainable = endings.attainable(sentences, totals.max(axis=1))
        over: Booleans = (endings.count[sentences] >= self.beam) | (
            attainable <= endings.to_beat[sentences]
        )
        return over


class Sampler:
    """Draws one continuation for each of ``n_best`` independent rows of a sentence.

    The probabilities are sharpened by the temperature, then cut to the ``top_k`` likeliest (Fan et
    al. 2018, 5.1), then to the likeliest that together have ``top_p`` (Holtzman et al. 2020, 3.1).
    The random numbers of a sentence are drawn from a generator of its own, seeded with the seed
    and its tokens, so that neither its neighbours nor ``n_best`` change a sample.
    """

    def __init__(
        self, options: SearchConfig, source: Integers, source_lengths: Integers, limits: Integers
    ) -> None:
        """Draw the random numbers of each sentence, for every step it may take."""
        self.options = options
        self.candidates = options.top_k or ALL_CANDIDATES
        self.step = 0
        self.uniform = np.zeros((limits.size, options.n_best, int(limits.max())))
        for i, (tokens, length, limit) in enumerate(
            zip(source, source_lengths, limits, strict=True)
        ):
            generator = np.random.Generator(np.random.PCG64([options.seed, *tokens[:length]]))
            self.uniform[i, :, :limit] = generator.random((options.n_best, limit))

    def choose(
        self, sentences: Integers, totals: Doubles, log_probabilities: Floats, tokens: Integers
    ) -> Choice:
        """Draw a candidate for each row, of the first row for each sample at the first step."""
        lines, width = totals.shape
        k = tokens.shape[1]
        up_to = np.cumsum(self._weights(log_probabilities), axis=1)
        samples = self.uniform.shape[1]
        rows = np.arange(lines * width).reshape(lines, width)
        rows = np.broadcast_to(rows, (lines, samples))
        mass = up_to[:, -1:][rows]
        drawn = self.uniform[sentences, :, self.step, None] * mass
        # The second term is the last candidate of any weight, whatever was rounded.
        picked = np.minimum(
            (up_to[rows] <= drawn).sum(axis=2), (up_to[rows] < mass).sum(axis=2)
        ).clip(max=k - 1)
        self.step += 1
        token = tokens[rows, picked]
        total = totals.reshape(-1)[rows] + log_probabilities[rows, picked]
        ended = (token == EOS) & np.isfinite(total)
        return Choice(
            rows=rows,
            tokens=token,
            totals=np.where(ended, -np.inf, total),
            ended_lines=np.nonzero(ended)[0],
            ended_rows=rows[ended],
            ended_totals=total[ended],
        )

    def _weights(self, log_probabilities: Floats) -> Doubles:
        """Unnormalised probabilities to draw with, shape (rows, k)."""
        allowed = np.isfinite(log_probabilities)
        if self.options.top_k:
            allowed &= np.cumsum(allowed, axis=1) <= self.options.top_k
        likeliest = log_probabilities.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):  # a row with no candidate allowed: -inf - -inf
            scaled = (log_probabilities.astype(np.float64) - likeliest) / self.options.temperature
        weights = np.where(allowed, np.exp(scaled), 0.0)
        if self.options.top_p < 1.0:
            before = np.cumsum(weights, axis=1) - weights
            weights[before >= self.options.top_p * weights.sum(axis=1, keepdims=True)] = 0.0
        return weights

    def is_over(self, endings: "Endings", sentences: Integers, totals: Doubles) -> Booleans:
        """All samples have ended."""
        over: Booleans = totals.max(axis=1) == -np.inf
        return over


@dataclass(frozen=True)
class Ending:
    """Where in the trellis a hypothesis ended, and with what.

    Attributes:
        step: The step that added its last token, from 0.
        row: The row of that step that it continues.
        token: Its last token: EOS, or another where it was cut off.
        log_probability: Of all its tokens.
        score: The same, normalised by length.
    """

    step: int
    row: int
    token: int
    log_probability: float
    score: float


class Endings:
    """The hypotheses that have ended, of every sentence, and what another one has to beat."""

    def __init__(self, limits: Integers, options: SearchConfig) -> None:
        """Begin with none, for sentences with these length limits."""
        self.step = 0
        self.limits = limits
        self.count = np.zeros(limits.size, dtype=np.int64)  # complete ones
        self.to_beat = np.full(limits.size, -np.inf)  # score of the last of the n best so far
        self._n_best = options.n_best
        self._penalty = options.length_penalty
        self._best: list[list[float]] = [[] for _ in limits]  # a heap of the n best scores
        self._endings: list[list[Ending]] = [[] for _ in limits]

    def at_limit(self, sentences: Integers) -> Booleans:
        """Whether the sentences have taken all the steps they may, shape (sentences,)."""
        return self.limits[sentences] <= self.step

    def attainable(self, sentences: Integers, log_probabilities: Doubles) -> Doubles:
        """The best score that unfinished hypotheses may still get.

        Log-probabilities only fall, and dividing by the longest length is the kindest.
        """
        bound: Doubles = log_probabilities / self.limits[sentences] ** self._penalty
        return bound

    def collect(self, sentences: Integers, choice: Choice) -> None:
        """Note what ended in a step, and what is cut off because it was the last one allowed."""
        self.step += 1
        for line, row, total in zip(
            choice.ended_lines, choice.ended_rows, choice.ended_totals, strict=True
        ):
            self._complete(sentences[line], self._ending(row, EOS, total))
        cut_off = self.at_limit(sentences)[:, None] & np.isfinite(choice.totals)
        for at in zip(*np.nonzero(cut_off), strict=True):
            ending = self._ending(choice.rows[at], choice.tokens[at], choice.totals[at])
            self._endings[sentences[at[0]]].append(ending)

    def _ending(self, row: np.int64, token: int | np.int64, total: np.float64) -> Ending:
        score = float(total) / self.step**self._penalty
        return Ending(self.step - 1, int(row), int(token), float(total), score)

    def _complete(self, sentence: int, ending: Ending) -> None:
        self._endings[sentence].append(ending)
        self.count[sentence] += 1
        best = self._best[sentence]
        heapq.heappush(best, ending.score)
        if len(best) > self._n_best:
            heapq.heappop(best)
        if len(best) == self._n_best:
            self.to_beat[sentence] = best[0]

    def hypotheses(self, trellis: "Trellis", source_lengths: Integers) -> list[list[Hypothesis]]:
        """The n best of each sentence, complete ones first, then by score."""
        if not all(self._endings):
            raise SearchError(NOT_PROBABILITIES)
        result = []
        for found, length in zip(self._endings, source_lengths, strict=True):
            best = sorted(found, key=lambda ending: (ending.token != EOS, -ending.score))
            result.append([trellis.hypothesis(e, int(length)) for e in best[: self._n_best]])
        return result


class Trellis:
    """Every row of every step, linked to the row it continues.

    Translations are read off backwards once they are known, so that a step copies nothing that
    grows with the length.
    """

    def __init__(self) -> None:
        """Begin before the first step."""
        self.tokens: list[Integers] = []  # that step i added to each row of step i + 1
        self._rows: list[Integers] = []  # that each row of step i + 1 continues in step i
        self._attention: list[Floats | None] = []  # of the rows of step i

    def grow(self, choice: Choice, going: Booleans, attention: Floats | None) -> None:
        """Add the rows of a step, of the sentences that go on."""
        self.tokens.append(choice.tokens[going].reshape(-1))
        self._rows.append(choice.rows[going].reshape(-1))
        self._attention.append(attention)

    def _back(self, step: int, rows: Integers) -> Iterator[tuple[int, Integers, Integers]]:
        """Walk from rows of a step to the first: each step before, its rows, what they added."""
        for before in range(step - 1, -1, -1):
            added = self.tokens[before][rows]
            rows = self._rows[before][rows]
            yield before, rows, added

    def hypothesis(self, ending: Ending, source_length: int) -> Hypothesis:
        """Read off a hypothesis, from its end to its beginning."""
        tokens = [] if ending.token == EOS else [ending.token]
        path = [(ending.step, ending.row)]
        for step, row, token in self._back(ending.step, np.asarray(ending.row)):
            tokens.append(int(token))
            path.append((step, int(row)))
        looked = [
            weights[row, :source_length]
            for step, row in reversed(path)
            if (weights := self._attention[step]) is not None
        ]
        return Hypothesis(
            tokens=tuple(reversed(tokens)),
            log_probability=ending.log_probability,
            score=ending.score,
            attention=np.stack(looked) if looked else None,
            is_complete=ending.token == EOS,
        )

    def repeats(self, n: int) -> Integers:
        """The tokens that would repeat a run of `n` tokens of their row.

        Args:
            n: Length of a run; 0 if all may be repeated.

        Returns:
            Forbidden tokens, filled up with NO_TOKEN, shape (rows, most of any row).
        """
        steps = len(self.tokens)
        if n == 0 or steps < n:
            return np.empty((1, 0), dtype=np.int64)
        last = np.arange(self.tokens[-1].size)
        history = np.stack([t for _, _, t in self._back(steps, last)][::-1], axis=1)
        following = history[:, n - 1 :]
        if n == 1:
            return following
        # (rows, steps - n + 2, n - 1): the last of them is how the row ends now.
        runs = sliding_window_view(history, n - 1, axis=1)
        repeated = (runs[:, :-1] == runs[:, -1:]).all(axis=2)
        forbidden = np.where(repeated, following, NO_TOKEN)
        most = int(repeated.sum(axis=1).max())
        return -np.sort(-forbidden, axis=1)[:, :most]


def _without(banned: Integers, candidates: Candidates) -> Floats:
    """The candidates' log-probabilities, with -inf for the banned ones, shape (rows, k)."""
    log_probabilities = candidates.log_probabilities
    if not (log_probabilities <= 1e-3).all():  # also False for NaN
        raise SearchError(NOT_PROBABILITIES)
    if not banned.shape[1]:
        return log_probabilities
    # (rows, k, 1) == (rows, 1, banned) = (rows, k, banned)
    is_banned = (candidates.tokens[:, :, None] == banned[:, None, :]).any(axis=2)
    return np.where(is_banned, np.float32(-np.inf), log_probabilities)
