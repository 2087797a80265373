"""What an exported graph may be: no more than what nmt itself writes, whoever wrote it.

An .onnx file is a program: it can loop, and ask for any amount of memory. So before ONNX Runtime
sees one it is read here, as the protocol buffers that it is made of, without building anything:
only the messages, operators and constants that `nmt.export.graphs` writes pass.
"""

import mmap
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

from nmt.errors import RunError
from nmt.export.graph import MICROSOFT

LARGEST = 2**29
"""Bytes of an .onnx file: half a billion weights in int8."""
MOST_NODES = 2_000
"""Operators of a graph; those of eight layers with two attentions are fewer."""
LARGEST_INTEGER = 2**20
"""Of the constants that say shapes and axes, but for what stands for the end of an axis."""
END = 2**62
"""From here on an integer stands for the end of an axis (of ``Slice``), whatever its length."""

_NAMES = """
Abs Add Cast Concat DequantizeLinear Div Equal Expand Gather Identity LayerNormalization Less
LogSoftmax MatMul Max Mod Mul Neg Pad QuantizeLinear Range ReduceMax ReduceMean Relu Reshape
ReverseSequence Scan Shape Sigmoid Slice Softmax Split Squeeze Sub Tanh TopK Transpose Unsqueeze
Where
"""
OPERATORS = frozenset(_NAMES.split())
OF_MICROSOFT = frozenset({"MatMulIntegerToFloat"})

# Numbers of the fields of onnx.proto that nmt writes.
MODEL = {1: "ir_version", 2: "producer", 7: "graph", 8: "opsets"}
GRAPH = {1: "node", 2: "name", 5: "constant", 11: "input", 12: "output"}
NODE = {1: "input", 2: "output", 3: "name", 4: "operator", 5: "attribute", 7: "domain"}
ATTRIBUTE = {1: "name", 2: "f", 3: "i", 4: "s", 6: "graph", 7: "floats", 8: "ints", 20: "type"}
TENSOR = {1: "dims", 2: "type", 8: "name", 9: "content"}
SIZES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1}
"""Bytes of an element of each type: float, uint8, int8, int32, int64, bool."""
INT64 = 7


Value = int | memoryview


class _Wrong(Exception):
    """What a graph has that nmt does not write."""


def check_graph(file: Path) -> None:
    """Refuse an .onnx file that holds something other than what nmt writes.

    Raises:
        RunError: It does, is damaged or is too large.
    """
    size_bytes = file.stat().st_size
    try:
        if not 0 < size_bytes <= LARGEST:
            raise _Wrong(f"{size_bytes:,} bytes")
        with file.open("rb") as stream:
            # mapped, so that only what is looked at is read
            _check_model(memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)))
    except (_Wrong, OSError, ValueError) as error:
        raise RunError(
            f"{file}: this is no graph that nmt wrote ({error}): export the run again with "
            "`nmt export`, or get the model anew"
        ) from None


def _check_model(content: memoryview) -> None:
    graphs = [value for name, value in _fields(content, MODEL) if name == "graph"]
    if len(graphs) != 1:
        raise _Wrong(f"{len(graphs)} graphs")
    nodes = _check_graph(_view(graphs[0]), is_body=False)
    if nodes > MOST_NODES:
        raise _Wrong(f"{nodes} operators")


def _check_graph(content: memoryview, is_body: bool) -> int:
    """Check a graph, or the body of a ``Scan``; returns how many operators it has."""
    nodes = 0
    for name, value in _fields(content, GRAPH):
        if name == "node":
            nodes += 1 + _check_node(_view(value), is_body)
        elif name == "constant":
            _check_constant(_view(value))
    return nodes


def _check_node(content: memoryview, is_body: bool) -> int:
    operator = domain = ""
    graphs: list[memoryview] = []
    for name, value in _fields(content, NODE):
        if name == "operator":
            operator = _text(value)
        elif name == "domain":
            domain = _text(value)
        elif name == "attribute":
            graphs += [_view(v) for n, v in _fields(_view(value), ATTRIBUTE) if n == "graph"]
    if operator not in {"": OPERATORS, MICROSOFT: OF_MICROSOFT}.get(domain, ()):
        raise _Wrong(f"the operator {domain}{operator}")
    if (operator == "Scan") != (len(graphs) == 1) or (graphs and is_body):
        raise _Wrong("a loop within a loop")
    return sum(_check_graph(graph, is_body=True) for graph in graphs)


def _check_constant(content: memoryview) -> None:
    dims: list[int] = []
    kind, values = 0, memoryview(b"")
    for name, value in _fields(content, TENSOR):
        if name == "dims":
            dims += [value] if isinstance(value, int) else _varints(value)
        elif name == "type":
            kind = _number(value)
        elif name == "content":
            values = _view(value)
    if kind not in SIZES or len(dims) > 4 or prod(dims) * SIZES[kind] != len(values):
        raise _Wrong(f"a constant of type {kind} and shape {dims[:5]} in {len(values)} bytes")
    if kind == INT64 and any(
        LARGEST_INTEGER < abs(int.from_bytes(values[at : at + 8], "little", signed=True)) < END
        for at in range(0, len(values), 8)
    ):
        raise _Wrong("a shape that is too large")


def _fields(content: memoryview, known: Mapping[int, str]) -> Iterator[tuple[str, Value]]:
    """The fields of a message, by name: a number, or a view of what is in it."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        number, wire = key >> 3, key & 7
        value: Value
        if wire == 0:
            value, at = _varint(content, at)
        elif wire in (1, 2, 5):
            length = {1: 8, 5: 4}.get(wire)
            if length is None:
                length, at = _varint(content, at)
            if length > len(content) - at:
                raise _Wrong("it is cut off")
            value = content[at : at + length]
            at += length
        else:
            raise _Wrong("it is no protocol buffer")
        if number not in known:
            raise _Wrong(f"the field {number} of a message")
        yield known[number], value


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = shift = 0
    while shift < 70 and at < len(content):
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise _Wrong("it is cut off")


def _varints(content: memoryview) -> list[int]:
    values: list[int] = []
    at = 0
    while at < len(content) and len(values) < 8:
        value, at = _varint(content, at)
        values.append(value)
    return values


def _view(value: Value) -> memoryview:
    if isinstance(value, int):
        raise _Wrong("a number in the place of a message")
    return value


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise _Wrong("a message in the place of a number")
    return value


def _text(value: Value) -> str:
    return bytes(_view(value)[:100]).decode("ascii", "replace")
