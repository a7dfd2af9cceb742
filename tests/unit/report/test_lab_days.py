"""Which days are shown, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.core.types import BoolArray
from predictive_autoscaler.report.lab_days import BUSIEST, CALMEST, choose_days, days_of
from tests.unit.report.lab_reports import moments, waves

DAY = 288
BINS = 4 * DAY
NOWHERE = np.zeros(BINS, dtype=bool)


def at(*places: int) -> BoolArray:
    flags = NOWHERE.copy()
    flags[list(places)] = True
    return flags


def chosen(demand: np.ndarray, **missed: BoolArray) -> list[tuple[int, tuple[str, ...]]]:
    days = choose_days(moments(len(demand)), demand, missed)
    return [(one.day.first // DAY, one.reasons) for one in days]


def test_one_day_for_each_reason() -> None:
    assert chosen(waves(BINS), ours=at(DAY), rival=at(2 * DAY)) == [
        (1, ("ours missed most",)),
        (2, ("rival missed most",)),
        (3, (BUSIEST,)),
        (0, (CALMEST,)),
    ]


def test_a_day_chosen_twice_comes_once() -> None:
    assert chosen(waves(BINS), ours=at(3 * DAY), rival=at(3 * DAY + 1)) == [
        (3, ("ours missed most", "rival missed most", BUSIEST)),
        (0, (CALMEST,)),
    ]


def test_nothing_missed() -> None:
    assert chosen(waves(BINS), ours=NOWHERE) == [(3, (BUSIEST,)), (0, (CALMEST,))]


def test_requests_count_not_intervals() -> None:
    demand = np.full(BINS, 10.0)
    demand[DAY] = 1000.0
    assert chosen(demand, ours=at(DAY, 0, 1, 2))[0] == (1, ("ours missed most", BUSIEST))


def test_the_first_of_equals() -> None:
    assert chosen(np.full(BINS, 10.0), ours=at(5, DAY + 5))[0][0] == 0


def test_days_cut_short_are_neither_busiest_nor_calmest() -> None:
    demand = waves(BINS)
    demand[: DAY // 2] = np.nan  # else the calmest
    demand[3 * DAY : 3 * DAY + 60] = np.nan  # else the busiest
    assert chosen(demand, ours=at(3 * DAY + 100)) == [
        (3, ("ours missed most",)),
        (2, (BUSIEST,)),
        (1, (CALMEST,)),
    ]


@pytest.mark.parametrize("bins", [1, 100, DAY])
def test_one_day_only(bins: int) -> None:
    assert chosen(waves(bins)) == [(0, (BUSIEST,))]


def test_no_day_and_unknown_days() -> None:
    assert chosen(np.empty(0)) == []
    assert chosen(np.full(DAY, np.nan)) == [(0, (BUSIEST,))]


def test_days_are_those_of_utc() -> None:
    first = datetime(2026, 3, 16, 23, 50, tzinfo=UTC)
    days = days_of([first + index * timedelta(minutes=5) for index in range(4)])
    assert [(one.day, one.first, one.stop) for one in days] == [
        (date(2026, 3, 16), 0, 2),
        (date(2026, 3, 17), 2, 4),
    ]
