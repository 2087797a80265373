"""Independent oracles in NumPy, float64, written from the papers and not from nmt's code.

Slow and plain on purpose: one sentence at a time, so nothing is padded and nothing is masked; one
token at a time through all layers, where nmt runs each layer over a whole sequence. What they take
from nmt is the names of the weights and the documented order of the gates in them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nmt.config import ModelConfig

Array = NDArray[np.float64]
Weights = Mapping[str, Array]
State = tuple[Array, ...]


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def layer_norm(weights: Weights, x: Array) -> Array:
    """Ba et al. 2016, equation 4, of one vector."""
    centred = x - x.mean()
    return weights["weight"] * centred / np.sqrt((centred**2).mean() + 1e-5) + weights["bias"]


def part(weights: Weights, prefix: str) -> dict[str, Array]:
    """The weights of one module, without its name in front."""
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}


# Cells. W reads the input x, U the state h before; gates are stacked in W, U and b. Each gives its
# output and the state after.

Step = tuple[Array, State]


def elman_step(weights: Weights, x: Array, state: State) -> Step:
    """Elman 1990: h' = tanh(W x + U h + b)."""
    (h,) = state
    h = np.tanh(weights["weight_input"] @ x + weights["weight_hidden"] @ h + weights["bias"])
    return h, (h,)


def lstm_step(weights: Weights, x: Array, state: State) -> Step:
    """Gers et al. 2000, no peepholes: input and forget gate, candidate, output gate."""
    h, c = state
    w_i, w_f, w_g, w_o = np.split(weights["weight_input"], 4)
    u_i, u_f, u_g, u_o = np.split(weights["weight_hidden"], 4)
    b_i, b_f, b_g, b_o = np.split(weights["bias"], 4)
    write = sigmoid(w_i @ x + u_i @ h + b_i)
    keep = sigmoid(w_f @ x + u_f @ h + b_f)
    candidate = np.tanh(w_g @ x + u_g @ h + b_g)
    show = sigmoid(w_o @ x + u_o @ h + b_o)
    new_c = keep * c + write * candidate
    new_h = show * np.tanh(new_c)
    return new_h, (new_h, new_c)


def gru_step(weights: Weights, x: Array, state: State) -> Step:
    """The GRU of cuDNN: n = tanh(W x + b + r * (U h + b')), h' = (1 - z) n + z h."""
    (h,) = state
    w_r, w_z, w_n = np.split(weights["weight_input"], 3)
    u_r, u_z, u_n = np.split(weights["weight_hidden"], 3)
    b_r, b_z, b_n = np.split(weights["bias"], 3)
    reset = sigmoid(w_r @ x + u_r @ h + b_r)
    update = sigmoid(w_z @ x + u_z @ h + b_z)
    candidate = np.tanh(w_n @ x + b_n + reset * (u_n @ h + weights["bias_candidate"]))
    new_h = (1.0 - update) * candidate + update * h
    return new_h, (new_h,)


def cho_gru_step(weights: Weights, x: Array, state: State) -> Step:
    """Cho et al. 2014, equations 5 to 8: h~ = tanh(W x + U (r * h)), h' = z h + (1 - z) h~."""
    (h,) = state
    w_r, w_z, w_n = np.split(weights["weight_input"], 3)
    u_r, u_z, u_n = np.split(weights["weight_hidden"], 3)
    b_r, b_z, b_n = np.split(weights["bias"], 3)
    reset = sigmoid(w_r @ x + u_r @ h + b_r)
    update = sigmoid(w_z @ x + u_z @ h + b_z)
    candidate = np.tanh(w_n @ x + u_n @ (reset * h) + b_n)
    new_h = update * h + (1.0 - update) * candidate
    return new_h, (new_h,)


