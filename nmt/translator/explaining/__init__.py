"""How a translation came about: attention, runners-up and pruned hypotheses."""

from nmt.translator.explaining.explainer import explain_sentence
from nmt.translator.explaining.explanation import (
    BeamRow,
    Dropped,
    EncoderStates,
    Explanation,
    RunnerUp,
    SentenceExplanation,
    Step,
    Word,
)
from nmt.translator.explaining.recorder import Recorder

__all__ = [
    "BeamRow",
    "Dropped",
    "EncoderStates",
    "Explanation",
    "Recorder",
    "RunnerUp",
    "SentenceExplanation",
    "Step",
    "Word",
    "explain_sentence",
]
