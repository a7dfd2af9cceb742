from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from predictive_autoscaler.core.timegrid import (
    EPOCH,
    carry_forward,
    floor_to,
    horizon_bins,
    interpolated,
    known_until,
    merge,
    to_interval,
)
from predictive_autoscaler.core.types import FloatArray, Samples
from tests.unit.core.builders import MONDAY, metrics

MINUTE = timedelta(minutes=1)
NAN = np.nan

moments = st.datetimes(
    datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
gappy = hnp.arrays(
    np.float64, st.integers(1, 40), elements=st.one_of(st.just(NAN), st.floats(0, 100))
)


@given(moment=moments, minutes=st.sampled_from([1, 5, 7, 15, 60]))
def test_a_slot_is_the_grid_line_at_or_before(moment: datetime, minutes: int) -> None:
    interval = minutes * MINUTE
    slot = floor_to(moment, interval)
    assert slot <= moment < slot + interval
    assert (slot - EPOCH) % interval == timedelta(0)


@given(moments)
def test_a_slot_is_the_same_in_every_zone(moment: datetime) -> None:
    there = moment.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert floor_to(there, 60 * MINUTE) == floor_to(moment, 60 * MINUTE)


@pytest.mark.parametrize(
    ("minute", "until"), [(5, 0), (6.9, 0), (7, 5), (11.9, 5), (12, 10)]
)  # fmt: skip
def test_a_bin_is_known_once_its_metrics_have_had_their_delay(minute: float, until: int) -> None:
    known = known_until(MONDAY + minute * MINUTE, 5 * MINUTE, 2 * MINUTE)
    assert known == MONDAY + until * MINUTE


@pytest.mark.parametrize(
    ("interval", "boot", "delay", "bins"),
    [
        (5, 5, 0, 2),  # serves in the second bin, and is replaced after it at the earliest
        (5, 5, 2, 3),
        (5, 0, 0, 1),
        (5, 12, 0, 4),
        (15, 5, 0, 2),
        (60, 5, 2, 2),
        (1, 5, 2, 8),
    ],
)
def test_the_horizon_covers_age_boot_and_one_interval(
    interval: int, boot: int, delay: int, bins: int
) -> None:
    assert horizon_bins(interval * MINUTE, boot * MINUTE, delay * MINUTE) == bins


def test_a_gap_is_filled_from_before_it_and_only_so_far() -> None:
    values = np.array([NAN, 1, NAN, NAN, NAN, 2, NAN])
    np.testing.assert_array_equal(carry_forward(values, 2), [NAN, 1, 1, 1, NAN, 2, 2])
    np.testing.assert_array_equal(carry_forward(values, 0), values)


@given(values=gappy, limit=st.integers(0, 5), data=st.data())
def test_filling_never_looks_ahead(values: FloatArray, limit: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    whole, part = carry_forward(values, limit), carry_forward(values[:cut], limit)
    assert whole[:cut].tobytes() == part.tobytes()
    present = ~np.isnan(values)
    np.testing.assert_array_equal(whole[present], values[present])


def test_counts_add_up_and_levels_are_averaged() -> None:
    fine = metrics(
        [1, 2, 3, 4, 5], 60, refused=1.0, errors=2.0, cpu_percent=[10, 20, 30, 40, 50], in_service=3
    )
    coarse = to_interval(fine, 300)
    assert coarse.interval_seconds == 300
    assert [coarse.requests[0], coarse.refused[0], coarse.errors[0]] == [15, 5, 10]
    assert [coarse.cpu_percent[0], coarse.in_service[0]] == [30, 3]


def test_latency_is_weighted_with_the_requests() -> None:
    # Given one busy fast minute and one slow minute with a single request
    fine = metrics([99, 1, 0, NAN, NAN], 60, response_time_seconds=[0.1, 1.1, NAN, NAN, NAN])
    # Then the mean is over requests, not over minutes
    assert to_interval(fine, 300).response_time_seconds[0] == pytest.approx(0.11)


def test_minutes_that_are_absent_lower_the_coverage_and_not_the_sum() -> None:
    fine = metrics([1, NAN, 3, NAN, NAN] + [NAN] * 5, 60)
    coarse = to_interval(fine, 300)
    np.testing.assert_array_equal(coarse.requests, [4, NAN])
    np.testing.assert_allclose(coarse.coverage, [0.4, 0.0])


@given(lead=st.integers(0, 9), bins=st.integers(0, 30))
def test_only_whole_bins_are_kept(lead: int, bins: int) -> None:
    fine = metrics(np.ones(bins), 60, start=MONDAY + lead * MINUTE)
    coarse = to_interval(fine, 300)
    assert (coarse.requests == 5.0).all()
    first = -(-lead // 5)
    assert len(coarse) == max(0, (lead + bins) // 5 - first)
    if len(coarse):
        assert coarse.start == MONDAY + first * 5 * MINUTE


def test_an_interval_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        to_interval(metrics(np.ones(10), 300), 420)
    with pytest.raises(ValueError, match="cannot be split"):
        interpolated(metrics(np.ones(10), 300), 420)


def test_a_coarse_recording_runs_linearly_from_value_to_value() -> None:
    # Given counts of a quarter of an hour, and a CPU
    coarse = metrics([30, 60, 0], 900, cpu_percent=[30, 60, 0])
    fine = interpolated(coarse, 300)
    # Then counts are a third, each value stands at its bin's start, and the last is held
    np.testing.assert_allclose(fine.requests, [10, 40 / 3, 50 / 3, 20, 40 / 3, 20 / 3, 0, 0, 0])
    np.testing.assert_allclose(fine.cpu_percent, [30, 40, 50, 60, 40, 20, 0, 0, 0])
    assert (fine.start, fine.end) == (coarse.start, coarse.end)


def test_a_gap_stays_a_gap_when_interpolating() -> None:
    fine = interpolated(metrics([30, NAN, 60], 900), 450)
    np.testing.assert_array_equal(fine.requests, [15, 15, NAN, NAN, 30, 30])


def test_newer_metrics_lie_over_older_ones() -> None:
    older = metrics([1, 2, 3])
    newer = metrics([20, NAN, 40, 50], start=MONDAY + 5 * MINUTE)
    merged = merge(older, newer)
    assert merged.start == MONDAY
    np.testing.assert_array_equal(merged.requests, [1, 20, NAN, 40, 50])


def test_what_lies_between_two_stretches_is_absent() -> None:
    merged = merge(metrics([1.0]), metrics([4.0], start=MONDAY + 15 * MINUTE))
    np.testing.assert_array_equal(merged.requests, [1, NAN, NAN, 4])
    assert merged.coverage.tolist() == [1, 0, 0, 1]


@given(offset=st.integers(-8, 8), older=st.integers(1, 6), newer=st.integers(1, 6))
def test_merging_loses_nothing(offset: int, older: int, newer: int) -> None:
    old = metrics(100.0 + np.arange(float(older)))
    new = metrics(200.0 + np.arange(float(newer)), start=MONDAY + offset * 5 * MINUTE)
    expected = dict(zip(old.times(), old.requests, strict=True))
    expected |= dict(zip(new.times(), new.requests, strict=True))
    merged = merge(old, new)
    found = dict(zip(merged.times(), merged.requests, strict=True))
    assert {moment: value for moment, value in found.items() if not np.isnan(value)} == expected


def test_merging_with_nothing_gives_the_other() -> None:
    samples = metrics([1.0, 2.0])
    assert merge(None, samples) is samples
    assert merge(samples, Samples.empty(MONDAY, 300, 0)) is samples


@pytest.mark.parametrize(
    "other", [metrics([1.0], 60), metrics([1.0], start=MONDAY + MINUTE)], ids=["step", "phase"]
)
def test_different_grids_are_not_merged(other: Samples) -> None:
    with pytest.raises(ValueError, match="grids"):
        merge(metrics([1.0]), other)
