"""Cross-entropy over the vocabulary, with the output layer inside it.

The logits of a batch are the largest tensor of the model. Computing the loss and its gradient
in one go, some rows at a time while they are in the cache, touches them once where separate
layers touch them eight times.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from nmt.model.shapes import with_rows_that_recur
from nmt.text.tokenizer import PAD

_ROWS_IN_CACHE = 128


class _OutputCrossEntropy(Function):
    """Sum over rows of the cross-entropy of ``softmax(x W^T + b)`` with smoothed targets."""

    @staticmethod
    def forward(
        ctx: Any,
        outputs: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        smoothing: float,
        consistency: float,
    ) -> Tensor:
        low_weight = weight.to(outputs.dtype)
        # (N, H) x (H, V) = (N, V); overwritten below by the gradient of the loss
        logits = functional.linear(outputs, low_weight, bias.to(outputs.dtype))
        wide = torch.float64 if logits.dtype == torch.float64 else torch.float32
        loss = torch.zeros((), dtype=wide, device=logits.device)
        times = 2 if consistency else 1
        blocks = (torch.split(half, _ROWS_IN_CACHE) for half in logits.chunk(times))
        for *parts, wanted in zip(*blocks, torch.split(targets, _ROWS_IN_CACHE), strict=True):
            counts = (wanted != PAD)[:, None].to(wide) / times
            chances = [functional.softmax(part, dim=-1, dtype=wide) for part in parts]
            norms = [
                _log_normalizer(part, chance) for part, chance in zip(parts, chances, strict=True)
            ]
            pulls: Sequence[Tensor] = ()
            if consistency:
                logs = (part.to(wide) - norm for part, norm in zip(parts, norms, strict=True))
                divergence, pulls = _divergence(*logs)
                counts_of_pair = counts * (times * consistency)
                loss += (divergence * counts_of_pair).sum()
            for part, chance, norm in zip(parts, chances, norms, strict=True):
                entropy, gradient = _smoothed(part, chance, norm, wanted, smoothing)
                loss += (entropy * counts).sum()
                part.copy_(gradient.mul_(counts))
            for part, pull in zip(parts, pulls, strict=False):
                part.add_(pull.mul_(counts_of_pair).to(part.dtype))
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
            (logits.t() @ outputs).to(weight_type).mul_(scale.to(weight_type)),
            # (1, N) x (N, V) = (1, V)
            (ones @ logits)[0].to(bias_type) * scale.to(bias_type),
            None,
            None,
            None,
        )


def _log_normalizer(logits: Tensor, chances: Tensor) -> Tensor:
    """What logits are above the logarithms of their softmax, shape (rows, 1).

    By the likeliest, whose probability cannot be too small for its type. To sum exponentials again
    would cost as much as the softmax.
    """
    highest, likeliest = (scores.amax(dim=1, keepdim=True) for scores in (logits, chances))
    return highest - likeliest.log()


def _smoothed(
    logits: Tensor, chances: Tensor, norms: Tensor, wanted: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The smoothed cross-entropy of each row, and its gradient by the logits in place of chances.

    Args:
        logits: Shape (rows, vocabulary).
        chances: Their softmax, likewise.
        norms: What they are above its logarithm, shape (rows, 1).
        wanted: Ids, shape (rows,).
        smoothing: Share of the target spread evenly.
    """
    share = smoothing / logits.shape[1]
    loss = norms - (1.0 - smoothing) * logits.gather(1, wanted[:, None]).to(norms.dtype)
    if smoothing:
        loss -= share * logits.sum(dim=1, keepdim=True, dtype=norms.dtype)
    # d loss / d logits = softmax - smoothed target
    gradient = chances.sub_(share)
    gradient.scatter_add_(1, wanted[:, None], gradient.new_full((len(wanted), 1), smoothing - 1.0))
    return loss, gradient


def _divergence(first: Tensor, second: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """``(KL(p || q) + KL(q || p)) / 2`` of each row, and its gradients by both logits.

    Args:
        first: Logarithms of p, shape (rows, vocabulary).
        second: Logarithms of q, likewise.
    """
    p, q, log_ratio = first.exp(), second.exp(), first - second
    to_second = (p * log_ratio).sum(dim=1, keepdim=True)  # KL(p || q)
    to_first = -(q * log_ratio).sum(dim=1, keepdim=True)  # KL(q || p)
    difference = p - q
    of_first = (p * (log_ratio - to_second) + difference) / 2
    of_second = (q * (-log_ratio - to_first) - difference) / 2
    return (to_second + to_first) / 2, (of_first, of_second)


def cross_entropy(
    outputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float = 0.0,
    consistency: float = 0.0,
) -> Tensor:
    """Sum over tokens of the label-smoothed cross-entropy (Szegedy et al. 2016, section 7).

    With ``consistency`` the outputs are those of two passes with other dropout. The loss is the
    mean of both, and of how far their distributions are apart (R-Drop, Liang et al. 2021, equations
    2 to 4, halved).

    Args:
        outputs: The decoder's output vectors, shape (tokens, output size), or (2 x
            tokens, output size), one pass after the other; their type decides that of the matrix
            products.
        weight: Output layer, shape (vocabulary, output size).
        bias: Output layer, shape (vocabulary,).
        targets: Ids of the tokens, shape (tokens,); PAD where there is none, which costs nothing.
        smoothing: Share of the target spread evenly over the vocabulary.
        consistency: Weight of the mean of the two Kullback-Leibler divergences; half of the paper's
            alpha, as the rest of the loss is half of the paper's. 0 for a single pass.

    Returns:
        A scalar, in nats, at least float32; 0 for no tokens.
    """
    if not consistency:  # which pairs the first half with the second
        outputs = with_rows_that_recur(outputs)
        targets = functional.pad(targets, (0, len(outputs) - len(targets)), value=PAD)
    return _OutputCrossEntropy.apply(outputs, weight, bias, targets, smoothing, consistency)  # type: ignore[no-any-return, no-untyped-call]


def attention_cross_entropy(weights: Tensor, wanted: Tensor) -> Tensor:
    """Sum over target tokens of the cross-entropy of where they look (Liu et al. 2016).

    Args:
        weights: Attention weights, shape (sentences, target length, source length).
        wanted: Where to look, likewise; a row of zeros costs nothing.

    Returns:
        A scalar in nats, at least float32.
    """
    wide = torch.promote_types(weights.dtype, torch.float32)
    # a weight that is 0 for its type has no gradient, and no infinite loss
    logs = weights.to(wide).clamp_min(torch.finfo(torch.float32).tiny).log()
    return -(wanted * logs).sum()
