"""The layers of `nmt.model` as parts of an ONNX graph: the same equations, the same weights.

A layer is made once for a graph, which puts its weights there, and then called with values. Names
of weights are those of ``model.safetensors``.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from nmt.config import CellName, ModelConfig
from nmt.decoding.arithmetic import Arithmetic, Operand, Vector
from nmt.decoding.graph import Array, Graph

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
        sizes: Lengths of the vectors that its input is made of.
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    unbiased: ClassVar[int] = 0
    """Gates that have no bias; they come first."""
    bound: ClassVar[float | None] = 1.0
    """No element of an output is further than this from 0; None if nothing is known."""

    def __init__(
        self, graph: Graph, arithmetic: Arithmetic, weights: Weights, sizes: Sequence[int]
    ) -> None:
        self.arithmetic = arithmetic
        self.size = len(weights["bias"]) // (self.gates - self.unbiased)
        weight, bias = self.arranged(weights["weight_input"]), self.arranged(weights["bias"])
        bias = np.pad(bias, (len(weight) - len(bias), 0))
        columns = np.split(weight, np.cumsum(sizes)[:-1], axis=1)
        biases = [bias, *[None] * (len(sizes) - 1)]
        self.inputs = [
            Linear(graph, arithmetic, part, b) for part, b in zip(columns, biases, strict=True)
        ]
        self.prepare(graph, weights)

    def arranged(self, weight: Array) -> Array:
        """The rows of a weight in the order in which a step takes them."""
        return weight

    def prepare(self, graph: Graph, weights: Weights) -> None:
        """Put what a step needs into the graph."""
        weight = self.arranged(weights["weight_hidden"])
        self.hidden = Linear(graph, self.arithmetic, weight, None)

    def project(self, graph: Graph, inputs: Sequence[Operand]) -> str:
        """``W x + b``, shape (..., gates * size)."""
        products = [linear(x) for linear, x in zip(self.inputs, inputs, strict=True)]
        total = products[0]
        for product in products[1:]:
            total = graph.add("Add", total, product)
        return total

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The output and the state after one step; each value has shape (rows, size)."""
        raise NotImplementedError

    def apply(self, graph: Graph, linear: Linear, vector: str) -> str:
        """A product with a state, or with part of one, which is never further than 1 from 0."""
        operand = self.arithmetic.operand(graph, Vector(vector, self.size, 1.0))
        return linear.arithmetic.product(graph, operand, linear.matrix, linear.bias)


class GraphElman(GraphCell):
    """``h = tanh(W x + b + U h)``."""

    gates = 1

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        h = graph.add("Tanh", graph.add("Add", projected, self.apply(graph, self.hidden, h)))
        return h, [h]


class GraphLSTM(GraphCell):
    """``c = f c + i g``, ``h = o tanh(c)``; the gates in the order i, f, o, g."""

    gates = 4
    states = 2

    def arranged(self, weight: Array) -> Array:
        """The three sigmoids next to each other."""
        i, f, g, o = np.split(weight, 4)
        return np.concatenate([i, f, o, g])

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        h, c = state
        gates = graph.add("Add", projected, self.apply(graph, self.hidden, h))
        sigmoids, g = graph.split(gates, 3 * self.size, self.size)
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

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        gates, n = graph.split(projected, 2 * self.size, self.size)
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

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        gates, n = graph.split(projected, 2 * self.size, self.size)
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

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (c,) = state
        x, n, gates = graph.split(projected, self.size, self.size, 2 * self.size)
        seen = graph.add("Mul", self.peephole, graph.concat([c, c]))
        f, r = _sigmoids(graph, graph.add("Add", gates, seen), self.size)
        c = _between(graph, f, c, n)
        return _between(graph, r, c, x), [c]


class GraphSSRU(GraphElementwise):
    """``c = f c + (1 - f) n``, ``h = relu(c)``."""

    gates = 2
    unbiased = 1

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (c,) = state
        n, f = graph.split(projected, self.size, self.size)
        c = _between(graph, graph.add("Sigmoid", f), c, n)
        return graph.add("Relu", c), [c]


