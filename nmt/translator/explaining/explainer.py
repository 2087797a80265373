"""Explains one sentence: translates it with a recorder looking on, then reads what it noted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.config import SearchConfig
from nmt.search.alignment import Unit, align_units, units
from nmt.search.search import Hypothesis, search
from nmt.search.stepper import Distribution, Stepper
from nmt.search.trellis import Ending
from nmt.text.tokenizer import BOS, EOS, Tokenizer, Tokenizers
from nmt.translator.explaining.explanation import (
    BeamRow,
    Dropped,
    EncoderStates,
    Fate,
    RunnerUp,
    SentenceExplanation,
    Step,
    Word,
)
from nmt.translator.explaining.recorder import Recorder

MOST_DIMENSIONS = 24
"""Numbers of a memory vector that are shown."""


def explain_sentence(
    stepper: Stepper[Any],
    tokenizers: Tokenizers,
    ids: Sequence[int],
    options: SearchConfig,
    runners_up: int,
) -> SentenceExplanation:
    """Translate a sentence and tell how.

    Args:
        stepper: The model.
        tokenizers: Its tokenizers.
        ids: The subwords of the sentence, without its end, at least one.
        options: How to search.
        runners_up: How many others are told of, in each place.

    Raises:
        SearchError: As `search`.
    """
    source = np.array([[*ids, EOS]], dtype=np.int64)
    lengths = np.array([source.shape[1]])
    recorders: list[Recorder] = []

    def watch(chooser: Any) -> Recorder:
        recorders.append(Recorder(chooser))
        return recorders[0]

    ((best, *_),) = search(stepper, source, lengths, options, watch=watch)
    produced = [*best.tokens, *[EOS] * best.is_complete]
    state = stepper.start(source, lengths)
    encoder = _encoder_states(stepper.memory(state)[0, : source.shape[1]])
    distributions = []
    for token in (BOS, *produced[:-1]):
        distribution, state = stepper.distribution(state, np.array([token]))
        distributions.append(distribution)
    steps = _steps(tokenizers.target, produced, best, distributions, runners_up)
    source_units = units(tokenizers.source, ids)
    history = _History(recorders[0], tokenizers.target, options, best)
    return SentenceExplanation(
        source=tokenizers.source.decode(ids),
        target=tokenizers.target.decode(best.tokens),
        score=best.score,
        log_probability=best.log_probability,
        has_attention=best.attention is not None,
        source_pieces=tuple(tokenizers.source.pieces([*ids, EOS])),
        source_words=tuple(unit.text for unit in source_units),
        encoder=encoder,
        words=_words(units(tokenizers.target, best.tokens), source_units, best, steps),
        steps=steps,
        beam=history.beam(),
        dropped=history.dropped(),
    )


def _encoder_states(memory: NDArray[np.floating[Any]]) -> EncoderStates:
    """The numbers to show of memory vectors, shape (source length, size)."""
    memory = memory.astype(np.float64)
    variances = memory.var(axis=0)
    dimensions = np.sort(np.argsort(-variances, kind="stable")[:MOST_DIMENSIONS])
    return EncoderStates(
        size=memory.shape[1],
        dimensions=tuple(dimensions.tolist()),
        values=tuple(tuple(row) for row in memory[:, dimensions].round(3).tolist()),
        lengths=tuple(np.linalg.norm(memory, axis=1).round(3).tolist()),
    )


def _steps(
    tokenizer: Tokenizer,
    produced: list[int],
    best: Hypothesis,
    distributions: list[Distribution],
    runners_up: int,
) -> tuple[Step, ...]:
    steps = []
    for at, (token, distribution) in enumerate(zip(produced, distributions, strict=True)):
        likeliest = distribution.candidates(runners_up + 1)
        others = [
            RunnerUp(piece, float(np.exp(value)))
            for piece, other, value in zip(
                tokenizer.pieces(likeliest.tokens[0].tolist()),
                likeliest.tokens[0],
                likeliest.log_probabilities[0],
                strict=True,
            )
            if other != token and np.isfinite(value)
        ]
        looked = None if best.attention is None else best.attention[at]
        steps.append(
            Step(
                piece=tokenizer.pieces([token])[0],
                probability=float(np.exp(distribution.log_probabilities[0, token])),
                attention=None if looked is None else tuple(looked.tolist()),
                runners_up=tuple(others[:runners_up]),
            )
        )
    return tuple(steps)


def _words(
    target: list[Unit], source: list[Unit], best: Hypothesis, steps: tuple[Step, ...]
) -> tuple[Word, ...]:
    shares: list[tuple[float, ...] | None] = [None] * len(target)
    if best.attention is not None:
        attention = best.attention[: len(best.tokens), :-1]
        shares = [tuple(row) for row in align_units(source, target, attention).shares.tolist()]
    firsts = [unit.first_piece for unit in target]
    ends = [*firsts, len(best.tokens)][1:]
    return tuple(
        Word(
            text=unit.text,
            probability=float(np.prod([step.probability for step in steps[first:end]])),
            first_step=first,
            end_step=end,
            source=share,
        )
        for unit, first, end, share in zip(target, firsts, ends, shares, strict=True)
    )


class _History:
    """What a recorder saw, as it is shown.

    Args:
        recorder: After the search.
        tokenizer: Of the language translated into.
        options: How it was searched.
        best: The translation.
    """

    def __init__(
        self, recorder: Recorder, tokenizer: Tokenizer, options: SearchConfig, best: Hypothesis
    ) -> None:
        self._recorder = recorder
        self._tokenizer = tokenizer
        self._options = options
        self._best = recorder.ending_of([*best.tokens, *[EOS] * best.is_complete])
        self._path = recorder.path(self._best)
        self._was_cut_off = {
            (ending.step, ending.row, ending.token)
            for ending in recorder.endings
            if ending.token != EOS
        }

    def beam(self) -> tuple[tuple[BeamRow, ...], ...]:
        """The rows after each step."""
        return tuple(tuple(self._rows(step)) for step in range(len(self._recorder.steps)))

    def _rows(self, step: int) -> list[BeamRow]:
        followed = [
            BeamRow(
                parent=row.parent,
                piece=self._tokenizer.pieces([row.token])[0],
                text=self._tokenizer.decode(self._recorder.tokens(step, number)),
                log_probability=row.total,
                fate=self._fate(step, number),
                is_best=(step, number) in self._path or self._is_cut_off_best(step, number),
            )
            for number, row in enumerate(self._recorder.steps[step])
            if np.isfinite(row.total)
        ]
        ended = [
            BeamRow(
                parent=ending.row,
                piece=self._tokenizer.pieces([EOS])[0],
                text=self._text(ending),
                log_probability=ending.total,
                fate="ended",
                is_best=ending is self._best,
            )
            for ending in self._recorder.ended_at(step)
        ]
        return followed + ended

    def _fate(self, step: int, number: int) -> Fate:
        row = self._recorder.steps[step][number]
        if (step, row.parent, row.token) in self._was_cut_off:
            return "cut off"
        if step + 1 == len(self._recorder.steps):
            return "left"
        return "goes on" if self._recorder.goes_on(step, number) else "dropped"

    def _is_cut_off_best(self, step: int, number: int) -> bool:
        row = self._recorder.steps[step][number]
        return (step, row.parent, row.token) == self._best[:3]

    def _text(self, ending: Ending) -> str:
        tokens = self._recorder.ended_tokens(ending)
        return self._tokenizer.decode(tokens[:-1] if ending.token == EOS else tokens)

    def dropped(self) -> tuple[Dropped, ...]:
        """The pruned hypotheses."""
        found = []
        for step, rows in enumerate(self.beam()):
            length = (step + 1) ** self._options.length_penalty
            found += [
                Dropped(row.text, step + 1, row.log_probability, row.log_probability / length, fate)
                for row in rows
                if (fate := row.fate) in ("dropped", "left")
            ]
            found += [
                Dropped(
                    text=self._text(ending),
                    step=step + 1,
                    log_probability=ending.total,
                    score=ending.score,
                    fate="ended" if ending.token == EOS else "cut off",
                )
                for ending in self._recorder.endings
                if ending.step == step and ending is not self._best
            ]
        return tuple(found)
