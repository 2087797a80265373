"""Products of attention that come out alike, to the bit, whatever the shape they are part of."""

import numpy as np
import onnxruntime
import pytest

from nmt.decoding.graph import Graph
from nmt.decoding.graph_layers import compared, mixed

SIZE = 512  # large enough for a sum to be divided


def session(kind: str) -> onnxruntime.InferenceSession:
    graph = Graph()
    left = graph.input("left", np.float32, ["sentences", "width", "inner"])
    right = graph.input("right", np.float32, ["sentences", "time", SIZE])
    made = (
        compared(graph, left, right, [0, 2, 1])
        if kind == "compared"
        else mixed(graph, left, right, 1)
    )
    graph.output("made", made, ["sentences", "width", "size"])
    return onnxruntime.InferenceSession(graph.model(), providers=["CPUExecutionProvider"])


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("time", [8, 40, 64])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_scores_do_not_depend_on_the_width_nor_on_the_longest_source(time: int, width: int) -> None:
    queries, keys = numbers(3, 7, SIZE), numbers(3, 64, SIZE)
    (whole,) = session("compared").run(None, {"left": queries, "right": keys})
    np.testing.assert_allclose(whole, queries @ keys.transpose(0, 2, 1), atol=1e-3)
    part = {"left": queries[1:2, :width].copy(), "right": keys[1:2, :time].copy()}
    (alone,) = session("compared").run(None, part)
    np.testing.assert_array_equal(alone, whole[1:2, :width, :time])


@pytest.mark.parametrize("time", [8, 40, 64])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_contexts_do_not_depend_on_the_width_nor_on_the_longest_source(
    time: int, width: int
) -> None:
    weights, memory = np.abs(numbers(3, 7, 64)), numbers(3, 64, SIZE)
    weights[:, :, time:] = 0.0
    (whole,) = session("mixed").run(None, {"left": weights, "right": memory})
    np.testing.assert_allclose(whole, weights @ memory, atol=1e-4)
    part = {"left": weights[1:2, :width, :time].copy(), "right": memory[1:2, :time].copy()}
    (alone,) = session("mixed").run(None, part)
    np.testing.assert_array_equal(alone, whole[1:2, :width])
