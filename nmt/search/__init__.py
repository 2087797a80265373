"""Decoding: one search over one small protocol, whatever computes the model."""

from nmt.search.constraints import Constrained, Constraints
from nmt.search.ensemble import EnsembleStepper
from nmt.search.forced import Dictated, dictate
from nmt.search.search import Hypothesis, search
from nmt.search.stepper import Candidates, Distribution, Stepper

__all__ = [
    "Candidates",
    "Constrained",
    "Constraints",
    "Dictated",
    "Distribution",
    "EnsembleStepper",
    "Hypothesis",
    "Stepper",
    "dictate",
    "search",
]
