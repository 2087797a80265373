"""Subword sampling: one word, a different segmentation each time.

sentencepiece samples too, but mixes a salt of the process into its random generator, so that a
resumed training could not go on in the same bits. These draw from a generator they are handed.
"""

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate, chain, repeat
from typing import Protocol

Random = Callable[[], float]
"""Gives the next number, uniform in [0, 1)."""

UNKNOWN_PENALTY = 10.0
MAX_CACHED_WORDS = 200_000


class WordSampler(Protocol):
    """Draws a segmentation of one word (with its ``▁`` in front) into pieces."""

    def sample(self, word: str, random: Random) -> list[str]:
        """The pieces in order; a character that no piece spells is left as it is."""
        ...


class BpeDropout:
    """BPE-dropout: Provilkov et al. 2020, algorithm 1.

    At every step each possible merge is dropped with probability ``rate``, and of the others the
    first learned is made; it ends when none is left. Drawing for the merges in the order they were
    learned, up to the first that is kept, comes to the same and takes far fewer draws.
    """

    def __init__(self, scores: Mapping[str, float], rate: float) -> None:
        self._scores = scores
        self._rate = rate
        self._undropped: dict[str, tuple[list[str], int]] = {}

    def sample(self, word: str, random: Random) -> list[str]:
        """Merge the characters of a word, dropping some of the merges."""
        if word not in self._undropped:
            if len(self._undropped) >= MAX_CACHED_WORDS:
                self._undropped.clear()
            pieces = self._merge(word, repeat(1.0).__next__)
            self._undropped[word] = pieces, len(word) - len(pieces)
        pieces, merges = self._undropped[word]
        # Every merge takes a draw, and mostly none of them drops one: then the end is known.
        draws = [random() for _ in range(merges)]
        if min(draws, default=1.0) >= self._rate:
            return pieces
        return self._merge(word, chain(draws, iter(random, None)).__next__)

    def _merge(self, word: str, random: Random) -> list[str]:
        symbols = list(word)
        end = len(symbols)
        before = list(range(-1, end - 1))
        after = list(range(1, end + 1))
        scores = self._scores
        merges: list[tuple[float, int, str]] = []

        def add(left: int) -> None:
            merged = symbols[left] + symbols[after[left]]
            if merged in scores:
                heapq.heappush(merges, (-scores[merged], left, merged))

        for left in range(end - 1):
            add(left)
        dropped: list[tuple[float, int, str]] = []
        while merges:
            merge = heapq.heappop(merges)
            _, left, merged = merge
            right = after[left]
            # A neighbour's merge may have taken either half since this one was put down.
            if not symbols[left] or right >= end or symbols[left] + symbols[right] != merged:
                continue
            if random() < self._rate:
                dropped.append(merge)
                continue
            for back in dropped:
                heapq.heappush(merges, back)
            dropped.clear()
            symbols[left], symbols[right] = merged, ""
            after[left] = after[right]
            if after[left] < end:
                before[after[left]] = left
                add(left)
            if before[left] >= 0:
                add(before[left])
        return [symbol for symbol in symbols if symbol]


class UnigramSampler:
    """Sampling from a unigram language model: Kudo 2018, section 3.2, over all segmentations.

    A segmentation is drawn with probability proportional to its own to the power of ``smoothing``,
    by filtering forwards over the word's lattice and sampling backwards.
    """

    def __init__(self, scores: Mapping[str, float], smoothing: float) -> None:
        self._scores = scores
        self._smoothing = smoothing
        self._longest = max(map(len, scores), default=1)
        self._unknown = min(scores.values(), default=0.0) - UNKNOWN_PENALTY
        self._lattices: dict[str, list[tuple[list[int], list[float]]]] = {}

    def sample(self, word: str, random: Random) -> list[str]:
        """Walk back from the end of a word, drawing the piece that ends at each place."""
        lattice = self._lattices.get(word)
        if lattice is None:
            if len(self._lattices) >= MAX_CACHED_WORDS:
                self._lattices.clear()
            lattice = self._lattices[word] = self._filter_forwards(word)
        pieces = []
        end = len(word)
        while end:
            starts, cumulative = lattice[end]
            # The last sum can round to below 1, and so to below the number drawn.
            choice = min(bisect_right(cumulative, random()), len(starts) - 1)
            pieces.append(word[starts[choice] : end])
            end = starts[choice]
        return pieces[::-1]

    def _filter_forwards(self, word: str) -> list[tuple[list[int], list[float]]]:
        """For each end: where the pieces that end there start, and their summed probabilities."""
        totals = [0.0]  # log of the summed weights of all segmentations up to each place
        lattice: list[tuple[list[int], list[float]]] = [([], [])]
        for end in range(1, len(word) + 1):
            starts, weights = [], []
            for start in range(max(0, end - self._longest), end):
                score = self._scores.get(word[start:end])
                if score is None and start == end - 1:
                    score = self._unknown
                if score is not None:
                    starts.append(start)
                    weights.append(totals[start] + self._smoothing * score)
            highest = max(weights)
            total = highest + math.log(math.fsum(math.exp(w - highest) for w in weights))
            totals.append(total)
            lattice.append((starts, list(accumulate(math.exp(w - total) for w in weights))))
        return lattice
