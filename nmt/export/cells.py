"""The layers of `nmt.model` as parts of an ONNX graph: the same equations, the same weights.

A layer is made once for a graph, which puts its weights there, and then called with values. Names
of weights are those of ``model.safetensors``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from nmt.config import CellName
from nmt.export.graph import Array, Graph
from nmt.export.quantisation import Arithmetic, Operand, Vector

Weights = Mapping[str, Array]
"""The weights of a model, or of a part of it, by name."""


def part(weights: Weights, prefix: str) -> Weights:
    """The weights whose names begin with ``prefix.``, without it."""
    start = f"{prefix}."
    return {name[len(start) :]: w for name, w in weights.items() if name.startswith(start)}


class Linear:
    """``W x + b``, or ``W x`` where there is no bias."""

    def __init__(
        self, graph: Graph, arithmetic: Arithmetic, weight: Array, bias: Array | None
    ) -> None:
        self.graph, self.arithmetic = graph, arithmetic
        self.matrix = arithmetic.matrix(graph, weight)
        self.bias = None if bias is None else graph.constant(bias)

    @classmethod
    def of(cls, graph: Graph, arithmetic: Arithmetic, weights: Weights) -> "Linear":
        """The layer of a ``torch.nn.Linear``."""
        return cls(graph, arithmetic, weights["weight"], weights.get("bias"))

    def __call__(self, x: Operand) -> str:
        """Multiply."""
        return self.arithmetic.product(self.graph, x, self.matrix, self.bias)


def normalised(graph: Graph, weights: Weights, vectors: Vector) -> Vector:
    """Layer normalisation; see `nmt.model.normalisation`.

    An element may be as far from 0 as the root of the size, though hardly any is: nothing is made
    known of them, so that integers get a scale from each row.

    Args:
        graph: Where.
        weights: Gain and bias, of a ``torch.nn.LayerNorm``.
        vectors: What to normalise.
    """
    gain, bias = (graph.constant(weights[name]) for name in ("weight", "bias"))
    name = graph.add("LayerNormalization", vectors.name, gain, bias, axis=-1, epsilon=1e-5)
    return Vector(name, vectors.size, None)


class GraphCell:
    """One step of a recurrent cell; see `nmt.model.cells`.

    Args:
        graph: Where it works.
        arithmetic: How to multiply.
        weights: Of the cell.
        inputs: What its input is made of; the values themselves may be others.
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    unbiased: ClassVar[int] = 0
    """Gates that have no bias; they come first."""
    bound: ClassVar[float | None] = 1.0
    """No element of an output is further than this from 0; None if nothing is known."""

    def __init__(
        self, graph: Graph, arithmetic: Arithmetic, weights: Weights, inputs: Sequence[Operand]
    ) -> None:
        self.arithmetic = arithmetic
        self.size = len(weights["bias"]) // (self.gates - self.unbiased)
        self.read_type: type[np.generic] = np.float32
        self.read_size = self.gates * self.size
        weight, bias = self.arranged(weights["weight_input"]), self.arranged(weights["bias"])
        bias = np.pad(bias, (len(weight) - len(bias), 0))
        columns = np.split(weight, np.cumsum([x.size for x in inputs])[:-1], axis=1)
        self.prepare_input(graph, columns, bias, inputs)
        self.prepare(graph, weights)

    def arranged(self, weight: Array) -> Array:
        """The rows of a weight in the order in which a step takes them."""
        return weight

    def prepare_input(
        self, graph: Graph, columns: Sequence[Array], bias: Array, inputs: Sequence[Operand]
    ) -> None:
        """Put what `project` needs into the graph."""
        biases = [bias, *[None] * (len(columns) - 1)]
        self.inputs = [
            Linear(graph, self.arithmetic, weight, b)
            for weight, b in zip(columns, biases, strict=True)
        ]

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """Put what else a step needs into the graph."""
        raise NotImplementedError

    def project(self, graph: Graph, inputs: Sequence[Operand]) -> str:
        """What a step reads, of `read_type` and shape (..., read_size): here ``W x + b``."""
        products = [linear(x) for linear, x in zip(self.inputs, inputs, strict=True)]
        total = products[0]
        for product in products[1:]:
            total = graph.add("Add", total, product)
        return total

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The output and the state after one step; each value has shape (rows, size).

        Args:
            graph: Where.
            read: What `project` gave, of one step.
            state: Before.
        """
        raise NotImplementedError

    def apply(self, graph: Graph, linear: Linear, vector: str) -> str:
        """A product with a state, or with part of one, which is never further than 1 from 0."""
        operand = self.arithmetic.operand(graph, Vector(vector, self.size, 1.0))
        return linear.arithmetic.product(graph, operand, linear.matrix, linear.bias)


class GraphSummed(GraphCell):
    """A cell whose gates are all made of ``W x + b + U h``: of one product, where that pays.

    Whether it does is known to `prepare`, which has all the weights.
    """

    def prepare_input(
        self, graph: Graph, columns: Sequence[Array], bias: Array, inputs: Sequence[Operand]
    ) -> None:
        """See `GraphCell.prepare_input`; the weights are put into the graph by `prepare`."""
        self._columns, self._bias, self._inputs = columns, bias, inputs

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """See `GraphCell.prepare`."""
        hidden = self.arranged(weights["weight_hidden"])
        self.joined = self.arithmetic.joined(graph, [*self._columns, hidden], self._inputs)
        if self.joined is None:
            super().prepare_input(graph, self._columns, self._bias, self._inputs)
            self.hidden = Linear(graph, self.arithmetic, hidden, None)
        else:
            self.bias = graph.constant(self._bias)
            self.read_type = self.arithmetic.activation
            self.read_size = sum(x.size for x in self._inputs)

    def project(self, graph: Graph, inputs: Sequence[Operand]) -> str:
        """See `GraphCell.project`; the inputs themselves, where products are joined."""
        if self.joined is None:
            return super().project(graph, inputs)
        return graph.concat([x.name for x in inputs])

    def sums(self, graph: Graph, read: str, h: str) -> str:
        """``W x + b + U h``, shape (rows, gates * size)."""
        if self.joined is None:
            return graph.add("Add", read, self.apply(graph, self.hidden, h))
        operand = self.arithmetic.operand(graph, Vector(h, self.size, 1.0))
        size = self.read_size + operand.size
        both = replace(operand, name=graph.concat([read, operand.name]), size=size)
        return self.arithmetic.product(graph, both, self.joined, self.bias)


class GraphElman(GraphSummed):
    """``h = tanh(W x + b + U h)``."""

    gates = 1

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        h = graph.add("Tanh", self.sums(graph, read, h))
        return h, [h]


class GraphLSTM(GraphSummed):
    """``c = f c + i g``, ``h = o tanh(c)``; the gates in the order i, f, o, g."""

    gates = 4
    states = 2

    def arranged(self, weight: Array) -> Array:
        """The three sigmoids next to each other."""
        i, f, g, o = np.split(weight, 4)
        return np.concatenate([i, f, o, g])

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        h, c = state
        sigmoids, g = graph.split(self.sums(graph, read, h), 3 * self.size, self.size)
        i, f, o = graph.split(graph.add("Sigmoid", sigmoids), *[self.size] * 3)
        kept = graph.add("Mul", f, c)
        c = graph.add("Add", kept, graph.add("Mul", i, graph.add("Tanh", g)))
        h = graph.add("Mul", o, graph.add("Tanh", c))
        return h, [h, c]


class GraphGRU(GraphCell):
    """``n = tanh(W x + b + r (U h + b'))``, ``h = z h + (1 - z) n``."""

    gates = 3

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """Put what a step needs into the graph."""
        bias = np.concatenate([np.zeros(2 * self.size, np.float32), weights["bias_candidate"]])
        self.hidden = Linear(graph, self.arithmetic, weights["weight_hidden"], bias)

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        gates, n = graph.split(read, 2 * self.size, self.size)
        hidden = self.apply(graph, self.hidden, h)
        hidden_gates, hidden_n = graph.split(hidden, 2 * self.size, self.size)
        r, z = _sigmoids(graph, graph.add("Add", gates, hidden_gates), self.size)
        n = graph.add("Tanh", graph.add("Add", n, graph.add("Mul", r, hidden_n)))
        h = _between(graph, z, h, n)
        return h, [h]


class GraphChoGRU(GraphCell):
    """``n = tanh(W x + b + U (r h))``, ``h = z h + (1 - z) n``."""

    gates = 3

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """Put what a step needs into the graph."""
        gates, candidate = np.split(weights["weight_hidden"], [2 * self.size])
        self.hidden = Linear(graph, self.arithmetic, gates, None)
        self.candidate = Linear(graph, self.arithmetic, candidate, None)

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        gates, n = graph.split(read, 2 * self.size, self.size)
        gates = graph.add("Add", gates, self.apply(graph, self.hidden, h))
        r, z = _sigmoids(graph, gates, self.size)
        hidden = self.apply(graph, self.candidate, graph.add("Mul", r, h))
        n = graph.add("Tanh", graph.add("Add", n, hidden))
        h = _between(graph, z, h, n)
        return h, [h]


class GraphElementwise(GraphCell):
    """A cell in which an element of the state looks at no other one."""

    bound = None

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """There is no product with the state."""


class GraphSRU(GraphElementwise):
    """``c = f c + (1 - f) n``, ``h = r c + (1 - r) x``."""

    gates = 4
    unbiased = 2

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """Put what a step needs into the graph."""
        self.peephole = graph.constant(weights["peephole"].reshape(-1))
        self.is_input_given = len(weights["weight_input"]) < self.gates * self.size

    def project(self, graph: Graph, inputs: Sequence[Operand]) -> str:
        """See `GraphCell.project`; the highway comes first."""
        projected = super().project(graph, inputs)
        if not self.is_input_given:
            return projected
        x = [self.arithmetic.vector(graph, operand).name for operand in inputs]
        return graph.concat([*x, projected])

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (c,) = state
        x, n, gates = graph.split(read, self.size, self.size, 2 * self.size)
        seen = graph.add("Mul", self.peephole, graph.concat([c, c]))
        f, r = _sigmoids(graph, graph.add("Add", gates, seen), self.size)
        c = _between(graph, f, c, n)
        return _between(graph, r, c, x), [c]


class GraphSSRU(GraphElementwise):
    """``c = f c + (1 - f) n``, ``h = relu(c)``."""

    gates = 2
    unbiased = 1

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (c,) = state
        n, f = graph.split(read, self.size, self.size)
        c = _between(graph, graph.add("Sigmoid", f), c, n)
        return graph.add("Relu", c), [c]


class GraphMinGRU(GraphElementwise):
    """``h = (1 - z) h + z n``."""

    gates = 2

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        n, z = graph.split(read, self.size, self.size)
        h = _between(graph, graph.add("Sigmoid", z), n, h)
        return h, [h]


class GraphMinLSTM(GraphElementwise):
    """``h = (f h + i n) / (f + i)``."""

    gates = 3

    def step(self, graph: Graph, read: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        n, gates = graph.split(read, self.size, 2 * self.size)
        i, f = _sigmoids(graph, gates, self.size)
        h = _between(graph, graph.add("Div", f, graph.add("Add", f, i)), h, n)
        return h, [h]


def _sigmoids(graph: Graph, gates: str, size: int) -> list[str]:
    return graph.split(graph.add("Sigmoid", gates), size, size)


def _between(graph: Graph, z: str, h: str, n: str) -> str:
    """``z h + (1 - z) n``, written ``n + z (h - n)``."""
    return graph.add("Add", n, graph.add("Mul", z, graph.add("Sub", h, n)))


CELLS: dict[CellName, type[GraphCell]] = {
    "lstm": GraphLSTM,
    "gru": GraphGRU,
    "gru-cho": GraphChoGRU,
    "rnn": GraphElman,
    "sru": GraphSRU,
    "ssru": GraphSSRU,
    "mingru": GraphMinGRU,
    "minlstm": GraphMinLSTM,
}


def unroll(graph: Graph, cell: GraphCell, inputs: Sequence[Operand], zeros: str) -> str:
    """Run a cell over a sequence from a state of zeros.

    Args:
        graph: Where.
        cell: The cell.
        inputs: Shape (steps, rows, size).
        zeros: Shape (rows, hidden size).

    Returns:
        The outputs, shape (steps, rows, hidden size).
    """
    body = Graph(graph)
    before = [body.input(body.name(), np.float32, ["rows", cell.size]) for _ in range(cell.states)]
    read = body.input(body.name(), cell.read_type, ["rows", cell.read_size])
    output, after = cell.step(body, read, before)
    for value in (*after, output):
        body.output(body.name(), value, ["rows", cell.size])
    return graph.scan(body, [zeros] * cell.states, cell.project(graph, inputs))


def added(graph: Graph, one: Vector, other: Vector) -> Vector:
    """The sum of vectors of one size."""
    known = one.bound is not None and other.bound is not None
    bound = one.bound + other.bound if known else None  # type: ignore[operator]
    return Vector(graph.add("Add", one.name, other.name), one.size, bound)
