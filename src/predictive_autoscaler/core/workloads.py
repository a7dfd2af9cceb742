"""Traffic shapes as functions of seconds. Locust and the simulator draw from the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from predictive_autoscaler.core.types import FloatArray, Samples

DAY = 86400
WEEK = 7 * DAY


@dataclass(frozen=True)
class Sale:
    """An event that lifts traffic: up within `ramp_seconds`, then fading over hours.

    Attributes:
        start_seconds: since the beginning of the recording.
        lift: extra traffic at the peak, as a share of the usual.
        fade_seconds: time constant of the decline.
    """

    start_seconds: float
    lift: float = 0.8
    ramp_seconds: float = 3600.0
    fade_seconds: float = 7200.0

    def factor(self, seconds: FloatArray) -> FloatArray:
        """What usual traffic is multiplied with, shape of `seconds`."""
        since = seconds - self.start_seconds
        rise = np.clip(since / self.ramp_seconds, 0.0, 1.0)
        fade = np.exp(-np.maximum(since - self.ramp_seconds, 0.0) / self.fade_seconds)
        return 1.0 + self.lift * rise * fade


def daily_rhythm(seconds: FloatArray) -> FloatArray:
    """A shop's day in UTC, between about 0.2 at four and 1 at eight in the evening."""
    hour = (seconds % DAY) / 3600
    evening = np.exp(-0.5 * (_hours_apart(hour, 20.0) / 2.6) ** 2)
    noon = 0.62 * np.exp(-0.5 * (_hours_apart(hour, 12.5) / 2.8) ** 2)
    return 0.18 + 0.82 * np.maximum(evening, noon)


def weekly_rhythm(seconds: FloatArray) -> FloatArray:
    """Weekends carry more; the recording begins on a Monday. Smooth across midnight."""
    day = (seconds % WEEK) / DAY
    weekend = np.exp(-0.5 * ((day - 6.0) / 0.8) ** 2) + np.exp(-0.5 * ((day + 1.0) / 0.8) ** 2)
    return 1.0 + 0.25 * weekend


def growth(seconds: FloatArray, per_week: float = 0.04) -> FloatArray:
    """Steady growth, compounded."""
    return (1.0 + per_week) ** (seconds / WEEK)


def _hours_apart(hour: FloatArray, peak: float) -> FloatArray:
    apart: FloatArray = np.abs((hour - peak + 12) % 24 - 12)
    return apart


def shop_requests(
    seconds: FloatArray,
    sales: tuple[Sale, ...],
    rng: np.random.Generator,
    peak_requests: float = 30_000.0,
    noise: float = 0.04,
) -> FloatArray:
    """Requests per bin of a small shop, shape of `seconds`.

    Noise has two parts: a slow drift of mood (first-order autoregressive) and counting
    noise (Poisson).

    Args:
        seconds: starts of the bins since the beginning of the recording, evenly spaced.
        peak_requests: per bin on a usual evening.
        noise: standard deviation of the drift, on the log scale.
    """
    expected = peak_requests * daily_rhythm(seconds) * weekly_rhythm(seconds) * growth(seconds)
    for sale in sales:
        expected = expected * sale.factor(seconds)
    drift = np.empty(len(seconds))
    level = 0.0
    keep = 0.9
    for index, shock in enumerate(rng.normal(0.0, noise * (1 - keep**2) ** 0.5, len(seconds))):
        level = keep * level + shock
        drift[index] = level
    counts = rng.poisson(expected * np.exp(drift))
    return counts.astype(np.float64)


def recorded_shop(
    start: datetime, days: int, seed: int, sales: tuple[Sale, ...], interval_seconds: int = 300
) -> Samples:
    """A recording of the shop from a seed: the same seed gives the same numbers."""
    seconds = np.arange(0, days * DAY, interval_seconds, dtype=np.float64)
    requests = shop_requests(seconds, sales, np.random.default_rng(seed))
    return Samples.of(start, interval_seconds, {"requests": requests})
