"""How often a training is validated, by steps and by the clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.training.loop.validation_times import NextValidation, ValidationTimes


def simulated(times: ValidationTimes, each: float, cost: float) -> Iterator[tuple[int, float]]:
    """Step and minutes of all validations of a training whose steps and validations take so many minutes."""
    assert times.minutes is not None
    minutes, step = cost, 0
    last = minutes
    yield step, minutes
    while minutes < times.minutes:
        minutes, step = minutes + each, step + 1
        over = minutes >= times.minutes
        if over or times.due_by_steps(step) or times.due_by_clock(minutes, last, cost):
            minutes += cost
            last = minutes
            yield step, minutes


@given(
    minutes=st.floats(0.5, 600),
    steps=st.integers(30, 5000),
    cost=st.floats(0, 0.04),
)
def test_a_training_by_the_clock_is_judged_at_least_five_times(
    minutes: float, steps: int, cost: float
) -> None:
    times = ValidationTimes(every=10**9, steps=None, minutes=minutes)
    looks = list(simulated(times, minutes / steps, cost * minutes))
    assert 5 <= len(looks) <= 11
    between = len(looks) - 2
    assert between * cost <= max(0.1, 3 * cost) + 1e-9, "of the time that is spent beside beginning and end"


@given(cost=st.floats(0.04, 2))
def test_validations_that_take_long_do_not_take_the_training_over(cost: float) -> None:
    times = ValidationTimes(every=10**9, steps=None, minutes=10.0)
    between = len(list(simulated(times, 0.1, 10 * cost))) - 2
    assert between * cost <= 1 / 3 + 1e-9


def test_without_a_clock_nothing_depends_on_one() -> None:
    times = ValidationTimes(every=100, steps=250, minutes=None)
    assert not times.due_by_clock(1e6, 0.0, 0.0)
    assert [step for step in range(1, 250) if times.due_by_steps(step)] == [100, 200]
    assert times.next_after(42, 3.0, (0, 0.1), 0.1) == NextValidation(step=100)
    assert times.next_after(210, 3.0, (200, 0.1), 0.1) == NextValidation(step=250)


def test_the_next_one_is_told_by_what_comes_first() -> None:
    times = ValidationTimes(every=100, steps=None, minutes=4.0)
    slow = times.next_after(10, 0.9, (0, 0.1), 0.0)
    assert slow.step is None
    assert slow.minutes == 0, "it is due"
    assert times.next_after(10, 0.11, (0, 0.1), 0.0) == NextValidation(step=100)
    assert times.next_after(50, 3.9, (40, 3.5), 0.1).minutes == pytest.approx(0.1), "the one at the end"
