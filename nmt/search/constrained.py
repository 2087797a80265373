"""Search under constraints: what may be proposed, and a beam that gets to what is required."""

from collections.abc import Collection, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.search.constraints import Automaton, Progress
from nmt.search.proposals import check
from nmt.search.stepper import Candidates, Distribution, Doubles, Floats, Integers, Stepper
from nmt.search.strategies import Beam
from nmt.search.trellis import NO_TOKEN, Choice, Trellis
from nmt.text.tokenizer import EOS, PAD

State = TypeVar("State")


class Outlook(NamedTuple):
    """What a token leads a row to.

    Attributes:
        left: How many tokens it then takes until the row may end.
        is_insisted_on: The row has set out to get this done.
        is_open: The word may be over with the token; False where a forbidden one then would be.
    """

    left: float
    is_insisted_on: bool
    is_open: bool


class Guide:
    """How far each row of a constrained batch has come.

    Args:
        automata: The constraints of each sentence.
        limits: Most tokens of each translation, its end counted, shape (sentences,).
    """

    def __init__(self, automata: Sequence[Automaton], limits: Integers) -> None:
        self._automata = automata
        self._limits = limits
        self._step = 0
        self._owners = list(range(len(automata)))  # the sentence of each row
        self._progress: list[Progress | None] = [automaton.start for automaton in automata]
        self._insists = [False] * len(automata)  # the row has set out to get a run done

    @property
    def closing(self) -> Integers:
        """How many tokens of each row may be the last of a forbidden run, shape (rows,)."""
        return np.array([self._automata[owner].closing for owner in self._owners])

    @property
    def needed(self) -> list[Collection[int]]:
        """For each sentence the tokens that must be in reach."""
        return [automaton.needed for automaton in self._automata]

    def restrict(self, log_probabilities: Floats, allowed: Floats) -> None:
        """Take out of every row what the constraints do not allow, and put in what they need.

        Args:
            log_probabilities: Of the next token, shape (rows, vocabulary); changed in place.
            allowed: The same before repeated runs were taken out.
        """
        for row, (owner, progress) in enumerate(zip(self._owners, self._progress, strict=True)):
            automaton = self._automata[owner]
            values = log_probabilities[row]
            if self._step < len(automaton.prefix):
                token = automaton.prefix[self._step]
                values[:] = -np.inf
                values[token] = allowed[row, token]
            elif progress is not None:
                nearer = automaton.nearer(progress)
                values[nearer] = allowed[row, nearer]
                automaton.restrict(values, progress, int(self._limits[owner]) - self._step - 1)
                if self._step == len(automaton.prefix) and automaton.barred is not None:
                    values[automaton.barred] = -np.inf

    def note_ends(self, log_probabilities: Floats) -> None:
        """Note which rows the model would end here, before anything is taken out.

        Such a row, if it may not end yet, insists on what is required, and does so until a run of
        it is over.

        Args:
            log_probabilities: Of the next token, shape (rows, vocabulary).
        """
        would_end = log_probabilities.argmax(axis=1) == EOS
        for row in np.flatnonzero(would_end):
            if self._step >= len(self._automata[self._owners[row]].prefix):
                self._insists[row] = True

    def nearer(self) -> Integers:
        """The tokens that bring each row nearer to its end, shape (rows, most of any row).

        Filled up with NO_TOKEN.
        """
        tokens = [
            [] if p is None else self._automata[owner].nearer(p)
            for owner, p in zip(self._owners, self._progress, strict=True)
        ]
        result = np.full((len(tokens), max(map(len, tokens))), NO_TOKEN, dtype=np.int64)
        for row, listed in zip(result, tokens, strict=True):
            row[: len(listed)] = listed
        return result

    def banks(self, sentence: int) -> int:
        """How many tokens may be left in a row of a sentence, 0 counted."""
        return self._automata[sentence].most_left + 1

    def look_ahead(self, row: int, token: int) -> "Outlook":
        """What a token that is allowed leads a row to."""
        automaton, progress = self._automata[self._owners[row]], self._progress[row]
        assert progress is not None
        after = automaton.advance(progress, token)
        assert after is not None, "the constraints do not allow this"
        left, left_after = automaton.left(progress), automaton.left(after)
        is_nearer = left_after < left or (left_after == left and automaton.is_pending(progress))
        return Outlook(
            left_after, self._insists[row] and is_nearer, automaton.is_open(after.ending)
        )

    def follow(self, sentences: Integers, choice: Choice) -> None:
        """Note what was picked; see `Proposer.follow`."""
        insists, progresses = [], []
        for row, token, total in zip(
            choice.rows.flat, choice.tokens.flat, choice.totals.flat, strict=True
        ):
            progress = self._progress[row]
            after = None
            if progress is not None and total > -np.inf:
                after = self._automata[self._owners[row]].advance(progress, int(token))
            progresses.append(after)
            insists.append(
                after is not None
                and progress is not None
                and after.unmet == progress.unmet
                and self.look_ahead(int(row), int(token)).is_insisted_on
            )
        self._owners = np.repeat(sentences, choice.rows.shape[1]).tolist()
        self._progress, self._insists = progresses, insists
        self._step += 1


