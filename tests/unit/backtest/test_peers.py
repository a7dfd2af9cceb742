from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive_autoscaler.backtest.peers import Setting, oracle, target_tracking
from predictive_autoscaler.backtest.world import serve
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.core.types import Bounds, FloatArray

C = 100.0
SETTING = Setting(C, Bounds(1, 50))

needs = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def demand_of(instances: list[int]) -> FloatArray:
    return np.array(instances, dtype=np.float64) * C


def missed(demand: FloatArray, asked: FloatArray, boot_bins: int) -> float:
    """What is missed if, before the beginning, there was plenty."""
    ready = serve(asked, boot_bins, initial=99)
    return score_scaling(demand, asked, ready, C, 300).missed_requests


@given(needs=needs, boot_bins=st.integers(0, 2))
@settings(max_examples=40)
def test_the_oracle_misses_nothing_and_nobody_is_cheaper(needs: list[int], boot_bins: int) -> None:
    demand = demand_of(needs)
    asked = oracle(demand, Setting(C, Bounds(1, 50), boot_bins=boot_bins))
    assert missed(demand, asked, boot_bins) == 0.0
    # Of all that one could have asked for, no cheaper row misses nothing
    cheapest = min(
        sum(row)
        for row in itertools.product(range(1, max(needs) + 1), repeat=len(needs))
        if missed(demand, np.array(row, dtype=np.float64), boot_bins) == 0.0
    )
    assert asked.sum() == cheapest


def test_the_oracle_asks_one_boot_time_ahead_and_no_longer() -> None:
    assert oracle(demand_of([1, 1, 4, 1, 1]), SETTING).tolist() == [1, 4, 4, 1, 1]


def test_the_oracle_stays_within_the_bounds() -> None:
    setting = Setting(C, Bounds(2, 3))
    assert oracle(np.array([0.0, np.nan, 900.0]), setting).tolist() == [2, 3, 3]


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
