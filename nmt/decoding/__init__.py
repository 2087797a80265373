"""Decoding: one search over one small protocol, whatever computes the model."""

from nmt.decoding.search import Hypothesis, search
from nmt.decoding.stepper import Candidates, Distribution, Stepper

__all__ = ["Candidates", "Distribution", "Hypothesis", "Stepper", "search"]
