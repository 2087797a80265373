"""What stands for the tokens that are not in a shortlist."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.export.normaliser import NO_REMAINDER, RIDGE, learn_remainder


def some_steps(steps: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Output vectors, and logarithms of sums of the exponentials of 5 and of 20 logits of them."""
    random = np.random.default_rng(seed)
    outputs = np.tanh(random.normal(size=(steps, size)))
    logits = outputs @ random.normal(size=(size, 25)) + random.normal(size=25)
    inside, outside = (np.log(np.exp(part).sum(1)) for part in (logits[:, :5], logits[:, 5:]))
    return outputs, inside, outside


def test_what_is_linear_is_found_again() -> None:
    random = np.random.default_rng(1)
    outputs, inside, _ = some_steps(4000, 6, seed=1)
    weight, bias = random.normal(size=6), 1.5
    found = learn_remainder(outputs, inside, outputs @ weight + bias)
    assert (found.dtype, found.shape) == (np.float32, (7,))
    # the weights are held back a little, the constant is not
    np.testing.assert_allclose(found[:6], weight, atol=0.1)
    assert found[6] == pytest.approx(bias, abs=0.1)


@settings(max_examples=20)
@given(seed=st.integers(0, 100), size=st.integers(1, 5), steps=st.integers(1, 40))
def test_no_other_row_has_less_error_and_less_weight(seed: int, size: int, steps: int) -> None:
    outputs, inside, outside = some_steps(steps, size, seed)
    share = np.exp(outside) / (np.exp(inside) + np.exp(outside))

    def cost(row: np.ndarray) -> float:
        errors = outputs @ row[:-1] + row[-1] - outside
        return float(share @ errors**2 + RIDGE * share.sum() * (row[:-1] ** 2).sum())

    found = learn_remainder(outputs, inside, outside).astype(np.float64)
    for other in np.eye(size + 1):
        for distance in (-0.01, 0.01):
            assert cost(found) < cost(found + distance * other)


def test_steps_with_nothing_out_of_reach_teach_nothing() -> None:
    outputs, inside, outside = some_steps(50, 3, seed=2)
    expected = learn_remainder(outputs, inside, outside)
    nothing = np.full(50, -np.inf)
    twice = [np.concatenate(pair) for pair in ((outputs, -outputs), (inside,) * 2)]
    found = learn_remainder(*twice, np.concatenate([outside, nothing]))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(learn_remainder(outputs, inside, nothing), NO_REMAINDER)


def test_a_sum_of_many_exponentials_is_told_well_enough() -> None:
    outputs, inside, outside = some_steps(3000, 8, seed=3)
    found = learn_remainder(outputs[:2000], inside[:2000], outside[:2000])
    told = outputs[2000:] @ found[:-1] + found[-1]
    whole = np.logaddexp(inside, outside)[2000:]
    error = np.abs(np.logaddexp(inside[2000:], told) - whole).mean()
    assert error < 0.3 * np.abs(inside[2000:] - whole).mean()
