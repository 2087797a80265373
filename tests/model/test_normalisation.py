"""Layer normalisation: what it computes, where it stands, and what it leaves alone."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nmt.config import ModelConfig
from nmt.model.normalisation import normalisation
from nmt.model.seq2seq import Seq2Seq, build
from tests import reference

SIZE = 16
SOURCE, LENGTHS = torch.tensor([[5, 6, 7, 2], [8, 9, 2, 0]]), torch.tensor([4, 3])
TARGET = torch.tensor([[1, 4, 5], [1, 7, 8]])


def config(**settings: object) -> ModelConfig:
    asked = {"layer_norm": True, "hidden_size": SIZE, "embedding_size": SIZE, "attention_heads": 2}
    asked |= {"encoder_layers": 2, "decoder_layers": 2}
    return ModelConfig.model_validate(asked | settings)


def make(**settings: object) -> Seq2Seq:
    return build(config(**settings), 11, 11, seed=2).eval()


@torch.no_grad()
def test_the_numpy_twin_is_torchs_own_layer_norm() -> None:
    generator = torch.Generator().manual_seed(1)
    gain, bias = torch.randn(2, SIZE, generator=generator, dtype=torch.float64)
    # far from 0, and so close together that the epsilon counts
    for spread, middle in ((1.0, 0.0), (5.0, 100.0), (1e-3, 0.1)):
        x = torch.randn(SIZE, generator=generator, dtype=torch.float64) * spread + middle
        wanted = functional.layer_norm(x, (SIZE,), gain, bias)
        weights = {"weight": gain.numpy(), "bias": bias.numpy()}
        np.testing.assert_allclose(reference.layer_norm(weights, x.numpy()), wanted, atol=1e-9)


def test_without_it_a_model_has_the_weights_it_always_had() -> None:
    plain = {name for name, _ in make(layer_norm=False).named_parameters()}
    assert not any("norm" in name for name in plain)
    normed = {name for name, _ in make().named_parameters()}
    sides = ("encoder", "decoder")
    added = {f"{s}.norms.{d}.{w}" for s in sides for d in (0, 1) for w in ("weight", "bias")}
    assert normed == plain | added
    vectors = torch.randn(2, 3, SIZE)
    assert normalisation(config(layer_norm=False))(vectors) is vectors


def test_it_starts_as_a_normalisation_only() -> None:
    fresh, plain = make(), make(layer_norm=False)
    norms = [module for module in fresh.modules() if isinstance(module, nn.LayerNorm)]
    assert len(norms) == 4
    for norm in norms:
        assert (norm.weight == 1.0).all() and not norm.bias.any()
    drawn = [p for name, p in fresh.named_parameters() if ".norms." not in name]
    assert all(parameter.abs().max() <= 0.1 for parameter in drawn)
    assert len(drawn) == len(list(plain.parameters()))


@pytest.mark.parametrize("is_residual", [False, True])
@torch.no_grad()
def test_all_that_goes_on_from_a_layer_is_normalised_after_the_residual_sum(
    is_residual: bool,
) -> None:
    model = make(residual=is_residual)
    read: list[torch.Tensor] = []
    for layer in model.encoder.layers:
        layer.register_forward_hook(lambda _, given, written: read.extend((given[0], written)))
    memory = model.encode(SOURCE, LENGTHS)
    embedded, first, between, second = read
    for before, written, after in ((embedded, first, between), (between, second, memory.states)):
        total = written + before if is_residual else written
        torch.testing.assert_close(after, functional.layer_norm(total, (SIZE,)))
    # a mean of 0 and a spread of 1: what the attention and the bridge are given
    torch.testing.assert_close(memory.states.mean(-1), torch.zeros(2, 4), rtol=0, atol=1e-5)
    assert float(memory.states.std(-1, unbiased=False).min()) > 0.9


@torch.no_grad()
def test_what_goes_on_in_time_is_the_cells_own_state() -> None:
    model = make(cell="gru", decoder_layers=1)
    memory = model.encode(SOURCE, LENGTHS)
    start = model.start(memory)
    _, (plain,), _ = model.advance(TARGET, start, memory)
    for norm in model.decoder.norms:
        norm.weight.mul_(3.0)
        norm.bias.add_(1.0)
    outputs, (state,), _ = model.advance(TARGET, start, memory)
    assert torch.equal(state, plain)
    assert float(state.abs().max()) < 1.0, "a state of a GRU is between -1 and 1"
    assert outputs.isfinite().all()


@pytest.mark.parametrize("attention", ["dot", "general", "additive", "multihead"])
@torch.no_grad()
def test_a_fresh_model_looks_at_all_of_the_source(attention: str) -> None:
    # unscaled, products of 512 normalised elements would put nearly all the weight on one token
    settings = {"hidden_size": 512, "embedding_size": 32, "attention_heads": 8}
    model = make(attention=attention, **settings)
    source = torch.randint(4, 11, (4, 20), generator=torch.Generator().manual_seed(1))
    memory = model.encode(source, torch.full((4,), 20))
    _, _, weights = model.decode(source, model.start(memory), memory)
    assert weights is not None
    entropy = -(weights * weights.log()).sum(-1).mean()
    assert float(entropy) > 0.9 * float(np.log(20)), "of at most log 20"


@pytest.mark.parametrize("cell", ["lstm", "gru", "sru", "ssru"])
@pytest.mark.parametrize("is_residual", [False, True])
def test_it_trains_in_bf16_and_stays_near_float32(cell: str, is_residual: bool) -> None:
    model = make(cell=cell, residual=is_residual, input_feeding=is_residual)
    wanted, _ = model(SOURCE, LENGTHS, TARGET)
    with torch.autocast("cpu", torch.bfloat16):
        outputs, _ = model(SOURCE, LENGTHS, TARGET)
    assert float((outputs.float() - wanted).detach().abs().max()) < 0.05
    outputs.float().square().sum().backward()
    for name, parameter in model.named_parameters():
        if ".norms." in name:
            assert parameter.grad is not None and parameter.grad.any(), name
            assert parameter.grad.isfinite().all()
