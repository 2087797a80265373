"""What a training step costs: its matrix products, how fast this machine does them, and its parts.

A part of ``train_speed.py``.
"""

import pkgutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from nmt.data.batches import Batch
from nmt.model.attention import GeneralAttention
from nmt.model.cells import Cell, ConnectedCell
from nmt.model.seq2seq import Seq2Seq

SECONDS_OF_A_RATE = 0.1

PARTS = {
    "nmt.model.encoder.unroll": "recurrence of the encoder",
    "nmt.model.decoder.unroll": "recurrence of the decoder",
    "nmt.model.decoder.over_time": "recurrence of the decoder",
    "nmt.model.decoder.look": "attention",
    "nmt.model.dropout.keep_mask": "dropout masks",
    "nmt.training.learner.cross_entropy": "output layer and loss",
    "nmt.training.learner.Learner._clip": "gradient norm",
    "nmt.training.learner.Learner._move": "optimiser and average of the weights",
}
"""Functions whose time, with that of their gradients, is told apart from the rest of a step.

Of one that returns a function to be called later the time of that function, too.
"""
REST = "the rest"


@dataclass(frozen=True)
class Product:
    """Matrix products of one shape: (rows, inner) times (inner, columns)."""

    rows: int
    inner: int
    columns: int
    times: int = 1

    @property
    def operations(self) -> int:
        return 2 * self.rows * self.inner * self.columns * self.times

    def __str__(self) -> str:
        return f"{self.rows} x {self.inner} x {self.columns}"


@dataclass(frozen=True)
class Layer:
    """A layer's product with its weights, forwards and backwards, steps apart or all in one."""

    forward: Product

    def products(self) -> tuple[Product, Product, Product]:
        """The outputs, the gradient of the inputs, and that of the weights, which is always one."""
        m, k, n, times = (getattr(self.forward, side) for side in Product.__annotations__)
        return self.forward, Product(m, n, k, times), Product(n, m * times, k)