class GraphMinGRU(GraphElementwise):
    """``h = (1 - z) h + z n``."""

    gates = 2

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        n, z = graph.split(projected, self.size, self.size)
        h = _between(graph, graph.add("Sigmoid", z), n, h)
        return h, [h]


class GraphMinLSTM(GraphElementwise):
    """``h = (f h + i n) / (f + i)``."""

    gates = 3

    def step(self, graph: Graph, projected: str, state: Sequence[str]) -> tuple[str, Sequence[str]]:
        """See `GraphCell.step`."""
        (h,) = state
        n, gates = graph.split(projected, self.size, 2 * self.size)
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
    projected = body.input(body.name(), np.float32, ["rows", cell.gates * cell.size])
    output, after = cell.step(body, projected, before)
    for value in (*after, output):
        body.output(body.name(), value, ["rows", cell.size])
    return graph.scan(body, [zeros] * cell.states, cell.project(graph, inputs))


class Look(NamedTuple):
    """What the attention of a decoder sees.

    Attributes:
        context: Shape (rows, context size); None without attention.
        weights: Shape (sentences, width, source length); None without attention.
    """

    context: Vector | None
    weights: str | None


class GraphAttention:
    """Where the decoder looks; see `nmt.model.attention`. This one does not look at all.

    Args:
        graph: Where it works.
        arithmetic: How to multiply.
        weights: Of the attention.
        config: Its sizes.
    """

    key: ClassVar[str] = ""
    """Name of the layer that makes the keys; empty where they are the memory itself."""

    def __init__(
        self, graph: Graph, arithmetic: Arithmetic, weights: Weights, config: ModelConfig
    ) -> None:
        self.graph, self.arithmetic, self.config = graph, arithmetic, config
        self.weights = weights

    def linear(self, name: str, x: Vector) -> str:
        """A layer of the attention, applied."""
        layer = Linear.of(self.graph, self.arithmetic, part(self.weights, name))
        return layer(self.arithmetic.operand(self.graph, x))

    def keys(self, memory: Vector) -> str:
        """What is compared with the queries, shape (sentences, source length, ...)."""
        return self.linear(self.key, memory)

    def look(self, query: Vector, memory: Vector, keys: str, mask: str, shape: str) -> Look:
        """Ask the memory.

        Args:
            query: Shape (rows, hidden size).
            memory: Shape (sentences, source length, hidden size).
            keys: What `keys` gave, or the memory.
            mask: 0 where a real token is, minus infinity elsewhere, shape (sentences, 1, source
                length).
            shape: The value (sentences, width).
        """
        return Look(None, None)

    def _grouped(self, value: str, shape: str) -> str:
        """Shape (rows, size) to (sentences, width, size)."""
        return self.graph.add("Reshape", value, self.graph.concat([shape, self.graph.integers(-1)]))

    def _ungrouped(self, value: str, size: int) -> str:
        """Shape (sentences, width, size) to (rows, size)."""
        return self.graph.add("Reshape", value, self.graph.integers(-1, size))


class GraphScored(GraphAttention):
    """Softmax over one score for each pair of a query and a source token."""

    def scores(self, query: Vector, keys: str, shape: str) -> str:
        """Scores, shape (sentences, width, source length)."""
        raise NotImplementedError

    def look(self, query: Vector, memory: Vector, keys: str, mask: str, shape: str) -> Look:
        """See `GraphAttention.look`."""
        masked = self.graph.add("Add", self.scores(query, keys, shape), mask)
        weights = self.graph.add("Softmax", masked, axis=-1)
        context = self._ungrouped(mixed(self.graph, weights, memory.name, 1), memory.size)
        return Look(Vector(context, memory.size, memory.bound), weights)


class GraphDot(GraphScored):
    """``query . memory``, scaled where these are normalised."""

    def scores(self, query: Vector, keys: str, shape: str) -> str:
        """See `GraphScored.scores`."""
        scores = compared(self.graph, self._grouped(query.name, shape), keys, [0, 2, 1])
        if not self.config.layer_norm:
            return scores
        scale = np.float32(self.config.hidden_size**-0.5)
        return self.graph.add("Mul", scores, self.graph.constant(scale))


class GraphGeneral(GraphDot):
    """``query . (W memory)``."""

    key = "key"