class Guided(Generic[State]):
    """Proposes what the constraints of each sentence allow.

    What they need is proposed even if it repeats a run of tokens.
    """

    def __init__(
        self,
        stepper: Stepper[State],
        options: SearchConfig,
        k: int,
        guide: Guide,
        with_nearer: bool,
    ) -> None:
        """Make the proposer.

        Args:
            stepper: The model.
            options: How repetition is kept down.
            k: Candidates of each row that the chooser needs.
            guide: How far each row has come.
            with_nearer: Propose tokens that bring a row nearer to what is required even if they
                are not among the k likeliest.
        """
        self.stepper = stepper
        self._options = options
        self._k = k
        self._guide = guide
        self._with_nearer = with_nearer
        self._fewest = k - int(guide.closing.max())

    def start(self, source: Integers, source_lengths: Integers) -> State:
        """Read the source sentences; see `Proposer.start`."""
        return self.stepper.start(source, source_lengths, self._guide.needed)

    def propose(self, state: State, tokens: Integers, trellis: Trellis) -> tuple[Candidates, State]:
        """Take one step in every row; see `Proposer.propose`."""
        distribution, state = self.stepper.distribution(state, tokens)
        check(distribution.log_probabilities)
        self._guide.note_ends(distribution.log_probabilities)
        allowed = distribution.log_probabilities.copy()
        row = np.arange(len(allowed))[:, None]
        if self._options.repetition_penalty != 1.0:
            produced = trellis.history()
            allowed[row, produced] = self._options.repetition_penalty * allowed[row, produced]
        values = allowed.copy()
        banned = trellis.repeats(self._options.no_repeat)
        at, column = np.nonzero(np.broadcast_to(banned != NO_TOKEN, (len(row), banned.shape[1])))
        if at.size:
            values[at, banned[at, column]] = -np.inf
        self._guide.restrict(values, allowed)
        candidates = Distribution(values, distribution.attention).candidates(self._k)
        return self._also_nearer(candidates, values) if self._with_nearer else candidates, state

    def _also_nearer(self, candidates: Candidates, values: Floats) -> Candidates:
        """Add the tokens that bring a row nearer to its end and are not among the likeliest.

        Args:
            candidates: The likeliest, shape (rows, k).
            values: Log-probabilities of all tokens, shape (rows, vocabulary).
        """
        tokens, closing = candidates.tokens, self._guide.closing[:, None]
        # A row sees no more than it would by itself, whatever its neighbours need.
        is_seen = np.arange(tokens.shape[1]) < self._fewest + closing
        nearer = self._guide.nearer()
        # (rows, nearer, 1) == (rows, 1, k) = (rows, nearer, k)
        is_known = ((nearer[:, :, None] == tokens[:, None, :]) & is_seen[:, None, :]).any(axis=2)
        is_new = (nearer != NO_TOKEN) & ~is_known
        more = values[np.arange(len(values))[:, None], nearer]
        shown = np.concatenate([is_seen, is_new], axis=1)
        log_probabilities = np.concatenate([candidates.log_probabilities, more], axis=1)
        return Candidates(
            np.where(shown, log_probabilities, np.float32(-np.inf)),
            np.where(shown, np.concatenate([tokens, nearer], axis=1), PAD),
            candidates.attention,
        )

    def follow(self, sentences: Integers, choice: Choice) -> None:
        """Note what was picked; see `Proposer.follow`."""
        self._guide.follow(sentences, choice)


