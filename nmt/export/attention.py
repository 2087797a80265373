"""The attentions of `nmt.model.attention` as parts of an ONNX graph.

What an attention looks at stays the same in all steps: `keep` makes it once, in the graph that
reads the sources, and `look` takes it up in the graph of a step.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from nmt.config import ModelConfig
from nmt.export.cells import Linear, Weights, part
from nmt.export.graph import Graph
from nmt.export.quantisation import Arithmetic, Held, Vector

OF_SENTENCES = [0, 2, 1]
OF_HEADS = [0, 1, 3, 2]
"""The axes of what is held, the last two exchanged."""

Kept = Mapping[str, Held]


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

    def keep(self, memory: Vector) -> Kept:
        """What it looks at in every step, by name.

        Args:
            memory: Shape (sentences, source length, hidden size).
        """
        return {}

    def look(self, query: Vector, kept: Kept, mask: str, shape: str) -> Look:
        """Ask the memory.

        Args:
            query: Shape (rows, hidden size).
            kept: What `keep` made of it.
            mask: 0 where a real token is, minus infinity elsewhere, shape (sentences, 1, source
                length).
            shape: The value (sentences, width).
        """
        return Look(None, None)

    def _grouped(self, value: str, shape: str) -> str:
        """Shape (rows, size) to (sentences, width, size)."""
        return self.graph.add("Reshape", value, self.graph.concat([shape, self.graph.integers(-1)]))


class GraphScored(GraphAttention):
    """Softmax over one score for each pair of a query and a source token."""

    def keys(self, memory: Vector) -> Held:
        """What is compared with the queries."""
        size = self.config.hidden_size
        keys = Vector(self.linear(self.key, memory), size, None) if self.key else memory
        return self.arithmetic.hold_keys(self.graph, keys, OF_SENTENCES)

    def keep(self, memory: Vector) -> Kept:
        """See `GraphAttention.keep`."""
        values = self.arithmetic.hold_values(self.graph, memory, OF_SENTENCES)
        return {"keys": self.keys(memory), "values": values}

    def scores(self, query: Vector, keys: Held, shape: str) -> str:
        """Scores, shape (sentences, width, source length)."""
        raise NotImplementedError

    def look(self, query: Vector, kept: Kept, mask: str, shape: str) -> Look:
        """See `GraphAttention.look`."""
        graph, size = self.graph, self.config.hidden_size
        masked = graph.add("Add", self.scores(query, kept["keys"], shape), mask)
        weights = graph.add("Softmax", masked, axis=-1)
        means = self.arithmetic.mix(graph, weights, kept["values"], OF_SENTENCES)
        context = graph.add("Reshape", means, graph.integers(-1, size))
        return Look(Vector(context, size, kept["values"].bound), weights)


class GraphDot(GraphScored):
    """``query . memory``, scaled where these are normalised."""

    def scores(self, query: Vector, keys: Held, shape: str) -> str:
        """See `GraphScored.scores`."""
        grouped = Vector(self._grouped(query.name, shape), query.size, query.bound)
        scores = self.arithmetic.compare(self.graph, grouped, keys, OF_SENTENCES)
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

    def keys(self, memory: Vector) -> Held:
        """What is added to the queries: no product, so always float32."""
        size = self.config.hidden_size
        return Held(self.linear(self.key, memory), ("sentences", "filled", size))

    def scores(self, query: Vector, keys: Held, shape: str) -> str:
        """See `GraphScored.scores`."""
        graph = self.graph
        asked = self._grouped(self.linear("query", query), shape)
        asked = graph.add("Unsqueeze", asked, graph.integers(2))
        # (N, W, 1, H) + (N, 1, S, H) = (N, W, S, H)
        compared = graph.add("Add", asked, graph.add("Unsqueeze", keys.name, graph.integers(1)))
        v = graph.constant(self.weights["energy.weight"].T)
        energy = graph.add("MatMul", graph.add("Tanh", compared), v)
        return graph.add("Squeeze", energy, graph.integers(-1))


class GraphMultiHead(GraphAttention):
    """Scaled dot products side by side."""

    def keep(self, memory: Vector) -> Kept:
        """See `GraphAttention.keep`."""
        size = self.config.hidden_size
        both = self.graph.split(self.linear("key_value", memory), size, size)
        keys, values = (self._heads(value) for value in both)
        return {
            "keys": self.arithmetic.hold_keys(self.graph, keys, OF_HEADS),
            "values": self.arithmetic.hold_values(self.graph, values, OF_HEADS),
        }

    def look(self, query: Vector, kept: Kept, mask: str, shape: str) -> Look:
        """See `GraphAttention.look`."""
        graph, size = self.graph, self.config.hidden_size
        asked = self._heads(self._grouped(self.linear("query", query), shape))
        scores = self.arithmetic.compare(graph, asked, kept["keys"], OF_HEADS)
        scores = graph.add("Div", scores, graph.constant(np.float32(asked.size**0.5)))
        masked = graph.add("Add", scores, graph.add("Unsqueeze", mask, graph.integers(1)))
        weights = graph.add("Softmax", masked, axis=-1)
        means = self.arithmetic.mix(graph, weights, kept["values"], OF_HEADS)
        seen = graph.add("Transpose", means, perm=[0, 2, 1, 3])
        seen = graph.add("Reshape", seen, graph.integers(-1, size))
        context = self.linear("output", Vector(seen, size, None))
        mean = graph.add("ReduceMean", weights, graph.integers(1), keepdims=0)
        return Look(Vector(context, size, None), mean)

    def _heads(self, value: str) -> Vector:
        """Shape (sentences, length, size) to (sentences, heads, length, size / heads)."""
        heads = self.config.attention_heads
        size = self.config.hidden_size // heads
        split = self.graph.add("Reshape", value, self.graph.integers(0, 0, heads, size))
        return Vector(self.graph.add("Transpose", split, perm=[0, 2, 1, 3]), size, None)


ATTENTIONS: dict[str, type[GraphAttention]] = {
    "none": GraphAttention,
    "dot": GraphDot,
    "general": GraphGeneral,
    "additive": GraphAdditive,
    "multihead": GraphMultiHead,
}


def attentions(
    graph: Graph,
    arithmetic: Arithmetic,
    weights: Weights,
    config: ModelConfig,
) -> Iterator[tuple[str, GraphAttention]]:
    """The first and the last attention of the decoder, made for a graph."""
    for name in ("first", "last"):
        is_asked = config.attention_query in (name, "both")
        kind = ATTENTIONS[config.attention if is_asked else "none"]
        yield name, kind(graph, arithmetic, part(weights, f"decoder.{name}_attention"), config)
