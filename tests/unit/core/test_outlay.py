from __future__ import annotations

import pytest

from predictive_autoscaler.core.outlay import Outlay, difference
from predictive_autoscaler.core.scoring import ScalingScore


def outlay(hours: float, missed: float, price: float | None, actions: int = 3) -> Outlay:
    return Outlay("any", ScalingScore(missed, 1000.0, hours, actions), 4.0, price)


def test_hours_and_money_by_the_day_and_for_30_days() -> None:
    one = outlay(960.0, 10.0, 0.25)
    assert one.hours_per_day == 240.0
    assert one.usd_per_day == pytest.approx(60.0)
    assert one.usd_per_month == pytest.approx(1800.0)


def test_without_a_price_there_is_no_money() -> None:
    one = outlay(960.0, 10.0, None)
    assert (one.usd_per_day, one.usd_per_month) == (None, None)
    assert difference(one, outlay(1.0, 0.0, 0.5)).usd_per_day is None


def test_a_difference_is_what_it_takes_more() -> None:
    # Given one that takes more hours of cheaper instances
    apart = difference(outlay(960.0, 10.0, 0.1, 5), outlay(480.0, 30.0, 0.25, 3))
    assert apart.hours_per_day == 120.0
    assert apart.usd_per_day == pytest.approx(24.0 - 30.0)
    assert apart.usd_per_month == pytest.approx(-180.0)
    assert apart.missed_share == pytest.approx(-0.02)
    assert apart.actions == 2