class GridBeam(Beam):
    """Grid beam search with dynamic beam allocation (Post and Vilar 2018, 3).

    The continuations of a sentence are sorted into banks, by how many tokens are left until all
    that is required has appeared. Each bank has an equal share of the beam; what remains goes
    first to continuations that their rows insist on (see `Guide.note_ends`), then to the likeliest.
    With a beam narrower than the banks that is all of it, and a translation takes up what is
    required where the model would end it without.

    A row that ends with a forbidden word has to make it another one, at whatever cost: such rows
    get half of the beam and, as long as there are others, no more.

    An end counts if it is among the `beam` likeliest continuations with nothing left.
    """

    def __init__(self, options: SearchConfig, guide: Guide) -> None:
        """Make the chooser for these options."""
        super().__init__(options)
        # One for the end in a beam of 1 too, where it may not be allowed; and the last tokens of
        # forbidden runs come after others.
        self.candidates = self.beam + 1 + int(guide.closing.max())
        self._guide = guide

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Pick the likeliest of each bank."""
        lines, width = totals.shape
        size = width * candidates.tokens.shape[1]
        # (sentences, width, 1) + (sentences, width, k) = (sentences, width, k)
        pool = totals[:, :, None] + candidates.log_probabilities.reshape(lines, width, -1)
        pool = pool.reshape(lines, size)
        first = np.arange(0, lines * size, size)[:, None]
        order = np.argsort(-pool, axis=1, kind="stable") + first
        flat = np.repeat(first, self.beam, axis=1)
        is_row = np.zeros((lines, self.beam), dtype=np.bool_)
        ended: list[int] = []
        for line, sentence in enumerate(sentences.tolist()):
            likely = order[line, : np.isfinite(pool[line]).sum()].tolist()
            on, ends = self._allot(sentence, likely, candidates)
            flat[line, : len(on)] = on
            is_row[line, : len(on)] = True
            ended += ends
        at_end = np.array(ended, dtype=np.int64)
        k = candidates.tokens.shape[1]
        return Choice(
            rows=flat // k,
            tokens=candidates.tokens.take(flat),
            totals=np.where(is_row, pool.take(flat), -np.inf),
            ended_lines=at_end // size,
            ended_rows=at_end // k,
            ended_totals=pool.take(at_end),
        )

    def _allot(
        self, sentence: int, likely: list[int], candidates: Candidates
    ) -> tuple[list[int], list[int]]:
        """Share out the beam of a sentence.

        Args:
            sentence: Its number.
            likely: Places of its continuations among the candidates, likeliest first.
            candidates: Of all rows.

        Returns:
            The places of those to follow and of those that end, likeliest first.
        """
        banks = self._guide.banks(sentence)
        k = candidates.tokens.shape[1]
        shares = [self.beam // banks] * banks
        picked: list[int] = []
        insisted: list[int] = []
        others: list[int] = []
        last: list[int] = []
        ends: list[int] = []
        finished = doubtful = 0
        for place in likely:
            token = int(candidates.tokens.flat[place])
            if token == EOS:
                finished += 1
                if finished <= self.beam:
                    ends.append(place)
                continue
            outlook = self._guide.look_ahead(place // k, token)
            bank = int(min(outlook.left, banks - 1))
            finished += bank == 0
            doubtful += not outlook.is_open
            if not outlook.is_open and doubtful > self.beam // 2:
                last.append(place)
            elif shares[bank] > 0:
                shares[bank] -= 1
                picked.append(place)
            else:
                (insisted if outlook.is_insisted_on else others).append(place)
        on = set((picked + insisted + others + last)[: self.beam])
        return [place for place in likely if place in on], ends
