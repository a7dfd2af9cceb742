from __future__ import annotations

import numpy as np

from predictive_autoscaler.backtest.peers.base import with_reactive
from predictive_autoscaler.backtest.peers.seasonal import SeasonalNaive, seasonal_ahead
from tests.unit.backtest.peers.contexts import context, days_of

EAGER = SeasonalNaive(target_share=1.0, hold_seconds=0)


def test_yesterday_is_repeated_from_now_to_the_end_of_the_boot() -> None:
    demand = [*range(100, 124), *[0.0] * 24]
    ahead = seasonal_ahead(context(demand, boot_bins=2, interval_seconds=3600))
    # Of hour 5 of the second day: hours 5, 6 and 7 of the first
    assert ahead[24 + 5] == 107.0


def test_last_week_goes_before_yesterday() -> None:
    demand = days_of(900, 1, 2, 3, 4, 5, 6, 7, day_bins=24)
    ahead = seasonal_ahead(context(demand, interval_seconds=3600))
    assert ahead[7 * 24] == 900.0
    assert ahead[6 * 24] == 5.0


def test_the_newest_demand_stands_in_on_the_first_day() -> None:
    assert seasonal_ahead(context([5.0, 7.0, np.nan, 9.0])).tolist() == [0, 5, 7, 7]


def test_a_boot_longer_than_the_season_sees_nothing_ahead() -> None:
    demand = np.arange(1.0, 60.0)
    ahead = seasonal_ahead(context(demand, boot_bins=40, interval_seconds=3600))
    assert (ahead[1:] <= demand[:-1]).all()


def test_never_below_what_the_present_demand_takes() -> None:
    # Given a quiet yesterday and a busy today
    demand = days_of(100.0, 730.0, day_bins=24)
    asked = EAGER.asked(context(demand, first=24, interval_seconds=3600))
    assert asked[:3].tolist() == [1, 8, 8]
    # and the other way round
    demand = days_of(730.0, 100.0, day_bins=24)
    assert EAGER.asked(context(demand, first=24, interval_seconds=3600))[3] == 8


def test_headroom_is_that_of_its_target() -> None:
    given = context([0.0, 100.0], first=1)
    assert with_reactive(np.array([850.0]), given, 0.85, 0).tolist() == [10]


def test_nothing_is_given_up_before_it_has_been_quiet_for_15_minutes() -> None:
    given = context([0.0] * 8, first=0)
    ahead = np.array([100.0, 500.0, 100.0, 100.0, 100.0, 100.0, 300.0, 100.0])
    assert with_reactive(ahead, given, 1.0, 900).tolist() == [1, 5, 5, 5, 5, 1, 3, 3]
