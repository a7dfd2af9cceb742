"""Changing all values after a time leaves every decision up to it alone, on recorded traffic.

The series that is changed is the one on the control interval's grid: a recording of half
hours is first put on five minutes, linear between the bins' starts. The capacity of an
instance stays as it is without the change; by default it follows from the evaluated part.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from predictive_autoscaler.backtest import lab
from predictive_autoscaler.backtest.peers import PEERS
from predictive_autoscaler.core.types import FloatArray
from tests.helpers.recordings import TRACES, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DAY = 288
BEFORE, EVALUATED = 4 * DAY, DAY // 2
"""Enough to train on, and few decisions, since a replay of everything would take hours."""
CUTS = (BEFORE + 2, BEFORE + 61, BEFORE + EVALUATED - 5)
SEEING = {peer.name for peer in PEERS if peer.sees_future}
BLIND = tuple(name for name in lab.known_policies() if name not in SEEING)
TRAFFIC = {"ms_mongo_app1": 1000, "ms_mongo_app3": 1728, "nyc_taxi_30min": 30000}
"""By recording, the bin that the shortened one begins at; app3's has the level shift."""
BUDGET = {"missed_budget": 0.01}


@cache
def traffic(name: str) -> lab.LabTraffic:
    """Four days and a half of a recording, the half day to be decided for."""
    whole = lab.load_traffic(TRACES / recorded(f"{name}.csv"), lab.LabOptions())
    begin = min(TRAFFIC[name], len(whole.demand) - BEFORE - EVALUATED)
    demand = whole.demand.window(begin, begin + BEFORE + EVALUATED)
    capacity = float(np.quantile(demand.requests[BEFORE:], lab.PEAK_QUANTILE)) / 30
    setting = replace(whole.setting, capacity_per_instance=capacity)
    return lab.LabTraffic(name, demand, BEFORE, setting)


@cache
def asked(name: str, policy: str, cut: int | None = None, budget: bool = False) -> FloatArray:
    given = traffic(name)
    if cut is not None:
        rng = np.random.default_rng(cut)
        requests = given.demand.requests.copy()
        requests[cut:] = rng.uniform(0, 4, len(requests) - cut) * requests[:cut].max()
        given = replace(given, demand=given.demand.replaced(requests=requests))
    options = lab.LabOptions(parameters=BUDGET if budget else {})
    return lab.run_policy(given, policy, options).asked


def cuts_of(policy: str) -> tuple[int, ...]:
    """All for whoever is quick and for ours; the nets differ from ours by a line."""
    return CUTS if policy == lab.OURS or policy not in lab.OUR_POLICIES else CUTS[1:2]


def pairs() -> list[tuple[str, str]]:
    """Each policy on each recording, but the nets, which take as long as ours, on one."""
    slow = set(lab.OUR_POLICIES) - {lab.OURS}
    return [
        (name, policy)
        for name in TRAFFIC
        for policy in BLIND
        if policy not in slow or name == "ms_mongo_app3"
    ]


@pytest.mark.parametrize(("name", "policy"), pairs())
def test_what_comes_later_changes_no_decision(name: str, policy: str) -> None:
    recorded(f"{name}.csv")
    unchanged = asked(name, policy)
    for cut in cuts_of(policy):
        other = asked(name, policy, cut)
        # The decision for the bin at the cut has seen the bins before it only
        same = cut - BEFORE + 1
        assert unchanged[:same].tobytes() == other[:same].tobytes(), f"looked ahead of {cut}"
        assert not np.array_equal(unchanged, other)


def test_nor_with_a_budget() -> None:
    name, cut = "ms_mongo_app3", CUTS[1]
    recorded(f"{name}.csv")
    same = cut - BEFORE + 1
    unchanged, other = (asked(name, lab.OURS, at, budget=True) for at in (None, cut))
    assert unchanged[:same].tobytes() == other[:same].tobytes()
    assert not np.array_equal(unchanged, other)


def test_who_sees_the_future_is_found_out() -> None:
    """The premise: a policy that looks ahead would not pass."""
    name, cut = "ms_mongo_app1", CUTS[1]
    recorded(f"{name}.csv")
    same = cut - BEFORE + 1
    assert not np.array_equal(asked(name, "oracle")[:same], asked(name, "oracle", cut)[:same])
    assert {"oracle", "static peak"} == SEEING
