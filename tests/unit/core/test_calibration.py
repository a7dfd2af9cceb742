"""Calibration against a queue whose capacity is known."""

from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.calibration import SETTLING_SECONDS, calibrate, steps_of
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import DataError
from tests.helpers.simulated_shop import simulated_test

CAPACITY = 23.0
STEP_SECONDS = 80
TESTS = 20


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


def test_a_moment_of_standstill_moves_the_capacity_little() -> None:
    """Slow answers in the middle of a step that carries its load with ease."""
    seconds, users, rates, p95 = load_test()
    calm = calibrate(steps_of(seconds, users, rates, p95), 0.9)
    p95[STEP_SECONDS + 15 : STEP_SECONDS + 26] = 4.0
    shaken = calibrate(steps_of(seconds, users, rates, p95), 0.9)
    assert shaken.rate == pytest.approx(calm.rate, rel=0.02)


def test_a_step_slower_than_the_next_is_taken_together_with_it() -> None:
    """Broken alone, kept together: chance made the one slow and the other fast."""
    seconds, users, rates, p95 = load_test()
    calm = calibrate(steps_of(seconds, users, rates, p95), 0.9)
    p95[STEP_SECONDS : 2 * STEP_SECONDS] = 0.95
    p95[2 * STEP_SECONDS : 3 * STEP_SECONDS] = 0.45
    found = calibrate(steps_of(seconds, users, rates, p95), 0.9)
    assert found.kept_users == calm.kept_users == 60
    assert found.rate == pytest.approx(calm.rate, rel=0.1)


def test_shorter_steps_are_less_certain() -> None:
    """A quarter of the rows: of each step a quarter of the journeys."""
    seconds, users, rates, p95 = load_test()
    long = calibrate(steps_of(seconds, users, rates, p95), 0.9)
    first = (seconds % STEP_SECONDS) < SETTLING_SECONDS + 7
    short = calibrate(steps_of(*(column[first] for column in (seconds, users, rates, p95))), 0.9)
    assert short.high - short.low > 1.5 * (long.high - long.low)


def test_simulated_shops_are_found_with_the_certainty_that_is_claimed() -> None:
    """Queues and journeys by chance; their true rate is that of a test of hours."""
    objective = 1.0
    (true, *found) = (
        calibrate(steps_of(*simulated_test(seed, seconds)), objective)
        for seed, seconds in [(0, 1200), *((seed, 60) for seed in range(1, TESTS + 1))]
    )
    near = [test for test in found if test.rate == pytest.approx(true.rate, rel=0.1)]
    holding = [test for test in found if test.low <= true.rate <= test.high]
    assert len(near) >= 0.9 * TESTS
    assert len(holding) >= 0.75 * TESTS
