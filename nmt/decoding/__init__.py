"""Decoding: one search over one small protocol, whatever computes the model."""

from nmt.decoding.constraints import Constrained, Constraints
from nmt.decoding.ensemble import EnsembleStepper
from nmt.decoding.forced import Dictated, dictate
from nmt.decoding.search import Hypothesis, search
from nmt.decoding.stepper import Candidates, Distribution, Stepper

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
