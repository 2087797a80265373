"""The torch stepper against whole-sequence decoding by the same model."""

import math

import numpy as np
import pytest
import torch

from nmt.config import ModelConfig, SearchConfig
from nmt.data.batches import make_batch
from nmt.model.decoder import Memory
from nmt.model.seq2seq import Seq2Seq, build
from nmt.search import EnsembleStepper, dictate, search
from nmt.search.torch_stepper import TorchStepper

PAD, BOS, EOS, UNK = 0, 1, 2, 3
VOCABULARY = 40
SIZES = {"hidden_size": 16, "embedding_size": 8, "attention_heads": 4, "initial_range": 0.8}
MODELS = {
    "lstm, general": ModelConfig(**SIZES),
    "gru, additive, input feeding": ModelConfig(
        **SIZES, cell="gru", attention="additive", input_feeding=True
    ),
    "rnn, multihead, last": ModelConfig(
        **SIZES, cell="rnn", attention="multihead", attention_query="last"
    ),
    "gru-cho, no attention": ModelConfig(
        **SIZES, cell="gru-cho", attention="none", context_every_step=True
    ),
    "sru over mingru": ModelConfig(
        **SIZES, cell=("mingru", "sru"), encoder_layers=2, decoder_layers=2
    ),
    "ssru, residual": ModelConfig(**SIZES, cell="ssru", residual=True),
    "minlstm, both": ModelConfig(**SIZES, cell="minlstm", attention_query="both"),
    "one layer, dot, tied": ModelConfig(
        **SIZES, attention="dot", decoder_layers=1, tied_output=True, attention_query="first"
    ),
}
SOURCES = [[5, 6, 7, 8, 9], [10, 11], [], [12, 13, 14, 15, 16, 17, 18], [19]]


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def model(request: pytest.FixtureRequest) -> Seq2Seq:
    return build(request.param, VOCABULARY, VOCABULARY, seed=3).eval()


