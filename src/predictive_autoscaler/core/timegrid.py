"""Time on an even grid: slots, bins, gaps, and putting samples onto another grid.

Moments are aware; the grid is counted from 1970 in UTC, so that a slot is the same
wherever and whenever it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from predictive_autoscaler.core.types import SUMMED_METRICS, FloatArray, Samples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor_to(moment: datetime, interval: timedelta) -> datetime:
    """The latest grid line at or before `moment`, in UTC."""
    return EPOCH + ((moment - EPOCH) // interval) * interval


def known_until(now: datetime, interval: timedelta, metric_delay: timedelta) -> datetime:
    """The end of the newest bin whose metrics are complete at `now`."""
    return floor_to(now - metric_delay, interval)


def horizon_bins(
    interval: timedelta, boot: timedelta, metric_delay: timedelta = timedelta(0)
) -> int:
    """How many bins after the newest known one a decision has to answer for.

    Capacity that is asked for now serves after `boot`, and the next chance to ask comes
    one interval later. The newest known bin ended `metric_delay` before now at least.
    """
    return max(1, math.ceil((metric_delay + boot + interval) / interval))


def known_part(samples: Samples) -> Samples:
    """Without the absent bins before the first request count and after the last."""
    known = np.flatnonzero(~np.isnan(samples.requests))
    return samples.window(int(known[0]), int(known[-1]) + 1) if len(known) else samples


def carry_forward(values: FloatArray, limit: int) -> FloatArray:
    """Fill each gap of up to `limit` bins with the last value before it.

    Longer gaps are filled for their first `limit` bins only. It looks back and never
    ahead, so a value filled while serving is the same as one filled while training.

    Args:
        values: shape (bins,), NaN where absent.
        limit: the longest age, in bins, at which a value still stands in.
    """
    index = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, index))
    age = index - last
    usable = (last >= 0) & (age <= limit)
    filled = np.full(len(values), np.nan)
    filled[usable] = values[last[usable]]
    return filled


def to_interval(samples: Samples, interval_seconds: int) -> Samples:
    """Put samples of a finer period onto bins of `interval_seconds`.

    Counts are added up over the periods that are present. CPU and instances are averaged;
    latency is averaged with the requests as weights, as the load balancer itself would.
    Only whole bins are kept.

    Raises:
        ValueError: the interval is not a multiple of the samples' own.
    """
    if interval_seconds == samples.interval_seconds:
        return samples
    if interval_seconds % samples.interval_seconds:
        raise ValueError(
            f"{interval_seconds} s is no multiple of the samples' {samples.interval_seconds} s"
        )
    interval = timedelta(seconds=interval_seconds)
    first = floor_to(samples.start + interval - timedelta(seconds=1), interval)
    whole = samples.between(first, floor_to(samples.end, interval))
    shape = (-1, interval_seconds // samples.interval_seconds)
    rows = {name: array.reshape(shape) for name, array in whole.columns().items()}
    columns = {
        name: _sum_present(row) if name in SUMMED_METRICS else _mean_present(row)
        for name, row in rows.items()
    }
    columns["response_time_seconds"] = _mean_present(
        rows["response_time_seconds"], rows["requests"]
    )
    coverage = whole.coverage.reshape(shape).mean(axis=1)
    return Samples.of(whole.start, interval_seconds, columns, coverage)


def _sum_present(rows: FloatArray) -> FloatArray:
    present = ~np.isnan(rows)
    return np.where(present.any(axis=1), np.where(present, rows, 0.0).sum(axis=1), np.nan)


def _mean_present(rows: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    present = ~np.isnan(rows)
    weight = present.astype(np.float64)
    if weights is not None:
        weight = weight * np.nan_to_num(weights)
    total = weight.sum(axis=1)
    weighted = (np.where(present, rows, 0.0) * weight).sum(axis=1)
    mean = np.full(len(rows), np.nan)
    np.divide(weighted, total, out=mean, where=total > 0)
    return mean


def merge(older: Samples | None, newer: Samples) -> Samples:
    """Lay `newer` over `older`; what `newer` covers is taken from it, gaps become absent.

    Raises:
        ValueError: the two are not on the same grid.
    """
    if older is None or len(older) == 0:
        return newer
    if len(newer) == 0:
        return older
    offset, remainder = divmod(newer.start - older.start, older.interval)
    if older.interval_seconds != newer.interval_seconds or remainder:
        raise ValueError("samples of different grids cannot be merged")
    first = min(0, offset)
    bins = max(len(older), offset + len(newer)) - first
    merged = {}
    for name in (*older.columns(), "coverage"):
        array = np.full(bins, 0.0 if name == "coverage" else np.nan)
        array[-first : len(older) - first] = older.column(name)
        array[offset - first : offset - first + len(newer)] = newer.column(name)
        merged[name] = array
    coverage = merged.pop("coverage")
    return Samples.of(older.time_of(first), older.interval_seconds, merged, coverage)


def joined(parts: Iterable[Samples]) -> Samples | None:
    """Samples that follow one another without a gap, as one; None if there are none.

    Raises:
        ValueError: one does not begin where the one before it ends.
    """
    pieces = list(parts)
    if not pieces:
        return None
    for one, following in pairwise(pieces):
        if following.start != one.end or following.interval_seconds != one.interval_seconds:
            raise ValueError(f"samples from {following.start} do not follow those until {one.end}")
    columns = {
        name: np.concatenate([piece.column(name) for piece in pieces])
        for name in pieces[0].columns()
    }
    coverage = np.concatenate([piece.coverage for piece in pieces])
    return Samples.of(pieces[0].start, pieces[0].interval_seconds, columns, coverage)


def interpolated(samples: Samples, interval_seconds: int) -> Samples:
    """Put samples of a coarser step onto finer bins.

    Counts are split by the ratio of the steps. Every value stands at its bin's start and
    runs linearly to the next one's; the last is held. A gap stays a gap.

    Raises:
        ValueError: the step is not a multiple of the interval.
    """
    pieces, remainder = divmod(samples.interval_seconds, interval_seconds)
    if remainder:
        raise ValueError(
            f"a step of {samples.interval_seconds} s cannot be split into {interval_seconds} s"
        )
    share = np.tile(np.arange(pieces) / pieces, len(samples))
    columns = {}
    for name, array in samples.columns().items():
        following = np.append(array[1:], array[-1:])
        following = np.where(np.isnan(following), array, following)
        value = np.repeat(array, pieces)
        value = value + share * (np.repeat(following, pieces) - value)
        columns[name] = value / pieces if name in SUMMED_METRICS else value
    return Samples.of(samples.start, interval_seconds, columns)
