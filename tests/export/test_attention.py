"""Products of attention that come out alike, to the bit, whatever the shape they are part of."""

from functools import cache

import numpy as np
import onnxruntime
import pytest

from nmt.export.attention import OF_SENTENCES
from nmt.export.graph import Graph
from nmt.export.quantisation import LARGEST_WEIGHT, Arithmetic, Int8, Vector

SIZE = 512  # large enough for a sum to be divided
BOUND = 6.0  # of the numbers below
SHAPES = [(time, width) for time in (8, 40, 64) for width in (1, 2, 5)]
each_shape = pytest.mark.parametrize(("time", "width"), SHAPES)
each_arithmetic = pytest.mark.parametrize(
    "arithmetic", [Arithmetic(), Int8()], ids=["fp32", "int8"]
)
# what is known of the vectors: without a bound each has a scale of its own
each_bound = pytest.mark.parametrize("bound", [BOUND, None], ids=["bound", "scales"])


@cache
def session(kind: str, arithmetic: Arithmetic, bound: float | None) -> onnxruntime.InferenceSession:
    graph = Graph()
    left = graph.input("left", np.float32, ["sentences", "width", "inner"])
    right = Vector(graph.input("right", np.float32, ["sentences", "time", SIZE]), SIZE, bound)
    if kind == "compare":
        keys = arithmetic.hold_keys(graph, right, OF_SENTENCES)
        made = arithmetic.compare(graph, Vector(left, SIZE, bound), keys, OF_SENTENCES)
    else:
        values = arithmetic.hold_values(graph, right, OF_SENTENCES)
        made = arithmetic.mix(graph, left, values, OF_SENTENCES)
    graph.output("made", made, ["sentences", "width", "size"])
    return onnxruntime.InferenceSession(graph.model(), providers=["CPUExecutionProvider"])


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def shares(*shape: int) -> np.ndarray:
    exponentials = np.exp(3 * numbers(*shape))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


@each_bound
@each_arithmetic
@each_shape
def test_scores_do_not_depend_on_the_width_nor_on_the_longest_source(
    time: int, width: int, arithmetic: Arithmetic, bound: float | None
) -> None:
    queries, keys = numbers(3, 7, SIZE), numbers(3, 64, SIZE)
    scores = session("compare", arithmetic, bound)
    (whole,) = scores.run(None, {"left": queries, "right": keys})
    part = {"left": queries[1:2, :width].copy(), "right": keys[1:2, :time].copy()}
    (alone,) = scores.run(None, part)
    np.testing.assert_array_equal(alone, whole[1:2, :width, :time])


@each_bound
@each_arithmetic
@each_shape
def test_contexts_do_not_depend_on_the_width_nor_on_the_longest_source(
    time: int, width: int, arithmetic: Arithmetic, bound: float | None
) -> None:
    weights, memory = shares(3, 7, 64), numbers(3, 64, SIZE)
    weights[:, :, time:] = 0.0
    contexts = session("mix", arithmetic, bound)
    (whole,) = contexts.run(None, {"left": weights, "right": memory})
    part = {"left": weights[1:2, :width, :time].copy(), "right": memory[1:2, :time].copy()}
    (alone,) = contexts.run(None, part)
    np.testing.assert_array_equal(alone, whole[1:2, :width])


@each_bound
@pytest.mark.parametrize("time", [8, 200, 600])
def test_a_look_at_everything_at_once_is_the_mean(time: int, bound: float | None) -> None:
    weights, memory = np.full((1, 1, time), 1 / time, np.float32), numbers(1, time, SIZE)
    (found,) = session("mix", Int8(), bound).run(None, {"left": weights, "right": memory})
    step = BOUND / LARGEST_WEIGHT  # of a value; what is rounded is off by half of it at most
    np.testing.assert_allclose(found, memory.mean(axis=1, keepdims=True), atol=step / 2)


@each_bound
def test_what_is_held_has_7_bits(bound: float | None) -> None:
    graph = Graph()
    given = Vector(graph.input("x", np.float32, ["n", "time", SIZE]), SIZE, bound)
    for held in (Int8().hold_keys, Int8().hold_values):
        made = held(graph, given, OF_SENTENCES)
        graph.output(held.__name__, made.name, made.shape, made.dtype)
    x = numbers(2, 8, SIZE)
    x[0, 0, 0] = BOUND
    for values in onnxruntime.InferenceSession(graph.model()).run(None, {"x": x}):
        assert values.dtype == np.int8
        assert np.abs(values.astype(int)).max() == LARGEST_WEIGHT


@pytest.mark.parametrize(
    ("arithmetic", "bound", "furthest"),
    [
        (Arithmetic(), None, 1e-3),
        # a sum of 512 products of numbers of about 1, each rounded by up to half a step
        (Int8(), BOUND, 8 * 512**0.5 * BOUND / LARGEST_WEIGHT / 2),
        (Int8(), None, 8 * 512**0.5 * 4 / LARGEST_WEIGHT / 2),
    ],
)
def test_scores_are_products(arithmetic: Arithmetic, bound: float | None, furthest: float) -> None:
    queries, keys = numbers(3, 7, SIZE), numbers(3, 64, SIZE)
    (found,) = session("compare", arithmetic, bound).run(None, {"left": queries, "right": keys})
    expected = queries.astype(np.float64) @ keys.astype(np.float64).transpose(0, 2, 1)
    np.testing.assert_allclose(found, expected, atol=furthest)
    assert np.abs(found - expected).mean() < furthest / 8


@pytest.mark.parametrize(
    ("arithmetic", "bound", "furthest"),
    [
        (Arithmetic(), None, 1e-4),
        (Int8(), BOUND, BOUND / LARGEST_WEIGHT),
        (Int8(), None, 4 / LARGEST_WEIGHT),
    ],
)
def test_contexts_are_means(arithmetic: Arithmetic, bound: float | None, furthest: float) -> None:
    weights, memory = shares(3, 7, 64), numbers(3, 64, SIZE)
    (found,) = session("mix", arithmetic, bound).run(None, {"left": weights, "right": memory})
    np.testing.assert_allclose(found, weights.astype(np.float64) @ memory, atol=furthest)
    error = np.abs(found - weights @ memory)
    assert error.mean() < furthest / 3
