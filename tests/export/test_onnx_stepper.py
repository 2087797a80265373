"""The stepper over ONNX Runtime: selecting, shortlists, and nothing that depends on neighbours."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import ModelConfig, SearchConfig
from nmt.errors import RunError
from nmt.export.onnx_stepper import OnnxState, OnnxStepper
from nmt.export.shortlist import Everything, Lexicon
from nmt.search import Hypothesis, search
from tests.export.models import (
    BOS,
    EOS,
    PAD,
    SIZES,
    UNK,
    VOCABULARY,
    exported,
    onnx_stepper,
    random_model,
    random_sources,
)
from tests.search.scripted import batch

ODD: dict[str, Any] = {**SIZES, "hidden_size": 36, "attention_heads": 3, "initial_range": 0.4}
MODELS = {
    "lstm, general": ModelConfig(**SIZES, encoder_layers=2, decoder_layers=2),
    # vectors that begin anywhere in what a processor takes at a time
    "gru, additive, fed": ModelConfig(**ODD, cell="gru", attention="additive", input_feeding=True),
    "gru-cho, multihead, first": ModelConfig(
        **ODD, cell="gru-cho", attention="multihead", attention_query="first", residual=True
    ),
    "rnn, none": ModelConfig(**ODD, cell="rnn", attention="none", context_every_step=True),
    "sru, mingru, both": ModelConfig(
        **ODD,
        cell=("sru", "mingru"),
        encoder_layers=2,
        decoder_layers=2,
        attention_query="both",
        input_feeding=True,
    ),
    "minlstm, ssru": ModelConfig(
        **ODD, cell=("minlstm", "ssru"), encoder_layers=2, decoder_layers=2, residual=True
    ),
    "lstm, normalised, fed": ModelConfig(
        **ODD, encoder_layers=2, decoder_layers=2, layer_norm=True, input_feeding=True
    ),
}
SOURCES = random_sources([5, 2, 0, 8, 1])


def random_lexicon(size: int) -> Lexicon:
    """Shortlists for a model with output vectors of a size."""
    random = np.random.default_rng(4)
    translations = random.integers(4, VOCABULARY, (VOCABULARY, 3)).astype(np.uint16)
    translations[PAD] = EOS  # as where it is learned: padding is in no sentence
    remainder = random.normal(size=size + 1).astype(np.float32)
    return Lexicon(translations, np.array([5, 6, 7]), VOCABULARY, True, remainder)


def full_lexicon() -> Lexicon:
    """One that holds the whole vocabulary for every sentence."""
    common = np.arange(VOCABULARY)
    return Lexicon(np.full((VOCABULARY, 1), EOS), common, VOCABULARY, is_joint=True)


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def stepper(request: pytest.FixtureRequest) -> OnnxStepper:
    """In 8 bits and with a shortlist."""
    lexicon = random_lexicon(request.param.hidden_size)
    return onnx_stepper(random_model(request.param), "int8", lexicon)


@pytest.fixture(scope="module")
def plain() -> OnnxStepper:
    """In 32 bits and without a shortlist."""
    return onnx_stepper(random_model(MODELS["lstm, general"]))


def log_probabilities(stepper: OnnxStepper, state: OnnxState, tokens: Sequence[int]) -> np.ndarray:
    distribution, _ = stepper.distribution(state, np.array(tokens))
    return distribution.log_probabilities


def same(ours: list[list[Hypothesis]], theirs: list[list[Hypothesis]]) -> None:
    """The same tokens, and the same scores to 1e-4."""
    for one, other in zip(ours, theirs, strict=True):
        assert [h.tokens for h in one] == [h.tokens for h in other]
        scores = [h.score for h in other]
        np.testing.assert_allclose([h.score for h in one], scores, atol=1e-4)


def test_the_candidates_are_the_best_of_the_distribution(stepper: OnnxStepper) -> None:
    state = stepper.start(*batch(SOURCES))
    tokens = np.full(len(SOURCES), BOS)
    for k in (1, 4):
        distribution, _ = stepper.distribution(state, tokens)
        candidates, after = stepper.step(state, tokens, k)
        order = np.argsort(-distribution.log_probabilities, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(candidates.tokens, order)
        values = np.take_along_axis(distribution.log_probabilities, order, axis=1)
        np.testing.assert_array_equal(candidates.log_probabilities, values)
        if candidates.attention is not None:
            np.testing.assert_array_equal(candidates.attention, distribution.attention)
        state, tokens = after, candidates.tokens[:, 0]


@pytest.mark.parametrize("k", [1, 5, VOCABULARY, 10**6])
def test_padding_beginnings_and_unknowns_are_never_candidates(plain: OnnxStepper, k: int) -> None:
    state = plain.start(*batch(SOURCES))
    candidates, _ = plain.step(state, np.full(5, BOS), k)
    assert candidates.tokens.shape == (5, min(k, VOCABULARY - 3))
    assert not np.isin(candidates.tokens, [PAD, BOS, UNK]).any()
    assert np.isfinite(candidates.log_probabilities).all()
    assert (np.diff(candidates.log_probabilities, axis=1) <= 0).all()
    everything = np.exp(log_probabilities(plain, state, [BOS] * 5))
    np.testing.assert_allclose(everything.sum(axis=1), 1.0, atol=1e-5)
    assert not everything[:, [PAD, BOS, UNK]].any()


def test_attention_is_over_the_source_and_zero_behind_it(plain: OnnxStepper) -> None:
    candidates, _ = plain.step(plain.start(*batch(SOURCES)), np.full(5, BOS), 2)
    assert candidates.attention is not None
    np.testing.assert_allclose(candidates.attention.sum(axis=1), 1.0, atol=1e-5)
    for weights, source in zip(candidates.attention, SOURCES, strict=True):
        assert not weights[len(source) + 1 :].any()


def test_selecting_twice_is_selecting_from_what_was_selected(plain: OnnxStepper) -> None:
    state = plain.start(*batch(SOURCES))
    _, state = plain.step(
        plain.select(state, np.arange(5)[:, None].repeat(2, 1)), np.arange(4, 14), 1
    )
    first = np.array([[1, 0, 1], [3, 2, 2], [8, 9, 8]])
    second = np.array([[1, 2], [8, 6]])
    at_once = plain.select(state, first.reshape(-1)[second])
    one_by_one = plain.select(plain.select(state, first), second)
    tokens = [20, 21, 22, 23]
    np.testing.assert_array_equal(
        log_probabilities(plain, one_by_one, tokens), log_probabilities(plain, at_once, tokens)
    )


def test_a_state_is_left_as_it_was(plain: OnnxStepper) -> None:
    old = plain.start(*batch(SOURCES))
    before = log_probabilities(plain, old, [BOS] * 5)
    _, stepped = plain.step(old, np.full(5, BOS), 3)
    after = log_probabilities(plain, stepped, [9] * 5)
    new = plain.select(stepped, np.array([[3, 3], [4, 4]]))
    plain.step(new, np.array([4, 5, 6, 7]), 3)
    np.testing.assert_array_equal(log_probabilities(plain, old, [BOS] * 5), before)
    np.testing.assert_array_equal(log_probabilities(plain, stepped, [9] * 5), after)


def test_the_memory_is_held_once_for_a_sentence_and_copied_when_many_are_over(
    plain: OnnxStepper,
) -> None:
    first = plain.start(*batch(SOURCES))
    state = plain.select(first, np.arange(5)[:, None].repeat(4, axis=1))
    _, state = plain.step(state, np.full(20, BOS), 4)
    assert all(state.sentences[name] is first.sentences[name] for name in first.sentences)
    assert len(next(iter(state.states.values()))) == 20
    state = plain.select(state, np.array([[0], [4], [8], [12], [17]])[[0, 1, 3, 4]])
    assert len(state.sentences["sentence.mask"]) == 4


def test_the_memory_of_sentences_that_go_on_is_theirs(plain: OnnxStepper) -> None:
    state = plain.start(*batch(SOURCES))
    first = plain.memory(state)
    kept = np.arange(len(SOURCES))
    for dropped in (1, 0, 0):  # one stays in place, then others are copied together
        rows = np.delete(np.arange(len(kept)), dropped)[:, None]
        kept = np.delete(kept, dropped)
        state = plain.select(state, rows)
        np.testing.assert_allclose(plain.memory(state), first[kept], atol=1e-6)


def test_a_length_that_is_no_multiple_of_8_is_padded_to_one(plain: OnnxStepper) -> None:
    for length, padded in ((0, 8), (7, 8), (8, 16)):
        state = plain.start(*batch(random_sources([length])))
        assert state.sentences["sentence.mask"].shape == (1, 1, padded)


def test_only_the_shortlist_of_a_sentence_is_ever_produced(stepper: OnnxStepper) -> None:
    source, lengths = batch(SOURCES)
    options = SearchConfig(beam=4, n_best=4)
    found = search(stepper, source, lengths, options)
    tokens, allowed = random_lexicon(1).of(source, lengths)
    for ranked, may in zip(found, np.isfinite(allowed[:, 0]), strict=True):
        assert {token for h in ranked for token in h.tokens} <= set(tokens[may].tolist())
    free = search(stepper.without_shortlist(), source, lengths, options)
    assert not {t for ranked in free for h in ranked for t in h.tokens} <= set(tokens.tolist())


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_remainder_of_the_one_token_out_of_reach_stands_for_it(precision: str) -> None:
    """The logarithm of the exponential of its logit *is* linear: nothing is lost."""
    model = random_model(MODELS["lstm, general"])
    token = 31
    common = np.delete(np.arange(VOCABULARY), token)
    weight, bias = model.vocabulary.weight[token], model.vocabulary.bias[token]
    remainder = np.append(weight.detach().numpy(), bias.detach().numpy())
    lexicon = Lexicon(np.full((VOCABULARY, 1), EOS), common, VOCABULARY, False, remainder)
    listed = onnx_stepper(model, precision, lexicon)
    state, tokens = listed.start(*batch(SOURCES)), [BOS] * len(SOURCES)
    whole = listed.without_shortlist()
    expected = log_probabilities(whole, whole.start(*batch(SOURCES)), tokens)
    assert np.exp(expected[:, token]).min() > 1e-4
    expected[:, token] = -np.inf
    np.testing.assert_allclose(log_probabilities(listed, state, tokens), expected, atol=1e-5)
    candidates, _ = listed.step(state, np.array(tokens), 4)
    best = -np.sort(-expected, axis=1)[:, :4]
    np.testing.assert_allclose(candidates.log_probabilities, best, atol=1e-5)


def test_a_shortlist_of_everything_changes_nothing() -> None:
    model = random_model(MODELS["lstm, general"])
    options = SearchConfig(beam=3, n_best=3)
    with_list = onnx_stepper(model, "int8", full_lexicon())
    found = search(with_list, *batch(SOURCES), options)
    same(found, search(onnx_stepper(model, "int8"), *batch(SOURCES), options))
    same(found, search(with_list.without_shortlist(), *batch(SOURCES), options))


@pytest.mark.parametrize("token", [11, 30, 55])
def test_what_a_sentence_needs_is_in_reach_of_it_and_of_no_other(
    stepper: OnnxStepper, token: int
) -> None:
    nothing: list[Collection[int]] = [()] * len(SOURCES)
    needed = [[token], *nothing[1:]]
    source, lengths = batch(SOURCES)
    asked = log_probabilities(stepper, stepper.start(source, lengths, needed), [BOS] * 5)
    usual = log_probabilities(stepper, stepper.start(source, lengths, nothing), [BOS] * 5)
    assert np.isfinite(asked[0, token])
    np.testing.assert_array_equal(asked[1:], usual[1:])


@settings(max_examples=12)
@given(
    lengths=st.lists(st.integers(0, 21), min_size=2, max_size=12),
    order=st.randoms(use_true_random=False),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("shortlist", [True, False])
def test_a_translation_does_not_depend_on_its_neighbours(
    stepper: OnnxStepper, shortlist: bool, lengths: list[int], order: Any, seed: int
) -> None:
    used = stepper if shortlist else stepper.without_shortlist()
    options = SearchConfig(beam=3, n_best=2, max_length_factor=1.0, max_length_extra=4)
    sources = random_sources(lengths, seed)
    alone = [search(used, *batch([source]), options)[0] for source in sources]
    same(search(used, *batch(sources), options), alone)
    numbers = list(range(len(sources)))
    order.shuffle(numbers)
    mixed = search(used, *batch([sources[number] for number in numbers]), options)
    same(mixed, [alone[number] for number in numbers])


def test_a_graph_that_cannot_be_loaded_is_refused_by_its_file(tmp_path: Path) -> None:
    made = exported(random_model(MODELS["lstm, general"]), "int8")
    tables = (made.source_embeddings, made.target_embeddings)
    good, bad = tmp_path / "good.onnx", tmp_path / "bad.onnx"
    good.write_bytes(made.encoder)
    for content in (b"", made.step[:1000], b"\xff" * 100):
        bad.write_bytes(content)
        with pytest.raises(RunError, match=r"bad\.onnx: ONNX Runtime [\d.]+ cannot load"):
            OnnxStepper(good, bad, tables, Everything(VOCABULARY), None)
    with pytest.raises(RunError, match="the graph: ONNX Runtime"):
        OnnxStepper(b"\xff" * 100, made.step, tables, Everything(VOCABULARY), None)


def test_a_graph_with_weights_in_other_files_is_refused(tmp_path: Path) -> None:
    """They could be any file of the reader's."""
    made = exported(random_model(MODELS["lstm, general"]), "int8")
    outside = onnx.load_from_string(made.step)
    onnx.save(
        outside,
        tmp_path / "step.onnx",
        save_as_external_data=True,
        location="weights",
        size_threshold=0,
    )
    with pytest.raises(RunError, match=r"step.onnx: its weights are in other files"):
        OnnxStepper(
            made.encoder,
            tmp_path / "step.onnx",
            (made.source_embeddings, made.target_embeddings),
            Everything(VOCABULARY),
            None,
        )
