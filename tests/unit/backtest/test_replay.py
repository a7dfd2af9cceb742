from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.backtest.replay import (
    ReplayOptions,
    default_first,
    lab_parameters,
    replay,
)
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.trial import Trial
from predictive_autoscaler.core.types import Bounds, FloatArray, Samples
from predictive_autoscaler.core.workloads import Sale, recorded_shop

START = datetime(2026, 3, 2, tzinfo=UTC)
QUARTER = 900
DAY = 86400 // QUARTER
FIRST = 6 * DAY
SETTING = Setting(3000.0, Bounds(1, 60), QUARTER, 1)


@cache
def traffic() -> Samples:
    """Six days and six hours of the shop, in quarters of an hour, the last hours with a sale."""
    sale = Sale(start_seconds=6 * 86400 + 3 * 3600.0)
    return recorded_shop(START, 7, 5, (sale,), QUARTER).window(0, FIRST + DAY // 4)


def options(**chosen: float) -> ReplayOptions:
    parameters = lab_parameters(SETTING, 15.0, **chosen)
    return ReplayOptions(SETTING, parameters, warm_up=timedelta(hours=6))


@cache
def asked() -> FloatArray:
    return replay(traffic(), FIRST, options()).asked


def changed_from(index: int) -> Samples:
    requests = traffic().requests.copy()
    requests[index:] = 7 * requests[index:][::-1] + 11
    return traffic().replaced(requests=requests)


@pytest.mark.parametrize("hours", [1, 4])
def test_what_comes_later_changes_no_decision(hours: int) -> None:
    index = FIRST + hours * 4
    other = replay(changed_from(index), FIRST, options()).asked
    # The decision for bin `index` itself is made at its start, before anything has changed.
    assert np.array_equal(other[: hours * 4 + 1], asked()[: hours * 4 + 1])
    assert not np.array_equal(other, asked())


def test_the_same_replay_asks_for_the_same() -> None:
    assert np.array_equal(replay(traffic(), FIRST, options()).asked, asked())


def test_what_the_newest_traffic_needs_is_asked_for() -> None:
    newest = traffic().requests[FIRST - 1 : -1]
    assert (asked() >= np.ceil(newest / SETTING.capacity_per_instance)).all()


def test_a_careless_net_keeps_the_headroom_of_target_tracking() -> None:
    with_net = replay(traffic(), FIRST, replace(options(), net_share=0.7)).asked
    newest = traffic().requests[FIRST - 1 : -1]
    assert (with_net >= np.ceil(newest / (0.7 * SETTING.capacity_per_instance))).all()
    assert with_net.sum() > asked().sum()


def test_a_controller_that_falls_back_leaves_the_group_to_target_tracking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a controller that finds after an hour that it has done worse
    fallen = FIRST + 4
    moment = traffic().time_of(fallen)

    def lost(state: ControllerState) -> Trial | None:
        return state.trial if state.accounted_until >= moment else None

    monkeypatch.setattr(ControllerState, "lost", property(lost))
    found = replay(traffic(), FIRST, options()).asked[fallen - FIRST :]
    # Then the last that it asked for is what target tracking goes on from
    scaler, expected = TargetTracking(0.7, int(found[0])), [found[0]]
    for requests in traffic().requests[fallen:-1].tolist():
        scaler = scaler.step(requests, SETTING.capacity_per_instance, SETTING.bounds, QUARTER)
        expected.append(scaler.instances)
    assert found.tolist() == expected
    assert not np.array_equal(found, asked()[fallen - FIRST :])


def test_a_higher_price_of_a_miss_asks_for_more() -> None:
    cheap, dear = (replay(traffic(), FIRST, options(miss_price=p)).asked for p in (2.0, 100.0))
    assert dear.sum() > cheap.sum()


def test_a_higher_quantile_asks_for_more() -> None:
    some, most = (replay(traffic(), FIRST, options(quantile=q)).asked for q in (0.6, 0.99))
    assert most.sum() > some.sum()


def test_a_gap_in_the_trace_is_lived_through() -> None:
    requests = traffic().requests.copy()
    requests[FIRST + 4 : FIRST + 8] = np.nan
    found = replay(traffic().replaced(requests=requests), FIRST, options()).asked
    # Nothing is given up while nothing is known
    assert (np.diff(found[5:9]) >= 0).all()


def test_evaluation_begins_after_55_percent_and_six_days() -> None:
    long = Samples.empty(START, QUARTER, 20 * DAY)
    assert default_first(long, None) == 11 * DAY
    assert default_first(long.window(0, 8 * DAY), None) == 6 * DAY
    assert default_first(long, START + timedelta(days=9)) == 9 * DAY
