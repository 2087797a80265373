"""How long a run is, and what changes over it: learning rate, weight of guided attention."""

import math
from dataclasses import dataclass

from nmt.config import TrainingConfig
from nmt.training.checkpoint import TrainState

GUIDED_SHARE = 0.25
"""Of a run, in which attention is guided."""
_VALIDATIONS_OF_A_BUDGET = 10
_SHARE_OF_VALIDATION = 0.2
"""Of a budget of minutes, at most, as soon as it is known how long one takes."""
_SECONDS_OF_A_VALIDATION = 20.0
"""Of a budget of minutes, at least, for each: in less there is little to see."""


@dataclass(frozen=True)
class Length:
    """How much of a run is over, and when its weights are validated.

    Attributes:
        config: The epochs, steps or minutes that it takes.
        state: How far it has come.
    """

    config: TrainingConfig
    state: TrainState

    @property
    def share(self) -> float:
        """Share of the run that is over: of its time, its steps or its epochs."""
        if self.config.minutes:
            return self.state.elapsed_s / self._budget_s
        if self.config.steps:
            return self.state.step / self.config.steps
        return self.state.epochs / self.config.epochs

    @property
    def is_over(self) -> bool:
        """Whether it is used up, or patience is."""
        patience = self.config.patience
        return bool(patience and self.state.stale_validations >= patience) or self.share >= 1.0

    @property
    def validates_epochs(self) -> bool:
        """Whether the weights are validated after each epoch."""
        return not (self.config.validate_every or self.config.minutes)

    @property
    def is_validation_due(self) -> bool:
        """Whether to validate the weights in the middle of an epoch."""
        if self.config.validate_every:
            return self.state.step % self.config.validate_every == 0
        if self.validates_epochs:
            return False
        return int(self._validations_of_budget * self.share) > self.state.validations

    @property
    def _validations_of_budget(self) -> int:
        """How many there are, so that little of the minutes goes into them."""
        cost_s = max(self.state.validation_s / _SHARE_OF_VALIDATION, _SECONDS_OF_A_VALIDATION)
        return max(1, min(_VALIDATIONS_OF_A_BUDGET, int(self.config.minutes * 60.0 / cost_s)))

    @property
    def _budget_s(self) -> float:
        """Seconds to learn in, with enough left of the minutes to validate at the end."""
        budget = self.config.minutes * 60.0
        last_s = 1.2 * self.state.validation_s
        if not last_s and self._validations_of_budget == 1:  # so that is the first, too
            last_s = _SHARE_OF_VALIDATION * budget
        return max(budget - last_s, 0.5 * budget)


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
    """The weight of guided attention: ``training.guided_attention``, falling to 0.

    Args:
        config: The weight at the beginning.
        progress: Share of the run that is over, 0 to 1, by steps or by time.

    Returns:
        The weight, on a line that meets 0 after `GUIDED_SHARE` of the run.
    """
    return config.guided_attention * max(0.0, 1.0 - progress / GUIDED_SHARE)
