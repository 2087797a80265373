"""The writer of graphs: what it writes is what ONNX Runtime computes."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from nmt.export.graph import FEW, Graph


def run(graph: Graph, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    """What ONNX Runtime makes of the graph."""
    content = graph.model()
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def constants(graph: Graph) -> list[np.ndarray]:
    stored = onnx.load_from_string(graph.model()).graph.initializer
    return [onnx.numpy_helper.to_array(constant) for constant in stored]


def test_operators_apply_to_values_by_their_names() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, ["rows", 3])
    two = graph.constant(np.float32(2.0))
    a, b = graph.split(graph.add("Mul", x, two), 1, 2)
    graph.output("swapped", graph.concat([b, a]), ["rows", 3])
    values, places = graph.largest(x, graph.integers(2))
    graph.output("values", values, ["rows", 2])
    graph.output("places", places, ["rows", 2], np.int64)
    given = np.array([[1, 2, 3], [6, 4, 5]], np.float32)
    made = run(graph, x=given)
    np.testing.assert_array_equal(made["swapped"], [[4, 6, 2], [8, 10, 12]])
    np.testing.assert_array_equal(made["values"], [[3, 2], [6, 5]])
    np.testing.assert_array_equal(made["places"], [[2, 1], [0, 2]])


def test_joining_one_value_is_that_value() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, [2])
    assert graph.concat([x]) == x


def test_a_value_may_be_given_out_twice_and_still_be_used() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, ["n"])
    doubled = graph.add("Add", x, x)
    graph.output("first", doubled, ["n"])
    graph.output("second", doubled, ["n"])
    graph.output("same", x, ["n"])
    graph.output("fourfold", graph.add("Add", doubled, doubled), ["n"])
    made = run(graph, x=np.array([1, 3], np.float32))
    assert {name: values.tolist() for name, values in made.items()} == {
        "first": [2, 6],
        "second": [2, 6],
        "same": [1, 3],
        "fourfold": [4, 12],
    }


def test_small_constants_are_there_once_and_types_and_shapes_are_kept_apart() -> None:
    graph = Graph()
    one = graph.constant(np.float32(1))
    assert graph.constant(np.float32(1)) == one
    others = [np.int64(0), np.float64(0), np.ones(1, np.float32), np.float32(2), np.float32(-0.0)]
    names = {one, *(graph.constant(other) for other in others), graph.constant(np.float32(0.0))}
    assert len(names) == 7
    big = np.ones(FEW + 1, np.float32)
    assert graph.constant(big) != graph.constant(big)
    assert len(constants(graph)) == 9


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.int8).reshape(3, 4).T,
        np.float32(0.1),
        np.array([], np.int64),
        np.arange(20, dtype=np.float32)[::2],
        np.array([[128, 255]], np.uint8),
    ],
    ids=["transposed", "scalar", "empty", "every other", "bytes"],
)
def test_constants_come_out_as_they_went_in(array: Any) -> None:
    graph = Graph()
    graph.constant(array)
    (stored,) = constants(graph)
    assert stored.dtype == array.dtype
    np.testing.assert_array_equal(stored, array)


def test_a_loop_runs_over_the_first_axis_and_knows_the_constants_outside() -> None:
    """``s = s / 2 + x`` over x = 8, 0, 4 from s = 16: 16, 8, 8; and 10 s is given out."""
    graph = Graph()
    x = graph.input("x", np.float32, ["time", 1])
    start = graph.constant(np.full(1, 16, np.float32))
    half = graph.constant(np.float32(0.5))
    body = Graph(graph)
    state = body.input(body.name(), np.float32, [1])
    element = body.input(body.name(), np.float32, [1])
    after = body.add("Add", body.add("Mul", state, half), element)
    body.output(body.name(), after, [1])
    ten = body.constant(np.float32(10))
    body.output(body.name(), body.add("Mul", after, ten), [1])
    graph.output("results", graph.scan(body, [start], x), ["time", 1])
    made = run(graph, x=np.array([[8], [0], [4]], np.float32))
    assert made["results"].tolist() == [[160], [80], [80]]


def test_a_loop_may_give_out_its_state() -> None:
    """As recurrent cells do: the sums of what was read so far."""
    graph = Graph()
    x = graph.input("x", np.float32, ["time", 2])
    body = Graph(graph)
    state = body.input(body.name(), np.float32, [2])
    element = body.input(body.name(), np.float32, [2])
    after = body.add("Add", state, element)
    for _ in range(2):
        body.output(body.name(), after, [2])
    zeros = graph.constant(np.zeros(2, np.float32))
    graph.output("sums", graph.scan(body, [zeros], x), ["time", 2])
    given = np.random.default_rng(1).random((7, 2)).astype(np.float32)
    np.testing.assert_allclose(run(graph, x=given)["sums"], given.cumsum(axis=0), rtol=1e-6)
