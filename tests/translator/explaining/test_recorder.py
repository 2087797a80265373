"""A search that is watched: it finds the same, and what was seen is what happened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import SearchConfig
from nmt.search import Hypothesis, search
from nmt.search.strategies import Chooser
from nmt.text.tokenizer import EOS
from nmt.translator.explaining.recorder import Recorder
from tests.search.scripted import ScriptedStepper, batch

OPTIONS = {
    "greedy": SearchConfig(beam=1),
    "beam": SearchConfig(beam=4, n_best=3),
    "certain, with coverage": SearchConfig(beam=3, stop="certain", coverage_penalty=0.3),
    "diverse": SearchConfig(beam=4, diversity_groups=2, n_best=2),
    "no repeats": SearchConfig(beam=3, no_repeat=2, repetition_penalty=1.4),
    "samples": SearchConfig(sample=True, n_best=3, temperature=1.3),
    "cut off": SearchConfig(beam=2, max_length_factor=0.5, max_length_extra=1),
}
SOURCE = st.lists(st.integers(4, 6), min_size=1, max_size=5)


def watched(source: list[int], options: SearchConfig) -> tuple[list[Hypothesis], Recorder]:
    seen: list[Recorder] = []

    def watch(chooser: Chooser) -> Recorder:
        seen.append(Recorder(chooser))
        return seen[-1]

    (found,) = search(ScriptedStepper(), *batch([source]), options, watch=watch)
    (recorder,) = seen
    return found, recorder


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@settings(max_examples=25)
@given(source=SOURCE)
def test_a_watched_search_finds_what_it_finds_alone_to_the_bit(
    options: SearchConfig, source: list[int]
) -> None:
    found, _ = watched(source, options)
    (alone,) = search(ScriptedStepper(), *batch([source]), options)
    assert len(found) == len(alone)
    for mine, other in zip(found, alone, strict=True):
        assert (mine.tokens, mine.is_complete) == (other.tokens, other.is_complete)
        assert (mine.score, mine.log_probability) == (other.score, other.log_probability)
        assert mine.attention is not None and other.attention is not None
        assert mine.attention.tobytes() == other.attention.tobytes()


@settings(max_examples=40)
@given(source=SOURCE, beam=st.integers(1, 5))
def test_the_rows_of_each_step_are_those_of_a_beam_written_out(
    source: list[int], beam: int
) -> None:
    options = SearchConfig(beam=beam, stop="certain")
    _, recorder = watched(source, options)
    model = ScriptedStepper()
    rows: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    ended: list[tuple[int, ...]] = []
    for step, seen in enumerate(recorder.steps):
        every = [
            ((*row, token), total + float(model.predicts((*source, EOS), row)[token]))
            for row, total in rows
            for token in model.produced
        ]
        every.sort(key=lambda each: -each[1])
        ended += [row for row, _ in every[:beam] if row[-1] == EOS]
        rows = [each for each in every if each[0][-1] != EOS][:beam]
        numbers = [number for number, row in enumerate(seen) if np.isfinite(row.total)]
        assert [tuple(recorder.tokens(step, number)) for number in numbers] == [r for r, _ in rows]
        np.testing.assert_allclose([seen[n].total for n in numbers], [t for _, t in rows], 1e-5)
    complete = [ending for ending in recorder.endings if ending.token == EOS]
    assert [tuple(recorder.ended_tokens(ending)) for ending in complete] == ended


@settings(max_examples=40)
@given(source=SOURCE, beam=st.integers(1, 5))
def test_a_row_goes_on_just_if_something_later_begins_with_it(source: list[int], beam: int) -> None:
    _, recorder = watched(source, SearchConfig(beam=beam))
    for step in range(len(recorder.steps) - 1):
        later = [recorder.tokens(step + 1, number) for number in _real(recorder, step + 1)]
        later += [recorder.ended_tokens(ending) for ending in recorder.ended_at(step + 1)]
        for number in _real(recorder, step):
            begins = any(tokens[:-1] == recorder.tokens(step, number) for tokens in later)
            assert recorder.goes_on(step, number) == begins


def _real(recorder: Recorder, step: int) -> list[int]:
    return [n for n, row in enumerate(recorder.steps[step]) if np.isfinite(row.total)]


@settings(max_examples=40)
@given(source=SOURCE, name=st.sampled_from(sorted(OPTIONS)))
def test_the_path_of_what_was_found_leads_through_its_beginnings(
    source: list[int], name: str
) -> None:
    (best, *_), recorder = watched(source, OPTIONS[name])
    tokens = [*best.tokens, *[EOS] * best.is_complete]
    ending = recorder.ending_of(tokens)
    assert ending.score == best.score
    path = sorted(recorder.path(ending))
    assert [recorder.tokens(step, row) for step, row in path] == [
        tokens[: length + 1] for length in range(len(tokens) - 1)
    ]


def test_a_recorder_refuses_more_sentences_than_one() -> None:
    with pytest.raises(ValueError, match="for one sentence, and there are 2"):
        search(ScriptedStepper(), *batch([[4], [5]]), SearchConfig(), watch=Recorder)
