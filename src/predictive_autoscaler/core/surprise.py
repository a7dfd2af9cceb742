"""How wide the forecast should be just now, judged by how it has done of late.

Surprises come in bursts: where the last forecasts fell short, the next one should reach
higher, and after a calm stretch it may reach less high. The scale follows the upward
surprises of the last minutes against those of the last day, as the volatility of GARCH
models does (Bollerslev, "Generalized Autoregressive Conditional Heteroskedasticity",
Journal of Econometrics 31, 1986). Whether it is used is decided by its record: by the
pinball loss (Koenker and Bassett, Econometrica 46, 1978) of the quantiles that it would
have moved against that of the quantiles as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from predictive_autoscaler.core.types import Forecast, Json

MEDIAN, UPPER = 0.5, 0.9
JUDGED = (0.9, 0.97, 0.99)
"""Quantiles whose loss decides whether the scale is used."""
REMEMBERED = (MEDIAN, UPPER, *JUDGED)
SHORT_MEMORY_SECONDS = 10 * 60
LONG_MEMORY_SECONDS = 86400
USUAL = 0.4
"""Upward surprise to begin with; a normal distribution has 0.31."""
MOST = 4.0
LEAST_USUAL = 0.05
SCALES = (0.5, 3.0)
POWER = 0.5
"""Scales move as the square root of the surprise: half-way between none and full."""
TRUST = 60.0
"""How fast trust follows the losses: 2 % less loss means three quarters of it."""


@dataclass(frozen=True)
class Surprise:
    """What is remembered of past forecasts' upward errors.

    Attributes:
        lately, usually: by how much demand came above the median, in units of the distance
            from the median to the upper quantile, with short and long memory.
        loss_scaled, loss_plain: fading pinball losses with and without the scale, in
            instance-intervals or any other unit that both share.
    """

    lately: float = USUAL
    usually: float = USUAL
    loss_scaled: float = 0.0
    loss_plain: float = 0.0

    @property
    def offered(self) -> float:
        """The scale that the surprises suggest."""
        low, high = SCALES
        ratio = self.lately / max(self.usually, LEAST_USUAL)
        return min(max(math.pow(ratio, POWER), low), high)

    @property
    def scale(self) -> float:
        """The scale to use: the one offered, as far as its record earns trust."""
        if self.loss_plain <= 0 or self.loss_scaled <= 0:
            trust = 0.5
        else:
            advantage = TRUST * math.log(self.loss_plain / self.loss_scaled)
            trust = 1 / (1 + math.exp(-min(max(advantage, -50.0), 50.0)))
        return math.pow(self.offered, trust)

    def with_bin(
        self, quantiles: tuple[float, ...], actual: float, interval_seconds: int
    ) -> Surprise:
        """Enter a bin that has come.

        Args:
            quantiles: its forecast before any scaling, at the levels `REMEMBERED`.
            actual: what came, in the same unit.
        """
        middle, upper, *judged = quantiles
        reach = max(upper - middle, 1e-6 * abs(middle), 1e-9)
        surprise = min(max((actual - middle) / reach, 0.0), MOST)
        short, long = (
            math.exp(-interval_seconds / memory)
            for memory in (SHORT_MEMORY_SECONDS, LONG_MEMORY_SECONDS)
        )
        scaled = [middle + self.offered * (value - middle) for value in judged]
        return Surprise(
            lately=short * self.lately + (1 - short) * surprise,
            usually=long * self.usually + (1 - long) * surprise,
            loss_scaled=long * self.loss_scaled + _pinball(scaled, actual),
            loss_plain=long * self.loss_plain + _pinball(judged, actual),
        )

    def to_json(self) -> Json:
        return dict(vars(self))

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Surprise:
        """Read what `to_json` wrote."""
        return cls(**{name: float(value) for name, value in content.items()})


def _pinball(quantiles: list[float], actual: float) -> float:
    return sum(
        max(level * (actual - value), (level - 1) * (actual - value))
        for level, value in zip(JUDGED, quantiles, strict=True)
    )


def first_bin(forecast: Forecast) -> tuple[float, ...]:
    """Quantiles of the first bin of the horizon at the levels `REMEMBERED`, requests."""
    return tuple(forecast.level_requests * value for value in forecast.ratios_at(0, REMEMBERED))


def stretched(forecast: Forecast, scale: float) -> Forecast:
    """The forecast with what lies above each bin's median moved away from it by `scale`."""
    if scale == 1.0:
        return forecast
    bins = range(forecast.horizon_bins)
    middle = np.array([forecast.ratios_at(index, (MEDIAN,))[0] for index in bins])
    above = np.maximum(forecast.ratios - middle, 0.0)
    return replace(forecast, ratios=forecast.ratios + (scale - 1.0) * above)