def batch(sources: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    arrays = [np.array(source, dtype=np.int64) for source in sources]
    made = make_batch(arrays, [array[:0] for array in arrays])
    return made.source, made.source_lengths


@torch.no_grad()
def read_at_once(
    model: Seq2Seq, source: list[int], target: list[int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Log-probabilities (steps, vocabulary) and attention of one sentence, all steps at once."""
    memory = model.encode(torch.tensor([[*source, EOS]]), torch.tensor([len(source) + 1]))
    logits, _, weights = model.decode(torch.tensor([target]), model.start(memory), memory)
    attention = None if weights is None else weights[0].numpy()
    logits[..., [PAD, BOS, UNK]] = -torch.inf
    return logits[0].log_softmax(dim=-1).numpy(), attention


def test_steps_give_what_decoding_the_whole_sequence_gives(model: Seq2Seq) -> None:
    stepper = TorchStepper(model)
    tokens = np.random.default_rng(1).integers(4, VOCABULARY, (len(SOURCES), 6))
    tokens[:, 0] = BOS
    state = stepper.start(*batch(SOURCES))
    for step in range(6):
        candidates, state = stepper.step(state, tokens[:, step], 9)
        for i, source in enumerate(SOURCES):
            expected, attention = read_at_once(model, source, tokens[i, : step + 1].tolist())
            order = np.argsort(-expected[-1])[:9]
            np.testing.assert_array_equal(candidates.tokens[i], order)
            np.testing.assert_allclose(
                candidates.log_probabilities[i], expected[-1][order], atol=1e-5
            )
            if attention is None:
                assert candidates.attention is None
            else:
                looked = candidates.attention[i]
                np.testing.assert_allclose(looked[: len(source) + 1], attention[-1], atol=1e-6)
                assert not looked[len(source) + 1 :].any()


def test_a_distribution_tells_of_every_token(model: Seq2Seq) -> None:
    stepper = TorchStepper(model)
    tokens = np.random.default_rng(1).integers(4, VOCABULARY, (len(SOURCES), 4))
    tokens[:, 0] = BOS
    state = stepper.start(*batch(SOURCES), needed=[()] * len(SOURCES))
    for step in range(4):
        distribution, state = stepper.distribution(state, tokens[:, step])
        for i, source in enumerate(SOURCES):
            expected, attention = read_at_once(model, source, tokens[i, : step + 1].tolist())
            np.testing.assert_allclose(distribution.log_probabilities[i], expected[-1], atol=1e-5)
            if attention is None:
                assert distribution.attention is None
            else:
                looked = distribution.attention[i, : len(source) + 1]
                np.testing.assert_allclose(looked, attention[-1], atol=1e-6)


def test_selected_rows_go_on_from_their_own_past(model: Seq2Seq) -> None:
    """Widen to 3 rows, cross them over, drop two sentences, narrow to 2 rows."""
    stepper = TorchStepper(model)
    random = np.random.default_rng(2)
    state = stepper.start(*batch(SOURCES))
    sources = list(SOURCES)
    histories: list[list[int]] = [[] for _ in SOURCES]
    selections = [
        np.arange(5)[:, None].repeat(3, axis=1),
        np.array([[2, 0, 0], [5, 4, 3], [6, 7, 8], [11, 11, 11], [12, 14, 13]]),
        np.array([[1, 0], [8, 6], [14, 12]]),
        np.array([[1, 1], [2, 3], [4, 5]]),
    ]
    for rows in selections:
        tokens = random.integers(4, VOCABULARY, len(histories))
        _, state = stepper.step(state, tokens, 3)
        histories = [[*h, int(t)] for h, t in zip(histories, tokens, strict=True)]
        width = len(histories) // len(sources)
        state = stepper.select(state, rows)
        histories = [histories[row] for row in rows.reshape(-1)]
        sources = [sources[row // width] for row in rows[:, 0]]
    assert sources == [SOURCES[0], SOURCES[2], SOURCES[4]]
    tokens = random.integers(4, VOCABULARY, len(histories))
    candidates, state = stepper.step(state, tokens, VOCABULARY)
    for row, history in enumerate(histories):
        expected, _ = read_at_once(model, sources[row // 2], [*history, int(tokens[row])])
        np.testing.assert_allclose(
            candidates.log_probabilities[row], expected[-1][candidates.tokens[row]], atol=1e-5
        )


def test_the_memory_is_held_once_for_a_sentence(model: Seq2Seq) -> None:
    stepper = TorchStepper(model)
    first = stepper.start(*batch(SOURCES * 4))
    state = stepper.select(first, np.arange(20)[:, None].repeat(4, axis=1))
    _, state = stepper.step(state, np.full(80, BOS), 4)
    assert len(state.rows[0]) == 80
    assert all(a is b for a, b in zip(state.memory, first.memory, strict=True))
    state = stepper.select(state, np.array([[0, 1] * 4, [13, 12] * 4]))
    assert {len(tensor) for tensor in state.memory} == {2}


@pytest.mark.parametrize("options", [SearchConfig(beam=1), SearchConfig(beam=3)])
def test_what_decides_the_rounding_is_the_same_for_one_sentence_and_for_many(
    options: SearchConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows, or sums over a length that is no multiple of 8, are rounded in another order."""
    model = build(MODELS["lstm, general"], VOCABULARY, VOCABULARY).eval()
    shapes = []
    encode, decode = model.encode, model.decode

    def spy_on_encode(source: torch.Tensor, lengths: torch.Tensor) -> Memory:
        shapes.append(source.shape)
        return encode(source, lengths)

    def spy_on_decode(
        tokens: torch.Tensor, state: tuple[torch.Tensor, ...], memory: Memory
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor | None]:
        shapes.append((len(tokens), memory.states.shape[1]))
        return decode(tokens, state, memory)

    monkeypatch.setattr(model, "encode", spy_on_encode)
    monkeypatch.setattr(model, "decode", spy_on_decode)
    for sources in (SOURCES[:1], SOURCES):
        search(TorchStepper(model), *batch(sources), options)
    assert min(rows for rows, _ in shapes) >= 16
    assert not any(length % 8 for _, length in shapes)


def test_selecting_leaves_the_old_state_as_it_was(model: Seq2Seq) -> None:
    stepper = TorchStepper(model)
    old = stepper.start(*batch(SOURCES))
    before = [tensor.clone() for tensor in (*old.memory, *old.rows)]
    new = stepper.select(old, np.array([[1], [2]]))
    stepper.step(new, np.array([BOS, BOS]), 2)
    stepper.step(old, np.full(5, BOS), 2)
    for tensor, copy in zip((*old.memory, *old.rows), before, strict=True):
        assert torch.equal(tensor, copy)


@pytest.mark.parametrize("k", [1, 5, VOCABULARY, 10**6])
def test_padding_beginnings_and_unknowns_are_never_candidates(k: int) -> None:
    model = build(MODELS["lstm, general"], VOCABULARY, VOCABULARY).eval()
    with torch.no_grad():
        model.vocabulary.bias[[PAD, BOS, UNK]] = 9.0
    stepper = TorchStepper(model)
    candidates, _ = stepper.step(stepper.start(*batch(SOURCES)), np.full(5, BOS), k)
    assert not np.isin(candidates.tokens, [PAD, BOS, UNK]).any()
    assert candidates.tokens.shape == (5, min(k, VOCABULARY - 3))
    assert (np.diff(candidates.log_probabilities, axis=1) <= 0).all()
    # what cannot be produced has no share of the probability
    everything, _ = stepper.step(stepper.start(*batch(SOURCES)), np.full(5, BOS), VOCABULARY)
    np.testing.assert_allclose(np.exp(everything.log_probabilities).sum(axis=1), 1.0, atol=1e-5)
    for (hypothesis,) in search(stepper, *batch(SOURCES), SearchConfig()):
        assert not set(hypothesis.tokens) & {PAD, BOS, EOS, UNK}


@pytest.mark.parametrize(
    "options",
    [SearchConfig(beam=1), SearchConfig(beam=5, n_best=5), SearchConfig(sample=True, n_best=3)],
    ids=["greedy", "beam", "sample"],
)
def test_the_search_score_is_the_teacher_forced_score(
    model: Seq2Seq, options: SearchConfig
) -> None:
    for source, hypotheses in zip(
        SOURCES, search(TorchStepper(model), *batch(SOURCES), options), strict=True
    ):
        for hypothesis in hypotheses:
            target = [*hypothesis.tokens, *[EOS] * hypothesis.is_complete]
            expected, attention = read_at_once(model, source, [BOS, *target[:-1]])
            total = math.fsum(expected[np.arange(len(target)), target])
            assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)
            if attention is None:
                assert hypothesis.attention is None
            else:
                np.testing.assert_allclose(hypothesis.attention, attention, atol=1e-5)


@pytest.mark.parametrize("sample", [False, True])
def test_a_translation_does_not_depend_on_its_neighbours(model: Seq2Seq, sample: bool) -> None:
    stepper = TorchStepper(model)
    options = SearchConfig(beam=3, n_best=3, sample=sample)
    random = np.random.default_rng(5)
    sources = [random.integers(4, VOCABULARY, n).tolist() for n in random.integers(0, 12, 12)]
    together = search(stepper, *batch(sources), options)
    for source, hypotheses in zip(sources, together, strict=True):
        (alone,) = search(stepper, *batch([source]), options)
        assert [h.tokens for h in hypotheses] == [h.tokens for h in alone]
        for mine, other in zip(hypotheses, alone, strict=True):
            assert mine.score == pytest.approx(other.score, abs=1e-5)


def test_a_forced_translation_gets_the_score_of_the_search(model: Seq2Seq) -> None:
    with torch.no_grad():
        model.vocabulary.bias[EOS] += 4.0  # translations that end
    stepper = TorchStepper(model)
    options = SearchConfig(beam=4, max_length_factor=1.0, length_penalty=0.6)
    found = [best for (best,) in search(stepper, *batch(SOURCES), options)]
    complete = [i for i, hypothesis in enumerate(found) if hypothesis.is_complete]
    assert complete
    targets = [found[i].tokens for i in complete]
    forced = dictate(stepper, *batch([SOURCES[i] for i in complete]), targets, options)
    for i, dictated in zip(complete, forced, strict=True):
        hypothesis = dictated.hypothesis
        assert hypothesis.tokens == found[i].tokens
        assert hypothesis.score == pytest.approx(found[i].score, abs=1e-5)
        if hypothesis.attention is None:
            assert found[i].attention is None
        else:
            np.testing.assert_allclose(hypothesis.attention, found[i].attention, atol=1e-6)


def test_different_models_make_an_ensemble() -> None:
    members = [
        TorchStepper(build(MODELS[name], VOCABULARY, VOCABULARY, seed=seed).eval())
        for seed, name in enumerate(("lstm, general", "gru-cho, no attention"))
    ]
    for (hypothesis,) in search(EnsembleStepper(members), *batch(SOURCES), SearchConfig()):
        assert hypothesis.attention is not None
        assert hypothesis.attention.sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_model_in_training_mode_is_refused() -> None:
    model = build(MODELS["lstm, general"], VOCABULARY, VOCABULARY)
    with pytest.raises(ValueError, match="eval"):
        TorchStepper(model).start(*batch(SOURCES))
