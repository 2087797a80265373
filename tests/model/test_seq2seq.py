"""The whole model, in every combination of its settings, against a NumPy twin and itself.

The four promises that training and search stand on are each tried on the same list of models:
step by step = the full forward; a sentence in a batch = alone; padding changes nothing; the rows
of a beam over one shared memory = each row alone.
"""

from functools import cache
from itertools import cycle, product

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.config import ModelConfig
from nmt.model.cells import CELLS
from nmt.model.decoder import Memory
from nmt.model.seq2seq import Seq2Seq, build
from tests import reference
from tests.model.norms import draw_norms

VOCABULARY = 13
HIDDEN = 8
# EOS (2) ends each source, PAD (0) follows; one sentence is EOS alone
SOURCE = torch.tensor([[5, 6, 7, 12, 2], [8, 9, 2, 0, 0], [2, 0, 0, 0, 0], [10, 4, 11, 2, 0]])
LENGTHS = torch.tensor([5, 3, 1, 4])
TARGET = torch.tensor([[1, 4, 5, 6], [1, 7, 7, 8], [1, 3, 9, 2], [1, 10, 12, 11]])
TOLERANCE = {"rtol": 0.0, "atol": 1e-5}


def every_combination() -> list[ModelConfig]:
    """All of attention x query x input feeding x layers; the other settings take turns.

    The number of turns of each has no common factor with the others or with what it runs beside,
    so that any two settings meet.
    """
    mixed = {1: ["gru-cho"], 2: ["gru", "lstm"], 3: ["lstm", "mingru", "sru"]}
    cells = cycle([*CELLS, "mixed", "lstm", "mixed"])
    # bidirectional, residual, embedding size, tied, shared, bridge is mean, layer norm
    flags = cycle([*product([True, False], [True, False], [HIDDEN, 6], *[[True, False]] * 4)][::-7])
    configs = []
    for attention, query, is_fed, layers in product(
        ["none", "dot", "general", "additive", "multihead"],
        ["first", "last", "both"],
        [False, True],
        [1, 2, 3],
    ):
        cell = next(cells)
        is_bidirectional, is_residual, embedding, *switches = next(flags)
        is_tied, is_shared, is_mean, is_normalised = switches
        configs.append(
            ModelConfig.model_validate(
                {
                    "attention": attention,
                    "attention_query": query,
                    "input_feeding": is_fed,
                    "encoder_layers": layers,
                    "decoder_layers": layers,
                    "cell": mixed[layers] if cell == "mixed" else cell,
                    "bidirectional": is_bidirectional,
                    "residual": is_residual,
                    "layer_norm": is_normalised,
                    "embedding_size": embedding,
                    "hidden_size": HIDDEN,
                    "attention_heads": 2,
                    "tied_output": is_tied,
                    "shared_embeddings": is_shared,
                    "bridge": "mean" if is_mean else "final",
                    # without attention the query means nothing: let it stand for this
                    "context_every_step": attention == "none" and query != "first",
                    "initial_range": 0.6,
                }
            )
        )
    return configs


def name(config: ModelConfig) -> str:
    cell = config.cell if isinstance(config.cell, str) else "+".join(config.cell)
    feeding = "-fed" if config.input_feeding else ""
    return f"{config.attention}-{config.attention_query}-{config.decoder_layers}{cell}{feeding}"


CONFIGS = every_combination()
each_config = pytest.mark.parametrize("config", CONFIGS, ids=name)


@cache
def model_of(config: ModelConfig) -> Seq2Seq:
    return draw_norms(build(config, VOCABULARY, VOCABULARY, seed=1).eval())


@cache
@torch.no_grad()
def full_forward(config: ModelConfig) -> tuple[Memory, Tensor, Tensor | None]:
    """Memory, logits and attention weights of the batch above."""
    model = model_of(config)
    memory = model.encode(SOURCE, LENGTHS)
    logits, _, weights = model.decode(TARGET, model.start(memory), memory)
    return memory, logits, weights


def assert_alike(found: Tensor | None, wanted: Tensor | None) -> None:
    assert (found is None) == (wanted is None)
    if found is not None:
        torch.testing.assert_close(found, wanted, **TOLERANCE)


