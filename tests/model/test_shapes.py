"""Products with rows added, so that their shapes recur, against those without."""

import pytest
import torch

from nmt.model import shapes
from nmt.model.shapes import linear, with_rows_that_recur


@pytest.mark.parametrize(
    ("rows", "dtype", "wanted"),
    [
        (1009, torch.bfloat16, 1024),
        (1024, torch.bfloat16, 1024),
        (512, torch.bfloat16, 512),
        (513, torch.bfloat16, 576),
        (511, torch.bfloat16, 511),  # a step of a recurrence: rows would cost more than code
        (1009, torch.float32, 1009),  # which oneDNN does not multiply
    ],
)
def test_many_rows_in_bf16_become_a_multiple_of_64(
    rows: int, dtype: torch.dtype, wanted: int
) -> None:
    vectors = torch.randn(rows, 3).to(dtype)
    found = with_rows_that_recur(vectors)
    assert found.shape == (wanted, 3)
    assert torch.equal(found[:rows], vectors)
    assert not found[rows:].any()


def test_what_is_cast_for_a_product_counts_as_what_it_is_cast_to() -> None:
    vectors = torch.randn(513, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert len(with_rows_that_recur(vectors)) == 576


def test_a_product_and_its_gradients_are_those_without_rows_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shapes, "_is_for_onednn", lambda vectors: True)
    monkeypatch.setattr(shapes, "_FEWEST", 1)
    wide = torch.float64
    tensors = [
        torch.randn(shape, dtype=wide).requires_grad_() for shape in ((3, 5, 4), (2, 4), (2,))
    ]
    results = []
    for product in (linear, torch.nn.functional.linear):
        value = product(*tensors)
        weights = torch.linspace(-1.0, 1.0, 30, dtype=wide).view(3, 5, 2)
        results.append([value, *torch.autograd.grad((value * weights).sum(), tensors)])
    for found, wanted in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)
