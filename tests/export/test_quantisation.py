"""Products of 8-bit integers: how far from float32, and never another one for other neighbours."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.export.graph import Graph
from nmt.export.quantisation import Arithmetic, Int8, Operand, Vector, join, quantise_rows

SIZE, OUTPUTS = 24, 10
Bound = float | None


def random_matrix(rows: int, columns: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


class Product:
    """``W x + b`` in ONNX Runtime.

    Args:
        arithmetic: How.
        weight: Shape (size out, size in).
        bias: Shape (size out,).
        bound: What is known of x.
    """

    def __init__(
        self, arithmetic: Arithmetic, weight: np.ndarray, bias: np.ndarray | None, bound: Bound
    ) -> None:
        graph = Graph()
        size = weight.shape[1]
        x = Vector(graph.input("x", np.float32, ["rows", size]), size, bound)
        added = None if bias is None else graph.constant(bias)
        matrix = arithmetic.matrix(graph, weight)
        product = arithmetic.product(graph, arithmetic.operand(graph, x), matrix, added)
        graph.output("y", product, ["rows", len(weight)])
        self.session = onnxruntime.InferenceSession(graph.model())

    def __call__(self, x: np.ndarray) -> np.ndarray:
        (y,) = self.session.run(["y"], {"x": x})
        return np.asarray(y)


def integers_of(x: np.ndarray, largest: float, steps: int) -> np.ndarray:
    """The nearest of so many steps on each side of 0."""
    return np.clip(np.rint(x.astype(np.float64) / (largest / steps)), -steps, steps)


def product_by_hand(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, bound: Bound
) -> np.ndarray:
    """The same one row and one output at a time, in float64."""
    y = np.zeros((len(x), len(weight)))
    for i, row in enumerate(x):
        largest = np.abs(row).max() if bound is None else bound
        for j, w in enumerate(weight):
            most = np.abs(w).max()
            whole = integers_of(row, largest, 127) @ integers_of(w, most, 64)
            y[i, j] = whole * (largest / 127) * (most / 64) + bias[j]
    return y


def test_a_quantised_matrix_is_at_most_half_a_step_off() -> None:
    weight = random_matrix(OUTPUTS, SIZE) * np.geomspace(1e-3, 1e3, OUTPUTS)[:, None]
    integers, scale = quantise_rows(weight)
    assert integers.dtype == np.int8
    assert scale.dtype == np.float32
    for row, (values, step) in enumerate(zip(integers, scale, strict=True)):
        assert np.abs(values).max() == 64, "7 bits: sums of two products stay within 16"
        assert step == pytest.approx(np.abs(weight[row]).max() / 64)
        error = np.abs(values * float(step) - weight[row])
        assert error.max() <= step / 2 * (1 + 1e-5)
        np.testing.assert_array_equal(values, integers_of(weight[row], 64 * float(step), 64))


def test_a_row_of_zeros_is_zeros() -> None:
    integers, scale = quantise_rows(np.zeros((2, 3), np.float32))
    assert not integers.any()
    assert np.isfinite(scale).all()
    assert (scale > 0).all()


@pytest.mark.parametrize("bound", [4.0, None])
def test_an_int8_product_is_that_of_the_nearest_steps(bound: Bound) -> None:
    weight, bias = random_matrix(OUTPUTS, SIZE), random_matrix(1, OUTPUTS, 2)[0]
    x = random_matrix(16, SIZE, 3)
    found = Product(Int8(), weight, bias, bound)(x)
    np.testing.assert_allclose(found, product_by_hand(x, weight, bias, bound), atol=1e-4)
    # half a step of each x for each w, half a step of each w for each x, and both
    largest = np.abs(x).max(axis=1, keepdims=True) if bound is None else bound
    half_x, half_w = largest / 254, np.abs(weight).max(axis=1) / 128
    error = half_x * np.abs(weight).sum(axis=1) + np.abs(x).sum(axis=1, keepdims=True) * half_w
    error = error + SIZE * half_x * half_w
    assert (np.abs(found - (x @ weight.T + bias)) <= error).all()


def test_a_float32_product_is_exact() -> None:
    weight, bias = random_matrix(OUTPUTS, SIZE), random_matrix(1, OUTPUTS, 2)[0]
    x = random_matrix(16, SIZE, 3)
    found = Product(Arithmetic(), weight, bias, 1.0)(x)
    np.testing.assert_allclose(found, x @ weight.T + bias, atol=1e-5)
    plain = Product(Arithmetic(), weight, None, None)(x)
    np.testing.assert_allclose(plain, x @ weight.T, atol=1e-5)


@settings(max_examples=25)
@given(
    rows=st.integers(1, 40),
    size=st.integers(1, 70),
    outputs=st.integers(1, 40),
    bound=st.sampled_from([1.0, None]),
)
def test_a_row_alone_has_the_same_bits_as_among_others(
    rows: int, size: int, outputs: int, bound: Bound
) -> None:
    x = np.tanh(random_matrix(rows, size, rows))
    x[::2] *= 0.01  # what the largest value of a batch would leave few steps for
    bias = random_matrix(1, outputs, 2)[0]
    product = Product(Int8(), random_matrix(outputs, size, outputs), bias, bound)
    together = product(x)
    np.testing.assert_array_equal(product(x[::-1])[::-1], together)
    for row in range(rows):
        np.testing.assert_array_equal(product(x[row : row + 1])[0], together[row])


@pytest.mark.parametrize("bound", [1.0, None])
def test_a_vector_of_zeros_gives_the_bias(bound: Bound) -> None:
    weight, bias = random_matrix(OUTPUTS, SIZE), random_matrix(1, OUTPUTS, 2)[0]
    x = np.zeros((3, SIZE), np.float32)
    x[1] = 0.5
    found = Product(Int8(), weight, bias, bound)(x)
    np.testing.assert_array_equal(found[[0, 2]], [bias, bias])


def test_a_row_of_tiny_numbers_keeps_its_steps_where_no_bound_is_known() -> None:
    weight = random_matrix(OUTPUTS, SIZE)
    x = random_matrix(1, SIZE, 3)
    big, tiny = Product(Int8(), weight, None, None)(np.concatenate([x, x * 1e-9]))
    np.testing.assert_allclose(tiny, big * 1e-9, rtol=1e-3)


@pytest.mark.parametrize("bound", [3.0, None])
@pytest.mark.parametrize("size", [1, 64, 1500])
def test_the_largest_values_there_can_be_do_not_overflow(size: int, bound: Bound) -> None:
    """All of x at its bound and all of W alike: a processor that adds in 16 bits would show."""
    weight = np.array([[0.7], [-0.7]], np.float32).repeat(size, axis=1)
    x = np.array([[3.0], [-3.0]], np.float32).repeat(size, axis=1)
    found = Product(Int8(), weight, None, bound)(x)
    np.testing.assert_allclose(found, 2.1 * size * np.array([[1, -1], [-1, 1]]), rtol=1e-5)


def test_values_beyond_their_bound_count_as_the_bound() -> None:
    product = Product(Int8(), np.ones((1, 2), np.float32), None, 1.0)
    found = product(np.array([[9, 0], [-9, 0]], np.float32))
    # of 8 bits around 128, one more goes down than up
    np.testing.assert_allclose(found, [[1.0], [-128 / 127]], rtol=1e-6)


@pytest.mark.parametrize("arithmetic", [Arithmetic(), Int8()], ids=["fp32", "int8"])
def test_embeddings_are_operands_and_come_back_as_vectors(arithmetic: Arithmetic) -> None:
    embeddings = random_matrix(30, SIZE)
    table, scale = arithmetic.table(embeddings)
    assert table.dtype == arithmetic.activation
    graph = Graph()
    name = graph.input("x", arithmetic.activation, ["rows", SIZE])
    weight = random_matrix(OUTPUTS, SIZE, 2)
    operand = Operand(name, SIZE, scale)
    vector = arithmetic.vector(graph, operand)
    product = arithmetic.product(graph, operand, arithmetic.matrix(graph, weight))
    graph.output("vector", vector.name, ["rows", SIZE])
    graph.output("product", product, ["rows", OUTPUTS])
    session = onnxruntime.InferenceSession(graph.model())
    back, y = session.run(["vector", "product"], {"x": table})
    error = np.abs(back - embeddings).max()
    if arithmetic.activation is np.float32:
        assert error == 0
        assert vector.bound is None
    else:
        assert scale == pytest.approx(np.abs(embeddings).max() / 127)
        assert scale / 2 * 0.9 < error <= scale / 2 * (1 + 1e-5)
        assert vector.bound == pytest.approx(np.abs(embeddings).max())
        weight = np.array([integers_of(w, np.abs(w).max(), 64) for w in weight]) * (
            np.abs(weight).max(axis=1, keepdims=True) / 64
        )
    np.testing.assert_allclose(y, back @ weight.T, atol=1e-4)


@pytest.mark.parametrize("arithmetic", [Arithmetic(), Int8()], ids=["fp32", "int8"])
def test_only_the_outputs_wanted_are_computed_in_their_order(arithmetic: Arithmetic) -> None:
    weight, x = random_matrix(OUTPUTS, SIZE), np.tanh(random_matrix(4, SIZE, 2))
    graph = Graph()
    given = Vector(graph.input("x", np.float32, ["rows", SIZE]), SIZE, 1.0)
    wanted = graph.input("wanted", np.int64, ["outputs"])
    matrix = arithmetic.rows(graph, weight, wanted)
    product = arithmetic.product(graph, arithmetic.operand(graph, given), matrix)
    graph.output("y", product, ["rows", "outputs"])
    session = onnxruntime.InferenceSession(graph.model())
    (found,) = session.run(["y"], {"x": x, "wanted": np.array([7, 0, 3])})
    expected = Product(arithmetic, weight, None, 1.0)(x)[:, [7, 0, 3]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_joined_product_is_the_sum_of_the_products() -> None:
    wide, narrow = random_matrix(OUTPUTS, SIZE), random_matrix(OUTPUTS, 7, 2)
    graph, arithmetic = Graph(), Int8()
    given = Vector(graph.input("x", np.float32, ["rows", SIZE]), SIZE, 4.0)
    state = Vector(graph.input("h", np.float32, ["rows", 7]), 7, 1.0)
    x, h = (arithmetic.operand(graph, vector) for vector in (given, state))
    matrix = arithmetic.joined(graph, [wide, narrow], [x])
    assert matrix is not None
    both = replace(h, name=graph.concat([x.name, h.name]), size=x.size + h.size)
    graph.output("y", arithmetic.product(graph, both, matrix), ["rows", OUTPUTS])
    session = onnxruntime.InferenceSession(graph.model())
    values = {"x": random_matrix(16, SIZE, 3), "h": np.tanh(random_matrix(16, 7, 4))}
    (found,) = session.run(["y"], values)
    # a step of x is worth 4 of h, which its weights make up for
    joined = np.concatenate([4.0 * wide, narrow], axis=1)
    operands = np.concatenate([values["x"] / 4.0, values["h"]], axis=1)
    nothing = np.zeros(OUTPUTS, np.float32)
    np.testing.assert_allclose(found, product_by_hand(operands, joined, nothing, 1.0), atol=1e-4)
    exact = values["x"] @ wide.T + values["h"] @ narrow.T
    assert np.abs(found - exact).mean() < 0.03 * np.abs(exact).mean()


def test_rows_with_scales_of_their_own_are_not_joined() -> None:
    graph, arithmetic = Graph(), Int8()
    given = Vector(graph.input("x", np.float32, ["rows", SIZE]), SIZE, None)
    x = arithmetic.operand(graph, given)
    assert arithmetic.joined(graph, [random_matrix(OUTPUTS, SIZE)] * 2, [x]) is None


def test_vectors_end_to_end_are_as_large_as_the_largest_of_them() -> None:
    graph = Graph()
    vectors = [
        Vector(graph.input("a", np.float32, ["rows", 2]), 2, 1.0),
        Vector(graph.input("b", np.float32, ["rows", 3]), 3, 2.5),
    ]
    joined = join(graph, vectors)
    assert (joined.size, joined.bound) == (5, 2.5)
    unknown = join(graph, [*vectors, Vector(graph.input("c", np.float32, ["rows", 1]), 1, None)])
    assert (unknown.size, unknown.bound) == (6, None)