def test_every_setting_meets_every_other() -> None:
    fields = [
        "attention",
        "attention_query",
        "input_feeding",
        "decoder_layers",
        "bidirectional",
        "residual",
        "layer_norm",
        "embedding_size",
        "tied_output",
        "shared_embeddings",
        "bridge",
    ]
    values = {field: {getattr(config, field) for config in CONFIGS} for field in fields}
    kinds = set(CELLS)
    for one, other in product(fields, fields):
        if one < other:
            met = {(getattr(config, one), getattr(config, other)) for config in CONFIGS}
            assert met == set(product(values[one], values[other])), (one, other)
    for field in fields:
        met = {(config.cell, getattr(config, field)) for config in CONFIGS}
        assert met >= set(product(kinds, values[field])), field
    assert {len(config.cell) for config in CONFIGS if not isinstance(config.cell, str)} == {1, 2, 3}


@each_config
def test_logits_and_attention_are_those_of_the_numpy_twin(config: ModelConfig) -> None:
    model = model_of(config)
    weights = {key: p.detach().double().numpy() for key, p in model.named_parameters()}
    memory, logits, looks = full_forward(config)
    for row, length in enumerate(LENGTHS.tolist()):
        twin = reference.translate(
            config, weights, SOURCE[row, :length].tolist(), TARGET[row].tolist()
        )
        np.testing.assert_allclose(memory.states[row, :length], twin.memory, **TOLERANCE)
        np.testing.assert_allclose(memory.summary[row], twin.summary, **TOLERANCE)
        np.testing.assert_allclose(logits[row], twin.logits, **TOLERANCE)
        assert (looks is None) == (twin.looks is None)
        if looks is not None and twin.looks is not None:
            np.testing.assert_allclose(looks[row, :, :length], twin.looks, **TOLERANCE)
            assert not looks[row, :, length:].any()


@each_config
@torch.no_grad()
def test_step_by_step_is_the_full_forward(config: ModelConfig) -> None:
    model = model_of(config)
    memory, wanted, looks = full_forward(config)
    state = model.start(memory)
    for step in range(TARGET.shape[1]):
        logits, state, look = model.decode(TARGET[:, step : step + 1], state, memory)
        assert_alike(logits[:, 0], wanted[:, step])
        assert_alike(
            None if look is None else look[:, 0], None if looks is None else looks[:, step]
        )
        assert all(len(tensor) == len(SOURCE) for tensor in state)


@each_config
@torch.no_grad()
def test_a_sentence_of_a_batch_is_translated_as_it_is_alone(config: ModelConfig) -> None:
    model = model_of(config)
    _, wanted, looks = full_forward(config)
    for row, length in enumerate(LENGTHS.tolist()):
        memory = model.encode(SOURCE[row : row + 1, :length], LENGTHS[row : row + 1])
        logits, _, look = model.decode(TARGET[row : row + 1], model.start(memory), memory)
        assert_alike(logits[0], wanted[row])
        assert_alike(
            None if look is None else look[0], None if looks is None else looks[row, :, :length]
        )


@each_config
@torch.no_grad()
def test_padding_changes_nothing(config: ModelConfig) -> None:
    model = model_of(config)
    _, wanted, looks = full_forward(config)
    # tokens in the padding, more of it, and targets that go on
    mask = torch.arange(SOURCE.shape[1]) < LENGTHS[:, None]
    source = torch.cat([torch.where(mask, SOURCE, 9), torch.full((len(SOURCE), 3), 11)], dim=1)
    target = torch.cat([TARGET, torch.full((len(TARGET), 2), 7)], dim=1)
    memory = model.encode(source, LENGTHS)
    logits, _, look = model.decode(target, model.start(memory), memory)
    assert_alike(logits[:, : TARGET.shape[1]], wanted)
    if look is not None and looks is not None:
        assert_alike(look[:, : TARGET.shape[1], : SOURCE.shape[1]], looks)
        assert not look[:, :, SOURCE.shape[1] :].any()


