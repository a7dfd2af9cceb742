"""What comes later changes no decision: our own policies, on generated traffic.

The peers' turn is in peers/test_all_peers.py; recorded traffic's in e2e/test_no_look_ahead.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from predictive_autoscaler.backtest.lab import OUR_POLICIES, OURS
from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.backtest.replay import ReplayOptions, lab_parameters, replay
from predictive_autoscaler.core.types import Bounds, FloatArray, Samples
from predictive_autoscaler.core.workloads import Sale, recorded_shop

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF_HOUR = 1800
DAY = 86400 // HALF_HOUR
FIRST = 5 * DAY
SETTING = Setting(6000.0, Bounds(1, 60), HALF_HOUR, 1)
EVALUATED = DAY // 2
CUTS = (FIRST + 1, FIRST + 9, FIRST + EVALUATED - 2)


@cache
def shop() -> Samples:
    """Five days and a half of the shop, with a sale in the evaluated part."""
    sale = Sale(start_seconds=5 * 86400 + 6 * 3600.0)
    return recorded_shop(START, 6, 5, (sale,), HALF_HOUR).window(0, FIRST + EVALUATED)


@cache
def rough() -> Samples:
    """The same hours without any rhythm, and with requests that are no whole numbers."""
    rng = np.random.default_rng(3)
    return shop().replaced(requests=rng.lognormal(10.5, 0.6, FIRST + EVALUATED))


def asked(demand: Samples, policy: str, **chosen: float) -> FloatArray:
    options = ReplayOptions(
        SETTING,
        lab_parameters(SETTING, 30.0, **chosen),
        net_share=OUR_POLICIES[policy],
        warm_up=timedelta(hours=8),
    )
    return replay(demand, FIRST, options).asked


def changed_from(demand: Samples, cut: int) -> Samples:
    """Wholly different from bin `cut` on, absent bins included."""
    rng = np.random.default_rng(cut)
    requests = demand.requests.copy()
    requests[cut:] = rng.uniform(0, 5, len(requests) - cut) * requests[:cut].max()
    requests[cut + 1 :: 5] = np.nan
    return demand.replaced(requests=requests)


@pytest.mark.parametrize("policy", OUR_POLICIES)
@pytest.mark.parametrize("traffic", [shop, rough])
def test_what_comes_later_changes_no_decision(policy: str, traffic: Callable[[], Samples]) -> None:
    demand = traffic()
    unchanged = asked(demand, policy)
    cuts = CUTS if policy == OURS else CUTS[1:2]
    for cut in cuts:
        other = asked(changed_from(demand, cut), policy)
        # The decision for the bin at the cut itself has seen the bins before it only
        same = cut - FIRST + 1
        assert unchanged[:same].tobytes() == other[:same].tobytes(), f"looked ahead of {cut}"
        assert not np.array_equal(unchanged, other)


@pytest.mark.parametrize("chosen", [{"missed_budget": 0.01}, {"miss_price": 8.0}])
def test_nor_with_a_budget_or_a_price(chosen: dict[str, float]) -> None:
    unchanged = asked(shop(), OURS, **chosen)
    other = asked(changed_from(shop(), CUTS[1]), OURS, **chosen)
    same = CUTS[1] - FIRST + 1
    assert unchanged[:same].tobytes() == other[:same].tobytes()
    assert not np.array_equal(unchanged, other)
