"""How an exported graph multiplies matrices: in float32, or in integers of 8 bits.

The integers need no calibration. What goes into the products of a recurrent network is a tanh, a
mean of such, or an embedding, so that the largest value there can be is known before; where it is
not, each row gets the scale of its own largest value. No scale depends on more than one row: a
sentence is translated alike whatever is beside it, which scales taken from a whole batch, as the
usual dynamic quantisation takes them, do not give. So too where two things of a sentence are
multiplied, as in attention: its keys and values are quantised as weights are.

A weight matrix has one scale for each output (Wu et al. 2020, "Integer quantization for deep
learning inference", 3.3). A product of integers is exact, so it does not depend on how many rows
are multiplied at a time either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmt.export.graph import MICROSOFT, Array, Graph

LARGEST = 127
"""Activations go from minus this to this, around `ZERO`."""
ZERO = 128
"""What stands for 0 among the unsigned activations."""
NO_SIZE = 0
"""Of vectors as long as a source."""
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


@dataclass(frozen=True)
class Held:
    """Vectors of each sentence that queries are compared with, or that are mixed, in every step.

    Attributes:
        name: The value.
        shape: Of the value, with names for what varies.
        dtype: Of the value.
        bound: As in `Vector`.
        scale: What one step of the integers is worth; 1 for float32.
        scales: The value of shape (..., 1, source length) that what is made of each vector is to
            be multiplied with, if any.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: type[np.generic] = np.float32
    bound: float | None = None
    scale: float = 1.0
    scales: str | None = None

    @property
    def shape_of_scales(self) -> tuple[int | str, ...]:
        """Of the value of the scales."""
        return (*self.shape[:-2], 1, "filled")


class Arithmetic:
    """How to multiply: in float32, to be exact or to compare with."""

    activation: type[np.generic] = np.float32
    """Type of an operand."""

    def table(self, embeddings: Array) -> tuple[Array, float]:
        """Embeddings as operands, shape (vocabulary, size), and their scale."""
        return embeddings.astype(np.float32), 1.0

    def operand(self, graph: Graph, vector: Vector) -> Operand:
        """Get vectors ready."""
        return Operand(vector.name, vector.size)

    def vector(self, graph: Graph, operand: Operand) -> Vector:
        """An operand as float32 again."""
        return Vector(operand.name, operand.size, None)

    def matrix(self, graph: Graph, weight: Array) -> Matrix:
        """Put a weight matrix of shape (size out, size in) into the graph."""
        return Matrix(graph.constant(weight.T))

    def rows(self, graph: Graph, weight: Array, wanted: str) -> Matrix:
        """Put one into the graph of which only some outputs are used, in the order wanted."""
        return Matrix(_rows(graph, weight, wanted))

    def product(
        self, graph: Graph, operand: Operand, matrix: Matrix, bias: str | None = None
    ) -> str:
        """Multiply: float32, shape (..., size out)."""
        product = graph.add("MatMul", operand.name, matrix.weight)
        return product if bias is None else graph.add("Add", product, bias)

    def joined(
        self, graph: Graph, weights: Sequence[Array], inputs: Sequence[Operand]
    ) -> Matrix | None:
        """Put several matrices into the graph as one, for operands that are multiplied end to end.

        Args:
            graph: Where.
            weights: One for each input, and one for a state, each of shape (size out, its size).
            inputs: What the weights are multiplied with. The state comes after them, is never
                further than 1 from 0, and its scale is that of the product.

        Returns:
            None where it does not pay, as in float32 (a whole sequence at a time is quicker
            than step by step), or where an input has a scale of its own in each row.
        """
        return None

    def hold_keys(self, graph: Graph, vectors: Vector, turned: Sequence[int]) -> Held:
        """Get vectors ready to be compared with queries.

        Args:
            graph: Where.
            vectors: Shape (sentences, ..., source length, size).
            turned: The axes with the last two exchanged.
        """
        return self.hold_values(graph, vectors, turned)

    def hold_values(self, graph: Graph, vectors: Vector, turned: Sequence[int]) -> Held:
        """Get vectors of the same shape ready to be mixed."""
        return Held(vectors.name, _shape_of_held(vectors, turned), bound=vectors.bound)

    def compare(self, graph: Graph, queries: Vector, keys: Held, turned: Sequence[int]) -> str:
        """The product of each query with each key.

        The keys come first: how ONNX Runtime adds up a product depends on the length of the second
        matrix, which is the width then, and not the source length.

        Args:
            graph: Where.
            queries: Shape (sentences, ..., width, size).
            keys: What `hold_keys` gave.
            turned: As there.

        Returns:
            Shape (sentences, ..., width, source length). A row's numbers are the same, to the bit,
            whatever the width and however long the longest source of the batch is.
        """
        # (N, S, H) x (N, H, W) = (N, S, W)
        columns = graph.add("Transpose", queries.name, perm=turned)
        return graph.add("Transpose", graph.add("MatMul", keys.name, columns), perm=turned)

    def mix(self, graph: Graph, weights: str, values: Held, turned: Sequence[int]) -> str:
        """The mean of the values by the weights of each query.

        ONNX Runtime adds up otherwise where there is a single query, so there never is: one more
        of them keeps a row's numbers the same whatever the width of the beam.

        Args:
            graph: Where.
            weights: At least 0, together 1, shape (sentences, ..., width, source length).
            values: What `hold_values` gave.
            turned: As there.

        Returns:
            Shape (sentences, ..., width, size); as exact as `compare`.
        """
        first, second, all_but_last = (graph.integers(number) for number in (0, 1, -1))
        axis = len(turned) - 2
        where = graph.integers(axis)
        one_more = graph.add("Slice", weights, first, second, where)
        # (N, W + 1, S) x (N, S, H) = (N, W + 1, H)
        means = graph.add("MatMul", graph.concat([weights, one_more], axis=axis), values.name)
        return graph.add("Slice", means, first, all_but_last, where)


