"""The objects that pick continuations: all that tells beam search from its kin and sampling."""

from typing import Protocol

import numpy as np

from nmt.config import SearchConfig
from nmt.search.finished import Endings
from nmt.search.stepper import Booleans, Candidates, Doubles, Floats, Integers
from nmt.search.trellis import NO_TOKEN, Choice
from nmt.text.tokenizer import EOS

ALL_CANDIDATES = int(np.iinfo(np.int32).max)
NO_LINES = np.empty(0, dtype=np.int64)
NO_TOTALS = np.empty(0, dtype=np.float64)


class Chooser(Protocol):
    """Picks the continuations."""

    candidates: int
    """How many candidates of each row it needs to see."""

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Pick the next rows.

        Args:
            sentences: The numbers of the sentences in the batch, shape (sentences,).
            totals: Log-probability of each row, shape (sentences, width).
            candidates: Of each row, likeliest first; -inf where one is not allowed, shape
                (sentences x width, k).
        """
        ...

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """Whether there is nothing more to gain, shape (sentences,).

        Args:
            endings: What has ended.
            sentences: The numbers of the sentences in the batch, shape (sentences,).
            totals: Of the rows that were picked, shape (sentences, width).
        """
        ...


class Beam:
    """Follows the `beam` likeliest continuations of each sentence.

    One that ends counts if it is among the `beam` likeliest itself. A sentence is over once no row
    can get ahead of the n best any more, whatever it goes on with (see `Endings.attainable`): so
    far, going on to the length limit would find the same n best. It is over too, unless
    ``options.stop`` is "certain", once `beam` hypotheses have ended.

    Of a row, at most `beam` continuations can be followed and one more is its end: `beam` + 1
    candidates decide the same as the whole vocabulary. With a beam of 1 one does, as an end is
    enough.
    """

    def __init__(self, options: SearchConfig) -> None:
        """Make the chooser for these options."""
        self.beam = options.beam
        self._enough = self.beam if options.stop == "enough" else np.inf
        self.candidates = 1 if self._enough == 1 else self.beam + 1

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Pick the likeliest of all continuations of a sentence."""
        lines, width = totals.shape
        k = candidates.tokens.shape[1]
        # (sentences, width, 1) + (sentences, width, k) = (sentences, width, k)
        pool = totals[:, :, None] + candidates.log_probabilities.reshape(lines, width, k)
        return pick(pool, candidates.tokens.reshape(lines, width, k), pool, self.beam)

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """Enough have ended, or the best row cannot reach the n best however it goes on."""
        attainable = endings.attainable(sentences, totals.max(axis=1))
        over: Booleans = attainable <= endings.to_beat[sentences]
        return over | (endings.count[sentences] >= self._enough)


