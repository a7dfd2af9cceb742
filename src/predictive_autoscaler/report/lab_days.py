"""Which days of a trace tell the most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

import numpy as np

from predictive_autoscaler.core.types import BoolArray, FloatArray

BUSIEST, CALMEST = "busiest day", "calmest day"
_WHOLE = 0.9


@dataclass(frozen=True)
class Day:
    """A UTC day's bins, `first` to `stop` without it."""

    day: date
    first: int
    stop: int

    @property
    def bins(self) -> slice:
        return slice(self.first, self.stop)


@dataclass(frozen=True)
class ChosenDay:
    """A day, and why it was chosen."""

    day: Day
    reasons: tuple[str, ...]


def choose_days(
    times: Sequence[datetime], demand: FloatArray, missed_by: Mapping[str, BoolArray]
) -> list[ChosenDay]:
    """The day on which each of these missed most, then the busiest and the calmest.

    A day chosen twice comes once, with both reasons. Who missed nothing has no such day.
    The last two are chosen from days that are nearly whole, if there are any.

    Args:
        demand: (bins,) requests; NaN where unknown.
        missed_by: (bins,) whether requests were missed, by the name to give as the reason.
    """
    reasons: dict[Day, list[str]] = {}
    for day, reason in _choices(times, demand, missed_by):
        reasons.setdefault(day, []).append(reason)
    return [ChosenDay(day, tuple(found)) for day, found in reasons.items()]


def days_of(times: Sequence[datetime]) -> list[Day]:
    """The UTC days of these bins."""
    days, first = [], 0
    for day, members in groupby(moment.astimezone(UTC).date() for moment in times):
        stop = first + sum(1 for _ in members)
        days.append(Day(day, first, stop))
        first = stop
    return days


def _choices(
    times: Sequence[datetime], demand: FloatArray, missed_by: Mapping[str, BoolArray]
) -> Iterator[tuple[Day, str]]:
    days, requests = days_of(times), np.nan_to_num(demand)
    if not days:
        return
    for name, missed in missed_by.items():
        lost = np.where(missed, requests, 0.0)
        totals = [float(lost[day.bins].sum()) for day in days]
        if max(totals) > 0:
            yield days[totals.index(max(totals))], f"{name} missed most"
    whole = _whole(days, demand) or days
    totals = [float(requests[day.bins].sum()) for day in whole]
    yield whole[totals.index(max(totals))], BUSIEST
    if len(whole) > 1:
        yield whole[totals.index(min(totals))], CALMEST


def _whole(days: Sequence[Day], demand: FloatArray) -> list[Day]:
    """Days of which nearly all is known."""
    known = [int(np.isfinite(demand[day.bins]).sum()) for day in days]
    longest = max(day.stop - day.first for day in days)
    return [day for day, count in zip(days, known, strict=True) if count >= _WHOLE * longest]
