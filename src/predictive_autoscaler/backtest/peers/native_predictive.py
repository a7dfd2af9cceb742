"""Predictive scaling as AWS offers it, beside target tracking.

Source: Amazon EC2 Auto Scaling User Guide, "How predictive scaling works": a forecast for
each of the next 48 hours out of up to 14 days (at least one), refreshed every 6 hours. The
capacity of an hour is set `SchedulingBufferTime` before it begins and acts as the group's
minimum during it. Predictive scaling never scales in: target tracking does, down to that
minimum.

AWS does not publish its forecast. Here it is half the usual day (newer days weigh more)
and half the same hours of last week at yesterday's level, the best of nine simple rules:
its hours were off by 31 % in the mean over the recorded traces, seasonal naive's by 35 %.

Tuning: mode "forecast and scale", both policies at 70 %, the default buffer of 5 minutes,
or the boot time where that is longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.backtest.peers.base import PeerContext
from predictive_autoscaler.backtest.peers.reactive import target_tracking
from predictive_autoscaler.core.features import HOUR
from predictive_autoscaler.core.types import FloatArray

DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS
HISTORY_HOURS = 14 * DAY_HOURS
AHEAD_HOURS = 48
REFRESH_HOURS = 6
BUFFER_SECONDS = 300
DAY_WEIGHT = 0.7
"""What a day weighs in the usual day, against the day after it."""
MOST_LEVEL_CHANGE = 2.0


@dataclass(frozen=True)
class NativePredictive:
    """Both policies at the same target."""

    name: str = "aws predictive"
    sees_future: bool = False
    target_share: float = 0.7

    def asked(self, context: PeerContext) -> FloatArray:
        floor = hourly_floor(context, self.target_share)
        asked = target_tracking(context.demand, context.setting, self.target_share, floor)
        return asked[context.first :]


def hourly_floor(context: PeerContext, target_share: float) -> FloatArray:
    """Instances scheduled at the start of each bin, shape (bins,).

    A bin gets what its own hour needs, and in the last minutes what the next one needs
    too, out of the newest forecast made by then.
    """
    setting, hours = context.setting, context.seconds // HOUR
    load, first_hour = hourly_load(context)
    made_at = hours // REFRESH_HOURS * REFRESH_HOURS
    buffer_seconds = max(BUFFER_SECONDS, setting.boot_bins * setting.interval_seconds)
    soon = (context.seconds + buffer_seconds) // HOUR
    requests = np.zeros(len(hours))
    for refresh in np.unique(made_at).tolist():
        last = max(refresh - first_hour, 0)
        forecast = forecast_hours(load[max(0, last - HISTORY_HOURS) : last])
        served = made_at == refresh
        own, following = forecast[hours[served] - refresh], forecast[soon[served] - refresh]
        requests[served] = np.maximum(own, following)
    return setting.instances(requests * setting.interval_seconds / HOUR, target_share)


def hourly_load(context: PeerContext) -> tuple[FloatArray, int]:
    """Requests per hour, shape (hours,), and the first whole hour, counted from 1970.

    The last one may be incomplete; no forecast reads the hour in which it is made.
    """
    if len(context.seconds) == 0:
        return np.zeros(0), 0
    hours: NDArray[np.int64] = context.seconds // HOUR
    first = int(hours[0])
    load: FloatArray = np.bincount(hours - first, weights=context.filled).astype(np.float64)
    return (load[1:], first + 1) if context.seconds[0] % HOUR else (load, first)


def forecast_hours(known: FloatArray) -> FloatArray:
    """Requests in each of the next hours, shape (AHEAD_HOURS,); 0 with under a day known.

    Args:
        known: (hours,) requests of the hours up to now, the newest last.
    """
    days = len(known) // DAY_HOURS
    if days == 0:
        return np.zeros(AHEAD_HOURS)
    newest_first = known[len(known) - days * DAY_HOURS :].reshape(days, DAY_HOURS)[::-1]
    weights = DAY_WEIGHT ** np.arange(days, dtype=np.float64)
    usual = np.tile((weights[:, None] * newest_first).sum(axis=0) / weights.sum(), 2)
    if len(known) < WEEK_HOURS + DAY_HOURS:
        return usual
    then = known[-WEEK_HOURS:][:AHEAD_HOURS]
    return 0.5 * usual + 0.5 * then * _level_change(known)


def _level_change(known: FloatArray) -> float:
    """The last day's requests over those of the same day a week before, within limits."""
    now = known[-DAY_HOURS:].sum()
    before = known[-WEEK_HOURS - DAY_HOURS : -WEEK_HOURS].sum()
    change = float(now / before) if before > 0 else 1.0
    return min(max(change, 1 / MOST_LEVEL_CHANGE), MOST_LEVEL_CHANGE)