@each_config
@torch.no_grad()
def test_rows_of_a_beam_over_one_memory_are_each_row_alone(config: ModelConfig) -> None:
    model = model_of(config)
    memory, _, _ = full_forward(config)
    width = 3
    # other tokens for every row of a sentence, over two steps that hand on their state
    tokens = (torch.arange(len(SOURCE) * width * 2).view(-1, 2) * 5) % VOCABULARY
    state = tuple(t.repeat_interleave(width, dim=0) for t in model.start(memory))
    first, state, _ = model.decode(tokens[:, :1], state, memory)
    second, _, looks = model.decode(tokens[:, 1:], state, memory)
    logits = torch.cat([first, second], dim=1)
    for row in range(len(tokens)):
        sentence = row // width
        alone = Memory(*(part[sentence : sentence + 1] for part in memory))
        wanted, _, look = model.decode(tokens[row : row + 1], model.start(alone), alone)
        assert_alike(logits[row], wanted[0])
        assert_alike(None if looks is None else looks[row, 0], None if look is None else look[0, 1])


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("is_tied", [False, True])
def test_tied_and_shared_tables_are_one_storage(is_tied: bool, is_shared: bool) -> None:
    config = ModelConfig(
        tied_output=is_tied, shared_embeddings=is_shared, hidden_size=8, embedding_size=6
    )
    model = build(config, VOCABULARY, VOCABULARY)
    source = model.source_embedding.weight
    target = model.target_embedding.weight
    output = model.vocabulary.weight
    assert (target is source) == is_shared
    assert (output is target) == is_tied
    assert output.shape == (VOCABULARY, 6 if is_tied else 8)
    tables = [key for key, _ in model.named_parameters() if key.count(".") == 1]
    assert len(tables) == 4 - is_shared - is_tied, "three tables and the output's bias"


def test_vocabularies_of_their_own_have_sizes_of_their_own() -> None:
    config = ModelConfig(shared_embeddings=False, hidden_size=8, embedding_size=6)
    model = build(config, 20, 30)
    assert model.source_embedding.weight.shape == (20, 6)
    assert model.target_embedding.weight.shape == (30, 6)
    memory = model.encode(torch.tensor([[19, 2]]), torch.tensor([2]))
    assert model.decode(torch.tensor([[1, 29]]), model.start(memory), memory)[0].shape == (1, 2, 30)


def test_forward_gives_the_output_vectors_that_the_vocabulary_turns_into_logits() -> None:
    config = CONFIGS[-1]
    model = model_of(config)
    outputs, weights = model(SOURCE, LENGTHS, TARGET)
    assert_alike(model.vocabulary(outputs).detach(), full_forward(config)[1])
    assert weights is not None
    assert_alike(weights.detach(), full_forward(config)[2])


def test_fresh_weights_are_uniform_and_a_pure_function_of_the_arguments() -> None:
    config = ModelConfig(hidden_size=32, embedding_size=24, initial_range=0.05)
    torch.manual_seed(1)
    one = build(config, 50, 50, seed=4)
    torch.manual_seed(2)
    same, other = build(config, 50, 50, seed=4), build(config, 50, 50, seed=5)
    values = []
    for key, parameter in one.named_parameters():
        assert torch.equal(parameter, same.get_parameter(key)), key
        assert not torch.equal(parameter, other.get_parameter(key)), key
        values.append(parameter.detach().flatten())
    drawn = torch.cat(values)
    assert float(drawn.abs().max()) <= 0.05
    # a uniform distribution over (-r, r) has the standard deviation r / sqrt(3)
    assert float(drawn.std()) == pytest.approx(0.05 / 3**0.5, rel=0.02)
    assert float(drawn.mean()) == pytest.approx(0.0, abs=1e-3)


def test_building_a_model_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    build(ModelConfig(hidden_size=8, embedding_size=6), VOCABULARY, VOCABULARY)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_is_differentiable_in_all_of_its_weights() -> None:
    for config in CONFIGS[:: len(CONFIGS) // 15]:
        model = build(config, VOCABULARY, VOCABULARY, seed=1)
        model(SOURCE, LENGTHS, TARGET)[0].square().sum().backward()
        for key, parameter in model.named_parameters():
            if not key.startswith("vocabulary") or (config.tied_output and key.endswith("weight")):
                assert parameter.grad is not None and parameter.grad.any(), (name(config), key)


@pytest.mark.parametrize("attention", ["none", "general", "additive", "multihead"])
@torch.no_grad()
def test_bf16_stays_near_float32(attention: str) -> None:
    config = ModelConfig.model_validate(
        {"attention": attention, "hidden_size": 32, "embedding_size": 16, "attention_heads": 4}
    )
    model = build(config, VOCABULARY, VOCABULARY).eval()
    memory = model.encode(SOURCE, LENGTHS)
    wanted, _, _ = model.decode(TARGET, model.start(memory), memory)
    with torch.autocast("cpu", torch.bfloat16):
        memory = model.encode(SOURCE, LENGTHS)
        logits, _, _ = model.decode(TARGET, model.start(memory), memory)
    assert logits.dtype == torch.bfloat16
    # some roundings to 8 bits after each other; the logits are about 0.1
    assert float((logits.float() - wanted).abs().max()) < 0.01
