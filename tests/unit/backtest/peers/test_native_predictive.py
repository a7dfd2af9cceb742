from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.backtest.peers.native_predictive import (
    AHEAD_HOURS,
    NativePredictive,
    forecast_hours,
    hourly_floor,
    hourly_load,
)
from predictive_autoscaler.core.types import FloatArray
from tests.unit.backtest.peers.contexts import MONDAY, C, context, days_of

HOUR_BINS = 12


def daily(days: int, night: float = 70.0, noon: float = 700.0) -> FloatArray:
    """Requests per bin: `noon` from twelve to one, `night` in all other hours."""
    day = np.full(288, night)
    day[12 * HOUR_BINS : 13 * HOUR_BINS] = noon
    return np.tile(day, days)


def test_hours_are_those_of_the_clock_and_whole() -> None:
    load, first = hourly_load(context([1.0] * 30, start=MONDAY.replace(minute=50)))
    # Two bins of the first hour are left out, then follow two whole hours and a part
    assert load.tolist() == [12, 12, 4]
    assert first == int(MONDAY.timestamp()) // 3600 + 1


def test_under_a_day_there_is_no_forecast() -> None:
    assert forecast_hours(np.ones(23)).tolist() == [0.0] * AHEAD_HOURS


def test_a_day_is_repeated() -> None:
    day = np.arange(24.0)
    np.testing.assert_allclose(forecast_hours(day), np.tile(day, 2))


def test_newer_days_weigh_more() -> None:
    known = np.repeat([100.0, 200.0], 24)
    assert forecast_hours(known)[0] == pytest.approx((200 + 0.7 * 100) / 1.7)


def test_last_week_counts_at_the_present_level() -> None:
    # Given a week with a busy Saturday, and everything doubled since
    week = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 1.0], 24)
    known = np.concatenate([week, 2 * week[: 5 * 24]])
    usual = forecast_hours(known)[24]  # of the Sunday, one weekday like another
    saturday = forecast_hours(known)[0]
    assert saturday - usual == pytest.approx(0.5 * 2 * (5 - 1))


def test_a_glitch_of_last_week_does_not_blow_the_level_up() -> None:
    known = np.concatenate([np.full(24, 1e-9), np.full(7 * 24, 100.0)])
    assert forecast_hours(known).max() <= 200.0


def test_capacity_is_there_when_the_hour_begins() -> None:
    floor = hourly_floor(context(daily(3)), 0.7)
    noon = 2 * 288 + 12 * HOUR_BINS
    # 700 requests at 70 % of 100 take ten, from five minutes before to the hour's end
    assert floor[noon - 2 : noon + 1].tolist() == [1, 10, 10]
    assert floor[noon + HOUR_BINS - 1 : noon + HOUR_BINS + 1].tolist() == [10, 1]


def test_a_longer_boot_is_given_its_time() -> None:
    floor = hourly_floor(context(daily(3), boot_bins=3), 0.7)
    noon = 2 * 288 + 12 * HOUR_BINS
    assert floor[noon - 4 : noon].tolist() == [1, 10, 10, 10]


def test_forecasts_are_refreshed_every_six_hours() -> None:
    # Given a load that triples at midnight
    floor = hourly_floor(context(days_of(70.0, 70.0, 210.0)), 0.7)
    change = np.flatnonzero(np.diff(floor)) + 1
    # Then what is scheduled changes at refreshes alone, five minutes of buffer aside
    assert {(bin_index + 1) // HOUR_BINS % 6 for bin_index in change.tolist()} <= {0}
    assert len(change) > 0


def test_it_only_adds_to_target_tracking() -> None:
    demand = daily(3)
    asked = NativePredictive().asked(context(demand, first=2 * 288))
    noon = 12 * HOUR_BINS
    assert asked[noon] == 10
    # Scale-in at the hour's end is target tracking's, after 15 minutes below
    assert asked[noon + HOUR_BINS : noon + HOUR_BINS + 4].tolist() == [10, 10, 10, 1]
    # What nobody foresaw is target tracking's, too
    demand[-5:] = 8 * C
    surprised = NativePredictive().asked(context(demand, first=2 * 288))
    assert surprised[-4:].tolist() == [12, 12, 12, 12]
