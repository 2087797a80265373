"""The one search: greedy, beam and sampling, over any `Stepper`, in NumPy alone.

The loop knows steps, rows and sentences that are over. A *proposer* takes a step of the model and
says which tokens may come next; a *chooser* picks those worth following. Beam search keeps the
best of each sentence (Sutskever et al. 2014, 3.2) and is greedy search with a beam of 1; sampling
draws one continuation for each row.

A hypothesis ends with the end-of-sentence token, or is cut off, and then incomplete, at the length
limit of its sentence. Nothing that happens to a sentence depends on the others of its batch.
"""

from typing import TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.corpus.tokenizer import BOS
from nmt.decoding.choosers import Beam, Chooser, DiverseBeam, Sampler
from nmt.decoding.endings import Endings
from nmt.decoding.proposals import Likeliest, Proposer
from nmt.decoding.stepper import Integers, Stepper
from nmt.decoding.trellis import Hypothesis, Trellis

__all__ = ["Hypothesis", "decode", "length_limits", "search"]

State = TypeVar("State")


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
        SearchError: The model's numbers are not log-probabilities, such as NaN, or it has no
            attention and the options ask for coverage.
    """
    limits = length_limits(source_lengths, options)
    if not limits.size:
        return []
    chooser = _chooser(options, source, source_lengths, limits)
    proposer = Likeliest(stepper, options, chooser.candidates)
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
        candidates, state = proposer.propose(state, tokens, trellis)
        trellis.look(candidates.attention)
        choice = chooser.choose(sentences, totals, candidates)
        endings.collect(sentences, choice, trellis)
        going = ~(endings.at_limit(sentences) | chooser.is_over(endings, sentences, choice.totals))
        stays = totals.size == choice.totals.size and going.all()
        choice, sentences = choice.only(going), sentences[going]
        if not sentences.size:
            return endings.hypotheses(trellis)
        trellis.grow(choice)
        proposer.follow(sentences, choice)
        if not (stays and np.array_equal(trellis.rows[-1], np.arange(totals.size))):
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
    return Beam(options.beam)
