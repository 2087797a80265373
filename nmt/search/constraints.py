"""What a translation must begin with, must hold and must not hold, as runs of token ids.

A run counts as whole words: only where the token after it does not go on with its last word. That
token is not known when the run is complete, so a row carries how it ends (`Progress`), and an
`Automaton` says where each next token leads and how many more it takes to please all.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np

from nmt.errors import SearchError
from nmt.search.stepper import Booleans, Floats
from nmt.text.tokenizer import BOS, EOS, PAD, UNK

Run = tuple[int, ...]

SPECIAL = (PAD, BOS, EOS, UNK)
MOST_KNOWN = 128
"""Automata that are kept for the next sentence; each has an array as large as the vocabulary."""


@dataclass(frozen=True)
class Constraints:
    """What the translation of one sentence has to be like.

    Attributes:
        prefix: The tokens it begins with.
        required: Runs that must appear as whole words, in any order; one that is listed twice
            must appear twice.
        forbidden: Runs that must not appear as whole words.
        opens_word: After the prefix there is a space, or the end.
    """

    prefix: Run = ()
    required: tuple[Run, ...] = ()
    forbidden: tuple[Run, ...] = ()
    opens_word: bool = False


@dataclass(frozen=True)
class Constrained:
    """What the translations of a batch have to be like.

    Attributes:
        each: The constraints of each sentence.
        continues_word: True for tokens that go on with the word before, shape (vocabulary,).
        opens_word: True for tokens with a space before them, likewise; None if nothing asks.
        known: The automata of constraints met so far.
    """

    each: tuple[Constraints, ...]
    continues_word: Booleans
    opens_word: Booleans | None = None
    known: dict[Constraints, "Automaton"] = field(default_factory=dict, repr=False, compare=False)

    def only(self, sentences: Sequence[int]) -> Self:
        """The same of some of the sentences; what becomes known of one is known of the other."""
        return replace(self, each=tuple(self.each[sentence] for sentence in sentences))

    def automaton(self, sentence: int) -> "Automaton":
        """The automaton of a sentence, one for all that have the same constraints.

        Raises:
            SearchError: No translation can please them.
        """
        constraints = self.each[sentence]
        automaton = self.known.get(constraints)
        if automaton is None:
            automaton = Automaton(constraints, self.continues_word, self.opens_word)
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[constraints] = automaton
        return automaton


class Progress(NamedTuple):
    """How far a row has come.

    Attributes:
        ending: The last tokens of the row, as many as may be the beginning of a run.
        unmet: How often each required run has still to appear. One that the row ends with is
            unmet until the next token shows that its last word is over.
    """

    ending: Run
    unmet: tuple[int, ...]


class Automaton:
    """Where each token leads under the constraints of one sentence.

    Args:
        constraints: Of the sentence.
        continues_word: As in `Constrained`.
        opens_word: As in `Constrained`.

    Attributes:
        prefix: The tokens it begins with.
        barred: True for tokens that may not follow the prefix, shape (vocabulary,); None if all
            may.
        start: The progress of an empty row.
        most_left: How many tokens please the constraints after the prefix, at most.

    Raises:
        SearchError: No translation can please them.
    """

    def __init__(
        self,
        constraints: Constraints,
        continues_word: Booleans,
        opens_word: Booleans | None = None,
    ) -> None:
        counts = Counter(constraints.required)
        self.prefix = constraints.prefix
        self.barred: Booleans | None = None
        if constraints.opens_word and opens_word is not None:
            self.barred = ~opens_word
            self.barred[EOS] = False
        self.start = Progress((), tuple(counts.values()))
        self._left: dict[Progress, float] = {}
        self._nexts: dict[Progress, tuple[tuple[int, float], ...]] = {}
        self._required = tuple(counts)
        self._forbidden = tuple(sorted(set(constraints.forbidden)))
        self._continues = continues_word
        runs = (*self._required, *self._forbidden)
        _check((self.prefix, *runs), runs, len(continues_word))
        self._beginnings = {run[:n] for run in runs for n in range(len(run) + 1)} | {()}
        # A step looks up what an ending completes, however many runs there are.
        self._closed = _that_end_with(self._beginnings, self._forbidden)
        self._completing = _that_end_with(self._beginnings, self._required)
        self._listed = sorted({token for run in runs for token in run})
        is_other = np.ones(len(continues_word), dtype=np.bool_)
        is_other[[*SPECIAL, *self._listed]] = False
        # Of the other tokens that start a word one stands for all, and of those that go on with
        # a word another one.
        others = [np.flatnonzero(is_other & (continues_word == goes_on)) for goes_on in (0, 1)]
        self._stood_for = {int(tokens[-1]): tokens for tokens in others if tokens.size}
        self._ways = (*self._listed, *self._stood_for)
        self._distances = _Distances(self, self._beginnings, self._required, self._ways)
        self.most_left = self._begin()

    def _begin(self) -> int:
        """Read the prefix; how many tokens it then takes."""
        progress: Progress | None = self.start
        for token in self.prefix:
            progress = None if progress is None else self.advance(progress, token)
        if progress is None:
            raise SearchError(
                f"a translation cannot begin with the tokens {self.prefix}: some of the forbidden "
                f"{self._forbidden} are among them; leave one of the two out"
            )
        left = self.left(progress)
        if left == math.inf:
            raise SearchError(
                f"no translation can hold all of the tokens {self._required} and none of "
                f"{self._forbidden}: one forbids another; leave one of them out"
            )
        return int(left)

    @property
    def requires(self) -> bool:
        """Whether anything must appear."""
        return bool(self._required)

    @property
    def closing(self) -> int:
        """How many tokens may be the last of a forbidden run."""
        return len({run[-1] for run in self._forbidden})

    @property
    def needed(self) -> Collection[int]:
        """The tokens that must be in reach."""
        return {*self.prefix, *self._ways}

    @property
    def length(self) -> int:
        """The tokens of the constraints, or as many as it takes to please them if that is more."""
        tokens = sum(
            count * len(run) for run, count in zip(self._required, self.start.unmet, strict=True)
        )
        return len(self.prefix) + max(tokens, self.most_left)

    def move(self, ending: Run, token: int) -> Run | None:
        """How a row ends after a token; None where that makes it hold a forbidden run."""
        if self.starts_word(token) and not self.is_open(ending):
            return None
        ending = (*ending, token)
        while ending not in self._beginnings:
            ending = ending[1:]
        return ending

    def advance(self, progress: Progress, token: int) -> Progress | None:
        """How far a row has come after a token; None where it then holds a forbidden run."""
        ending, unmet = progress
        after = self.move(ending, token)
        if after is None:
            return None
        if self.starts_word(token):
            unmet = self._settled(ending, unmet)
        return Progress(after, unmet)

    def starts_word(self, token: int) -> bool:
        """Whether a token ends the word before it."""
        return not self._continues[token]

    def is_open(self, ending: Run) -> bool:
        """Whether a word may be over here: the row does not end with a forbidden run."""
        return ending not in self._closed

    def is_pending(self, progress: Progress) -> bool:
        """Whether more is settled if the last word is over."""
        ending, unmet = progress
        return self.is_open(ending) and self._settled(ending, unmet) != unmet

    def _settled(self, ending: Run, unmet: tuple[int, ...]) -> tuple[int, ...]:
        """What is unmet if the last word is over."""
        if ending not in self._completing:
            return unmet
        return tuple(
            max(0, count - _ends_with(ending, run))
            for run, count in zip(self._required, unmet, strict=True)
        )

    def left(self, progress: Progress) -> float:
        """Tokens it takes until a row may end.

        It may be more than the fewest, but each row has a next token after which it is one less.

        Returns:
            0 if the row may end now; infinite if there is no way.
        """
        left = self._left.get(progress)
        if left is None:
            left = self._left[progress] = self._find_left(progress)
        return left

    def _find_left(self, progress: Progress) -> float:
        ending, unmet = progress
        # The word before may be gone on with; but if it is over, more may be settled.
        left = self._distances.of(ending, unmet, starting=False)
        if self.is_pending(progress):
            settled = self._settled(ending, unmet)
            left = min(left, self._distances.of(ending, settled, starting=True))
        return left

    def nexts(self, progress: Progress) -> tuple[tuple[int, float], ...]:
        """Each listed token, and one that stands for others, with what is left after it."""
        nexts = self._nexts.get(progress)
        if nexts is None:
            moves = [(token, self.advance(progress, token)) for token in self._ways]
            nexts = tuple(
                (token, math.inf if after is None else self.left(after)) for token, after in moves
            )
            self._nexts[progress] = nexts
        return nexts

    def restrict(self, log_probabilities: Floats, progress: Progress, room: int) -> None:
        """Take out of one row what the constraints do not allow.

        Args:
            log_probabilities: Of the next token, shape (vocabulary,); changed in place.
            progress: How far the row has come.
            room: How many tokens may follow after the next one, an end among them.
        """
        if self.left(progress) > 0:
            log_probabilities[EOS] = -np.inf
        for token, left in self.nexts(progress):
            if left > max(0, room - 1):
                log_probabilities[self._stood_for.get(token, token)] = -np.inf

    def nearer(self, progress: Progress) -> list[int]:
        """Next tokens after which less is left, a stand-in among them only if there is no other."""
        left = self.left(progress)
        tokens = [token for token, after in self.nexts(progress) if after < left]
        return [token for token in tokens if token in self._listed] or tokens


class _Distances:
    """How many tokens it takes from an ending of a row to the required runs.

    Args:
        automaton: Says where a token leads.
        endings: All there are.
        required: The required runs.
        ways: The tokens to go by.
    """

    def __init__(
        self,
        automaton: "Automaton",
        endings: Collection[Run],
        required: Sequence[Run],
        ways: Sequence[int],
    ) -> None:
        # For each ending, where each token leads that starts a word or that goes on with one.
        self._moves = {
            ending: [
                (after, automaton.starts_word(token))
                for token in ways
                if (after := automaton.move(ending, token)) is not None
            ]
            for ending in endings
        }
        self._before = defaultdict(set)
        for ending, moves in self._moves.items():
            for after, _ in moves:
                self._before[after].add(ending)
        self._open = {ending for ending in endings if automaton.is_open(ending)}
        complete = [{e for e in self._open if _ends_with(e, run)} for run in required]
        self._to_run = [self._to(targets) for targets in complete]
        self._to_open = self._to(self._open)
        # From wherever a run may be complete to the end of another, at worst.
        after_a_run = [ending for endings in complete for ending in endings]
        self._between = [
            max((starting[ending] for ending in after_a_run), default=math.inf)
            for _, starting in self._to_run
        ]

    def of(self, ending: Run, unmet: tuple[int, ...], starting: bool) -> float:
        """From an ending through every unmet run, to where a row may end.

        Args:
            ending: Of the row.
            unmet: How often each run has still to appear.
            starting: The next token has to start a word.
        """
        if not any(unmet):
            return 0 if ending in self._open else self._to_open[starting][ending]
        return min(
            self._to_run[first][starting][ending]
            + sum(
                (count - (run == first)) * self._between[run]
                for run, count in enumerate(unmet)
                if count > (run == first)
            )
            for first, count in enumerate(unmet)
            if count
        )

    def _to(self, targets: Collection[Run]) -> tuple[dict[Run, float], dict[Run, float]]:
        """Fewest tokens, at least one, from each ending to a target.

        Returns:
            By any tokens; and by tokens of which the first starts a word.
        """
        far = dict.fromkeys(targets, 0)
        queue = deque(targets)
        while queue:
            after = queue.popleft()
            for ending in self._before[after] - far.keys():
                far[ending] = far[after] + 1
                queue.append(ending)
        shortest: tuple[dict[Run, float], dict[Run, float]] = ({}, {})
        for ending, moves in self._moves.items():
            for starting in (False, True):
                shortest[starting][ending] = 1 + min(
                    (far[a] for a, starts in moves if a in far and starts >= starting),
                    default=math.inf,
                )
        return shortest


def _that_end_with(endings: Collection[Run], runs: Collection[Run]) -> frozenset[Run]:
    """The endings that end with any of the runs."""
    known = set(runs)
    return frozenset(e for e in endings if any(e[i:] in known for i in range(len(e))))


def _ends_with(tokens: Run, run: Run) -> bool:
    return tokens[-len(run) :] == run


def _check(lists: Sequence[Run], runs: Sequence[Run], vocabulary: int) -> None:
    """Check that a translation can hold the tokens."""
    if () in runs:
        raise SearchError("a required or forbidden run has no tokens: leave it out")
    for token in {token for tokens in lists for token in tokens}:
        if token in SPECIAL or not 0 <= token < vocabulary:
            raise SearchError(
                f"token {token} cannot be in a translation: it is none of the vocabulary of "
                f"{vocabulary} or has a meaning of its own"
            )
