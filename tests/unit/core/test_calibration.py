"""Calibration against a queue whose capacity is known."""

from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.calibration import SETTLING_SECONDS, calibrate, steps_of
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import DataError

CAPACITY = 23.0
STEP_SECONDS = 40


def load_test(
    users: tuple[int, ...] = (20, 40, 60, 80, 100), think: float = 3.0, seed: int = 1
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Rows as Locust writes them, of shoppers before one instance that saturates at CAPACITY."""
    rng = np.random.default_rng(seed)
    rows = []
    for index, count in enumerate(users):
        rate = min(count / (think + 0.1), CAPACITY)
        waits = 0.1 / max(1 - rate / CAPACITY, 0.08)
        response = max(waits, count / rate - think)
        for second in range(STEP_SECONDS):
            noise = rng.lognormal(0, 0.05, 2)
            rows.append(
                (index * STEP_SECONDS + second, count, rate * noise[0], response * noise[1])
            )
    seconds, counts, rates, p95 = (
        np.array(column, dtype=float) for column in zip(*rows, strict=True)
    )
    return seconds, counts, rates, p95


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_finds_the_capacity_within_a_tenth(seed: int) -> None:
    found = calibrate(steps_of(*load_test(seed=seed)), 0.9)
    assert found.rate == pytest.approx(CAPACITY, rel=0.1)
    assert found.low <= found.rate <= found.high
    assert found.high - found.low < 0.2 * found.rate
    assert (found.kept_users, found.broken_users) == (60, 80)


def test_the_same_test_gives_the_same_numbers() -> None:
    steps = steps_of(*load_test())
    assert calibrate(steps, 0.9) == calibrate(steps, 0.9)


def test_the_beginning_of_a_step_is_left_out() -> None:
    steps = steps_of(*load_test())
    assert [step.users for step in steps] == [20, 40, 60, 80, 100]
    assert {len(step) for step in steps} == {STEP_SECONDS - int(SETTLING_SECONDS)}


def test_rows_without_requests_are_left_out() -> None:
    seconds, users, rates, p95 = load_test()
    rates[20:30] = 0.0
    p95[30:35] = np.nan
    assert len(steps_of(seconds, users, rates, p95)[0]) == STEP_SECONDS - 12 - 15


def test_a_test_that_never_overloads_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"kept at every step, up to 1.* with more users"):
        calibrate(steps_of(*load_test(users=(20, 40))), 0.9)


def test_a_test_that_begins_overloaded_says_what_to_do() -> None:
    with pytest.raises(DataError, match="broken at the first step already, with 90 users"):
        calibrate(steps_of(*load_test(users=(90, 120))), 0.9)


def test_one_step_is_no_test() -> None:
    with pytest.raises(DataError, match="has 1 steps of 17 seconds"):
        calibrate(steps_of(*load_test(users=(20,))), 0.9)
