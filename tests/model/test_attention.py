"""Each attention against its paper's equations, and what every attention has to keep to."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from nmt.config import AttentionName, ModelConfig
from nmt.model.attention import Attention, build_attention, masked_softmax
from tests import reference

SIZE, HEADS = 12, 3
LENGTHS = (6, 1, 4)
QUERIES = 5
SCORED: tuple[AttentionName, ...] = ("dot", "general", "additive", "multihead")


def make(name: AttentionName) -> tuple[Attention, ModelConfig]:
    config = ModelConfig(attention=name, hidden_size=SIZE, attention_heads=HEADS)
    attention = build_attention(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.uniform_(-0.8, 0.8, generator=generator)
    return attention, config


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, memory and mask of three sentences; the memory behind a sentence is no zeros."""
    generator = torch.Generator().manual_seed(4)
    query = torch.randn(len(LENGTHS), QUERIES, SIZE, generator=generator)
    memory = torch.randn(len(LENGTHS), max(LENGTHS), SIZE, generator=generator)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return query, memory, mask


@torch.no_grad()
def look(
    attention: Attention, query: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    context, weights = attention(query, memory, attention.keys(memory), mask)
    assert weights is not None
    return context, weights


@pytest.mark.parametrize("name", SCORED)
def test_contexts_and_weights_are_those_of_the_paper(name: AttentionName) -> None:
    attention, config = make(name)
    query, memory, mask = batch()
    contexts, weights = look(attention, query, memory, mask)
    named = {key: p.detach().double().numpy() for key, p in attention.named_parameters()}
    for sentence, length in enumerate(LENGTHS):
        real = memory[sentence, :length].double().numpy()
        for number in range(QUERIES):
            context, seen = reference.attend(
                config, named, query[sentence, number].double().numpy(), real
            )
            np.testing.assert_allclose(contexts[sentence, number], context, rtol=0, atol=1e-5)
            np.testing.assert_allclose(weights[sentence, number, :length], seen, atol=1e-5)


@pytest.mark.parametrize("name", SCORED)
def test_weights_sum_to_1_over_real_tokens_and_are_0_on_padding(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, mask = batch()
    _, weights = look(attention, query, memory, mask)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(len(LENGTHS), QUERIES))
    assert (weights >= 0).all()
    padding = ~mask[:, None].expand_as(weights)
    assert padding.any()
    assert not weights[padding].any()


@pytest.mark.parametrize("name", SCORED)
def test_what_stands_in_the_padding_does_not_matter(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, mask = batch()
    contexts, weights = look(attention, query, memory, mask)
    other = torch.where(mask[:, :, None], memory, memory * -7.0 + 50.0)
    other_contexts, other_weights = look(attention, query, other, mask)
    assert torch.equal(weights, other_weights)
    torch.testing.assert_close(contexts, other_contexts, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", SCORED)
def test_permuting_the_memory_permutes_the_weights(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, _ = batch()
    mask = torch.ones(memory.shape[:2], dtype=torch.bool)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    contexts, weights = look(attention, query, memory, mask)
    moved_contexts, moved = look(attention, query, memory[:, order], mask)
    torch.testing.assert_close(moved, weights[:, :, order], rtol=0, atol=1e-6)
    torch.testing.assert_close(moved_contexts, contexts, rtol=0, atol=1e-5)
    for a, b in pairwise(weights[0, 0].sort().values):
        assert b - a > 1e-6, "equal weights would be permuted by anything"


@pytest.mark.parametrize("name", SCORED)
def test_each_query_is_answered_alone(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, mask = batch()
    contexts, weights = look(attention, query, memory, mask)
    for number in range(QUERIES):
        alone, seen = look(attention, query[:, number : number + 1], memory, mask)
        torch.testing.assert_close(alone[:, 0], contexts[:, number], rtol=0, atol=1e-5)
        torch.testing.assert_close(seen[:, 0], weights[:, number], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SCORED)
def test_one_token_gets_the_whole_weight(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, mask = batch()
    _, weights = look(attention, query, memory, mask)
    alone = LENGTHS.index(1)
    assert torch.equal(weights[alone, :, 0], torch.ones(QUERIES))


def test_general_attention_moves_queries_in_training_and_the_memory_after_it() -> None:
    attention, _ = make("general")
    query, memory, mask = batch()
    trained = look(attention.train(), query, memory, mask)
    assert attention.keys(memory) is memory
    evaluated = look(attention.eval(), query, memory, mask)
    assert not torch.equal(attention.keys(memory), memory)
    for one, other in zip(trained, evaluated, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)

    vectors = query.requires_grad_(), memory.requires_grad_(), *attention.parameters()
    gradients = []
    for keys in (memory, attention.keys(memory)):
        contexts, _ = attention(query, memory, keys, mask)
        gradients.append(torch.autograd.grad(contexts.pow(2).sum(), vectors))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    fed = build_attention(ModelConfig(attention="general", hidden_size=SIZE, input_feeding=True))
    assert fed.train().keys(memory) is not memory, "its queries come one after another"


@pytest.mark.parametrize("name", ["dot", "general", "multihead"])
def test_looks_are_computed_in_float32_where_products_are_in_bf16(name: AttentionName) -> None:
    attention, _ = make(name)
    query, memory, mask = batch()
    _, wanted = look(attention, query, memory, mask)
    with torch.autocast("cpu", torch.bfloat16):
        low = memory.to(torch.bfloat16)
        context, weights = look(attention, query.to(torch.bfloat16), low, mask)
        _, alone = look(attention, query[:, :1].to(torch.bfloat16), low, mask)
    assert weights.dtype == torch.float32
    assert alone.dtype == torch.bfloat16, "but not for one query after another"
    assert context.dtype == torch.bfloat16
    torch.testing.assert_close(weights, wanted, rtol=0, atol=0.05)


def test_no_attention_has_a_context_of_size_0_and_no_weights() -> None:
    attention, _ = make("none")
    query, memory, mask = batch()
    context, weights = attention(query, memory, attention.keys(memory), mask)
    assert attention.context_size == 0
    assert context.shape == (len(LENGTHS), QUERIES, 0)
    assert weights is None
    assert not list(attention.parameters())


def test_the_softmax_bears_scores_that_overflow_bf16() -> None:
    scores = torch.tensor([[3e4, 3e4, -3e4, 3e38]], dtype=torch.bfloat16)
    mask = torch.tensor([[True, True, True, False]])
    weights = masked_softmax(scores, mask)
    assert weights.dtype == torch.bfloat16
    assert weights.tolist() == [[0.5, 0.5, 0.0, 0.0]]


def test_the_softmax_is_computed_in_float32_where_scores_are_bf16() -> None:
    scores = torch.linspace(-1.0, 1.0, 300).to(torch.bfloat16)[None]
    weights = masked_softmax(scores, torch.ones(1, 300, dtype=torch.bool))
    wanted = reference.softmax(scores[0].double().numpy())
    # only the rounding of the result is left: half a unit in the last of 8 bits
    np.testing.assert_allclose(weights[0].double().numpy(), wanted, rtol=2.0**-8)
