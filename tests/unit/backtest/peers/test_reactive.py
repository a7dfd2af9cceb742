from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.backtest.peers import Setting, target_tracking
from predictive_autoscaler.backtest.peers.reactive import Tracking
from predictive_autoscaler.core.types import Bounds
from tests.unit.backtest.peers.contexts import C, context

SETTING = Setting(C, Bounds(1, 50))


def test_target_tracking_knows_only_what_has_passed() -> None:
    # Given a step from 7 to 14 instances at 70 %
    demand = np.array([490.0] * 3 + [980.0] * 3)
    # Then it answers one bin later
    assert target_tracking(demand, SETTING, 0.7).tolist() == [7, 7, 7, 7, 14, 14]


def test_target_tracking_gives_up_capacity_after_15_minutes() -> None:
    demand = np.array([980.0] * 2 + [490.0] * 6)
    assert target_tracking(demand, SETTING, 0.7).tolist() == [14] * 5 + [7] * 3


@given(cut=st.integers(1, 39), seed=st.integers(0, 9))
def test_target_tracking_is_blind_to_the_future(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = (rng.uniform(0, 2000, 40) for _ in range(2))
    mixed = np.concatenate([one[:cut], two[cut:]])
    same = cut + 1  # the capacity of a bin answers the bins before it
    ours, theirs = (target_tracking(demand, SETTING, 0.7)[:same] for demand in (one, mixed))
    assert ours.tolist() == theirs.tolist()


def test_target_tracking_needs_no_demand_to_start() -> None:
    assert target_tracking(np.array([np.nan, np.nan]), SETTING, 0.7).tolist() == [1, 1]
    assert len(target_tracking(np.zeros(0), SETTING, 0.7)) == 0


def test_a_raised_floor_acts_at_once_and_its_fall_waits_for_nothing() -> None:
    # Given a load that needs 5, quiet for long, under a floor of 9 for a while
    floor = np.array([1.0] * 2 + [9.0] * 6 + [1.0] * 2)
    asked = target_tracking(np.full(10, 350.0), SETTING, 0.7, floor)
    # Then the alarm has been low for 15 minutes when the floor falls
    assert asked.tolist() == [5, 5, 9, 9, 9, 9, 9, 9, 5, 5]


def test_a_floor_holds_without_data() -> None:
    floor = np.array([1.0, 6.0, 6.0])
    assert target_tracking(np.full(3, np.nan), SETTING, 0.7, floor).tolist() == [1, 6, 6]


def test_tracking_has_been_at_work_before_the_evaluated_part() -> None:
    demand = [980.0] * 2 + [490.0] * 6
    assert Tracking("at 70", 0.7).asked(context(demand, first=3)).tolist() == [14, 14, 7, 7, 7]
