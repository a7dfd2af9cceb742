from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from predictive_autoscaler.core.features import (
    FeatureParameters,
    FeatureTable,
    build_features,
    following,
    newest_features,
)
from predictive_autoscaler.core.types import FloatArray, Samples
from tests.unit.core.builders import INTERVAL, metrics

PARAMETERS = FeatureParameters(INTERVAL, horizon_bins=2)
LOOKBACK = PARAMETERS.lookback_bins
BINS = LOOKBACK + 150
HOUR = timedelta(hours=1)


def noisy(bins: int = BINS, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    return metrics(
        rng.lognormal(5.0, 1.0, bins),
        INTERVAL,
        response_time_seconds=rng.lognormal(-2.0, 0.3, bins),
        cpu_percent=rng.uniform(5, 95, bins),
    )


def table_of(samples: Samples, parameters: FeatureParameters = PARAMETERS) -> FeatureTable:
    return build_features(samples, samples.requests, parameters)


def column(table: FeatureTable, name: str) -> FloatArray:
    return table.select((name,))[:, 0]


# What DESIGN.md names, and the columns that say it.
@pytest.mark.parametrize(
    "names",
    [
        ("requests_lag_0",),
        ("response_time",),
        ("cpu_utilization",),
        ("hour",),
        ("weekday",),
        ("minute_of_hour",),
        ("requests_lag_1", "requests_lag_2", "requests_lag_12", "requests_lag_24"),
        ("requests_mean_30m", "requests_mean_1h", "requests_mean_6h", "requests_mean_1d"),
        ("requests_max_30m", "requests_max_1h", "requests_max_12h", "requests_max_1d"),
        ("requests_spread_30m", "requests_spread_1h", "requests_spread_1d"),
        ("requests_yesterday", "requests_max_yesterday", "requests_around_yesterday"),
        ("requests_last_week", "requests_max_last_week", "requests_around_last_week"),
        ("daily_sin_1", "daily_cos_1", "daily_sin_2", "daily_cos_2"),
        ("weekly_sin_1", "weekly_cos_1"),
        ("level_against_week",),
    ],
    ids=lambda names: names[0],
)
def test_every_agreed_feature_is_there(names: tuple[str, ...]) -> None:
    table = table_of(noisy())
    assert set(names) <= set(table.names)
    assert table.values.shape == (BINS, len(table.names))
    assert np.isfinite(table.values).all()


def test_columns_without_any_value_are_left_out_and_named() -> None:
    # Given two days, without latency
    samples = noisy(2 * 96).replaced(response_time_seconds=np.full(2 * 96, np.nan))
    table = table_of(samples)
    # Then latency and last week are named, and are no columns
    assert "response_time" in table.absent
    assert "requests_last_week" in table.absent
    assert "requests_yesterday" in table.names
    assert not set(table.absent) & set(table.names)


def test_a_model_that_knows_an_absent_column_cannot_select_it() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        table_of(noisy(96)).select(("hour", "nonsense"))


def test_lags_count_bins_and_yesterday_is_a_day_of_elapsed_time_ago() -> None:
    samples = noisy()
    table = table_of(samples)
    demand, level = samples.requests, table.level
    rows = np.arange(BINS - 60, BINS)

    def agrees(name: str, expected: FloatArray) -> None:
        floor = level.floor_requests[rows]
        ratio = np.log((expected + floor) / (level.requests[rows] + floor))
        np.testing.assert_allclose(column(table, name)[rows], ratio, atol=1e-6)

    agrees("requests_lag_3", demand[rows - 3])
    for name, ago in (("yesterday", 96), ("last_week", 7 * 96)):
        # The bin that followed at this time, the largest of the horizon, and half an hour around
        after, later = demand[rows - ago + 1], demand[rows - ago + 2]
        agrees(f"requests_{name}", after)
        agrees(f"requests_max_{name}", np.maximum(after, later))
        around = np.stack([demand[rows - ago + step] for step in (-1, 0, 1, 2)])
        agrees(f"requests_around_{name}", around.mean(axis=0))
        agrees(f"requests_max_around_{name}", around.max(axis=0))


# Clocks go forward at 01:00 UTC on 29 March 2026 and back at 01:00 UTC on 25 October.
@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), [1, 3, 4, 5]),
        (datetime(2026, 10, 25, tzinfo=UTC), [2, 2, 3, 4]),
    ],
    ids=["spring", "autumn"],
)
def test_hours_are_those_on_the_wall_when_clocks_change(day: datetime, hours: list[int]) -> None:
    samples = metrics(np.arange(1.0, 17.0), INTERVAL, start=day)
    table = table_of(samples, FeatureParameters(INTERVAL, 2, "Europe/Berlin"))
    assert np.floor(column(table, "hour")).tolist() == np.repeat(hours, 4).tolist()
    assert column(table, "minute_of_hour").tolist() == [0, 15, 30, 45] * 4
    assert set(column(table, "weekday").tolist()) == {6.0}


@pytest.mark.parametrize(
    "start", [datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)]
)
def test_lags_count_elapsed_bins_across_a_change_of_clocks(start: datetime) -> None:
    samples = noisy(2 * 96)
    moved = Samples.of(start, INTERVAL, samples.columns())
    there = table_of(moved, FeatureParameters(INTERVAL, 2, "Europe/Berlin"))
    here = table_of(samples)
    names = tuple(name for name in here.names if name.startswith("requests_"))
    assert there.select(names).tobytes() == here.select(names).tobytes()