class Int8(Arithmetic):
    """Products of integers: uint8 activations with a zero of 128, int8 weights."""

    activation: type[np.generic] = np.uint8

    def table(self, embeddings: Array) -> tuple[Array, float]:
        """See `Arithmetic.table`; one scale for the whole table."""
        scale = _scale(np.abs(embeddings).max(), LARGEST)
        return (np.rint(embeddings / scale) + ZERO).astype(np.uint8), float(scale)

    def operand(self, graph: Graph, vector: Vector) -> Operand:
        """See `Arithmetic.operand`."""
        name, bound, row_scale = self._bounded(graph, vector)
        scale = self.step_of(bound)
        quantised = graph.add("QuantizeLinear", name, *self._levels(graph, scale))
        return Operand(quantised, vector.size, scale, row_scale)

    def step_of(self, bound: float) -> float:
        """What one step of the integers is worth where no element is further than this from 0."""
        return float(np.float32(bound / LARGEST))

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

    def joined(
        self, graph: Graph, weights: Sequence[Array], inputs: Sequence[Operand]
    ) -> Matrix | None:
        """See `Arithmetic.joined`.

        Products of single steps are as fast as those of whole sequences, and one is less to write
        and to add up than two.
        """
        if any(x.row_scale is not None for x in inputs):
            return None
        steps = [*(x.scale for x in inputs), self.step_of(1.0)]
        alike = [
            weight * np.float32(step / steps[-1])
            for weight, step in zip(weights, steps, strict=True)
        ]
        return self.matrix(graph, np.concatenate(alike, axis=1))

    def hold_keys(self, graph: Graph, vectors: Vector, turned: Sequence[int]) -> Held:
        """See `Arithmetic.hold_keys`; they are held as the columns of a matrix."""
        held = self.hold_values(graph, vectors, turned)
        *others, length, size = held.shape
        name = graph.add("Transpose", held.name, perm=turned)
        return replace(held, name=name, shape=(*others, size, length))

    def hold_values(self, graph: Graph, vectors: Vector, turned: Sequence[int]) -> Held:
        """See `Arithmetic.hold_values`; they are quantised as weights are."""
        name, bound, scales = self._bounded(graph, vectors)
        scale = float(np.float32(bound / LARGEST_WEIGHT))
        held = graph.add(
            "QuantizeLinear", name, graph.constant(np.float32(scale)), graph.constant(np.int8(0))
        )
        if scales is not None:
            scales = graph.add("Transpose", scales, perm=turned)
        shape = _shape_of_held(vectors, turned)
        return Held(held, shape, np.int8, vectors.bound, scale, scales)

    def compare(self, graph: Graph, queries: Vector, keys: Held, turned: Sequence[int]) -> str:
        """See `Arithmetic.compare`."""
        scores = self._product(graph, self.operand(graph, queries), keys)
        return scores if keys.scales is None else graph.add("Mul", scores, keys.scales)

    def mix(self, graph: Graph, weights: str, values: Held, turned: Sequence[int]) -> str:
        """See `Arithmetic.mix`.

        The largest weight of a row is its scale: over a long source all may be small.
        """
        if values.scales is not None:
            weights = graph.add("Mul", weights, values.scales)
        return self._product(graph, self.operand(graph, Vector(weights, NO_SIZE, None)), values)

    def _product(self, graph: Graph, operand: Operand, held: Held) -> str:
        scale, zero = self._levels(graph, operand.scale)
        inputs = [operand.name, held.name, scale, graph.constant(np.float32(held.scale)), zero]
        product = graph.add("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)
        return (
            product if operand.row_scale is None else graph.add("Mul", product, operand.row_scale)
        )

    def _bounded(self, graph: Graph, vector: Vector) -> tuple[str, float, str | None]:
        """Vectors with a bound, and the value of shape (..., 1) that they were divided by."""
        if vector.bound is not None:
            return vector.name, vector.bound, None
        size = graph.add("Abs", vector.name)
        largest = graph.add("ReduceMax", size, graph.integers(-1), keepdims=1)
        row_scale = graph.add("Max", largest, graph.constant(np.float32(1e-30)))
        return graph.add("Div", vector.name, row_scale), 1.0, row_scale

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


def _shape_of_held(vectors: Vector, turned: Sequence[int]) -> tuple[int | str, ...]:
    heads = ("heads",) * (len(turned) - 3)
    return "sentences", *heads, "filled", vectors.size


def _scale(largest: Array, steps: int) -> Array:
    return np.maximum(np.asarray(largest, np.float32), np.float32(1e-30)) / np.float32(steps)


def _rows(graph: Graph, weight: Array, wanted: str) -> str:
    return graph.add("Transpose", graph.add("Gather", graph.constant(weight), wanted), perm=[1, 0])


ARITHMETIC = {"fp32": Arithmetic, "int8": Int8}
