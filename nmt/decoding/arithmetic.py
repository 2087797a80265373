"""How an exported graph multiplies matrices: in float32, or in integers of 8 bits.

The integers need no calibration. What goes into the products of a recurrent network is a tanh, a
mean of such, or an embedding, so that the largest value there can be is known before; where it is
not, each row gets the scale of its own largest value. No scale depends on more than one row: a
sentence is translated alike whatever is beside it, which scales taken from a whole batch, as the
usual dynamic quantisation takes them, do not give.

A weight matrix has one scale for each output (Wu et al. 2020, "Integer quantization for deep
learning inference", 3.3). A product of integers is exact, so it does not depend on how many rows
are multiplied at a time either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nmt.decoding.graph import MICROSOFT, Array, Graph

LARGEST = 127
"""Activations go from minus this to this, around `ZERO`."""
ZERO = 128
"""What stands for 0 among the unsigned activations."""
LARGEST_WEIGHT = 64
"""Weights go from minus this to this. Processors without VNNI add two products in 16 bits, and 2 x
255 x 64 still fits: all compute the same. The eighth bit buys nothing (docs/adr/0008)."""


@dataclass(frozen=True)
class Vector:
    """Vectors in a graph, along the last axis of a value.

    Attributes:
        name: The value, float32.
        size: Length of a vector.
        bound: No element is further than this from 0; None if nothing is known.
    """

    name: str
    size: int
    bound: float | None


@dataclass(frozen=True)
class Operand:
    """Vectors, ready to be multiplied with a matrix.

    Attributes:
        name: The value, float32 or uint8.
        size: Length of a vector.
        scale: What one step of the integers is worth; 1 for float32.
        row_scale: The value of shape (..., 1) that the products are to be multiplied with, if any.
    """

    name: str
    size: int
    scale: float = 1.0
    row_scale: str | None = None


@dataclass(frozen=True)
class Matrix:
    """A weight matrix in a graph.

    Attributes:
        weight: The value, shape (size in, size out), float32 or int8.
        scale: What one step of the integers is worth, shape (size out,); None for float32.
    """

    weight: str
    scale: str | None = None


class Arithmetic(Protocol):
    """How to multiply."""

    activation: type[np.generic]
    """Type of an operand."""

    def table(self, embeddings: Array) -> tuple[Array, float]:
        """Embeddings as operands, shape (vocabulary, size), and their scale."""
        ...

    def operand(self, graph: Graph, vector: Vector) -> Operand:
        """Get vectors ready."""
        ...

    def vector(self, graph: Graph, operand: Operand) -> Vector:
        """An operand as float32 again."""
        ...

    def matrix(self, graph: Graph, weight: Array) -> Matrix:
        """Put a weight matrix of shape (size out, size in) into the graph."""
        ...

    def rows(self, graph: Graph, weight: Array, wanted: str) -> Matrix:
        """Put one into the graph of which only some outputs are used, in the order wanted."""
        ...

    def product(
        self, graph: Graph, operand: Operand, matrix: Matrix, bias: str | None = None
    ) -> str:
        """Multiply: float32, shape (..., size out)."""
        ...


class Float32:
    """Products of float32, to be exact or to compare with."""

    activation: type[np.generic] = np.float32

    def table(self, embeddings: Array) -> tuple[Array, float]:
        """See `Arithmetic.table`."""
        return embeddings.astype(np.float32), 1.0

    def operand(self, graph: Graph, vector: Vector) -> Operand:
        """See `Arithmetic.operand`."""
        return Operand(vector.name, vector.size)

    def vector(self, graph: Graph, operand: Operand) -> Vector:
        """See `Arithmetic.vector`."""
        return Vector(operand.name, operand.size, None)

    def matrix(self, graph: Graph, weight: Array) -> Matrix:
        """See `Arithmetic.matrix`."""
        return Matrix(graph.constant(weight.T))

    def rows(self, graph: Graph, weight: Array, wanted: str) -> Matrix:
        """See `Arithmetic.rows`."""
        return Matrix(_rows(graph, weight, wanted))

    def product(
        self, graph: Graph, operand: Operand, matrix: Matrix, bias: str | None = None
    ) -> str:
        """See `Arithmetic.product`."""
        product = graph.add("MatMul", operand.name, matrix.weight)
        return product if bias is None else graph.add("Add", product, bias)


class Int8:
    """Products of integers: uint8 activations with a zero of 128, int8 weights."""

    activation: type[np.generic] = np.uint8

    def table(self, embeddings: Array) -> tuple[Array, float]:
        """See `Arithmetic.table`; one scale for the whole table."""
        scale = _scale(np.abs(embeddings).max(), LARGEST)
        return (np.rint(embeddings / scale) + ZERO).astype(np.uint8), float(scale)

    def operand(self, graph: Graph, vector: Vector) -> Operand:
        """See `Arithmetic.operand`."""
        name, bound, row_scale = vector.name, vector.bound, None
        if bound is None:
            size = graph.add("Abs", name)
            largest = graph.add("ReduceMax", size, graph.integers(-1), keepdims=1)
            row_scale = graph.add("Max", largest, graph.constant(np.float32(1e-30)))
            name, bound = graph.add("Div", name, row_scale), 1.0
        scale = float(np.float32(bound / LARGEST))
        quantised = graph.add("QuantizeLinear", name, *self._levels(graph, scale))
        return Operand(quantised, vector.size, scale, row_scale)

    def vector(self, graph: Graph, operand: Operand) -> Vector:
        """See `Arithmetic.vector`."""
        levels = self._levels(graph, operand.scale)
        name = graph.add("DequantizeLinear", operand.name, *levels)
        if operand.row_scale is not None:
            return Vector(graph.add("Mul", name, operand.row_scale), operand.size, None)
        return Vector(name, operand.size, operand.scale * LARGEST)

    def matrix(self, graph: Graph, weight: Array) -> Matrix:
        """See `Arithmetic.matrix`."""
        integers, scale = quantise_rows(weight)
        return Matrix(graph.constant(integers.T), graph.constant(scale))

    def rows(self, graph: Graph, weight: Array, wanted: str) -> Matrix:
        """See `Arithmetic.rows`."""
        integers, scale = quantise_rows(weight)
        chosen = graph.add("Gather", graph.constant(scale), wanted)
        return Matrix(_rows(graph, integers, wanted), chosen)

    def product(
        self, graph: Graph, operand: Operand, matrix: Matrix, bias: str | None = None
    ) -> str:
        """See `Arithmetic.product`."""
        scale, zero = self._levels(graph, operand.scale)
        inputs = [operand.name, matrix.weight, scale, matrix.scale or "", zero, ""]
        if operand.row_scale is None:
            inputs += [] if bias is None else [bias]
            return graph.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)
        product = graph.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)
        product = graph.add("Mul", product, operand.row_scale)
        return product if bias is None else graph.add("Add", product, bias)

    def _levels(self, graph: Graph, scale: float) -> tuple[str, str]:
        return graph.constant(np.float32(scale)), graph.constant(np.uint8(ZERO))


def quantise_rows(weight: Array) -> tuple[Array, Array]:
    """A matrix as int8 with one scale for each row: ``weight ~ integers * scale[:, None]``.

    Args:
        weight: Shape (rows, columns).

    Returns:
        The integers, and the scales, float32, shape (rows,).
    """
    scale = _scale(np.abs(weight).max(axis=1, initial=0.0), LARGEST_WEIGHT)
    return np.rint(weight / scale[:, None]).astype(np.int8), scale


def join(graph: Graph, vectors: Sequence[Vector]) -> Vector:
    """Vectors end to end."""
    bounds = [vector.bound for vector in vectors]
    known = [bound for bound in bounds if bound is not None]
    return Vector(
        graph.concat([vector.name for vector in vectors]),
        sum(vector.size for vector in vectors),
        max(known) if len(known) == len(bounds) else None,
    )


def _scale(largest: Array, steps: int) -> Array:
    return np.maximum(np.asarray(largest, np.float32), np.float32(1e-30)) / np.float32(steps)


def _rows(graph: Graph, weight: Array, wanted: str) -> str:
    return graph.add("Transpose", graph.add("Gather", graph.constant(weight), wanted), perm=[1, 0])
