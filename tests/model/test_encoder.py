"""The encoder: which way it reads, and that padding and neighbours leave no trace."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nmt.config import CellName, ModelConfig
from nmt.model.cells import CELLS
from nmt.model.encoder import Encoder, reading_order_backwards, reorder
from tests import reference

SIZE, EMBEDDING = 8, 5
LENGTHS = (6, 2, 1, 4)


def make(**settings: object) -> tuple[Encoder, ModelConfig]:
    asked = {"hidden_size": SIZE, "embedding_size": EMBEDDING, "encoder_layers": 2, "cell": "lstm"}
    asked |= {"bidirectional": True, "residual": False, "dropout": 0.0} | settings
    config = ModelConfig.model_validate(asked)
    encoder = Encoder(config).eval()
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.uniform_(-0.8, 0.8, generator=generator)
    return encoder, config


def batch(size: int = EMBEDDING) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    embedded = torch.randn(len(LENGTHS), max(LENGTHS), size, generator=generator)
    return embedded, torch.tensor(LENGTHS)


def real(states: Tensor) -> list[Tensor]:
    """The states of each sentence, without what stands behind it."""
    return [row[:length] for row, length in zip(states, LENGTHS, strict=False)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("is_bidirectional", [False, True])
@pytest.mark.parametrize("is_residual", [False, True])
@pytest.mark.parametrize("is_normalised", [False, True])
@torch.no_grad()
def test_the_states_are_those_of_the_numpy_twin(
    cell: CellName, is_bidirectional: bool, is_residual: bool, is_normalised: bool
) -> None:
    settings = {"bidirectional": is_bidirectional, "residual": is_residual}
    encoder, config = make(cell=cell, layer_norm=is_normalised, **settings)
    embedded, lengths = batch()
    weights = {f"encoder.{n}": p.double().numpy() for n, p in encoder.named_parameters()}
    for row, states in enumerate(real(encoder(embedded, lengths))):
        table = {"source_embedding.weight": embedded[row].double().numpy()}
        wanted = reference.encode(config, weights | table, range(LENGTHS[row]))
        np.testing.assert_allclose(states, wanted, rtol=0, atol=1e-5)


@torch.no_grad()
def test_two_layers_are_those_of_a_bidirectional_torch_lstm_over_packed_sequences() -> None:
    encoder, _ = make()
    theirs = nn.LSTM(EMBEDDING, SIZE // 2, num_layers=2, bidirectional=True, batch_first=True)
    for depth, layer in enumerate(encoder.layers):
        for suffix, cell in zip(("", "_reverse"), layer.directions, strict=True):
            theirs.get_parameter(f"weight_ih_l{depth}{suffix}").copy_(cell.weight_input)
            theirs.get_parameter(f"weight_hh_l{depth}{suffix}").copy_(cell.weight_hidden)
            theirs.get_parameter(f"bias_ih_l{depth}{suffix}").copy_(cell.bias)
            theirs.get_parameter(f"bias_hh_l{depth}{suffix}").zero_()
    embedded, lengths = batch()
    packed, _ = theirs(pack_padded_sequence(embedded, lengths, True, enforce_sorted=False))
    wanted, _ = pad_packed_sequence(packed, batch_first=True)
    for states, expected in zip(real(encoder(embedded, lengths)), real(wanted), strict=True):
        torch.testing.assert_close(states, expected, rtol=0, atol=1e-5)


def changes(encoder: Encoder, sentence: int, token: int) -> Tensor:
    """How much each state of a sentence changes with one of its tokens, (length, hidden size)."""
    embedded, lengths = batch()
    other = embedded.clone()
    other[sentence, token] += 1.0
    moved = encoder(other, lengths) - encoder(embedded, lengths)
    return moved[sentence, : LENGTHS[sentence]].abs()


@pytest.mark.parametrize("sentence", [0, 1, 3])
@torch.no_grad()
def test_the_backward_half_reads_from_the_end_and_the_forward_half_from_the_start(
    sentence: int,
) -> None:
    encoder, _ = make(encoder_layers=1)
    half = SIZE // 2
    by_last = changes(encoder, sentence, LENGTHS[sentence] - 1)
    assert (by_last[:, half:].amax(dim=1) > 0).all(), "every backward state has read the last token"
    assert not by_last[:-1, :half].any(), "no forward state but the last has"
    by_first = changes(encoder, sentence, 0)
    assert (by_first[:, :half].amax(dim=1) > 0).all()
    assert not by_first[1:, half:].any()


@torch.no_grad()
def test_a_unidirectional_encoder_never_looks_ahead() -> None:
    encoder, _ = make(bidirectional=False)
    moved = changes(encoder, 0, 3)
    assert not moved[:3].any()
    assert (moved[3:].amax(dim=1) > 0).all()


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_padding_does_not_change_the_states(cell: CellName) -> None:
    encoder, _ = make(cell=cell)
    embedded, lengths = batch()
    # what stands in the padding is anything but zeros, and there is more of it
    padded = torch.cat([embedded, torch.full((len(LENGTHS), 3, EMBEDDING), 9.0)], dim=1)
    for row, length in enumerate(LENGTHS):
        padded[row, length:] = -5.0 * (row + 1)
    for states, wanted in zip(
        real(encoder(padded, lengths)), real(encoder(embedded, lengths)), strict=True
    ):
        torch.testing.assert_close(states, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_a_sentence_of_a_batch_is_encoded_as_it_is_alone(cell: CellName) -> None:
    encoder, _ = make(cell=cell)
    embedded, lengths = batch()
    together = real(encoder(embedded, lengths))
    for row, length in enumerate(LENGTHS):
        alone = encoder(embedded[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-5)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(0, 3))
@settings(max_examples=50, derandomize=True)
def test_the_backward_order_reverses_each_sentence_and_leaves_its_padding(
    lengths: list[int], more: int
) -> None:
    longest = max(lengths) + more
    order = reading_order_backwards(torch.tensor(lengths), longest)
    for row, length in zip(order.tolist(), lengths, strict=True):
        assert row == [*reversed(range(length)), *range(length, longest)]
    vectors = torch.arange(len(lengths) * longest * 2.0).view(len(lengths), longest, 2)
    assert torch.equal(reorder(reorder(vectors, order), order), vectors)


def test_the_gradient_of_what_is_reordered_is_put_back() -> None:
    order = reading_order_backwards(torch.tensor([3, 1, 4]), 4)
    vectors, weights = (torch.randn(3, 4, 2, dtype=torch.float64) for _ in range(2))
    vectors.requires_grad_()
    gathered = vectors.gather(1, order[:, :, None].expand_as(vectors))
    assert torch.equal(reorder(vectors, order), gathered)
    found, wanted = (
        torch.autograd.grad((each * weights).sum(), vectors)
        for each in (reorder(vectors, order), gathered)
    )
    assert torch.equal(found[0], wanted[0])
    assert torch.autograd.gradcheck(lambda each: reorder(each, order), vectors)


@torch.no_grad()
def test_a_layer_whose_sizes_differ_has_no_residual_connection() -> None:
    # a first layer from 5 to 8 cannot add, the second from 8 to 8 does
    plain, _ = make(encoder_layers=1)
    residual, _ = make(encoder_layers=1, residual=True)
    embedded, lengths = batch()
    assert torch.equal(plain(embedded, lengths), residual(embedded, lengths))
    wide, lengths = batch(SIZE)
    plain, _ = make(encoder_layers=1, embedding_size=SIZE)
    residual, _ = make(encoder_layers=1, embedding_size=SIZE, residual=True)
    torch.testing.assert_close(
        residual(wide, lengths) - plain(wide, lengths), wide, rtol=0, atol=1e-5
    )


def test_dropout_is_between_layers_and_off_in_evaluation() -> None:
    encoder, _ = make(dropout=0.5)
    single, _ = make(dropout=0.5, encoder_layers=1)
    embedded, lengths = batch()
    assert torch.equal(encoder(embedded, lengths), encoder(embedded, lengths))
    encoder.train()
    single.train()
    assert not torch.equal(encoder(embedded, lengths), encoder(embedded, lengths))
    assert torch.equal(single(embedded, lengths), single(embedded, lengths))