def sru_step(weights: Weights, x: Array, state: State) -> Step:
    """Lei et al. 2018, equations 1 to 4; the highway is x, or W_x x where its size is another."""
    (c,) = state
    size = len(c)
    *w_x, w, w_f, w_r = np.split(weights["weight_input"], len(weights["weight_input"]) // size)
    v_f, v_r = weights["peephole"]
    b_f, b_r = np.split(weights["bias"], 2)
    forget = sigmoid(w_f @ x + v_f * c + b_f)
    reset = sigmoid(w_r @ x + v_r * c + b_r)
    new_c = forget * c + (1.0 - forget) * (w @ x)
    highway = w_x[0] @ x if w_x else x
    return reset * new_c + (1.0 - reset) * highway, (new_c,)


def ssru_step(weights: Weights, x: Array, state: State) -> Step:
    """Kim et al. 2019: f = sigmoid(W_f x + b_f), c' = f c + (1 - f) W x, o = ReLU(c')."""
    (c,) = state
    w, w_f = np.split(weights["weight_input"], 2)
    forget = sigmoid(w_f @ x + weights["bias"])
    new_c = forget * c + (1.0 - forget) * (w @ x)
    return np.maximum(new_c, 0.0), (new_c,)


def mingru_step(weights: Weights, x: Array, state: State) -> Step:
    """Feng et al. 2024, section 3.1: h' = (1 - z) h + z h~ with z and h~ of x alone."""
    (h,) = state
    w_h, w_z = np.split(weights["weight_input"], 2)
    b_h, b_z = np.split(weights["bias"], 2)
    update = sigmoid(w_z @ x + b_z)
    new_h = (1.0 - update) * h + update * (w_h @ x + b_h)
    return new_h, (new_h,)


def minlstm_step(weights: Weights, x: Array, state: State) -> Step:
    """Feng et al. 2024, section 3.2: h' = f' h + i' h~ with f' = f / (f + i), i' = i / (f + i)."""
    (h,) = state
    w_h, w_i, w_f = np.split(weights["weight_input"], 3)
    b_h, b_i, b_f = np.split(weights["bias"], 3)
    write, keep = sigmoid(w_i @ x + b_i), sigmoid(w_f @ x + b_f)
    total = write + keep
    new_h = keep / total * h + write / total * (w_h @ x + b_h)
    return new_h, (new_h,)


STEPS: dict[str, Callable[[Weights, Array, State], Step]] = {
    "rnn": elman_step,
    "lstm": lstm_step,
    "gru": gru_step,
    "gru-cho": cho_gru_step,
    "sru": sru_step,
    "ssru": ssru_step,
    "mingru": mingru_step,
    "minlstm": minlstm_step,
}


def states_of(cell: str) -> int:
    """2 for an LSTM, which has h and c; 1 for the others."""
    return 2 if cell == "lstm" else 1


def run(cell: str, weights: Weights, inputs: Array, state: State) -> tuple[Array, State]:
    """A cell over inputs of shape (steps, input size): outputs (steps, hidden size), last state."""
    outputs = []
    for x in inputs:
        output, state = STEPS[cell](weights, x, state)
        outputs.append(output)
    return np.array(outputs), state


def zeros(cell: str, size: int) -> State:
    return (np.zeros(size),) * states_of(cell)


def bidirectional(
    cell: str, forwards: Weights, backwards: Weights, inputs: Array, size: int
) -> Array:
    """Schuster and Paliwal 1997: one reader from each end, side by side at each token."""
    start = zeros(cell, size)
    left, _ = run(cell, forwards, inputs, start)
    right, _ = run(cell, backwards, inputs[::-1], start)
    return np.concatenate([left, right[::-1]], axis=1)


# Attention. One query (hidden size) looks at a memory (source length, hidden size).


def dot_attention(weights: Weights, query: Array, memory: Array) -> tuple[Array, Array]:
    """Luong et al. 2015, equation 8, "dot": h_t . h_s."""
    look = softmax(np.array([query @ m for m in memory]))
    return look @ memory, look


def general_attention(weights: Weights, query: Array, memory: Array) -> tuple[Array, Array]:
    """Luong et al. 2015, equation 8, "general": h_t . W h_s."""
    look = softmax(np.array([query @ (weights["key.weight"] @ m) for m in memory]))
    return look @ memory, look


def additive_attention(weights: Weights, query: Array, memory: Array) -> tuple[Array, Array]:
    """Bahdanau et al. 2015, appendix A.1.2: v . tanh(W s + U h + b)."""
    asked = weights["query.weight"] @ query + weights["query.bias"]
    scores = [
        (weights["energy.weight"] @ np.tanh(asked + weights["key.weight"] @ m)).item()
        for m in memory
    ]
    look = softmax(np.array(scores))
    return look @ memory, look


def multihead_attention(
    weights: Weights, query: Array, memory: Array, heads: int
) -> tuple[Array, Array]:
    """Vaswani et al. 2017, sections 3.2.1 and 3.2.2; the weights are the mean over the heads."""
    q = weights["query.weight"] @ query + weights["query.bias"]
    w_k, w_v = np.split(weights["key_value.weight"], 2)
    b_k, b_v = np.split(weights["key_value.bias"], 2)
    k = memory @ w_k.T + b_k
    v = memory @ w_v.T + b_v
    size = len(q) // heads
    contexts, looks = [], []
    for head in range(heads):
        mine = slice(head * size, (head + 1) * size)
        look = softmax(k[:, mine] @ q[mine] / np.sqrt(size))
        contexts.append(look @ v[:, mine])
        looks.append(look)
    context = weights["output.weight"] @ np.concatenate(contexts) + weights["output.bias"]
    return context, np.mean(looks, axis=0)


def attend(
    config: ModelConfig, weights: Weights, query: Array, memory: Array
) -> tuple[Array, Array | None]:
    """The attention that ``config`` names; without one, an empty context and no weights."""
    if config.layer_norm and config.attention in ("dot", "general"):
        # h . W m / sqrt(size), written as a query that is as much smaller
        query = query / np.sqrt(config.hidden_size)
    match config.attention:
        case "none":
            return np.zeros(0), None
        case "dot":
            return dot_attention(weights, query, memory)
        case "general":
            return general_attention(weights, query, memory)
        case "additive":
            return additive_attention(weights, query, memory)
        case "multihead":
            return multihead_attention(weights, query, memory, config.attention_heads)


# The whole model, one sentence, no dropout.


@dataclass
class Translation:
    """What a model says of one pair of sentences."""

    logits: Array
    """Shape (target length, vocabulary)."""
    looks: Array | None
    """Weights of the last attention that there is, shape (target length, source length)."""
    memory: Array
    """Encoder states, shape (source length, hidden size)."""
    summary: Array
    """The context vector, shape (hidden size,)."""


def cells_of(config: ModelConfig, layers: int) -> Sequence[str]:
    return [config.cell] * layers if isinstance(config.cell, str) else list(config.cell)


def encode(config: ModelConfig, weights: Weights, source: Sequence[int]) -> Array:
    """Encoder states of one sentence, shape (source length, hidden size)."""
    vectors = np.array([weights["source_embedding.weight"][token] for token in source])
    for depth, cell in enumerate(cells_of(config, config.encoder_layers)):
        layer = part(weights, f"encoder.layers.{depth}.directions")
        if config.bidirectional:
            directions = part(layer, "0"), part(layer, "1")
            written = bidirectional(cell, *directions, vectors, config.hidden_size // 2)
        else:
            written, _ = run(cell, part(layer, "0"), vectors, zeros(cell, config.hidden_size))
        if config.residual and written.shape[1] == vectors.shape[1]:
            written = written + vectors
        if config.layer_norm:
            norm = part(weights, f"encoder.norms.{depth}")
            written = np.array([layer_norm(norm, vector) for vector in written])
        vectors = written
    return vectors


def summarise(config: ModelConfig, memory: Array) -> Array:
    """The context vector: the mean of the states, or the last state of each direction."""
    if config.bridge == "mean":
        return memory.mean(axis=0)
    if not config.bidirectional:
        return memory[-1]
    half = config.hidden_size // 2
    return np.concatenate([memory[-1, :half], memory[0, half:]])  # the backward one ends at 0


@dataclass
class _Decoder:
    """The decoder over one sentence, one token at a time."""

    config: ModelConfig
    weights: Weights
    memory: Array
    summary: Array
    states: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = cells_of(self.config, self.config.decoder_layers)
        for depth, cell in enumerate(self.cells):
            bridge = part(self.weights, f"decoder.bridge.{depth}")
            start = np.tanh(bridge["weight"] @ self.summary + bridge["bias"])
            self.states.append(tuple(np.split(start, states_of(cell))))
        self.fed = np.zeros(self.weights["decoder.output.bias"].shape)

    def look(self, name: str, query: Array) -> tuple[Array, Array | None]:
        asks = self.config.attention_query in (name, "both")
        if not asks:
            return np.zeros(0), None
        weights = part(self.weights, f"decoder.{name}_attention")
        return attend(self.config, weights, query, self.memory)

    def read(self, embedded: Array) -> tuple[Array, Array | None]:
        """The output vector after one more token, and where it looked."""
        config = self.config
        vector = embedded
        if config.input_feeding:
            vector = np.concatenate([vector, self.fed])
        if config.context_every_step:
            vector = np.concatenate([vector, self.summary])
        context = np.zeros(0)
        for depth, cell in enumerate(self.cells):
            x = vector if depth == 0 else np.concatenate([vector, context])
            weights = part(self.weights, f"decoder.layers.{depth}")
            above, self.states[depth] = STEPS[cell](weights, x, self.states[depth])
            if config.residual and above.shape == vector.shape:
                above = above + vector
            if config.layer_norm:
                above = layer_norm(part(self.weights, f"decoder.norms.{depth}"), above)
            vector = above
            if depth == 0:
                context, first_look = self.look("first", vector)
        last_context, last_look = self.look("last", vector)
        seen = [vector, last_context]
        if len(self.cells) == 1:
            seen = [vector, context, last_context]
        joined = np.concatenate(seen)
        output = np.tanh(
            self.weights["decoder.output.weight"] @ joined + self.weights["decoder.output.bias"]
        )
        self.fed = output
        return output, first_look if last_look is None else last_look


def translate(
    config: ModelConfig, weights: Weights, source: Sequence[int], target_in: Sequence[int]
) -> Translation:
    """The encoder-decoder over one pair, the target given (teacher forcing)."""
    memory = encode(config, weights, source)
    summary = summarise(config, memory)
    decoder = _Decoder(config, weights, memory, summary)
    shared = "source_embedding.weight"
    embedding = weights[shared if config.shared_embeddings else "target_embedding.weight"]
    matrix = embedding if config.tied_output else weights["vocabulary.weight"]
    logits, looks = [], []
    for token in target_in:
        output, look = decoder.read(embedding[token])
        logits.append(matrix @ output + weights["vocabulary.bias"])
        looks.append(look)
    seen = None if looks[0] is None else np.array(looks)
    return Translation(np.array(logits), seen, memory, summary)


# Learning.


def smoothed_cross_entropy(logits: Array, targets: Sequence[int], smoothing: float) -> float:
    """Szegedy et al. 2016, section 7: the sum over tokens of H(q', p).

    q'(k) = (1 - smoothing) [k is the target] + smoothing / K.
    """
    total = 0.0
    for row, target in zip(logits, targets, strict=True):
        wanted = np.full(len(row), smoothing / len(row))
        wanted[target] += 1.0 - smoothing
        log_p = row - row.max() - np.log(np.exp(row - row.max()).sum())
        total -= float(wanted @ log_p)
    return total


def numerical_gradient(
    loss: Callable[[Weights], float], weights: Weights, width: float = 1e-5
) -> dict[str, Array]:
    """Central differences, one weight at a time."""
    moved = {name: value.copy() for name, value in weights.items()}
    gradient = {name: np.zeros_like(value) for name, value in weights.items()}
    for name, value in moved.items():
        for index in np.ndindex(value.shape):
            middle = value[index]
            value[index] = middle + width
            above = loss(moved)
            value[index] = middle - width
            below = loss(moved)
            value[index] = middle
            gradient[name][index] = (above - below) / (2.0 * width)
    return gradient


def norm(gradient: Weights) -> float:
    """Of all tensors as one vector."""
    return float(np.sqrt(sum((value**2).sum() for value in gradient.values())))


@dataclass
class Adam:
    """Kingma and Ba 2015, algorithm 1, with the decoupled decay of Loshchilov and Hutter 2019."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0
    t: int = 0
    m: dict[str, Array] = field(default_factory=dict)
    v: dict[str, Array] = field(default_factory=dict)

    def step(self, weights: Weights, gradient: Weights, rate: float) -> dict[str, Array]:
        self.t += 1
        after = {}
        for name, g in gradient.items():
            m = self.beta1 * self.m.get(name, np.zeros_like(g)) + (1.0 - self.beta1) * g
            v = self.beta2 * self.v.get(name, np.zeros_like(g)) + (1.0 - self.beta2) * g**2
            self.m[name], self.v[name] = m, v
            m_hat = m / (1.0 - self.beta1**self.t)
            v_hat = v / (1.0 - self.beta2**self.t)
            update = m_hat / (np.sqrt(v_hat) + self.epsilon) + self.decay * weights[name]
            after[name] = weights[name] - rate * update
        return after


def warm_up(step: int, steps: int) -> float:
    """Goyal et al. 2017: a straight line, whole after ``steps`` steps; counts from step 0."""
    return min((step + 1) / steps, 1.0) if steps else 1.0


def cosine(progress: float) -> float:
    """Loshchilov and Hutter 2017, equation 5, with eta_min = 0, eta_max = 1."""
    return 0.5 * (1.0 + np.cos(np.pi * progress))


def inverse_sqrt(step: int, steps: int) -> float:
    """Vaswani et al. 2017, section 5.3, scaled to 1 at the end of the warm-up."""
    return float(np.sqrt(steps / step))
