"""Traffic shapes as functions of seconds. Locust and the simulator draw from the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


@dataclass(frozen=True)
class UserPattern:
    """How many users are at work in the course of a load test.

    Attributes:
        summary: what it does, in a few words.
        duration_seconds: of the run as it is documented.
        shape: seconds of the documented run -> users, arrays of the same shape.
    """

    summary: str
    duration_seconds: float
    shape: Callable[[FloatArray], FloatArray]

    def users(
        self, seconds: float, duration_seconds: float | None = None, scale: float = 1.0
    ) -> int | None:
        """Users at a moment of the run, at least 1; None once it is over.

        Args:
            seconds: since the start of the run.
            duration_seconds: of the run, if not as documented: the whole course is compressed or
                stretched to it, so that a short run has the same peak as a long one.
            scale: what the users are multiplied with.
        """
        length = self.duration_seconds if duration_seconds is None else duration_seconds
        if seconds >= length:
            return None
        moment = np.array([max(seconds, 0.0) * self.duration_seconds / length])
        return max(1, round(float(self.shape(moment)[0]) * scale))


def straight_lines(*points: tuple[float, float]) -> Callable[[FloatArray], FloatArray]:
    """Users that move in straight lines between (seconds, users)."""
    seconds, users = (np.array(one, dtype=np.float64) for one in zip(*points, strict=True))
    return lambda moments: np.interp(moments, seconds, users)


def wave(low: float, high: float, period_seconds: float) -> Callable[[FloatArray], FloatArray]:
    """Users that swing between two numbers, beginning at the lower one."""
    middle, reach = (low + high) / 2, (high - low) / 2
    return lambda moments: middle - reach * np.cos(2 * np.pi * moments / period_seconds)


def stairs(
    first: float, step: float, seconds_per_step: float
) -> Callable[[FloatArray], FloatArray]:
    """Users that grow by `step` at once, every so many seconds."""
    return lambda moments: first + step * np.floor(moments / seconds_per_step)


USER_PATTERNS: Mapping[str, UserPattern] = {
    "baseline": UserPattern("a steady 20 users", 600, straight_lines((0, 20))),
    "surge": UserPattern(
        "10 users, then 200 within a minute, held for 7 minutes, then back to 10",
        900,
        straight_lines((0, 10), (120, 10), (180, 200), (600, 200), (720, 10)),
    ),
    "sinusoidal": UserPattern(
        "between 10 and 150 users, up and down in 10 minutes", 1200, wave(10, 150, 600)
    ),
    "step": UserPattern(
        "20 users, and 20 more every 3 minutes, up to 100", 900, stairs(20, 20, 180)
    ),
    "flash-sale": UserPattern(
        "20 users, 300 within half a minute, held for 3 minutes, fading out over 5",
        720,
        straight_lines((0, 20), (180, 20), (210, 300), (390, 300), (480, 120), (690, 20)),
    ),
}
"""The load scenarios of the locust folder, by name."""


def replayed(
    seconds: FloatArray, requests: FloatArray, peak_users: float, duration_seconds: float
) -> UserPattern:
    """Users in proportion to recorded traffic.

    Args:
        seconds: starts of the recorded bins, increasing.
        requests: in each of them, more than 0 in one at least.
        peak_users: users at the largest bin.
        duration_seconds: of the run that the whole of the recording is compressed to.
    """
    since = (seconds - seconds[0]) * duration_seconds / max(seconds[-1] - seconds[0], 1.0)
    users = peak_users * (requests / requests.max())
    return UserPattern(
        f"a recording, {peak_users:g} users at its peak",
        duration_seconds,
        lambda moments: np.interp(moments, since, users),
    )
