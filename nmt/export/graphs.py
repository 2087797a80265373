"""A trained model as two ONNX graphs: one reads a batch of sources, one takes a step of a search.

What is looked up by token stays beside the graphs as arrays: the embeddings, which both sides may
share, and the lexicon (see `nmt.export.folder`). The layers are those of `nmt.model`, written
once more in `nmt.export.cells` and `graph_attention`; a test holds them together.

Lengths in the shapes: ``sentences``, ``time`` (of the source), ``filled`` (the same, filled up to a
multiple of 8), ``width`` (rows of a sentence), ``rows`` (sentences x width), ``k`` (candidates) and
``outputs`` (target tokens in reach; in a step one more, for all the others).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nmt.config import ModelConfig
from nmt.export.attention import GraphAttention, Kept, Look, attentions
from nmt.export.cells import CELLS, GraphCell, Linear, Weights, added, normalised, part, unroll
from nmt.export.graph import Array, Graph
from nmt.export.quantisation import ARITHMETIC, Arithmetic, Held, Matrix, Operand, Vector, join

LENGTH_MULTIPLE = 8
"""Sums over the source are split at multiples of this length; with it kept, a sentence's numbers
are the same whatever longer sentence is beside it."""


@dataclass(frozen=True)
class Export:
    """What a model becomes.

    Attributes:
        encoder: Content of the .onnx file that reads the sources.
        step: Content of the .onnx file that takes a step.
        source_embeddings: Operands of the encoder, shape (source vocabulary, embedding size).
        target_embeddings: Operands of a step; the same array if they are shared.
        target_vocabulary: Number of target tokens.
    """

    encoder: bytes
    step: bytes
    source_embeddings: Array
    target_embeddings: Array
    target_vocabulary: int


def export(config: ModelConfig, weights: Weights, precision: str) -> Export:
    """Write a model as graphs.

    Args:
        config: What it is made of.
        weights: The content of its ``model.safetensors``.
        precision: "int8" or "fp32".
    """
    arithmetic = ARITHMETIC[precision]()
    source, source_scale = arithmetic.table(weights["source_embedding.weight"])
    target, target_scale = source, source_scale
    if not config.shared_embeddings:
        target, target_scale = arithmetic.table(weights["target_embedding.weight"])
    encoder = EncoderGraph(config, weights, arithmetic, source_scale)
    decoder = StepGraph(config, weights, arithmetic, target_scale, encoder)
    size = len(weights["vocabulary.bias"])
    return Export(encoder.model(), decoder.model(), source, target, size)


class EncoderGraph:
    """Reads the sources.

    Inputs: ``embedded`` (time, sentences, embedding size), ``lengths`` (sentences,), ``outputs``
    (outputs,), the target tokens in reach.

    Outputs: ``memory`` (sentences, filled, hidden size); of each sentence what a step takes up
    again, ``sentence.mask`` (sentences, 1, filled), ``sentence.summary`` and what the attentions
    keep; the first ``state.N`` of the decoder, (sentences, size); ``output.weight`` (size,
    outputs), ``output.scale`` and ``output.bias``.
    """

    def __init__(
        self, config: ModelConfig, weights: Weights, arithmetic: Arithmetic, scale: float
    ) -> None:
        self.graph = graph = Graph()
        self.config, self.weights, self.arithmetic = config, weights, arithmetic
        size = config.embedding_size
        name = graph.input("embedded", arithmetic.activation, ["time", "sentences", size])
        self.lengths = graph.input("lengths", np.int64, ["sentences"])
        memory = self._layers(Operand(name, size, scale))
        states = graph.add("Transpose", self._filled_up(memory.name), perm=[1, 0, 2])
        self.memory = Vector(states, memory.size, memory.bound)
        graph.output("memory", states, ["sentences", "filled", memory.size])
        self.kept = self._give_kept()
        self._give_mask()
        self._give_start()
        self._give_output_layer()

    def model(self) -> bytes:
        """The content of the file."""
        return self.graph.model()

    def _layers(self, embedded: Operand) -> Vector:
        graph, config = self.graph, self.config
        read, states = embedded, Vector("", 0, None)
        for depth, cell in enumerate(config.cells(config.encoder_layers)):
            if depth > 0:
                read = self.arithmetic.operand(graph, states)
            written = []
            directions = part(self.weights, f"encoder.layers.{depth}.directions")
            for backwards in range(1 + config.bidirectional):
                weights = part(directions, str(backwards))
                made = CELLS[cell](graph, self.arithmetic, weights, [read])
                written.append(self._direction(made, read, bool(backwards)))
            outputs = Vector(graph.concat(written), config.hidden_size, CELLS[cell].bound)
            if config.residual and read.size == outputs.size:
                before = states if depth > 0 else self.arithmetic.vector(graph, embedded)
                outputs = added(graph, outputs, before)
            if config.layer_norm:
                norm = part(self.weights, f"encoder.norms.{depth}")
                outputs = normalised(graph, norm, outputs)
            states = outputs
        return states

    def _direction(self, cell: GraphCell, read: Operand, backwards: bool) -> str:
        graph = self.graph
        if backwards:
            read = self._turned_operand(read)
        rows = graph.add("Shape", self.lengths)
        shape = graph.concat([rows, graph.integers(cell.size)], axis=0)
        zeros = graph.add("Expand", graph.constant(np.float32(0.0)), shape)
        outputs = unroll(graph, cell, [read], zeros)
        return self._turned(outputs) if backwards else outputs

    def _turned_operand(self, read: Operand) -> Operand:
        row_scale = None if read.row_scale is None else self._turned(read.row_scale)
        return replace(read, name=self._turned(read.name), row_scale=row_scale)

    def _turned(self, value: str) -> str:
        """Each sentence reversed by its own length, its padding left behind it."""
        return self.graph.add("ReverseSequence", value, self.lengths, time_axis=0, batch_axis=1)

    def _filled_up(self, memory: str) -> str:
        """The memory with zeros after it, up to a multiple of `LENGTH_MULTIPLE` in length."""
        graph = self.graph
        time = graph.add("Slice", graph.add("Shape", memory), *map(graph.integers, (0, 1)))
        missing = graph.add("Mod", graph.add("Neg", time), graph.integers(LENGTH_MULTIPLE))
        pads = graph.concat([graph.integers(0, 0, 0), missing, graph.integers(0, 0)], axis=0)
        return graph.add("Pad", memory, pads)

    def _give_kept(self) -> Mapping[str, Kept]:
        """What each attention keeps, under the names by which it is given out."""
        graph = self.graph
        given: dict[str, dict[str, Held]] = {}
        names: dict[str, str] = {}  # under which a value is given out already
        for name, attention in attentions(graph, self.arithmetic, self.weights, self.config):
            given[name] = {}
            for what, held in attention.keep(self.memory).items():
                value = names.setdefault(held.name, f"sentence.{name}_{what}")
                if value == f"sentence.{name}_{what}":
                    graph.output(value, held.name, held.shape, held.dtype)
                scales = None
                if held.scales is not None:
                    scales = f"{value}_scales"
                    graph.output(scales, held.scales, held.shape_of_scales)
                given[name][what] = replace(held, name=value, scales=scales)
        return given

    def _give_mask(self) -> None:
        graph = self.graph
        # (1, 1, time) < (sentences, 1, 1)
        time = graph.add("Gather", graph.add("Shape", self.memory.name), graph.integers(1))
        zero, one = graph.constant(np.int64(0)), graph.constant(np.int64(1))
        end = graph.add("Squeeze", time)
        positions = graph.add("Range", zero, end, one)
        length = graph.add("Reshape", self.lengths, graph.integers(-1, 1, 1))
        self.is_real = graph.add("Less", positions, length)
        nothing, never = graph.constant(np.float32(0)), graph.constant(np.float32(-np.inf))
        mask = graph.add("Where", self.is_real, nothing, never)
        graph.output("sentence.mask", mask, ["sentences", 1, "filled"])
        self.positions, self.length = positions, length

    def _summary(self) -> Vector:
        """The context vector of each sentence; see `nmt.model.seq2seq`."""
        graph, size = self.graph, self.memory.size
        if self.config.bridge == "mean":
            share = graph.add("Div", graph.float32(self.is_real), graph.float32(self.length))
        else:
            last = graph.add("Sub", self.length, graph.constant(np.int64(1)))
            share = graph.float32(graph.add("Equal", self.positions, last))
        # (N, 1, S) x (N, S, H) = (N, 1, H)
        seen = graph.add("MatMul", share, self.memory.name)
        summary = graph.add("Reshape", seen, graph.integers(-1, size))
        if self.config.bridge == "final" and self.config.bidirectional:
            first = graph.add(
                "Gather", self.memory.name, graph.constant(np.int64(0)), axis=1
            )  # where reading backwards ends
            forward, _ = graph.split(summary, size // 2, size // 2)
            _, backward = graph.split(first, size // 2, size // 2)
            summary = graph.concat([forward, backward])
        return Vector(summary, size, self.memory.bound)

    def _give_start(self) -> None:
        graph, config = self.graph, self.config
        summary = self._summary()
        if config.context_every_step:
            graph.output("sentence.summary", summary.name, ["sentences", summary.size])
        operand = self.arithmetic.operand(graph, summary)
        number = 0
        for depth, cell in enumerate(config.cells(config.decoder_layers)):
            bridge = part(self.weights, f"decoder.bridge.{depth}")
            states = graph.add("Tanh", Linear.of(graph, self.arithmetic, bridge)(operand))
            for state in graph.split(states, *[config.hidden_size] * CELLS[cell].states):
                graph.output(f"state.{number}", state, ["sentences", config.hidden_size])
                number += 1
        if config.input_feeding:
            size = output_size(config)
            shape = graph.concat([graph.add("Shape", self.lengths), graph.integers(size)], axis=0)
            zeros = graph.add("Expand", graph.constant(np.float32(0.0)), shape)
            graph.output(f"state.{number}", zeros, ["sentences", size])

    def _give_output_layer(self) -> None:
        graph = self.graph
        tied = self.config.tied_output
        embedding = "source" if self.config.shared_embeddings else "target"
        name = f"{embedding}_embedding.weight" if tied else "vocabulary.weight"
        wanted = graph.input("outputs", np.int64, ["outputs"])
        matrix = self.arithmetic.rows(graph, self.weights[name], wanted)
        bias = graph.add("Gather", graph.constant(self.weights["vocabulary.bias"]), wanted)
        dtype = np.float32 if matrix.scale is None else np.int8
        graph.output("output.weight", matrix.weight, [output_size(self.config), "outputs"], dtype)
        if matrix.scale is not None:
            graph.output("output.scale", matrix.scale, ["outputs"])
        graph.output("output.bias", bias, ["outputs"])


class StepGraph:
    """Takes one step in every row.

    Inputs: ``embedded`` (rows, embedding size); ``shape`` (2,), how many sentences and how many
    rows of each; ``state.N`` (rows, size); what the encoder gave out as ``sentence...`` and
    ``output...``, the latter with one more output that stands for all that is out of reach;
    ``allowed`` (sentences or 1, 1, outputs), 0 or minus infinity; ``k`` (1,).

    Outputs: ``next.N``; ``in_reach`` (rows, outputs - 1), log-probabilities; the k largest of
    them, ``best`` (rows, k), and where they are, ``best_at``; ``attention`` (rows, filled).
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        arithmetic: Arithmetic,
        scale: float,
        encoder: EncoderGraph,
    ) -> None:
        self.graph = graph = Graph()
        self.config, self.weights, self.arithmetic = config, weights, arithmetic
        size = config.embedding_size
        embedded = graph.input("embedded", arithmetic.activation, ["rows", size])
        self.shape = graph.input("shape", np.int64, [2])
        self.memory_bound, self.kept = encoder.memory.bound, encoder.kept
        self.states: list[str] = []
        self.inputs: set[str] = set()
        output, weights_seen = self._decode(Operand(embedded, size, scale))
        self._give_candidates(output)
        if weights_seen is not None:
            seen = graph.concat([graph.integers(-1), self._time()], axis=0)
            attention = graph.add("Reshape", weights_seen, seen)
            graph.output("attention", attention, ["rows", "filled"])

    def model(self) -> bytes:
        """The content of the file."""
        return self.graph.model()

    def _state(self, size: int) -> str:
        """The next of the states that the rows bring along."""
        name = f"state.{len(self.states)}"
        self.states.append(name)
        return self.graph.input(name, np.float32, ["rows", size])

    def _sentence(
        self, name: str, shape: Sequence[int | str], dtype: type[np.generic] = np.float32
    ) -> str:
        """What the encoder gave out of each sentence."""
        if name not in self.inputs:
            self.inputs.add(name)
            self.graph.input(name, dtype, shape)
        return name

    def _time(self) -> str:
        return self.graph.add(
            "Gather", self.graph.add("Shape", "sentence.mask"), self.graph.integers(2)
        )

    def _decode(self, embedded: Operand) -> tuple[Vector, str | None]:
        """The output vectors, and the weights of the last attention."""
        graph, config, hidden = self.graph, self.config, self.config.hidden_size
        cells = config.cells(config.decoder_layers)
        before = [[self._state(hidden) for _ in range(CELLS[cell].states)] for cell in cells]
        after: list[str] = []
        fed = self._fed()
        first, last = (
            attention for _, attention in attentions(graph, self.arithmetic, self.weights, config)
        )
        look = Look(None, None)
        vectors = self.arithmetic.vector(graph, embedded)
        for depth, cell in enumerate(cells):
            if depth == 0:
                read = [embedded, *self._operands(fed)]
                vectors = join(graph, [vectors, *fed]) if fed else vectors
            else:
                read = self._operands([vectors, *_seen(look)])
            weights = part(self.weights, f"decoder.layers.{depth}")
            made = CELLS[cell](graph, self.arithmetic, weights, read)
            above, new = made.step(graph, made.project(graph, read), before[depth])
            after += new
            written = Vector(above, hidden, made.bound)
            is_added = config.residual and vectors.size == hidden
            vectors = added(graph, written, vectors) if is_added else written
            if config.layer_norm:
                norm = part(self.weights, f"decoder.norms.{depth}")
                vectors = normalised(graph, norm, vectors)
            if depth == 0:
                look = self._look("first", first, vectors)
        last_look = self._look("last", last, vectors)
        parts = [vectors, *(_seen(look) if len(cells) == 1 else []), *_seen(last_look)]
        layer = Linear.of(graph, self.arithmetic, part(self.weights, "decoder.output"))
        hidden_output = layer(self.arithmetic.operand(graph, join(graph, parts)))
        output = Vector(graph.add("Tanh", hidden_output), output_size(config), 1.0)
        after += [output.name] * config.input_feeding
        for number, state in enumerate(after):
            size = output.size if state == output.name else hidden
            graph.output(f"next.{number}", state, ["rows", size])
        return output, last_look.weights or look.weights

    def _fed(self) -> list[Vector]:
        """What the first layer reads beside the token."""
        graph, config, fed = self.graph, self.config, []
        if config.input_feeding:
            size = output_size(config)
            fed.append(Vector(self._state(size), size, 1.0))
        if config.context_every_step:
            size = config.hidden_size
            summary = self._sentence("sentence.summary", ["sentences", size])
            shape = graph.concat([self.shape, graph.integers(size)], axis=0)
            spread = graph.add("Unsqueeze", summary, graph.integers(1))
            spread = graph.add("Expand", spread, shape)
            context = graph.add("Reshape", spread, graph.integers(-1, size))
            fed.append(Vector(context, size, self.memory_bound))
        return fed

    def _operands(self, vectors: list[Vector]) -> list[Operand]:
        """The vectors as one operand, or none."""
        return [self.arithmetic.operand(self.graph, join(self.graph, vectors))] if vectors else []

    def _look(self, name: str, attention: GraphAttention, query: Vector) -> Look:
        kept = self.kept[name]
        if not kept:
            return Look(None, None)
        for held in kept.values():
            self._sentence(held.name, held.shape, held.dtype)
            if held.scales is not None:
                self._sentence(held.scales, held.shape_of_scales)
        mask = self._sentence("sentence.mask", ["sentences", 1, "filled"])
        return attention.look(query, kept, mask, self.shape)

    def _give_candidates(self, output: Vector) -> None:
        graph = self.graph
        is_integer = self.arithmetic.activation is not np.float32
        weight = graph.input(
            "output.weight", np.int8 if is_integer else np.float32, [output.size, "outputs"]
        )
        scale = graph.input("output.scale", np.float32, ["outputs"]) if is_integer else None
        bias = graph.input("output.bias", np.float32, ["outputs"])
        allowed = graph.input("allowed", np.float32, ["sentences or 1", 1, "outputs"])
        operand = self.arithmetic.operand(graph, output)
        logits = self.arithmetic.product(graph, operand, Matrix(weight, scale), bias)
        flat = graph.add("Shape", logits)
        # (N, W, outputs) + (N, 1, outputs)
        grouped = graph.concat([self.shape, graph.integers(-1)], axis=0)
        masked = graph.add("Add", graph.add("Reshape", logits, grouped), allowed)
        masked = graph.add("Reshape", masked, flat)
        probabilities = graph.add("LogSoftmax", masked, axis=-1)
        # from the first to all but the last of axis 1
        places = [graph.integers(number) for number in (0, -1, 1)]
        in_reach = graph.add("Slice", probabilities, *places)
        best, best_at = graph.largest(in_reach, graph.input("k", np.int64, [1]))
        graph.output("in_reach", in_reach, ["rows", "outputs but one"])
        graph.output("best", best, ["rows", "k"])
        graph.output("best_at", best_at, ["rows", "k"], np.int64)


def output_size(config: ModelConfig) -> int:
    """Size of the vectors that the output layer reads; see `nmt.model.decoder`."""
    return config.embedding_size if config.tied_output else config.hidden_size


def _seen(look: Look) -> list[Vector]:
    return [] if look.context is None else [look.context]
