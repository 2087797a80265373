"""How much of the probability lies outside a shortlist.

Within a shortlist the probabilities of a step add up to 1, whatever else the model may have wanted
to say: where it finds no good word there, the search would hold a bad one for a sure one, and
prefer the translation that got there. What is missing is the sum of the softmax over the whole
vocabulary, without its products. The logits of what is out of reach are linear in the output vector
``h``, and the logarithm of the sum of their exponentials is nearly so: one row, ``u h + c``.

Self-normalised models (Devlin et al. 2014, "Fast and robust neural network joint models", 2.2;
Andreas and Klein 2015) learn to keep the whole sum at 1, to the same end; this takes a model as it
is, and has to guess at what is out of reach only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nmt.search.stepper import Floats

RIDGE = 0.01
"""Of the squared weights, for each output vector; those are between -1 and 1."""
NO_REMAINDER: Floats = np.array([0.0, -np.inf], np.float32)
"""Of a shortlist that leaves nothing out; its one weight is for vectors of any size."""


def learn_remainder(outputs: NDArray[Any], inside: NDArray[Any], outside: NDArray[Any]) -> Floats:
    """Learn ``u`` and ``c`` by least squares.

    Each step counts by the share of the probability that is outside, for by that the logarithm of
    the whole sum depends on it.

    Args:
        outputs: Output vectors, shape (steps, output size).
        inside: Logarithm of the sum of the exponentials of the logits in reach, shape (steps,).
        outside: The same of those out of reach, shape (steps,); minus infinity for none.

    Returns:
        ``u`` and after it ``c``, shape (output size + 1,).
    """
    has_any = np.isfinite(outside)
    if not has_any.any():
        return NO_REMAINDER
    share = np.exp(outside - np.logaddexp(inside, outside))[has_any]
    wanted = outside[has_any].astype(np.float64)
    vectors = np.column_stack([outputs[has_any], np.ones(len(wanted))]).astype(np.float64)
    weighted = vectors * share[:, None]
    penalty = RIDGE * share.sum() * np.eye(vectors.shape[1])
    penalty[-1, -1] = 0.0
    # (steps, size + 1)^T (steps, size + 1) + penalty = (size + 1, size + 1)
    found = np.linalg.lstsq(weighted.T @ vectors + penalty, weighted.T @ wanted, rcond=None)[0]
    learned: Floats = found.astype(np.float32)
    return learned
