"""A writer of ONNX graphs: values are names, and each operator is added where it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ValueInfoProto

OPSET = 18
MICROSOFT = "com.microsoft"
"""Domain of the operators that only ONNX Runtime has."""
IR_VERSION = 8
FEW = 16
"""Constants of so few elements are there once, however often they are asked for."""

Array = NDArray[Any]


class Graph:
    """One graph, or the body of a loop in one, as it is being written.

    Args:
        outer: The graph that this one is the body of a loop in; its constants can be used here.
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self._nodes: list[Any] = []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
        self._given: dict[str, str] = {}  # the name under which a value is given out
        self._constants: dict[str, Array] = {} if outer is None else outer._constants
        self._known: dict[Any, str] = {} if outer is None else outer._known
        self._numbers: count[int] = count() if outer is None else outer._numbers

    def input(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> str:
        """Declare an input; a text in its shape is the name of a length that may vary."""
        self._inputs.append(_value(name, np.dtype(dtype), shape))
        return name

    def output(
        self,
        name: str,
        value: str,
        shape: Sequence[int | str],
        dtype: type[np.generic] = np.float32,
    ) -> None:
        """Give a value out under a name."""
        is_made_here = any(value in node.output for node in self._nodes)
        if is_made_here and value not in self._given:
            self._given[value] = name
        else:
            self._add("Identity", [value], [name], {})
        self._outputs.append(_value(name, np.dtype(dtype), shape))

    def constant(self, value: Array | np.generic) -> str:
        """Put an array, or a scalar, into the graph."""
        array = np.asarray(value)
        name = f"constant_{next(self._numbers)}"
        if array.size <= FEW:
            key = (array.dtype.str, array.shape, array.tobytes())
            name = self._known.setdefault(key, name)
        self._constants[name] = array
        return name

    def integers(self, *values: int) -> str:
        """A vector of integers, such as a shape or a list of axes."""
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Apply an operator of one output."""
        return self._add(operator, inputs, [self.name()], attributes, domain)[0]

    def split(self, value: str, *sizes: int) -> list[str]:
        """Cut the last axis into parts of these sizes."""
        parts = [self.name() for _ in sizes]
        return self._add("Split", [value, self.integers(*sizes)], parts, {"axis": -1})

    def largest(self, value: str, k: str) -> list[str]:
        """The k largest along the last axis, largest first, and where they are."""
        return self._add("TopK", [value, k], [self.name(), self.name()], {"axis": -1})

    def float32(self, value: str) -> str:
        """A value as float32."""
        return self.add("Cast", value, to=1)

    def concat(self, values: Sequence[str], axis: int = -1) -> str:
        """Join values along an axis."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def scan(self, body: Graph, states: Sequence[str], sequence: str) -> str:
        """Run a body over the first axis of a sequence.

        Args:
            body: Its inputs are the states and one element; its outputs the states and a result.
            states: What they are at first.
            sequence: What is read.

        Returns:
            The results of all steps.
        """
        outputs = [self.name() for _ in (*states, sequence)]
        attributes = {"num_scan_inputs": 1, "body": body._graph("body", [])}
        return self._add("Scan", [*states, sequence], outputs, attributes)[-1]

    def model(self) -> bytes:
        """The graph as the content of an .onnx file."""
        from onnx import helper, numpy_helper

        constants = [
            numpy_helper.from_array(np.array(array, order="C"), name)
            for name, array in self._constants.items()
        ]
        domains = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        graph = self._graph("nmt", constants)
        model = helper.make_model(graph, opset_imports=domains, producer_name="nmt")
        model.ir_version = IR_VERSION
        content: bytes = model.SerializeToString()
        return content

    def _graph(self, name: str, constants: list[Any]) -> Any:
        from onnx import helper

        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [self._given.get(name, name) for name in names]
        return helper.make_graph(self._nodes, name, self._inputs, self._outputs, constants)

    def name(self) -> str:
        """A new name for a value."""
        return f"value_{next(self._numbers)}"

    def _add(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: list[str],
        attributes: dict[str, Any],
        domain: str = "",
    ) -> list[str]:
        from onnx import helper

        node = helper.make_node(operator, list(inputs), outputs, domain=domain, **attributes)
        self._nodes.append(node)
        return outputs


def _value(name: str, dtype: np.dtype[Any], shape: Sequence[int | str]) -> ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)
