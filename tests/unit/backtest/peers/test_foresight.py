from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive_autoscaler.backtest.peers import Setting, oracle
from predictive_autoscaler.backtest.peers.foresight import Oracle, StaticPeak
from predictive_autoscaler.backtest.world import serve
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.core.types import Bounds, FloatArray
from tests.unit.backtest.peers.contexts import C, context

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


def test_a_static_peak_has_the_size_of_the_largest_demand_to_come() -> None:
    # What lies before the evaluated part does not count
    given = context([900.0, 900.0, 120.0, 310.0, np.nan], first=2)
    assert StaticPeak().asked(given).tolist() == [4, 4, 4]


def test_the_oracle_of_a_trace_begins_with_the_evaluated_part() -> None:
    given = context([900.0, 900.0, 120.0, 310.0, 50.0], first=2)
    assert Oracle().asked(given).tolist() == [4, 4, 1]
