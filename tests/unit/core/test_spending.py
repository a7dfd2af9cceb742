from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from predictive_autoscaler.core.spending import Prices, Spending

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
PRICES = Prices(0.10, surplus_hour_usd=0.20, baseline_cpu_percent=20, cap_usd=5.0)


def test_an_hour_costs_more_above_the_baseline() -> None:
    assert PRICES.hour_usd(10.0) == 0.10
    assert PRICES.hour_usd(20.0) == 0.10
    assert PRICES.hour_usd(70.0) == pytest.approx(0.20)
    assert PRICES.hour_usd(math.nan) == 0.10


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        ("day", datetime(2026, 3, 14, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)),
        ("month", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_periods_begin_at_midnight(period: str, begin: datetime, end: datetime) -> None:
    assert Prices(1.0, period=period).period_of(NOON) == (begin, end)


def test_december_ends_with_the_year() -> None:
    moment = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert Prices(1.0, period="month").period_of(moment)[1] == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_new_day_begins_anew_but_remembers_what_hours_cost() -> None:
    spending = Spending(NOON)
    bins = 14 * 12
    for number in range(bins):
        begin = NOON + number * timedelta(minutes=5)
        spending = spending.with_bin(begin, 300, 6.0, 20.0, PRICES)
    # 14 hours from noon: two of them on the next day, at 6 x 0.10 USD.
    assert spending.since == datetime(2026, 3, 15, tzinfo=UTC)
    assert spending.usd == pytest.approx(2 * 0.60)
    assert spending.hourly_usd == pytest.approx(0.60)
    now = NOON + timedelta(hours=14)
    assert spending.expected_usd(now, PRICES) == pytest.approx(24 * 0.60)


def test_spending_survives_json() -> None:
    spending = Spending(NOON, 1 / 3, 0.7, 0.1 + 0.2)
    assert Spending.from_json(json.loads(json.dumps(spending.to_json()))) == spending
