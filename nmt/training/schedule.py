"""What changes over a run: the learning rate, and how much attention is told where to look."""

import math

from nmt.config import TrainingConfig

GUIDED_SHARE = 0.25
"""Of a run, in which attention is told where to look."""


def learning_rate(config: TrainingConfig, step: int, progress: float) -> float:
    """The rate of a step: a warm-up from 0, then the fall that ``training.schedule`` names.

    Args:
        config: Highest rate, schedule, warm-up.
        step: Steps taken before this one.
        progress: Share of the run that is over, 0 to 1, by steps or by time.

    Returns:
        The rate; ``linear`` and ``cosine`` (Loshchilov and Hutter 2017, equation 5, without
        restarts) reach 0 at progress 1, ``inverse-sqrt`` (Vaswani et al. 2017, section 5.3)
        falls from the end of the warm-up on.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = min(max(progress, 0.0), 1.0)
    match config.schedule:
        case "constant":
            factor = 1.0
        case "linear":
            factor = 1.0 - progress
        case "cosine":
            factor = 0.5 * (1.0 + math.cos(math.pi * progress))
        case "inverse-sqrt":
            factor = math.sqrt(max(config.warmup_steps, 1) / max(step, config.warmup_steps, 1))
    return config.learning_rate * factor


def guidance(config: TrainingConfig, progress: float) -> float:
    """How much the guide of attention counts: ``training.guided_attention``, falling to 0.

    Args:
        config: The weight at the beginning.
        progress: Share of the run that is over, 0 to 1, by steps or by time.

    Returns:
        The weight, on a line that meets 0 after `GUIDED_SHARE` of the run.
    """
    return config.guided_attention * max(0.0, 1.0 - progress / GUIDED_SHARE)
