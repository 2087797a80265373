"""The learning rate, in numbers worked by hand and against the papers' formulas."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TrainingConfig
from nmt.training.schedule import guidance, learning_rate
from tests import reference

SCHEDULES = ("constant", "linear", "cosine", "inverse-sqrt")


def config(schedule: str, warmup_steps: int = 0) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {"learning_rate": 0.008, "schedule": schedule, "warmup_steps": warmup_steps}
    )


@pytest.mark.parametrize(
    ("schedule", "step", "progress", "rate"),
    [
        # warm-up of 4 steps: 1/4, 2/4, 3/4 and 4/4 of 0.008, whatever the progress
        ("cosine", 0, 0.9, 0.002),
        ("linear", 1, 0.0, 0.004),
        ("constant", 2, 0.0, 0.006),
        ("inverse-sqrt", 3, 0.0, 0.008),
        # after it
        ("constant", 4, 0.0, 0.008),
        ("constant", 400, 1.0, 0.008),
        ("linear", 100, 0.25, 0.006),  # 0.008 x (1 - 0.25)
        ("linear", 100, 1.0, 0.0),
        ("cosine", 100, 0.0, 0.008),  # (1 + cos 0) / 2 = 1
        ("cosine", 100, 0.5, 0.004),  # (1 + cos 90 degrees) / 2 = 1/2
        ("cosine", 100, 1 / 3, 0.006),  # (1 + cos 60 degrees) / 2 = (1 + 1/2) / 2 = 3/4
        ("cosine", 100, 1.0, 0.0),  # (1 + cos 180 degrees) / 2 = 0
        ("inverse-sqrt", 4, 0.0, 0.008),  # sqrt(4 / 4)
        ("inverse-sqrt", 16, 0.7, 0.004),  # sqrt(4 / 16) = 1/2
        ("inverse-sqrt", 64, 0.7, 0.002),  # sqrt(4 / 64) = 1/4
    ],
)
def test_the_rate_is_what_a_hand_would_compute(
    schedule: str, step: int, progress: float, rate: float
) -> None:
    assert learning_rate(config(schedule, 4), step, progress) == pytest.approx(rate, abs=1e-12)


@given(st.integers(0, 20000), st.floats(0.0, 1.0), st.integers(0, 4000))
@settings(max_examples=100, derandomize=True)
def test_the_rate_is_that_of_the_papers(step: int, progress: float, steps: int) -> None:
    factors = {
        "constant": 1.0,
        "linear": 1.0 - progress,
        "cosine": reference.cosine(progress),
        "inverse-sqrt": reference.inverse_sqrt(max(step, 1), max(steps, 1)),
    }
    for schedule in SCHEDULES:
        warm = reference.warm_up(step, steps)
        factor = warm if step < steps else factors[schedule]
        found = learning_rate(config(schedule, steps), step, progress)
        assert found == pytest.approx(0.008 * factor, abs=1e-15)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_without_a_warm_up_the_first_rate_is_the_highest(schedule: str) -> None:
    assert learning_rate(config(schedule), 0, 0.0) == 0.008
    rates = [learning_rate(config(schedule), step, step / 50) for step in range(51)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("progress", [-0.5, 1.0, 1.2, 3.0])
def test_a_run_that_takes_longer_than_planned_keeps_a_sensible_rate(
    schedule: str, progress: float
) -> None:
    assert 0.0 <= learning_rate(config(schedule), 500, progress) <= 0.008


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_is_0_at_the_end_and_after_it(schedule: str) -> None:
    for progress in (1.0, 1.5, 2.0):
        assert learning_rate(config(schedule), 500, progress) == 0.0


def test_guidance_falls_on_a_line_to_0_in_the_first_quarter_of_a_run() -> None:
    config = TrainingConfig(guided_attention=0.8)
    found = [guidance(config, progress) for progress in (0.0, 0.0625, 0.125, 0.25, 0.5, 1.0)]
    assert found == pytest.approx([0.8, 0.6, 0.4, 0.0, 0.0, 0.0])
    assert guidance(TrainingConfig(guided_attention=0.0), 0.0) == 0.0
