"""Looks on while one sentence is translated, and tells what became of every hypothesis."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nmt.search.finished import Endings
from nmt.search.stepper import Booleans, Candidates, Doubles, Integers
from nmt.search.strategies import Chooser
from nmt.search.trellis import Choice, Ending
from nmt.text.tokenizer import EOS


class Row(NamedTuple):
    """A hypothesis after one step.

    Attributes:
        parent: The row of the step before that it continues.
        token: What it adds.
        total: The log-probabilities of its tokens, lowered by the repetition penalty.
    """

    parent: int
    token: int
    total: float


class Recorder:
    """Stands in a chooser's place, asks it, and notes what it answers.

    It changes nothing, so that the search finds what it would find alone.

    Args:
        chooser: Who chooses. One sentence is translated.
    """

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser
        self.candidates = chooser.candidates
        self.steps: list[list[Row]] = []
        """The rows that were followed after each step; those that are none have the total -inf."""
        self.endings: tuple[Ending, ...] = ()
        """What ended, in that order."""

    def choose(self, sentences: Integers, totals: Doubles, candidates: Candidates) -> Choice:
        """Note the choice; see `Chooser.choose`."""
        if len(totals) != 1:
            raise ValueError(f"a recorder is for one sentence, and there are {len(totals)}")
        choice = self._chooser.choose(sentences, totals, candidates)
        columns = (choice.rows, choice.tokens, choice.totals)
        self.steps.append(list(map(Row, *(column[0].tolist() for column in columns))))
        return choice

    def is_over(self, endings: Endings, sentences: Integers, totals: Doubles) -> Booleans:
        """Note what has ended; see `Chooser.is_over`."""
        self.endings = endings.of(0)
        return self._chooser.is_over(endings, sentences, totals)

    def tokens(self, step: int, row: int) -> list[int]:
        """The tokens of a row after a step, in order.

        Args:
            step: From 0; -1 for the beginning, where there are none.
            row: Of those of the step.
        """
        found: list[int] = []
        while step >= 0:
            row, token, _ = self.steps[step][row]
            found.append(token)
            step -= 1
        return found[::-1]

    def ending_of(self, tokens: Sequence[int]) -> Ending:
        """Where a hypothesis ended.

        Args:
            tokens: All of it, the end of sentence included if it has one.
        """
        return next(ending for ending in self.endings if self.ended_tokens(ending) == list(tokens))

    def ended_tokens(self, ending: Ending) -> list[int]:
        """The tokens of what ended, the end of sentence included if it has one."""
        return [*self.tokens(ending.step - 1, ending.row), ending.token]

    def ended_at(self, step: int) -> list[Ending]:
        """What the model ended in a step."""
        return [ending for ending in self.endings if ending.step == step and ending.token == EOS]

    def goes_on(self, step: int, row: int) -> bool:
        """Whether a row after a step is continued, or ended, by the next."""
        after = self.steps[step + 1] if step + 1 < len(self.steps) else []
        is_continued = any(next.parent == row and np.isfinite(next.total) for next in after)
        return is_continued or any(ending.row == row for ending in self.ended_at(step + 1))

    def path(self, ending: Ending) -> set[tuple[int, int]]:
        """The step and the row of each beginning of a hypothesis that ended."""
        found = set()
        row = ending.row
        for step in range(ending.step - 1, -1, -1):
            found.add((step, row))
            row = self.steps[step][row].parent
        return found