class GraphAdditive(GraphScored):
    """``v . tanh(W query + U memory)``."""

    key = "key"

    def scores(self, query: Vector, keys: str, shape: str) -> str:
        """See `GraphScored.scores`."""
        graph = self.graph
        asked = self._grouped(self.linear("query", query), shape)
        asked = graph.add("Unsqueeze", asked, graph.integers(2))
        # (N, W, 1, H) + (N, 1, S, H) = (N, W, S, H)
        compared = graph.add("Add", asked, graph.add("Unsqueeze", keys, graph.integers(1)))
        v = graph.constant(self.weights["energy.weight"].T)
        energy = graph.add("MatMul", graph.add("Tanh", compared), v)
        return graph.add("Squeeze", energy, graph.integers(-1))


class GraphMultiHead(GraphAttention):
    """Scaled dot products side by side."""

    key = "key_value"

    def look(self, query: Vector, memory: Vector, keys: str, mask: str, shape: str) -> Look:
        """See `GraphAttention.look`."""
        graph, size = self.graph, self.config.hidden_size
        key, value = (self._heads(part) for part in graph.split(keys, size, size))
        asked = self._heads(self._grouped(self.linear("query", query), shape))
        scores = compared(graph, asked, key, [0, 1, 3, 2])
        root = np.float32((size // self.config.attention_heads) ** 0.5)
        scores = graph.add("Div", scores, graph.constant(root))
        masked = graph.add("Add", scores, graph.add("Unsqueeze", mask, graph.integers(1)))
        weights = graph.add("Softmax", masked, axis=-1)
        seen = graph.add("Transpose", mixed(graph, weights, value, 2), perm=[0, 2, 1, 3])
        seen = graph.add("Reshape", seen, graph.integers(-1, size))
        context = self.linear("output", Vector(seen, size, None))
        mean = graph.add("ReduceMean", weights, graph.integers(1), keepdims=0)
        return Look(Vector(context, size, None), mean)

    def _heads(self, value: str) -> str:
        """Shape (sentences, length, size) to (sentences, heads, length, size / heads)."""
        heads = self.config.attention_heads
        shape = self.graph.integers(0, 0, heads, self.config.hidden_size // heads)
        return self.graph.add(
            "Transpose", self.graph.add("Reshape", value, shape), perm=[0, 2, 1, 3]
        )


def compared(graph: Graph, queries: str, keys: str, turned: list[int]) -> str:
    """The product of each query with each key, shape (sentences, ..., width, source length).

    The keys come first: how ONNX Runtime adds up a product depends on the length of the second
    matrix, which is the width then, and not on how long the longest source of the batch is.

    Args:
        graph: Where.
        queries: Shape (sentences, ..., width, size).
        keys: Shape (sentences, ..., source length, size).
        turned: The axes with the last two exchanged.
    """
    # (N, S, H) x (N, H, W) = (N, S, W)
    products = graph.add("MatMul", keys, graph.add("Transpose", queries, perm=turned))
    return graph.add("Transpose", products, perm=turned)


def mixed(graph: Graph, weights: str, values: str, axis: int) -> str:
    """The mean of the values by the weights of each query, shape (sentences, ..., width, size).

    ONNX Runtime adds up otherwise where there is a single query, so there never is: one more of
    them keeps a row's numbers the same whatever the width of the beam.

    Args:
        graph: Where.
        weights: Shape (sentences, ..., width, source length).
        values: Shape (sentences, ..., source length, size).
        axis: Where the width is.
    """
    first, second, all_but_last = (graph.integers(number) for number in (0, 1, -1))
    where = graph.integers(axis)
    one_more = graph.add("Slice", weights, first, second, where)
    # (N, W + 1, S) x (N, S, H) = (N, W + 1, H)
    means = graph.add("MatMul", graph.concat([weights, one_more], axis=axis), values)
    return graph.add("Slice", means, first, all_but_last, where)


ATTENTIONS: dict[str, type[GraphAttention]] = {
    "none": GraphAttention,
    "dot": GraphDot,
    "general": GraphGeneral,
    "additive": GraphAdditive,
    "multihead": GraphMultiHead,
}
