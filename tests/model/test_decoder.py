"""The decoder: what it starts from, which layer asks, what is fed back, and its dropout."""

import pytest
import torch
from torch import Tensor

from nmt.config import AttentionName, ModelConfig
from nmt.model.decoder import Decoder, Memory
from nmt.model.seq2seq import Seq2Seq, build

VOCABULARY = 11
LENGTHS = torch.tensor([4, 2, 3])
SOURCE = torch.tensor([[5, 6, 7, 2], [8, 2, 0, 0], [9, 10, 2, 0]])
TARGET = torch.tensor([[1, 4, 5, 6, 7], [1, 8, 9, 4, 4], [1, 10, 5, 5, 8]])


def make(**settings: object) -> Seq2Seq:
    asked: dict[str, object] = {
        "cell": "lstm",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "bidirectional": True,
        "attention": "general",
        "attention_query": "both",
        "bridge": "mean",
        "dropout": 0.0,
        "hidden_size": 6,
        "embedding_size": 4,
        "attention_heads": 2,
        "initial_range": 0.7,
    }
    return build(ModelConfig.model_validate(asked | settings), VOCABULARY, VOCABULARY, 3).eval()


@torch.no_grad()
def outputs(model: Seq2Seq) -> tuple[Tensor, Tensor | None]:
    memory = model.encode(SOURCE, LENGTHS)
    vectors, _, weights = model.advance(TARGET, model.start(memory), memory)
    return vectors, weights


def memory_of(model: Seq2Seq) -> Memory:
    with torch.no_grad():
        return model.encode(SOURCE, LENGTHS)


@pytest.mark.parametrize("is_fed", [False, True])
def test_the_state_is_flat_with_the_batch_axis_first(is_fed: bool) -> None:
    model = make(cell=["lstm", "gru"], input_feeding=is_fed)
    state = model.start(memory_of(model))
    # h and c, h, and what is fed back
    assert [tuple(tensor.shape) for tensor in state] == [(3, 6)] * (4 if is_fed else 3)
    if is_fed:
        assert not state[-1].any()


@torch.no_grad()
def test_every_state_starts_as_tanh_of_its_own_bridge() -> None:
    model = make(cell=["lstm", "gru"])
    memory = memory_of(model)
    h, c, upper = model.start(memory)
    lower_bridge, upper_bridge = model.decoder.bridge
    wanted = torch.tanh(memory.summary @ lower_bridge.weight.T + lower_bridge.bias)
    torch.testing.assert_close(torch.cat([h, c], dim=1), wanted)
    wanted = torch.tanh(memory.summary @ upper_bridge.weight.T + upper_bridge.bias)
    torch.testing.assert_close(upper, wanted)


@torch.no_grad()
def test_a_final_bridge_takes_where_each_direction_ends() -> None:
    memory = memory_of(make(bridge="final"))
    for row, length in enumerate(LENGTHS.tolist()):
        ends = torch.cat([memory.states[row, length - 1, :3], memory.states[row, 0, 3:]])
        assert torch.equal(memory.summary[row], ends)
    memory = memory_of(make(bridge="final", bidirectional=False))
    for row, length in enumerate(LENGTHS.tolist()):
        assert torch.equal(memory.summary[row], memory.states[row, length - 1])


@torch.no_grad()
def test_a_mean_bridge_takes_the_mean_of_the_real_states() -> None:
    memory = memory_of(make(bridge="mean"))
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(memory.summary[row], memory.states[row, :length].mean(dim=0))


@pytest.mark.parametrize(
    ("query", "layers", "widths"),
    [
        # inputs of each layer, then of the output layer: hidden 6, contexts 6 each, embedding 4
        ("first", 3, [4, 12, 12, 6]),
        ("last", 3, [4, 6, 6, 12]),
        ("both", 3, [4, 12, 12, 12]),
        ("first", 1, [4, 12]),
        ("last", 1, [4, 12]),
        ("both", 1, [4, 18]),
    ],
)
def test_contexts_go_where_the_query_says(query: str, layers: int, widths: list[int]) -> None:
    model = make(attention_query=query, decoder_layers=layers)
    found = [layer.input_size for layer in model.decoder.layers]
    assert [*found, model.decoder.output.in_features] == widths