def pick(pool: Doubles, tokens: Integers, ranks: Doubles, beam: int) -> Choice:
    """The first `beam` continuations of each sentence, and those among them that end.

    Args:
        pool: Log-probability of each continuation, shape (sentences, width, k).
        tokens: What it adds, shape (sentences, width, k).
        ranks: What to pick by, shape (sentences, width, k).
        beam: How many to follow, and at most to end, of a sentence.

    Returns:
        Best first; its rows are numbered within this pool.
    """
    lines, width, k = pool.shape
    size = width * k
    # At most one candidate of each row is an end, so that 2 x beam hold `beam` that go on.
    order = np.argsort(-ranks.reshape(lines, size), axis=1, kind="stable")[:, : 2 * beam]
    flat = order + np.arange(0, lines * size, size)[:, None]
    token = tokens.take(flat)
    ranked = pool.take(flat)
    ends = token == EOS
    if not ends.any():
        flat, token, ranked = flat[:, :beam], token[:, :beam], ranked[:, :beam]
        return Choice(flat // k, token, ranked, NO_LINES, NO_LINES, NO_TOTALS)
    ended = ends & np.isfinite(ranked)
    ended[:, beam:] = False
    ended_rows, ended_totals = flat[ended] // k, ranked[ended]
    ranked[ends] = -np.inf
    length = order.shape[1]
    on = np.argsort(ends, axis=1, kind="stable")[:, :beam]
    on += np.arange(0, lines * length, length)[:, None]
    return Choice(
        rows=flat.take(on) // k,
        tokens=token.take(on),
        totals=ranked.take(on),
        ended_lines=np.nonzero(ended)[0],
        ended_rows=ended_rows,
        ended_totals=ended_totals,
    )


class DiverseBeam:
    """Diverse beam search (Vijayakumar et al. 2018, algorithm 1) with Hamming diversity.

    The beam is divided into groups. At each step they choose one after the other, each by the
    model's log-probability of the whole row, less the penalty for every row of the groups before
    that has just taken the same token. The log-probabilities themselves stay the model's.

    A group is over once as many hypotheses as it has rows have ended, and a sentence with all its
    groups: stopping earlier would keep the first group's translations only.
    """

    def __init__(self, options: SearchConfig, sentences: int) -> None:
        """Make the chooser for a batch."""
        self.groups = options.diversity_groups
        self.size = options.beam // self.groups
        self.penalty = options.diversity_penalty
        # Of the tokens of the other groups, any may be penalised.
        self.candidates = options.beam + 1
        self.ended = np.zeros((self.groups, sentences), dtype=np.int64)

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Let the groups choose one after the other."""
        lines, width = totals.shape
        k = candidates.tokens.shape[1]
        pool = totals[:, :, None] + candidates.log_probabilities.reshape(lines, width, k)
        tokens = candidates.tokens.reshape(lines, width, k)
        each = width // self.groups or 1  # at first all groups share one row
        taken = np.empty((lines, 0), dtype=np.int64)
        parts = []
        for group in range(self.groups):
            start = group * each % width
            block = slice(start, start + each)
            # (sentences, each, k, 1) == (sentences, 1, 1, taken) = (sentences, each, k, taken)
            times = (tokens[:, block, :, None] == taken[:, None, None, :]).sum(axis=3)
            ranks = pool[:, block] - self.penalty * times
            part = pick(pool[:, block], tokens[:, block], ranks, self.size)
            np.add.at(self.ended[group], sentences[part.ended_lines], 1)
            is_over = self.ended[group, sentences] >= self.size
            part = part._replace(
                rows=_renumber(part.rows, each, width, start),
                totals=np.where(is_over[:, None], -np.inf, part.totals),
                ended_rows=_renumber(part.ended_rows, each, width, start),
            )
            is_row = np.isfinite(part.totals)
            taken = np.concatenate([taken, np.where(is_row, part.tokens, NO_TOKEN)], axis=1)
            parts.append(part)
        return Choice(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """All groups are over."""
        over: Booleans = totals.max(axis=1) == -np.inf
        return over


def _renumber(rows: Integers, each: int, width: int, start: int) -> Integers:
    """Numbers of rows in a batch of this width, from those in the group that begins at `start`."""
    return rows // each * width + start + rows % each


class Sampler:
    """Draws one continuation for each of ``n_best`` independent rows of a sentence.

    The probabilities are sharpened by the temperature, then cut to the ``top_k`` likeliest (Fan et
    al. 2018, 5.1), then to the likeliest that together have ``top_p`` (Holtzman et al. 2020, 3.1),
    then to those nearest to the entropy that together have ``typical_p`` (Meister et al. 2023,
    "Locally typical sampling", equation 10).
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

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Draw a candidate for each row, of the first row for each sample at the first step."""
        log_probabilities, tokens = candidates.log_probabilities, candidates.tokens
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
        if self.options.typical_p < 1.0:
            weights[~_typical(weights, self.options.typical_p)] = 0.0
        return weights

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """All samples have ended."""
        over: Booleans = totals.max(axis=1) == -np.inf
        return over


def _typical(weights: Doubles, mass: float) -> Booleans:
    """The candidates whose information is nearest to the entropy and that have this mass.

    Args:
        weights: Unnormalised probabilities, shape (rows, k).
        mass: Share of the probability to keep, at least.

    Returns:
        True for those to keep, at least one of a row, shape (rows, k).
    """
    total = weights.sum(axis=1, keepdims=True)
    probabilities = weights / np.where(total > 0.0, total, 1.0)  # no candidate may be allowed
    information = -np.log(np.where(probabilities > 0.0, probabilities, 1.0))
    entropy = (probabilities * information).sum(axis=1, keepdims=True)
    distance = np.where(probabilities > 0.0, np.abs(information - entropy), np.inf)
    order = np.argsort(distance, axis=1, kind="stable")
    sorted_mass = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(sorted_mass, axis=1) - sorted_mass
    kept = np.empty(weights.shape, dtype=np.bool_)
    np.put_along_axis(kept, order, before < mass, axis=1)
    return kept
