"""The traffic of a demonstration: a recording from a file, or a generated shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from predictive_autoscaler.core.timegrid import carry_forward, floor_to, merge
from predictive_autoscaler.core.types import FloatArray, Samples
from predictive_autoscaler.core.workloads import DAY, Sale, recorded_shop
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.model.recorded import at_interval, read_recording

HISTORY_DAYS = 14
MIN_DAYS = 4
INSTANCES_AT_PEAK = 30
PEAK_QUANTILE = 0.999
_ONE_DAY = timedelta(days=1)

_SHOP_START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
_SALE_IN_HISTORY = Sale(start_seconds=5 * DAY + 19 * 3600)
_SALE_ON_THE_DAY = Sale(start_seconds=HISTORY_DAYS * DAY + 17.5 * 3600, lift=0.6)


@dataclass(frozen=True, eq=False)
class Traffic:
    """Demand before the replayed day, and on it, in bins of the control interval.

    Attributes:
        history: up to 14 days that end where the day begins.
        day: one full UTC day.
        source: where it is from, for the report.
    """

    history: Samples
    day: Samples
    source: str


def generated(seed: int, interval_seconds: int = 300) -> Traffic:
    """Two weeks of a shop, then a day from another seed with a sale at another hour."""
    history = recorded_shop(_SHOP_START, HISTORY_DAYS, seed, (_SALE_IN_HISTORY,), interval_seconds)
    whole = recorded_shop(
        _SHOP_START,
        HISTORY_DAYS + 1,
        seed + 1,
        (_SALE_IN_HISTORY, _SALE_ON_THE_DAY),
        interval_seconds,
    )
    day = whole.between(history.end, history.end + _ONE_DAY)
    return Traffic(history, day, f"a generated shop (seeds {seed} and {seed + 1})")


def from_file(path: Path, interval_seconds: int = 300) -> Traffic:
    """The last full UTC day of a recording, and up to 14 days before it.

    Gaps of up to an hour on the day itself are filled with the value before them.

    Raises:
        DataError: it cannot be read, or is shorter than four days.
    """
    recording = read_recording(path)
    demand = at_interval(recording.samples, interval_seconds).demand_alone()
    day_start = _last_full_day(demand)
    day = demand.between(day_start, day_start + _ONE_DAY)
    history = demand.between(day_start - HISTORY_DAYS * _ONE_DAY, day_start)
    days = (len(history) + len(day)) * interval_seconds / DAY
    if len(day) * interval_seconds < DAY or days < MIN_DAYS:
        raise DataError(
            f"{path}: holds {demand.start:%Y-%m-%d %H:%M} to {demand.end:%Y-%m-%d %H:%M} UTC; at "
            f"least {MIN_DAYS} days, the last of them whole, are needed"
        )
    requests = carry_forward(day.requests, 3600 // interval_seconds)
    if np.isnan(requests).any():
        raise DataError(
            f"{path}: {day_start:%Y-%m-%d} lacks more than an hour in a row; "
            "cut the file so that it ends with a day that is whole"
        )
    return Traffic(history, day.replaced(requests=requests), path.name)


def _last_full_day(samples: Samples) -> datetime:
    return max(floor_to(samples.end, _ONE_DAY) - _ONE_DAY, samples.start)


def default_capacity(day: FloatArray) -> float:
    """Requests per interval and instance such that p99.9 of the day needs 30 of them.

    Raises:
        DataError: there is no traffic on that day.
    """
    peak = float(np.nanquantile(day, PEAK_QUANTILE))
    if peak <= 0:
        raise DataError("the replayed day has no requests at all")
    return peak / INSTANCES_AT_PEAK


def joined(traffic: Traffic) -> Samples:
    """History and day in one."""
    return merge(traffic.history, traffic.day)
