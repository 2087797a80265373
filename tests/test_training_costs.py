"""What the benchmark of training says a step costs."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmt.config import RunConfig
from nmt.data.batches import Batch, make_batch
from nmt.model import recurrence
from nmt.training.learner import Learner

ROWS, SOURCE_STEPS, STEPS, VOCABULARY = 5, 30, 25, 19


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    return importlib.import_module("train_costs")


def learner(**model: object) -> Learner:
    small = {"hidden_size": 8, "embedding_size": 6, "attention": "none", "tied_output": False}
    training = {"precision": "fp32", "device": "cpu"}
    config = RunConfig.model_validate({"model": small | model, "training": training})
    return Learner(config, VOCABULARY, VOCABULARY)


def batch() -> Batch:
    """Sentences of one length: with the last token, ``SOURCE_STEPS`` and ``STEPS`` of them."""
    return make_batch(
        [np.full(SOURCE_STEPS - 1, 4)] * ROWS, [np.full(STEPS - 1, 5) for _ in range(ROWS)]
    )


def counted_by_torch(step: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "model",
    [
        {"cell": "lstm"},
        {"cell": "gru", "input_feeding": True, "bidirectional": False},
        {"cell": "sru", "encoder_layers": 1, "decoder_layers": 3},
    ],
)
def test_operations_are_those_that_torch_counts(
    costs: Any, monkeypatch: pytest.MonkeyPatch, model: dict[str, object]
) -> None:
    monkeypatch.setattr(recurrence, "FUSED", {})  # torch counts plain products only
    found = learner(**model)
    counted = counted_by_torch(lambda: found.step([batch()], 0.1, 1))
    # the loop has no gradient by a first state of zeros
    assert costs.operations(found.model, batch()) == pytest.approx(counted, rel=0.03)


@pytest.mark.parametrize(("is_fed", "wanted"), [(False, ROWS * STEPS), (True, ROWS * SOURCE_STEPS)])
def test_general_attention_multiplies_queries_unless_they_come_one_by_one(
    costs: Any, is_fed: bool, wanted: int
) -> None:
    found = learner(attention="general", hidden_size=10, input_feeding=is_fed)
    products = [layer.forward for layer in costs.layers(found.model.train(), batch())]
    assert costs.Product(wanted, 10, 10) in products


def test_each_product_is_three_of_as_many_operations(costs: Any) -> None:
    # 2 x 3 x 5 x 7 operations, 4 times over; the gradient of the weights is one product
    layer = costs.Layer(costs.Product(3, 5, 7, times=4))
    assert [(str(one), one.times) for one in layer.products()] == [
        ("3 x 5 x 7", 4),
        ("3 x 7 x 5", 4),
        ("7 x 12 x 5", 1),
    ]
    assert {one.operations for one in layer.products()} == {840}


def test_the_parts_of_a_step_add_up_to_it_and_gradients_are_with_their_part(costs: Any) -> None:
    found = learner(cell="lstm", attention="dot")
    shares = costs.shares_by_part(lambda: found.step([batch()], 0.1, 1))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares.keys() == {*costs.PARTS.values(), costs.REST}
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_a_plain_rate_is_of_all_products_one_after_another(costs: Any) -> None:
    layers = [costs.Layer(costs.Product(8, 16, 24)), costs.Layer(costs.Product(2, 16, 24, times=4))]
    rates = costs.plain_rates(layers, torch.float32)
    assert min(rates.values()) < costs.plain_rate(layers, rates) < max(rates.values())