@pytest.mark.parametrize(
    ("query", "asked"), [("first", "first"), ("last", "last"), ("both", "last")]
)
@torch.no_grad()
def test_the_weights_returned_are_those_of_the_last_attention_there_is(
    query: str, asked: str
) -> None:
    model = make(attention_query=query)
    given: list[Tensor] = []
    attention = getattr(model.decoder, f"{asked}_attention")
    attention.register_forward_hook(lambda *call: given.append(call[-1][1]))
    _, weights = outputs(model)
    assert weights is not None
    assert torch.equal(weights, given[0])


def test_both_attentions_have_weights_of_their_own() -> None:
    model = make(attention_query="both")
    first, last = model.decoder.first_attention, model.decoder.last_attention
    assert not torch.equal(first.key.weight, last.key.weight)


@pytest.mark.parametrize("attention", ["none", "dot", "general", "additive", "multihead"])
def test_only_without_attention_there_are_no_weights(attention: AttentionName) -> None:
    _, weights = outputs(make(attention=attention))
    assert (weights is None) == (attention == "none")


@torch.no_grad()
def test_the_output_fed_back_is_read_at_the_next_step() -> None:
    model = make(input_feeding=True)
    memory = memory_of(model)
    state = model.start(memory)
    first, after, _ = model.advance(TARGET[:, :1], state, memory)
    assert torch.equal(after[-1], first[:, 0])
    second, _, _ = model.advance(TARGET[:, 1:2], after, memory)
    forgotten = (*after[:-1], torch.zeros_like(after[-1]))
    other, _, _ = model.advance(TARGET[:, 1:2], forgotten, memory)
    assert (second - other).abs().max() > 1e-3


@torch.no_grad()
def test_a_context_at_every_step_reaches_every_step() -> None:
    model = make(attention="none", context_every_step=True)
    memory = memory_of(model)
    state = model.start(memory)
    other = memory._replace(summary=memory.summary + 1.0)
    before, _, _ = model.advance(TARGET, state, memory)
    after, _, _ = model.advance(TARGET, state, other)
    assert ((before - after).abs().amax(dim=(0, 2)) > 1e-4).all()
    plain = make(attention="none")
    memory = memory_of(plain)
    state = plain.start(memory)
    other = memory._replace(summary=memory.summary + 1.0)
    assert torch.equal(
        plain.advance(TARGET, state, memory)[0], plain.advance(TARGET, state, other)[0]
    )


@pytest.mark.parametrize("is_fed", [False, True])
def test_dropout_shared_over_time_has_one_mask_for_all_steps(is_fed: bool) -> None:
    model = make(dropout=0.5, dropout_shared_over_time=True, input_feeding=is_fed).train()
    torch.manual_seed(1)
    dropped = outputs(model)[0] == 0  # tanh is never exactly 0
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert 0 < int(dropped[:, 0].sum()) < dropped[:, 0].numel()
    assert len({tuple(row) for row in dropped[:, 0].tolist()}) > 1, "each row has its own"


@pytest.mark.parametrize("is_fed", [False, True])
def test_dropout_that_is_not_shared_has_another_mask_at_each_step(is_fed: bool) -> None:
    model = make(dropout=0.5, input_feeding=is_fed).train()
    torch.manual_seed(1)
    dropped = outputs(model)[0] == 0
    assert len({tuple(step) for step in dropped.transpose(0, 1).flatten(1).tolist()}) > 1


@pytest.mark.parametrize("is_fed", [False, True])
@pytest.mark.parametrize("is_shared", [False, True])
def test_dropout_is_off_in_evaluation(is_fed: bool, is_shared: bool) -> None:
    settings = {"input_feeding": is_fed, "dropout_shared_over_time": is_shared}
    dropping = make(dropout=0.5, embedding_dropout=0.5, **settings)
    plain = make(dropout=0.0, **settings)
    assert torch.equal(outputs(dropping)[0], outputs(plain)[0])


def test_between_layers_and_before_the_output_there_are_masks_of_their_own() -> None:
    # three layers: two places between them and one before the output, in this order
    model = make(dropout=0.5, decoder_layers=3, dropout_shared_over_time=True).train()
    seen: list[Tensor] = []
    decoder: Decoder = model.decoder
    draw = decoder.dropout._draw

    def spy(vectors: Tensor) -> Tensor:
        seen.append(draw(vectors))
        return seen[-1]

    decoder.dropout._draw = spy  # type: ignore[method-assign]
    torch.manual_seed(2)
    outputs(model)
    assert len(seen) == 3
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])
