"""What observing promises, against what acting then keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.backtest import lab
from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.backtest.promise import Promise, check_promise
from predictive_autoscaler.core.types import Bounds
from predictive_autoscaler.core.workloads import recorded_shop
from scripts.check_promise import checked
from tests.helpers.recordings import TRACES, recorded

BINS_A_DAY = 288
WITHIN = pytest.approx(1.0, abs=0.1)


def of_the_shop(days: int) -> Promise:
    """The last days of a generated shop, after a week to learn from."""
    demand = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 7 + days, 1, ())
    first = 7 * BINS_A_DAY
    peak = float(np.quantile(demand.requests[first:], lab.PEAK_QUANTILE))
    setting = Setting(peak / lab.INSTANCES_AT_PEAK, Bounds(1, 60))
    return check_promise(demand, first, lab.LabOptions().of_replay(setting))


@pytest.mark.slow
def test_a_day_of_a_generated_shop() -> None:
    promise = of_the_shop(1)
    assert promise.observed.observing
    assert not promise.acted.observing
    assert promise.observed.length == promise.acted.length >= timedelta(hours=22)
    assert promise.observed.ours != promise.observed.theirs
    assert promise.hours_ratio == WITHIN
    assert promise.missed_ratio == WITHIN


@pytest.mark.slow
def test_a_month_of_real_traffic() -> None:
    promise = checked(TRACES / recorded("nasa_aug95.csv"), 30)
    assert promise.acted.length >= timedelta(days=23)
    assert promise.hours_ratio == WITHIN
    assert promise.missed_ratio == WITHIN