def layers(model: Seq2Seq, batch: Batch) -> Iterator[Layer]:
    """The products of one step on a batch: whole rectangles, their padding with the rest.

    What attention does with its queries and keys, a hundredth of the whole, is left out.
    """
    rows, source_steps = batch.source.shape
    steps = batch.target_in.shape[1]
    for encoder_layer in model.encoder.layers:
        for cell in encoder_layer.directions:  # type: ignore[union-attr]
            yield from _cell(cell, rows, source_steps, is_fed=False)
    for cell in model.decoder.layers:
        yield from _cell(cell, rows, steps, model.decoder.input_feeding)  # type: ignore[arg-type]
    for bridge in model.decoder.bridge:
        yield Layer(Product(rows, bridge.in_features, bridge.out_features))  # type: ignore[arg-type]
    for attention in (model.decoder.first_attention, model.decoder.last_attention):
        for name, linear in attention.named_modules():
            if isinstance(linear, torch.nn.Linear):
                reads_source = name.startswith("key") and not _moves_queries(attention)
                seen = rows * (source_steps if reads_source else steps)
                yield Layer(Product(seen, linear.in_features, linear.out_features))
    output, vocabulary = model.decoder.output, model.vocabulary
    times = steps if model.decoder.input_feeding else 1
    yield Layer(Product(rows * steps // times, output.in_features, output.out_features, times))
    yield Layer(Product(rows * steps, vocabulary.in_features, vocabulary.out_features))


def _moves_queries(attention: torch.nn.Module) -> bool:
    return isinstance(attention, GeneralAttention) and attention.moves_queries


def _cell(cell: Cell, rows: int, steps: int, is_fed: bool) -> Iterator[Layer]:
    gates, inputs = cell.weight_input.shape
    if is_fed:
        yield Layer(Product(rows, inputs, gates, steps))
    else:
        yield Layer(Product(rows * steps, inputs, gates))
    if isinstance(cell, ConnectedCell):
        yield Layer(Product(rows, cell.hidden_size, gates, steps))


def operations(model: Seq2Seq, batch: Batch) -> int:
    """Floating-point operations of one step on a batch, forwards and backwards."""
    return sum(product.operations for layer in layers(model, batch) for product in layer.products())


def plain_rates(found: Sequence[Layer], dtype: torch.dtype) -> dict[tuple[str, Product], float]:
    """Operations a second of plain products, by what they are for and their shape."""
    rates: dict[tuple[str, Product], float] = {}
    for layer in found:
        forward, to_inputs, to_weights = layer.products()
        x = torch.randn(forward.rows, forward.inner).to(dtype)
        weight = torch.randn(forward.columns, forward.inner).to(dtype)
        gradient = torch.randn(forward.rows, forward.columns).to(dtype)
        tall_x = torch.randn(to_weights.inner, to_weights.columns).to(dtype)
        tall_gradient = torch.randn(to_weights.inner, to_weights.rows).to(dtype)
        for purpose, product, left, right in (
            ("outputs", forward, x, weight.t()),
            ("gradient of inputs", to_inputs, gradient, weight),
            ("gradient of weights", to_weights, tall_gradient.t(), tall_x),
        ):
            if (purpose, product) not in rates:
                one = product.operations / product.times
                rates[purpose, product] = one / _seconds(left, right)
    return rates


def _seconds(left: Tensor, right: Tensor) -> float:
    """Of one product, the fastest half of many."""
    result = left @ right
    each: list[float] = []
    ends = time.perf_counter() + SECONDS_OF_A_RATE
    while time.perf_counter() < ends or len(each) < 4:
        started = time.perf_counter()
        torch.mm(left, right, out=result)
        each.append(time.perf_counter() - started)
    fastest = sorted(each)[: len(each) // 2]
    return sum(fastest) / len(fastest)


def plain_rate(found: Sequence[Layer], rates: dict[tuple[str, Product], float]) -> float:
    """Operations a second of a step that is nothing but its products, one after another."""
    purposes = ("outputs", "gradient of inputs", "gradient of weights")
    asked = [
        (product.operations, rates[purpose, product])
        for layer in found
        for purpose, product in zip(purposes, layer.products(), strict=True)
    ]
    return sum(count for count, _ in asked) / sum(count / rate for count, rate in asked)


def shares_by_part(steps: Callable[[], object]) -> dict[str, float]:
    """Shares of the time of some steps, by torch's profiler, most first; they add up to 1."""
    with (
        _told_apart(),
        profile(activities=[ProfilerActivity.CPU]) as seen,
        record_function("all"),
    ):
        steps()
    events = list(seen.events())
    # a gradient has the number of the operation that it is of
    part_of = {event.sequence_nr: part for event in events if (part := _part(event)) is not None}
    part_of.pop(-1, None)
    spent: dict[str, float] = defaultdict(float)
    for event in events:
        if event.name in PARTS.values() and _part(event.cpu_parent) is None:
            spent[event.name] += event.cpu_time_total
        elif event.name.startswith("autograd::engine::evaluate_function"):
            spent[part_of.get(event.sequence_nr, REST)] += event.cpu_time_total
    whole = next(event.cpu_time_total for event in events if event.name == "all")
    spent[REST] += whole - sum(spent.values())
    return {part: spent[part] / whole for part in sorted(spent, key=lambda part: -spent[part])}


def _part(event: Any) -> str | None:
    """The part of a step that a profiler's event happened in."""
    while event is not None and event.name not in PARTS.values():
        event = event.cpu_parent
    return None if event is None else event.name


@contextmanager
def _told_apart() -> Iterator[None]:
    """Let each function of ``PARTS`` be an event by the name of its part."""
    patches = [
        patch(name, _recorded(pkgutil.resolve_name(name), part)) for name, part in PARTS.items()
    ]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def _recorded(function: Callable[..., Any], part: str) -> Callable[..., Any]:
    def recorded(*arguments: Any, **named: Any) -> Any:
        with record_function(part):
            found = function(*arguments, **named)
        is_called_later = callable(found) and not isinstance(found, Tensor)
        return _recorded(found, part) if is_called_later else found

    return recorded
