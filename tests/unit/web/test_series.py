"""From metrics and records to curves on one grid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.app.monitor.diary import Entry
from predictive_autoscaler.core.types import FloatArray, Samples
from predictive_autoscaler.web.series import Past, chart_data, past

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
NAN = np.nan


def samples(**columns: list[float]) -> Samples:
    arrays: dict[str, FloatArray] = {name: np.array(values) for name, values in columns.items()}
    return Samples.of(NOON, 300, arrays)


def made(found: Samples, *entries: Entry, days: int = 14) -> Past:
    boot = timedelta(minutes=7)
    by_slot = {entry.slot: entry for entry in entries}
    return past(found, by_slot, days=days, boot=boot, capacity_per_instance=50.0)


def test_what_was_refused_came_too_and_failed() -> None:
    found = made(samples(requests=[90, 90, NAN], refused=[NAN, 10, NAN], errors=[1, 2, NAN]))
    np.testing.assert_array_equal(found.demand, [90, 100, NAN])
    np.testing.assert_array_equal(found.failed, [1, 12, NAN])


def test_missed_is_all_that_came_while_there_was_too_little() -> None:
    found = made(samples(requests=[100, 101, 101, NAN], in_service=[2, 2, NAN, 2]))
    np.testing.assert_array_equal(found.missed, [0, 101, NAN, NAN])


def test_a_forecast_stands_where_its_capacity_first_served() -> None:
    entry = Entry(NOON, "completed", 3, 4, 4, 80.0, 90.0, 100.0, 45.0)
    found = made(samples(requests=[1, 2, 3, 4]), entry)
    np.testing.assert_array_equal(found.median, [NAN, NAN, 90, NAN])
    np.testing.assert_array_equal(found.desired, [3, NAN, NAN, NAN])
    np.testing.assert_array_equal(found.wish, [4, NAN, NAN, NAN])


def test_capacity_is_what_was_known_of_it_last() -> None:
    entries = [
        Entry(NOON + STEP, "completed", capacity_per_instance=40.0),
        Entry(NOON + 3 * STEP, "completed", capacity_per_instance=60.0),
        Entry(NOON + 4 * STEP, "failed"),
    ]
    found = made(samples(requests=[1, 2, 3, 4, 5]), *entries)
    np.testing.assert_array_equal(found.capacity, [40, 40, 40, 60, 60])
    np.testing.assert_array_equal(found.recorded, [0, 1, 0, 1, 1])
    np.testing.assert_array_equal(made(samples(requests=[1.0])).capacity, [50])


def test_the_grid_ends_with_the_newest_record_and_has_so_many_days() -> None:
    values = np.arange(3 * 288, dtype=np.float64)
    whole = Samples.of(NOON, 300, {"requests": values})
    newest = Entry(whole.end + STEP, "claimed")
    found = made(whole, newest, days=2)
    assert len(found.demand) == 2 * 288
    assert found.start == whole.end + 2 * STEP - timedelta(days=2)
    np.testing.assert_array_equal(found.demand[-4:], [*values[-2:], NAN, NAN])
    assert found.recorded[-1] == 1


def test_records_from_before_the_metrics_are_left_out() -> None:
    early = Entry(NOON - STEP, "completed", 3, 4, 4, 80.0, 90.0, 100.0, 45.0)
    found = made(samples(requests=[1, 2, 3]), early)
    np.testing.assert_array_equal(found.wish, [NAN] * 3)
    np.testing.assert_array_equal(found.median, [NAN, 90, NAN])


def test_what_is_not_known_is_null_for_the_script() -> None:
    data = chart_data(made(samples(requests=[120, NAN], in_service=[2, NAN])), None)
    assert data["start"] == int(NOON.timestamp()) * 1000
    assert data["demand"] == [120, None]
    assert data["needed"] == [3, None]
    assert data["missed"] == [0]
    assert data["ahead"] == []


@pytest.mark.parametrize("days", [1, 14])
def test_no_metrics_at_all(days: int) -> None:
    found = made(Samples.empty(NOON, 300, 10), days=days)
    assert np.isnan(found.missed).all()
    assert chart_data(found, None)["missed"] == []
