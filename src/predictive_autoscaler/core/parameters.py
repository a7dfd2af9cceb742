"""What the decision depends on besides data: numbers that a person may set.

`app.settings` builds these from the environment and checks the ranges; the lab and the
tests build them directly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.spending import Prices
from predictive_autoscaler.core.timegrid import horizon_bins
from predictive_autoscaler.core.types import Rung


@dataclass(frozen=True)
class ScaleInCaution:
    """How slowly a rung of the ladder may scale in.

    Attributes:
        grace_minutes: capacity stays at the largest wish of this long.
        step_share: at most this share of the present capacity goes in one step (at
            least one instance).
    """

    grace_minutes: float
    step_share: float

    def at_least(self, grace_minutes: float, step_share: float) -> ScaleInCaution:
        """This caution, or more of it where these numbers ask for more."""
        return ScaleInCaution(
            max(self.grace_minutes, grace_minutes), min(self.step_share, step_share)
        )


def default_caution() -> dict[Rung, ScaleInCaution]:
    """The less is known, the slower."""
    return {
        Rung.FOREST: ScaleInCaution(grace_minutes=0, step_share=0.5),
        Rung.SEASONAL: ScaleInCaution(grace_minutes=15, step_share=0.25),
        Rung.LAST_VALUE: ScaleInCaution(grace_minutes=30, step_share=0.2),
    }


@dataclass(frozen=True)
class ControlParameters:
    """Everything that shapes a decision and is neither measured nor remembered.

    Attributes:
        capacity_per_instance: C, requests per interval that one instance carries; None
            learns it from CPU and starts at `default_capacity_per_instance`.
        objective_cpu_percent: CPU at which the latency objective still holds.
        miss_price: fixed price of a missed request, in units of the capacity that serves
            one; None lets it follow the record of misses, within the shadow's hours.
        missed_budget: share of requests that may be missed; moves the price online.
        quantile: of the largest demand within the horizon; serves that quantile instead of
            weighing prices. Of these three, at most one is set.
        shadow_target: the target tracking whose hours are the ceiling of the spending.
    """

    interval_seconds: int = 300
    boot_minutes: float = 5.0
    metric_delay_seconds: int = 120
    timezone: str = "UTC"
    capacity_per_instance: float | None = None
    default_capacity_per_instance: float = 5000.0
    objective_cpu_percent: float = 70.0
    miss_price: float | None = None
    missed_budget: float | None = None
    quantile: float | None = None
    shadow_target: float = 0.7
    caution: dict[Rung, ScaleInCaution] = field(default_factory=default_caution)
    prices: Prices | None = None
    """What instances cost, where that is known; a cap on it is in there, too."""

    @property
    def boot_bins(self) -> int:
        """Whole intervals that an instance takes until it serves."""
        return math.ceil(timedelta(minutes=self.boot_minutes) / self.interval)

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.interval_seconds)

    @property
    def metric_delay(self) -> timedelta:
        return timedelta(seconds=self.metric_delay_seconds)

    @property
    def first_served_bin(self) -> int:
        """Of the bins after the newest known one, the first that new capacity can serve."""
        age = self.metric_delay + timedelta(minutes=self.boot_minutes)
        return age // self.interval

    @property
    def features(self) -> FeatureParameters:
        """The parameters of the features that serve these settings."""
        horizon = horizon_bins(
            self.interval, timedelta(minutes=self.boot_minutes), self.metric_delay
        )
        return FeatureParameters(self.interval_seconds, horizon, self.timezone)
