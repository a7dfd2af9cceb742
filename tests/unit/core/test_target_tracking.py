from __future__ import annotations

import math

import pytest

from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import Bounds

BOUNDS = Bounds(1, 20)
C = 100.0


def after(
    policy: TargetTracking, *demands: float, bounds: Bounds = BOUNDS, interval_seconds: int = 300
) -> list[int]:
    """Its capacity after each bin."""
    capacities = []
    for demand in demands:
        policy = policy.step(demand, C, bounds, interval_seconds)
        capacities.append(policy.instances)
    return capacities


def test_it_scales_out_at_once_to_its_target() -> None:
    assert after(TargetTracking(0.7, 2), 700.0) == [10]


def test_it_leaves_a_use_between_90_and_100_percent_of_the_target_alone() -> None:
    # Ten instances at 70 % carry 700; 90 % of that is 630
    assert after(TargetTracking(0.7, 10), *[630.0] * 9) == [10] * 9


def test_it_scales_in_only_after_15_minutes_of_low_use() -> None:
    assert after(TargetTracking(0.7, 10), *[345.0] * 4) == [10, 10, 5, 5]


def test_each_step_in_takes_15_minutes_of_its_own() -> None:
    fading = [345.0] * 3 + [200.0] * 4
    assert after(TargetTracking(0.7, 10), *fading) == [10, 10, 5, 5, 5, 3, 3]


@pytest.mark.parametrize("interruption", [math.nan, 690.0], ids=["unknown", "busy"])
def test_the_15_minutes_begin_anew_after(interruption: float) -> None:
    demands = [345.0, 345.0, interruption, 345.0, 345.0, 345.0]
    assert after(TargetTracking(0.7, 10), *demands) == [10, 10, 10, 10, 10, 5]


def test_scaling_out_begins_them_anew_too() -> None:
    assert after(TargetTracking(0.7, 10), 345.0, 345.0, 1400.0, 345.0, 345.0, 345.0) == [
        10, 10, 20, 20, 20, 5,
    ]  # fmt: skip


def test_15_minutes_are_counted_in_time_not_bins() -> None:
    assert after(TargetTracking(0.7, 10), 345.0, interval_seconds=900) == [5]
    minutes = after(TargetTracking(0.7, 10), *[345.0] * 15, interval_seconds=60)
    assert minutes == [10] * 14 + [5]


def test_it_stays_within_the_bounds_of_the_group() -> None:
    assert after(TargetTracking(0.7, 10), 1e6) == [20]
    assert after(TargetTracking(0.7, 10), *[0.0] * 3, bounds=Bounds(4, 20)) == [10, 10, 4]
    # Bounds that moved since: at once
    assert after(TargetTracking(0.7, 10), 690.0, bounds=Bounds(1, 8)) == [8]
