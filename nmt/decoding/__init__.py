"""Decoding: one search over one small protocol, whatever computes the model."""

from nmt.decoding.search import Hypothesis, search
from nmt.decoding.stepper import Candidates, Stepper

__all__ = ["Candidates", "Hypothesis", "Stepper", "search"]
