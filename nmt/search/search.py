"""The one search: greedy, beam and sampling, over any `Stepper`, in NumPy alone.

The loop knows steps, rows and sentences that are over. A *proposer* takes a step of the model and
says which tokens may come next; a *chooser* picks those worth following. Beam search keeps the
best of each sentence (Sutskever et al. 2014, 3.2) and is greedy search with a beam of 1; sampling
draws one continuation for each row.

A hypothesis ends with the end-of-sentence token, or is cut off, and then incomplete, at the length
limit of its sentence. Nothing that happens to a sentence depends on the others of its batch.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search.constrained import GridBeam, Guide, Guided
from nmt.search.constraints import Automaton, Constrained, Constraints
from nmt.search.finished import Endings
from nmt.search.proposals import Likeliest, Proposer
from nmt.search.stepper import Integers, Stepper
from nmt.search.strategies import Beam, Chooser, DiverseBeam, Sampler
from nmt.search.trellis import Hypothesis, Trellis
from nmt.text.tokenizer import BOS

__all__ = ["Hypothesis", "before_each_step", "decode", "length_limits", "search"]

State = TypeVar("State")

Watch = Callable[[Chooser], Chooser]

before_each_step: ContextVar[Callable[[], None]] = ContextVar(
    "before_each_step", default=lambda: None
)
"""Called before each step of a search in this thread; what it raises ends the search."""


def search(
    stepper: Stepper[State],
    source: Integers,
    source_lengths: Integers,
    options: SearchConfig,
    constrained: Constrained | None = None,
    watch: Watch | None = None,
) -> list[list[Hypothesis]]:
    """Translate a batch of sentences.

    Args:
        stepper: The model.
        source: Token ids, each sentence ending in EOS, PAD after, shape (sentences, source
            length).
        source_lengths: Tokens of each sentence, EOS included, shape (sentences,).
        options: What to look for, and how widely.
        constrained: What the translations have to be like; None for no constraints.
        watch: Puts an observer in the chooser's place, such as
            `nmt.translator.explaining.Recorder`, for the sentences without constraints; None for
            none.

    Returns:
        For each sentence ``options.n_best`` hypotheses, complete ones first, then by score, or by
        log-probability where words are required; fewer only where the beam has found no more.

    Raises:
        SearchError: The model's numbers are not log-probabilities, such as NaN; or it has no
            attention and the options ask for coverage; or the constraints contradict each other
            or the options.
    """
    if constrained is None:
        return _search_freely(stepper, source, source_lengths, options, watch)
    each = constrained.each
    if len(each) != len(source_lengths):
        raise ValueError(f"{len(each)} constraints for {len(source_lengths)} sentences")
    # Sentences with and without constraints are searched apart: these stay as quick as ever, and
    # what they become does not depend on those.
    free = [i for i, constraints in enumerate(each) if constraints == Constraints()]
    bound = [i for i, constraints in enumerate(each) if constraints != Constraints()]
    asking = [i for i in bound if each[i].required]
    others = [i for i in bound if not each[i].required]
    found = _search_freely(stepper, *_some(source, source_lengths, free), options, watch)
    for sentences, ranking in ((others, options), (asking, _by_probability(options))):
        automata = [constrained.automaton(i) for i in sentences]
        batch = _some(source, source_lengths, sentences)
        found += _search_bound(stepper, *batch, ranking, automata)
    order = np.argsort(np.array(free + others + asking, dtype=np.int64))
    return [
        [_scored(hypothesis, options) for hypothesis in found[place]]
        if each[i].required
        else found[place]
        for i, place in enumerate(order)
    ]


def _by_probability(options: SearchConfig) -> SearchConfig:
    """The options to rank translations with that must hold words.

    Divided by the length, one that has a good ending first and the words after it gets ahead of
    one that has them in their place.
    """
    return options.model_copy(update={"length_penalty": 0.0})


def _scored(hypothesis: Hypothesis, options: SearchConfig) -> Hypothesis:
    """The hypothesis with the score that it would have without constraints."""
    length = len(hypothesis.tokens) + hypothesis.is_complete
    score = hypothesis.penalised / length**options.length_penalty + hypothesis.coverage
    return replace(hypothesis, score=score)


def _some(
    source: Integers, source_lengths: Integers, sentences: list[int]
) -> tuple[Integers, Integers]:
    """Some sentences of a batch, padded no more than they need."""
    lengths = source_lengths[sentences]
    return source[sentences, : lengths.max(initial=0)], lengths


def _search_freely(
    stepper: Stepper[State],
    source: Integers,
    source_lengths: Integers,
    options: SearchConfig,
    watch: Watch | None,
) -> list[list[Hypothesis]]:
    limits = length_limits(source_lengths, options)
    if not limits.size:
        return []
    chooser = _chooser(options, source, source_lengths, limits)
    proposer = Likeliest(stepper, options, chooser.candidates)
    endings = Endings(limits, source_lengths, options)
    seen = chooser if watch is None else watch(chooser)
    return decode(proposer, seen, endings, source, source_lengths)


def _search_bound(
    stepper: Stepper[State],
    source: Integers,
    source_lengths: Integers,
    options: SearchConfig,
    automata: Sequence[Automaton],
) -> list[list[Hypothesis]]:
    if not automata:
        return []
    # What the constraints take comes on top of what a translation may take.
    lengths = np.array([automaton.length for automaton in automata])
    limits = length_limits(source_lengths, options) + lengths
    guide = Guide(automata, limits)
    chooser = _chooser(options, source, source_lengths, limits)
    is_grid = isinstance(chooser, Beam)
    if is_grid:
        chooser = GridBeam(options, guide)
    elif any(automaton.requires for automaton in automata):
        key = "sample" if options.sample else "diversity_groups"
        raise SearchError(
            f"words that a translation must hold need beam search: leave out search.{key}"
        )
    proposer = Guided(stepper, options, chooser.candidates, guide, with_nearer=is_grid)
    endings = Endings(limits, source_lengths, options)
    return decode(proposer, chooser, endings, source, source_lengths)


def decode(
    proposer: Proposer[State],
    chooser: Chooser,
    endings: Endings,
    source: Integers,
    source_lengths: Integers,
) -> list[list[Hypothesis]]:
    """The decode loop.

    Args:
        proposer: Takes the steps of the model.
        chooser: Picks the continuations.
        endings: Collects what ends.
        source: As for `search`, at least one sentence.
        source_lengths: As for `search`.

    Returns:
        What `search` returns.
    """
    sentences = np.arange(len(source_lengths))  # those still being translated
    totals = np.zeros((sentences.size, 1))  # log-probability of each row; -inf where there is none
    tokens = np.full(sentences.size, BOS, dtype=np.int64)
    trellis = Trellis(endings.options.repetition_penalty)
    state = proposer.start(source, source_lengths)
    while True:
        before_each_step.get()()
        candidates, state = proposer.propose(state, tokens, trellis)
        trellis.look(candidates.attention)
        choice = chooser.choose(sentences, totals, candidates)
        endings.collect(sentences, choice, trellis)
        going = ~(endings.at_limit(sentences) | chooser.is_over(endings, sentences, choice.totals))
        choice, sentences = choice.only(going), sentences[going]
        if not sentences.size:
            return endings.hypotheses(trellis)
        trellis.grow(choice)
        proposer.follow(sentences, choice)
        if not np.array_equal(trellis.rows[-1], np.arange(totals.size)):
            state = proposer.stepper.select(state, choice.rows)
        totals, tokens = choice.totals, trellis.tokens[-1]


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


def _chooser(
    options: SearchConfig, source: Integers, source_lengths: Integers, limits: Integers
) -> Chooser:
    if options.sample:
        return Sampler(options, source, source_lengths, limits)
    if options.diversity_groups > 1:
        return DiverseBeam(options, limits.size)
    return Beam(options)
