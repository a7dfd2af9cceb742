"""The curves of the page: plain lists on one grid, from metrics, records and forecast."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from predictive_autoscaler.app.monitor.diary import Entry, capacity_by_slot
from predictive_autoscaler.app.monitor.facts import Outlook
from predictive_autoscaler.core.types import FloatArray, Samples
from predictive_autoscaler.report.script_data import plain


@dataclass(frozen=True, eq=False)
class Past:
    """The last days on the control interval's grid; arrays of shape (bins,), NaN unknown.

    Attributes:
        demand: requests per interval, those that the load balancer refused among them.
        failed: refused, and answered with a 5xx.
        in_service: mean over the interval.
        desired, wish, decided: instances, by the record of the interval's beginning.
        lower, median, upper: the forecast that stood for the interval: of the largest demand
            from there until the next chance to add capacity.
        capacity: requests per interval that an instance carries, by the record before.
        recorded: whether there is a record.
    """

    start: datetime
    interval_seconds: int
    demand: FloatArray
    failed: FloatArray
    latency_seconds: FloatArray
    in_service: FloatArray
    desired: FloatArray
    wish: FloatArray
    decided: FloatArray
    lower: FloatArray
    median: FloatArray
    upper: FloatArray
    capacity: FloatArray
    recorded: FloatArray

    @property
    def missed(self) -> FloatArray:
        """Requests of the intervals in which demand exceeded what was in service; NaN where
        either is not known.
        """
        carried = self.in_service * self.capacity
        missed = np.where(self.demand > carried, self.demand, 0.0)
        return np.where(np.isnan(self.demand) | np.isnan(carried), np.nan, missed)


def past(
    samples: Samples,
    entries: Mapping[datetime, Entry],
    *,
    days: int,
    boot: timedelta,
    capacity_per_instance: float | None,
) -> Past:
    """The last `days`, up to the newest metric or record.

    Args:
        boot: until a new instance serves; a forecast stands for the interval for which
            capacity that was asked for on its word first served.
        capacity_per_instance: where no record tells.
    """
    interval = samples.interval
    end = max([samples.end, *(slot + interval for slot in entries)])
    bins = timedelta(days=days) // interval
    start = max(samples.start, end - bins * interval)
    known = samples.between(start, end)
    size = (end - start) // interval

    def column(values: FloatArray) -> FloatArray:
        filled = np.full(size, np.nan)
        filled[: len(values)] = values
        return filled

    def told(read: str, later: int = 0) -> FloatArray:
        values = np.full(size, np.nan)
        for slot, entry in entries.items():
            index = (slot - start) // interval + later
            value = getattr(entry, read)
            if value is not None and 0 <= index < size:
                values[index] = value
        return values

    recorded = np.zeros(size)
    for slot in entries:
        index = (slot - start) // interval
        if 0 <= index < size:
            recorded[index] = 1.0
    ahead = math.ceil(boot / interval)
    return Past(
        start=start,
        interval_seconds=samples.interval_seconds,
        demand=column(known.came),
        failed=column(known.failed),
        latency_seconds=column(known.response_time_seconds),
        in_service=column(known.in_service),
        desired=told("desired"),
        wish=told("wish"),
        decided=told("decided"),
        lower=told("lower", ahead),
        median=told("median", ahead),
        upper=told("upper", ahead),
        capacity=_capacity(entries.values(), start, interval, size, capacity_per_instance),
        recorded=recorded,
    )


def _capacity(
    entries: Iterable[Entry],
    start: datetime,
    interval: timedelta,
    size: int,
    otherwise: float | None,
) -> FloatArray:
    """What was known of it last; before the first record, what that one knew."""
    known = capacity_by_slot(entries)
    first = known[0][1] if known else (math.nan if otherwise is None else otherwise)
    values = np.full(size, first)
    for slot, capacity in known:
        values[max(0, (slot - start) // interval) :] = capacity
    return values


def chart_data(found: Past, outlook: Outlook | None) -> dict[str, Any]:
    """What the page's script draws: times in milliseconds since 1970, UTC."""
    start = int(found.start.timestamp() * 1000)
    return {
        "start": start,
        "step": found.interval_seconds * 1000,
        "bins": len(found.demand),
        "demand": plain(found.demand),
        "failed": plain(found.failed),
        "latency": plain(found.latency_seconds),
        "in_service": plain(found.in_service),
        "desired": plain(found.desired),
        "wish": plain(found.wish),
        "decided": plain(found.decided),
        "lower": plain(found.lower),
        "median": plain(found.median),
        "upper": plain(found.upper),
        "needed": plain(np.ceil(found.demand / found.capacity)),
        "missed": np.flatnonzero(found.missed > 0).tolist(),
        "recorded": np.flatnonzero(found.recorded).tolist(),
        "ahead": [] if outlook is None else _ahead(outlook, found.capacity[-1]),
    }


def _ahead(outlook: Outlook, capacity: float) -> list[dict[str, Any]]:
    """The forecast, a piece for each rung of the ladder that answers; with the instances that
    its median would need.
    """
    pieces = []
    for bins in outlook.by_rung:
        median = np.array([one.median for one in bins])
        pieces.append(
            {
                "rung": bins[0].rung,
                "start": int(bins[0].start.timestamp() * 1000),
                "lower": plain(np.array([one.lower for one in bins])),
                "median": plain(median),
                "needed": plain(np.ceil(median / capacity)),
                "upper": plain(np.array([one.upper for one in bins])),
            }
        )
    return pieces
