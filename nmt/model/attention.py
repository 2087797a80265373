"""Attention: where each decoder state looks in the encoder's memory.

A module works in two parts. ``keys`` is computed once for a sentence; calling the module then
answers any number of queries: all target positions at once in training, all hypotheses of a
sentence at once in the search.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from nmt.config import ModelConfig
from nmt.model.shapes import linear


class Attention(nn.Module):
    """What every attention has: a context size, keys, and an answer to queries.

    Attributes:
        context_size: Size of the context vectors it returns.
    """

    context_size: int

    def keys(self, memory: Tensor) -> Tensor:
        """What is compared with the queries, once for a sentence.

        Args:
            memory: Encoder states, shape (sentences, source length, hidden size).
        """
        raise NotImplementedError

    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Look.

        Args:
            query: Decoder states, shape (sentences, queries, hidden size).
            memory: Encoder states, shape (sentences, source length, hidden size).
            keys: What ``keys(memory)`` gave.
            mask: Shape (sentences, source length), True where a real token is.

        Returns:
            The contexts, shape (sentences, queries, context size), and the weights, shape
            (sentences, queries, source length), which sum to 1 over the real tokens.
        """
        raise NotImplementedError


class NoAttention(Attention):
    """No look at all: a context of size 0, so that the decoder needs no branch."""

    context_size = 0

    @override
    def keys(self, memory: Tensor) -> Tensor:
        return memory[:, :, :0]

    @override
    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        return query[:, :, :0], None


class ScoredAttention(Attention):
    """Softmax over one score for each pair of a query and a source token."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.context_size = size

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores, shape (sentences, queries, source length)."""
        raise NotImplementedError

    @override
    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        weights = masked_softmax(self.score(query, keys), mask[:, None, :])
        # (N, Q, S) x (N, S, H) = (N, Q, H)
        return product_by_sentence(weights, memory).to(memory.dtype), weights


class DotAttention(ScoredAttention):
    """``score = query . memory`` (Luong et al. 2015, equation 8, "dot").

    Args:
        size: Of the queries and of the memory.
        scale: What the scores are multiplied with.
    """

    def __init__(self, size: int, scale: float = 1.0) -> None:
        super().__init__(size)
        self.scale = scale

    @override
    def keys(self, memory: Tensor) -> Tensor:
        return memory

    @override
    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        # (N, Q, H) x (N, H, S) = (N, Q, S)
        return product_by_sentence(query, keys.transpose(1, 2)) * self.scale


class GeneralAttention(DotAttention):
    """``score = query . (W memory)`` (Luong et al. 2015, equation 8, "general").

    Args:
        size: Of the queries and of the memory.
        scale: What the scores are multiplied with.
        asked_at_once: In training all queries of a sentence come in one call. It is
            ``(W^T query) . memory`` then: batches are bounded in target tokens, so that they differ
            less in the number of queries than in that of source tokens.
    """

    def __init__(self, size: int, scale: float = 1.0, asked_at_once: bool = False) -> None:
        super().__init__(size, scale)
        self.key = nn.Linear(size, size, bias=False)
        self.asked_at_once = asked_at_once

    @property
    def moves_queries(self) -> bool:
        """Whether ``keys`` leaves the product with W to the queries."""
        return self.training and self.asked_at_once

    @override
    def keys(self, memory: Tensor) -> Tensor:
        return memory if self.moves_queries else self.key(memory)

    @override
    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        if keys is memory:
            query = linear(query, self.key.weight.t())
        return super().forward(query, memory, keys, mask)


class AdditiveAttention(ScoredAttention):
    """``score = v . tanh(W query + U memory)`` (Bahdanau et al. 2015, appendix A.1.2)."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size, bias=False)
        self.energy = nn.Linear(size, 1, bias=False)

    @override
    def keys(self, memory: Tensor) -> Tensor:
        return self.key(memory)  # type: ignore[no-any-return]

    @override
    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        # (N, Q, 1, H) + (N, 1, S, H) = (N, Q, S, H)
        hidden = torch.tanh(self.query(query)[:, :, None] + keys[:, None])
        return self.energy(hidden).squeeze(-1)  # type: ignore[no-any-return]


class MultiHeadAttention(Attention):
    """Several scaled dot products side by side (Vaswani et al. 2017, section 3.2.2).

    The weights returned are the mean over the heads.
    """

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.context_size = size
        self.heads = heads
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.output = nn.Linear(size, size)

    @override
    def keys(self, memory: Tensor) -> Tensor:
        return self.key_value(memory)  # type: ignore[no-any-return]

    @override
    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        key, value = (self._split(part) for part in keys.chunk(2, dim=-1))
        asked = self._split(self.query(query))
        # (N, heads, Q, D) x (N, heads, D, S) = (N, heads, Q, S)
        scores = product_by_sentence(asked, key.transpose(2, 3)) / asked.shape[-1] ** 0.5
        weights = masked_softmax(scores, mask[:, None, None, :])
        context = product_by_sentence(weights, value).transpose(1, 2).flatten(2)
        return self.output(context), weights.mean(dim=1)

    def _split(self, vectors: Tensor) -> Tensor:
        """Shape (sentences, length, size) to (sentences, heads, length, size / heads)."""
        rows, length, size = vectors.shape
        return vectors.view(rows, length, self.heads, size // self.heads).transpose(1, 2)


def product_by_sentence(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right`` for small matrices of each sentence.

    On a CPU it is in float32 even where products are in bf16: oneDNN, which has those, builds code
    for every shape, and here almost every batch has another. A query by itself is left in bf16: the
    next ones of the batch have its shape, and would have the memory cast for each of them.
    """
    is_single = left.shape[-2] == 1
    if left.device.type == "cpu" and torch.is_autocast_enabled("cpu") and not is_single:
        with torch.autocast("cpu", enabled=False):
            return left.float() @ right.float()
    return left @ right


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis in which only positions where ``mask`` is True take part."""
    return functional.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)


def build_attention(config: ModelConfig) -> Attention:
    """The attention that ``model.attention`` names."""
    size = config.hidden_size
    # Elements of layer norm are about 1, so that a product of two vectors is about the root of
    # their size, and its softmax next to a single 1 (Vaswani et al. 2017, section 3.2.1).
    scale = size**-0.5 if config.layer_norm else 1.0
    match config.attention:
        case "none":
            return NoAttention()
        case "dot":
            return DotAttention(size, scale)
        case "general":
            return GeneralAttention(size, scale, asked_at_once=not config.input_feeding)
        case "additive":
            return AdditiveAttention(size)
        case "multihead":
            return MultiHeadAttention(size, config.attention_heads)
