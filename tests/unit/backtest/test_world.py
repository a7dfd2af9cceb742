from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.backtest.world import (
    OVERLOAD_SHARE,
    Fleet,
    Instances,
    measured,
    recorded_under,
    serve,
)
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import Quality
from tests.unit.core.builders import metrics


def test_capacity_serves_one_boot_time_after_it_was_asked_for() -> None:
    # A boot of five minutes is one bin: asked for at its start, serving from the next
    fleet = Fleet(boot_bins=1, initial=2)
    assert [fleet.ask(n) for n in (2, 5, 5, 5)] == [2, 2, 5, 5]


def test_capacity_given_up_stops_serving_at_once() -> None:
    fleet = Fleet(boot_bins=1, initial=5)
    assert [fleet.ask(n) for n in (5, 2, 2)] == [5, 2, 2]


def test_what_still_boots_is_cancelled_first() -> None:
    # Given two that serve, and three that are booting
    fleet = Fleet(boot_bins=2, initial=2)
    assert [fleet.ask(5), fleet.ask(5)] == [2, 2]
    # When two are given up, they come out of those: one starts to serve, on time
    assert [fleet.ask(3), fleet.ask(3)] == [3, 3]


def test_capacity_asked_for_again_boots_again() -> None:
    fleet = Fleet(boot_bins=2, initial=2)
    assert [fleet.ask(n) for n in (4, 2, 4, 4, 4)] == [2, 2, 2, 2, 4]


def simulated(asked: list[int], boot: int, initial: int) -> list[int]:
    """Instance by instance: a list of ages, the youngest given up first."""
    ages, ready = [boot] * initial, []
    for desired in asked:
        ages = sorted(ages, reverse=True)[:desired]
        ages += [0] * (desired - len(ages))
        ready.append(sum(age >= boot for age in ages))
        ages = [age + 1 for age in ages]
    return ready


@given(
    asked=st.lists(st.integers(0, 9), max_size=20),
    boot=st.integers(0, 4),
    initial=st.integers(0, 9),
)
def test_the_fleet_is_what_single_instances_would_make(
    asked: list[int], boot: int, initial: int
) -> None:
    ready = serve(np.array(asked, dtype=np.float64), boot, initial)
    assert ready.tolist() == simulated(asked, boot, initial)


def test_a_fleet_keeps_what_was_asked_and_what_served() -> None:
    fleet = Fleet(boot_bins=1, initial=1)
    for desired in (1, 3, 3):
        fleet.ask(desired)
    assert (fleet.asked, fleet.ready) == ([1, 3, 3], [1, 1, 3])


@pytest.mark.parametrize("use", [0.0, 0.5, 1.0, 1.2, 2.0, 10.0])
def test_every_request_is_either_counted_or_refused(use: float) -> None:
    row = measured(use * 3000.0, 3.0, Instances(1000.0))
    assert row["requests"] + row["refused"] == pytest.approx(use * 3000.0)
    assert row["cpu_percent"] == pytest.approx(min(100.0, 70.0 * use))
    assert (row["refused"] > 0) == (use > OVERLOAD_SHARE)


def test_response_gets_slower_with_the_load() -> None:
    times = [
        measured(u * 1000.0, 1.0, Instances(1000.0))["response_time_seconds"] for u in (0.1, 1, 2)
    ]
    assert times == sorted(times)
    assert times[2] > 5 * times[0]


def test_a_recording_is_measured_as_its_fleet_would_have_served_it() -> None:
    demand = metrics([500.0, np.nan, 4000.0])
    found = recorded_under(demand, np.array([1.0, 1.0, 2.0]), Instances(1000.0))
    np.testing.assert_allclose(found.cpu_percent, [35.0, np.nan, 100.0])
    np.testing.assert_array_equal(found.in_service, [1.0, np.nan, 2.0])
    # An overload shows as one, with the demand whole
    assessed = assess(found, 1.0)
    assert assessed.quality[2] == Quality.CENSORED
    assert assessed.requests[2] == pytest.approx(4000.0)
