"""Shapes that recur: oneDNN builds code for each shape of a product that it meets.

That takes about a millisecond for each, and what it has built is remembered for few of them, for it
takes memory: half a megabyte a product.
"""

import torch
from torch import Tensor
from torch.nn import functional

_MULTIPLE = 64
_FEWEST = 512


def with_rows_that_recur(vectors: Tensor) -> Tensor:
    """The rows, with some of zeros after them where oneDNN will multiply them.

    Batches of about as many tokens then make products of one shape.

    Args:
        vectors: Shape (rows, size).
    """
    rows = len(vectors)
    if rows < _FEWEST or not _is_for_onednn(vectors):
        return vectors
    return functional.pad(vectors, (0, 0, 0, -rows % _MULTIPLE))


def _is_for_onednn(vectors: Tensor) -> bool:
    is_cast = torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if is_cast else vectors.dtype
    return vectors.device.type == "cpu" and dtype == torch.bfloat16


def linear(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``functional.linear`` by a product whose shape recurs.

    Args:
        vectors: Shape (..., input size), of at least two dimensions.
        weight: Shape (output size, input size).
        bias: Shape (output size,).
    """
    flat = vectors.flatten(0, -2)
    product = functional.linear(with_rows_that_recur(flat), weight, bias)
    return product[: len(flat)].view(*vectors.shape[:-1], len(weight))
