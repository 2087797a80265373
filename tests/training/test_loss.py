"""The fused output layer and cross-entropy, against torch's own and against the paper."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nmt.text.tokenizer import PAD
from nmt.training.loss import _ROWS_IN_CACHE, attention_cross_entropy, cross_entropy
from tests import reference

SIZE, VOCABULARY = 6, 11


def draw(rows: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Outputs, weight, bias and targets."""
    generator = torch.Generator().manual_seed(rows)
    outputs = torch.randn(rows, SIZE, generator=generator, dtype=torch.float64)
    weight = torch.randn(VOCABULARY, SIZE, generator=generator, dtype=torch.float64)
    bias = torch.randn(VOCABULARY, generator=generator, dtype=torch.float64)
    targets = torch.randint(PAD + 1, VOCABULARY, (rows,), generator=generator)
    outputs, weight, bias = (t.to(dtype).requires_grad_() for t in (outputs, weight, bias))
    return outputs, weight, bias, targets


def by_torch(
    outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
) -> Tensor:
    logits = functional.linear(outputs, weight, bias)
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(
    "rows", [1, 3, _ROWS_IN_CACHE - 1, _ROWS_IN_CACHE, _ROWS_IN_CACHE + 1, 3 * _ROWS_IN_CACHE + 7]
)
def test_the_loss_and_its_gradients_are_those_of_torch(rows: int, smoothing: float) -> None:
    *inputs, targets = draw(rows)
    loss = cross_entropy(*inputs, targets, smoothing)
    wanted = by_torch(*inputs, targets, smoothing)
    torch.testing.assert_close(loss, wanted, rtol=1e-12, atol=1e-12)
    # a loss divided by tokens arrives with a gradient that is not 1
    gradients = torch.autograd.grad(loss * -0.3, inputs)
    for gradient, expected in zip(
        gradients, torch.autograd.grad(wanted * -0.3, inputs), strict=True
    ):
        torch.testing.assert_close(gradient, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_that_of_the_paper(smoothing: float) -> None:
    outputs, weight, bias, targets = draw(5)
    logits = (outputs @ weight.T + bias).detach().numpy()
    wanted = reference.smoothed_cross_entropy(logits, targets.tolist(), smoothing)
    assert cross_entropy(outputs, weight, bias, targets, smoothing).item() == pytest.approx(wanted)


def test_one_token_over_two_subwords_by_hand() -> None:
    # logits (0, ln 3): p = (1/4, 3/4); target 1, smoothing 0.2: q' = (0.1, 0.9)
    # loss = -0.1 ln(1/4) - 0.9 ln(3/4) = 0.138629 + 0.258914 = 0.397543
    outputs = torch.tensor([[1.0]])
    weight = torch.tensor([[0.0], [1.0986123]])
    loss = cross_entropy(outputs, weight, torch.zeros(2), torch.tensor([1]), 0.2)
    assert loss.item() == pytest.approx(0.397543, abs=1e-6)


@pytest.mark.parametrize("consistency", [0.0, 2.5])
def test_padding_costs_nothing_and_moves_nothing(consistency: float) -> None:
    passes = 2 if consistency else 1
    outputs, weight, bias, targets = draw(_ROWS_IN_CACHE * passes + 8)
    targets = targets[: len(outputs) // passes].clone()
    targets[::3] = PAD
    real = (targets != PAD).repeat(passes)
    loss = cross_entropy(outputs, weight, bias, targets, 0.1, consistency)
    alone = cross_entropy(outputs[real], weight, bias, targets[targets != PAD], 0.1, consistency)
    torch.testing.assert_close(loss, alone, rtol=1e-12, atol=1e-12)
    inputs = (outputs, weight, bias)
    for gradient, wanted in zip(
        torch.autograd.grad(loss, inputs), torch.autograd.grad(alone, inputs), strict=True
    ):
        torch.testing.assert_close(gradient, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradient_passes_gradcheck(smoothing: float) -> None:
    outputs, weight, bias, targets = draw(4)
    assert torch.autograd.gradcheck(
        lambda *inputs: cross_entropy(*inputs, targets, smoothing), (outputs, weight, bias)
    )


def by_torch_in_two_passes(
    outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float, alpha: float
) -> Tensor:
    """Liang et al. 2021, equations 2 to 4."""
    first, second = (outputs @ weight.T + bias).chunk(2)
    entropy = sum(
        functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
        for logits in (first, second)
    )
    p, q = (logits.log_softmax(dim=1) for logits in (first, second))
    divergence = functional.kl_div(q, p, log_target=True, reduction="sum") / 2
    divergence += functional.kl_div(p, q, log_target=True, reduction="sum") / 2
    return entropy + alpha * divergence


@pytest.mark.parametrize("rows", [1, 3, _ROWS_IN_CACHE, _ROWS_IN_CACHE + 1])
def test_two_passes_are_half_of_the_loss_of_r_drop(rows: int) -> None:
    outputs, weight, bias, targets = draw(rows)
    again = draw(rows + 1)[0][:rows]
    inputs = (torch.cat([outputs, again]).detach().requires_grad_(), weight, bias)
    loss = cross_entropy(*inputs, targets, 0.1, 2.5)
    wanted = by_torch_in_two_passes(*inputs, targets, 0.1, 5.0) / 2
    torch.testing.assert_close(loss, wanted, rtol=1e-12, atol=1e-12)
    gradients = torch.autograd.grad(loss * -0.3, inputs)
    for gradient, expected in zip(
        gradients, torch.autograd.grad(wanted * -0.3, inputs), strict=True
    ):
        torch.testing.assert_close(gradient, expected, rtol=1e-11, atol=1e-11)


def test_two_passes_alike_are_one() -> None:
    outputs, weight, bias, targets = draw(5)
    twice = torch.cat([outputs, outputs])
    loss = cross_entropy(twice, weight, bias, targets, 0.1, 2.5)
    once = cross_entropy(outputs, weight, bias, targets, 0.1)
    torch.testing.assert_close(loss, once, rtol=1e-12, atol=1e-12)


def test_no_tokens_have_no_loss_and_no_gradient() -> None:
    *inputs, targets = draw(0)
    loss = cross_entropy(*inputs, targets, 0.1)
    assert loss.item() == 0.0
    for gradient, tensor in zip(torch.autograd.grad(loss, inputs), inputs, strict=True):
        assert gradient.shape == tensor.shape
        assert not gradient.any()


def test_chunks_add_up_to_the_rows_one_by_one() -> None:
    outputs, weight, bias, targets = draw(2 * _ROWS_IN_CACHE + 3, torch.float32)
    together = cross_entropy(outputs, weight, bias, targets, 0.1).item()
    alone = [
        cross_entropy(outputs[row : row + 1], weight, bias, targets[row : row + 1], 0.1).item()
        for row in range(len(outputs))
    ]
    assert together == pytest.approx(sum(alone), rel=1e-5)


def test_huge_logits_neither_overflow_nor_turn_into_nan() -> None:
    outputs = torch.tensor([[1e4], [-1e4]], requires_grad=True)
    weight = torch.tensor([[0.0], [1.0], [-1.0]], requires_grad=True)
    bias = torch.zeros(3, requires_grad=True)
    loss = cross_entropy(outputs, weight, bias, torch.tensor([1, 1]))
    # the first is certain and right; the second is certain and wrong, by 1e4 - -1e4
    assert loss.item() == pytest.approx(2e4)
    for gradient in torch.autograd.grad(loss, (outputs, weight, bias)):
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("rows", [7, 2 * _ROWS_IN_CACHE + 1, 515])  # to 515 some are added
def test_bf16_outputs_stay_near_float64(rows: int) -> None:
    *inputs, targets = draw(rows, torch.float32)
    outputs, weight, bias = inputs
    loss = cross_entropy(outputs.to(torch.bfloat16), weight, bias, targets, 0.1)
    assert loss.dtype == torch.float32
    wide = [tensor.detach().double().requires_grad_() for tensor in inputs]
    wanted = by_torch(*wide, targets, 0.1)
    assert loss.item() == pytest.approx(wanted.item(), rel=0.01)
    gradients = torch.autograd.grad(loss, inputs)
    for gradient, tensor, expected in zip(
        gradients, inputs, torch.autograd.grad(wanted, wide), strict=True
    ):
        assert gradient.dtype == tensor.dtype, "weights are float32, and so is what moves them"
        assert float((gradient - expected).norm() / expected.norm()) < 0.02


def test_a_row_in_bf16_that_is_nearly_certain_still_learns() -> None:
    # a softmax of 0.9991 is 1 in bf16, and nothing would be left of its distance from 1
    outputs = torch.tensor([[7.0]], dtype=torch.bfloat16)
    weight = torch.tensor([[0.0], [1.0], [0.0]], requires_grad=True)
    loss = cross_entropy(outputs, weight, torch.zeros(3), torch.tensor([1]), 0.0)
    (gradient,) = torch.autograd.grad(loss, weight)
    miss = 2.0 / (2.0 + math.exp(7.0))
    assert loss.item() == pytest.approx(-math.log1p(-miss), rel=1e-4)
    assert gradient[1].item() == pytest.approx(-7.0 * miss, rel=0.01)


def test_the_best_guess_with_smoothing_is_the_smoothed_target() -> None:
    # where the softmax is q' itself the gradient is 0
    smoothing, target = 0.3, 2
    wanted = np.full(VOCABULARY, smoothing / VOCABULARY)
    wanted[target] += 1 - smoothing
    bias = torch.from_numpy(np.log(wanted)).requires_grad_()
    loss = cross_entropy(
        torch.zeros(1, SIZE).double(),
        torch.zeros(VOCABULARY, SIZE).double(),
        bias,
        torch.tensor([target]),
        smoothing,
    )
    (gradient,) = torch.autograd.grad(loss, bias)
    assert float(gradient.abs().max()) < 1e-15


def test_the_loss_of_looks_is_the_cross_entropy_by_hand() -> None:
    # -(0.25 ln 0.5 + 0.75 ln 0.5) - (1 ln 0.1), and a row that wants nothing
    weights = torch.tensor([[[0.5, 0.5], [0.1, 0.9], [1.0, 0.0]]])
    wanted = torch.tensor([[[0.25, 0.75], [1.0, 0.0], [0.0, 0.0]]])
    loss = attention_cross_entropy(weights, wanted)
    assert loss.item() == pytest.approx(0.693147 + 2.302585)
    assert attention_cross_entropy(weights.bfloat16(), wanted).dtype == torch.float32


def test_a_look_that_is_nothing_costs_something_finite_and_is_left_alone() -> None:
    scores = torch.tensor([[[0.0, 200.0]]], requires_grad=True)
    loss = attention_cross_entropy(scores.softmax(dim=-1), torch.tensor([[[0.5, 0.5]]]))
    assert torch.isfinite(loss)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert torch.isfinite(gradient).all()
