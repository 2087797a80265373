"""Cross-entropy over the vocabulary, with the output layer inside it.

The logits of a batch are the largest tensor of the model. Computing the loss and its gradient
in one go, some rows at a time while they are in the cache, touches them once where separate
layers touch them eight times.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

_ROWS_IN_CACHE = 128


class _OutputCrossEntropy(Function):
    """Sum over rows of the cross-entropy of ``softmax(x W^T + b)`` with smoothed targets."""

    @staticmethod
    def forward(
        ctx: Any, outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float
    ) -> Tensor:
        low_weight = weight.to(outputs.dtype)
        # (N, H) x (H, V) = (N, V); overwritten below by the gradient of the loss
        logits = functional.linear(outputs, low_weight, bias.to(outputs.dtype))
        wide = torch.float64 if logits.dtype == torch.float64 else torch.float32
        share = smoothing / logits.shape[1]
        loss = torch.zeros((), dtype=wide, device=logits.device)
        for part, wanted in zip(
            torch.split(logits, _ROWS_IN_CACHE), torch.split(targets, _ROWS_IN_CACHE), strict=True
        ):
            log_probabilities = functional.log_softmax(part, dim=-1, dtype=wide)
            picked = log_probabilities.gather(1, wanted[:, None])
            loss -= (1.0 - smoothing) * picked.sum()
            if smoothing:
                loss -= share * log_probabilities.sum()
            # d loss / d logits = softmax - smoothed target
            gradient = log_probabilities.exp_()
            gradient.sub_(share)
            gradient.scatter_add_(
                1, wanted[:, None], gradient.new_full((len(wanted), 1), smoothing - 1.0)
            )
            part.copy_(gradient)
        ctx.save_for_backward(outputs, low_weight, logits)
        ctx.types = (weight.dtype, bias.dtype)
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        outputs, weight, logits = ctx.saved_tensors
        weight_type, bias_type = ctx.types
        (scale,) = gradients  # applied in its own precision, and not in that of the products
        ones = logits.new_ones(1, len(logits))
        return (
            # (N, V) x (V, H) = (N, H)
            ((logits @ weight).to(scale.dtype) * scale).to(outputs.dtype),
            # (V, N) x (N, H) = (V, H)
            (logits.t() @ outputs).to(weight_type) * scale.to(weight_type),
            # (1, N) x (N, V) = (1, V)
            (ones @ logits)[0].to(bias_type) * scale.to(bias_type),
            None,
            None,
        )


def cross_entropy(
    outputs: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, smoothing: float = 0.0
) -> Tensor:
    """Sum over tokens of the label-smoothed cross-entropy (Szegedy et al. 2016, section 7).

    Args:
        outputs: The decoder's output vectors at real tokens, shape (tokens, output size); their
            type decides that of the matrix products.
        weight: Output layer, shape (vocabulary, output size).
        bias: Output layer, shape (vocabulary,).
        targets: Ids of the tokens, shape (tokens,).
        smoothing: Share of the target spread evenly over the vocabulary.

    Returns:
        A scalar, in nats, at least float32; 0 for no tokens.
    """
    return _OutputCrossEntropy.apply(outputs, weight, bias, targets, smoothing)  # type: ignore[no-any-return, no-untyped-call]