@pytest.mark.parametrize(
    ("zone", "hour", "weekday"),
    [("UTC", 21.0, 6.0), ("Asia/Kolkata", 2.5, 0.0), ("America/New_York", 17.0, 6.0)],
)
def test_hour_and_weekday_are_local(zone: str, hour: float, weekday: float) -> None:
    sunday_evening = datetime(2026, 3, 15, 21, tzinfo=UTC)
    table = table_of(metrics([1.0], 3600, start=sunday_evening), FeatureParameters(3600, 2, zone))
    assert column(table, "hour").tolist() == [hour]
    assert column(table, "weekday").tolist() == [weekday]


gaps = st.lists(st.tuples(st.integers(0, BINS), st.integers(1, 12)), max_size=6)


def with_gaps(samples: Samples, gaps: list[tuple[int, int]]) -> Samples:
    """A copy with stretches of (first bin, bins) absent from all metrics."""
    columns = {name: array.copy() for name, array in samples.columns().items()}
    for first, bins in gaps:
        for array in columns.values():
            array[first : first + bins] = np.nan
    return samples.replaced(**columns)


@given(end=st.integers(LOOKBACK, BINS), gaps=gaps)
@example(end=LOOKBACK + 100, gaps=[(97, 4)])  # a gap at the very beginning of the window
@example(end=LOOKBACK + 100, gaps=[(99, 2), (LOOKBACK + 99, 1)])
@settings(max_examples=40)
def test_a_row_made_while_serving_has_the_bits_of_that_row_in_training(
    end: int, gaps: list[tuple[int, int]]
) -> None:
    # Given all of the history, and the newest part that a feature can look back on
    samples = with_gaps(noisy(), gaps)
    whole = table_of(samples)
    window = table_of(samples.window(end - LOOKBACK, end))
    # Then both make the same last row
    assert window.names == whole.names
    assert window.values[-1].tobytes() == whole.values[end - 1].tobytes()
    for name in ("requests", "floor_requests"):
        ours, theirs = getattr(window.level, name)[-1], getattr(whole.level, name)[end - 1]
        assert ours.tobytes() == theirs.tobytes()


@given(cut=st.integers(50, BINS - 1), gaps=gaps, seed=st.integers(2, 9))
@settings(max_examples=30)
def test_the_future_leaves_earlier_rows_as_they_were(
    cut: int, gaps: list[tuple[int, int]], seed: int
) -> None:
    # Given two histories that are the same up to a cut
    one = with_gaps(noisy(), gaps)
    two = with_gaps(noisy(seed=seed), [(5, 3)])
    columns = {
        name: np.concatenate([one.column(name)[:cut], two.column(name)[cut:]])
        for name in one.columns()
    }
    before, after = table_of(one), table_of(one.replaced(**columns))
    assert before.values[:cut].tobytes() == after.values[:cut].tobytes()
    assert before.usable[:cut].tolist() == after.usable[:cut].tolist()
    assert before.level.requests[:cut].tobytes() == after.level.requests[:cut].tobytes()


@given(factor=st.floats(1e-3, 1e6))
@settings(max_examples=20)
def test_a_group_that_grows_looks_the_same(factor: float) -> None:
    samples = noisy()
    usual = table_of(samples)
    grown = table_of(samples.replaced(requests=samples.requests * factor))
    np.testing.assert_allclose(grown.values, usual.values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(grown.level.requests, factor * usual.level.requests)


def test_rows_after_an_hour_without_counts_are_not_used() -> None:
    samples = with_gaps(noisy(), [(BINS - 10, 10)])
    assert table_of(samples).usable[-10:].tolist() == [True] * 4 + [False] * 6


def test_a_group_without_any_traffic_has_finite_features() -> None:
    assert np.isfinite(table_of(metrics(np.zeros(200), INTERVAL)).values).all()


def test_following_gives_what_came_after_each_bin() -> None:
    ahead = following(np.arange(4.0), 2)
    np.testing.assert_array_equal(ahead, [[1, 2], [2, 3], [3, np.nan], [np.nan, np.nan]])


@pytest.mark.parametrize("bins", [BINS, BINS - 1, LOOKBACK + 1, 8 * 96])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_newest_row_alone_has_the_same_bits(bins: int, seed: int) -> None:
    # Given requests that are no whole numbers, and gaps that are not at the end
    samples = noisy(bins, seed)
    requests = samples.requests.copy()
    requests[bins - 300 : bins - 200] = np.nan
    requests[::7] = np.nan
    requests[-1] = 1234.5678
    whole = build_features(samples, requests, PARAMETERS)
    newest = newest_features(samples, requests, PARAMETERS, whole.names)
    assert newest is not None
    assert newest.names == whole.names
    assert newest.values.tobytes() == whole.values[-1:].tobytes()
    assert newest.filled_demand.tobytes() == whole.filled_demand[-1:].tobytes()
    assert newest.level.requests.tobytes() == whole.level.requests[-1:].tobytes()
    assert newest.level.floor_requests.tobytes() == whole.level.floor_requests[-1:].tobytes()
    assert newest.usable[-1]


def test_what_is_not_known_in_the_newest_bin_takes_the_whole_table() -> None:
    samples = noisy(2 * 96)
    demand = samples.requests
    # Last week is absent, CPU is known.
    assert newest_features(samples, demand, PARAMETERS, ["requests_last_week"]) is None
    assert newest_features(samples, demand, PARAMETERS, ["cpu_utilization"]) is not None
    latency = samples.response_time_seconds.copy()
    latency[-20:] = np.nan
    gone = samples.replaced(response_time_seconds=latency)
    assert "response_time" in build_features(gone, demand, PARAMETERS).names
    assert newest_features(gone, demand, PARAMETERS, ["response_time"]) is None
    # Without a level nothing is known.
    silent = demand.copy()
    silent[-20:] = np.nan
    assert newest_features(samples, silent, PARAMETERS, []) is None
    assert newest_features(samples.window(0, 0), demand[:0], PARAMETERS, []) is None
