from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.types import (
    Bounds,
    Forecast,
    Rung,
    Samples,
    utc_from_text,
    utc_text,
)
from tests.unit.core.builders import MONDAY, metrics


def test_samples_need_a_time_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        Samples.of(datetime(2026, 3, 2), 300, {"requests": np.ones(2)})  # noqa: DTZ001


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        Samples.of(MONDAY, 300, {"requests": np.ones(2), "errors": np.ones(3)})


def test_what_the_source_did_not_give_is_absent_not_zero() -> None:
    samples = Samples.of(MONDAY, 300, {"requests": np.array([1.0, np.nan])})
    assert np.isnan(samples.cpu_percent).all()
    assert np.isnan(samples.refused).all()
    assert samples.coverage.tolist() == [1.0, 0.0]


def test_who_was_refused_came_and_failed() -> None:
    values = {
        "requests": [100.0, 100.0, np.nan, 100.0],
        "refused": [5.0, np.nan, 5.0, np.nan],
        "errors": [2.0, 3.0, np.nan, np.nan],
    }
    samples = Samples.of(MONDAY, 300, {name: np.array(row) for name, row in values.items()})
    np.testing.assert_array_equal(samples.came, [105.0, 100.0, np.nan, 100.0])
    np.testing.assert_array_equal(samples.failed, [7.0, 3.0, 5.0, np.nan])
    alone = samples.demand_alone()
    np.testing.assert_array_equal(alone.requests, samples.came)
    assert np.isnan(alone.refused).all()
    assert (alone.start, alone.interval_seconds) == (MONDAY, 300)


def test_between_keeps_only_bins_that_lie_wholly_within() -> None:
    samples = metrics(np.arange(6.0))
    minute = timedelta(minutes=1)
    cut = samples.between(MONDAY + minute, MONDAY + 21 * minute)
    assert cut.start == MONDAY + 5 * minute
    assert cut.requests.tolist() == [1.0, 2.0, 3.0]


@given(first=st.integers(-10, 20), last=st.integers(-10, 20))
def test_a_window_is_clipped_and_keeps_its_times(first: int, last: int) -> None:
    samples = metrics(np.arange(8.0))
    cut = samples.window(first, last)
    assert cut.requests.tolist() == [float(n) for n in range(8) if first <= n < last]
    if len(cut):
        assert cut.start == samples.time_of(int(cut.requests[0]))


def test_latest_takes_all_when_there_are_fewer() -> None:
    assert len(metrics(np.ones(3)).latest(5)) == 3
    assert metrics(np.arange(3.0)).latest(2).requests.tolist() == [1.0, 2.0]


def test_bounds_clamp() -> None:
    assert [Bounds(2, 4).clamp(n) for n in (0, 2, 3, 9)] == [2, 2, 3, 4]


def test_quantiles_are_of_the_largest_demand_in_the_horizon() -> None:
    # Given three ways things may go, of which the third is as likely as the others together
    ways = np.array([[1.0, 3.0], [2.0, 0.0], [5.0, 4.0]])
    forecast = Forecast(MONDAY, 10.0, ways, np.array([0.25, 0.25, 0.5]), Rung.FOREST)
    # Then the largest of each way counts, not the sum and not the last bin
    assert [forecast.quantile(q) for q in (0.1, 0.25, 0.3, 0.5, 0.51, 1.0)] == [
        20.0, 20.0, 30.0, 30.0, 50.0, 50.0,
    ]  # fmt: skip


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_times_survive_as_text_to_the_second(moment: datetime) -> None:
    aware = moment.replace(microsecond=0, tzinfo=MONDAY.tzinfo)
    assert utc_from_text(utc_text(aware)) == aware


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        utc_from_text("2026-03-02T08:00:00")
    assert utc_from_text("2026-03-02T01:00:00+01:00") == MONDAY
