"""What a decision remembers: small, in the record, and enough to carry on from.

The newest record's state is all that the next tick needs. If it is lost, `rebuild_state`
makes one from the metrics alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from predictive_autoscaler.core.demand import learn_capacity, move_towards
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.quality import AssessedDemand
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import (
    Bounds,
    FloatArray,
    Forecast,
    Json,
    Samples,
    utc_from_text,
    utc_text,
)

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
SHORT_MEMORY_SECONDS = 6 * HOUR_SECONDS
LONG_MEMORY_SECONDS = 2 * DAY_SECONDS
"""Time constants with which misses, and everything else, are forgotten."""
RESTRAINT_GAIN = 0.05
MOST_RESTRAINT = 6.0
"""About four hundred times cheaper: beyond that, nothing is left to give up."""
BUDGET_GAIN = 0.4
BUDGET_AIM = 0.9
"""The price aims a little below the budget, since it learns of misses too late."""
_START_LOG_PRICE = math.log(5.0)
_LOG_PRICES = (0.0, math.log(200.0))

BAND = (0.05, 0.95)
"""Quantiles of the forecast band that is published and checked against what came."""


@dataclass(frozen=True)
class Fading:
    """A sum that forgets, and the matching sum of what it is a share of."""

    part: float = 0.0
    whole: float = 0.0

    def with_bin(self, part: float, whole: float, keep: float) -> Fading:
        """One bin later; `keep` is what is left of the past after it."""
        return Fading(self.part * keep + part, self.whole * keep + whole)

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole > 0 else None


@dataclass(frozen=True)
class Ledger:
    """What was spent, missed and forecast of late, and what that makes of the price.

    Attributes:
        missed_lately, missed_longer: missed of all requests, with short and long memory.
        hours: own instance-intervals against the shadow's.
        restraint: logarithm of the discount on the price; it grows while we spend more
            than the shadow, and shrinks while less.
        log_budget_price: logarithm of the price that a budget of misses has led to.
        covered: forecasts whose band held what came, of those checked.
        error: absolute error of the median forecast, of actual demand.
    """

    missed_lately: Fading = Fading()
    missed_longer: Fading = Fading()
    hours: Fading = Fading()
    restraint: float = 0.0
    log_budget_price: float = _START_LOG_PRICE
    covered: Fading = Fading()
    error: Fading = Fading()

    @property
    def missed_share(self) -> float:
        """Missed of late, the mean of both memories; 0 before anything is known."""
        shares = (self.missed_lately.share or 0.0, self.missed_longer.share or 0.0)
        return sum(shares) / len(shares)

    def with_bin(
        self,
        billed: float,
        shadow: float,
        missed: float,
        demand: float,
        interval_seconds: int,
        budget: float | None,
    ) -> Ledger:
        """Enter one bin: instances billed to us and to the shadow, requests missed and all."""
        short = math.exp(-interval_seconds / SHORT_MEMORY_SECONDS)
        long = math.exp(-interval_seconds / LONG_MEMORY_SECONDS)
        hours = self.hours.with_bin(billed, shadow, long)
        longer = self.missed_longer.with_bin(missed, demand, long)
        usual_shadow = hours.whole * (1 - long)
        usual_demand = longer.whole * (1 - long)
        restraint, log_price = self.restraint, self.log_budget_price
        if usual_shadow > 0:
            restraint += RESTRAINT_GAIN * (billed - shadow) / usual_shadow
        if budget is not None and usual_demand > 0:
            log_price += BUDGET_GAIN * (missed - BUDGET_AIM * budget * demand) / usual_demand
        return replace(
            self,
            missed_lately=self.missed_lately.with_bin(missed, demand, short),
            missed_longer=longer,
            hours=hours,
            restraint=min(max(restraint, 0.0), MOST_RESTRAINT),
            log_budget_price=min(max(log_price, _LOG_PRICES[0]), _LOG_PRICES[1]),
        )

    def with_checked(self, inside: bool, error: float, actual: float, keep: float) -> Ledger:
        """Enter one forecast whose horizon has passed."""
        return replace(
            self,
            covered=self.covered.with_bin(float(inside), 1.0, keep),
            error=self.error.with_bin(error, actual, keep),
        )

    def to_json(self) -> Json:
        return {
            name: [value.part, value.whole] if isinstance(value, Fading) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Ledger:
        values: dict[str, Any] = {
            name: Fading(*map(float, value)) if isinstance(value, list) else float(value)
            for name, value in content.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class PendingForecast:
    """A forecast that waits for what came."""

    made_for: datetime
    horizon_bins: int
    lower_requests: float
    median_requests: float
    upper_requests: float

    @classmethod
    def of(cls, forecast: Forecast) -> PendingForecast:
        lower, upper = BAND
        return cls(
            forecast.made_for,
            forecast.horizon_bins,
            forecast.quantile(lower),
            forecast.quantile(0.5),
            forecast.quantile(upper),
        )


@dataclass(frozen=True)
class ControllerState:
    """Carried from one decision to the next inside its record.

    Attributes:
        accounted_until: bins that end by then are in the ledger.
        instances: what we left the group with.
        capacity_per_instance: C in use.
        capacity_checked: when C was last learned.
        shadow: the target tracking that runs beside on the same demand.
        wishes: (time, instances) that count for the scale-in grace.
    """

    accounted_until: datetime
    instances: int
    capacity_per_instance: float
    capacity_checked: datetime
    shadow: TargetTracking
    ledger: Ledger = Ledger()
    wishes: tuple[tuple[datetime, int], ...] = ()
    pending: tuple[PendingForecast, ...] = ()

    def to_json(self) -> Json:
        """Plain values, times as ISO 8601."""
        return {
            "accounted_until": utc_text(self.accounted_until),
            "instances": self.instances,
            "capacity_per_instance": self.capacity_per_instance,
            "capacity_checked": utc_text(self.capacity_checked),
            "shadow": vars(self.shadow),
            "ledger": self.ledger.to_json(),
            "wishes": [[utc_text(moment), wish] for moment, wish in self.wishes],
            "pending": [
                vars(forecast) | {"made_for": utc_text(forecast.made_for)}
                for forecast in self.pending
            ],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> ControllerState:
        """Read what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        return cls(
            accounted_until=utc_from_text(content["accounted_until"]),
            instances=int(content["instances"]),
            capacity_per_instance=_positive(content["capacity_per_instance"]),
            capacity_checked=utc_from_text(content["capacity_checked"]),
            shadow=TargetTracking(**content["shadow"]),
            ledger=Ledger.from_json(content["ledger"]),
            wishes=tuple((utc_from_text(moment), int(wish)) for moment, wish in content["wishes"]),
            pending=tuple(
                PendingForecast(**forecast | {"made_for": utc_from_text(forecast["made_for"])})
                for forecast in content["pending"]
            ),
        )


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"capacity_per_instance is {value}; it must be positive")
    return float(value)


def rebuild_state(
    samples: Samples,
    demand: AssessedDemand,
    parameters: ControlParameters,
    bounds: Bounds,
    instances: int,
) -> ControllerState:
    """A state made from metrics alone, for a first tick or after lost records.

    What was spent is taken from the instances that were in service. It is careful: with no
    wishes remembered, the lower rungs do not scale in.
    """
    capacity = parameters.capacity_per_instance
    if capacity is None:
        learned = learn_capacity(samples, demand, parameters.objective_cpu_percent)
        capacity = learned or parameters.default_capacity_per_instance
    state = ControllerState(
        accounted_until=samples.start,
        instances=instances,
        capacity_per_instance=capacity,
        capacity_checked=samples.end,
        shadow=TargetTracking(parameters.shadow_target, bounds.min_instances),
    )
    return account(state, samples, demand.requests, parameters, bounds, from_metrics=True)


def account(
    state: ControllerState,
    samples: Samples,
    demand: FloatArray,
    parameters: ControlParameters,
    bounds: Bounds,
    *,
    from_metrics: bool = False,
) -> ControllerState:
    """Enter the bins that came in since the last decision.

    Args:
        demand: assessed demand of the samples' bins, NaN where unknown.
        from_metrics: take our own spending from `in_service` rather than from what we
            asked for.
    """
    ledger, shadow = state.ledger, state.shadow
    new = samples.between(state.accounted_until, samples.end)
    if len(new) == 0:
        return state
    capacity = state.capacity_per_instance
    for instances, requests in zip(
        new.in_service.tolist(), demand[len(demand) - len(new) :].tolist(), strict=True
    ):
        shadow = shadow.step(requests, capacity, bounds, parameters.interval_seconds)
        ready = state.instances if math.isnan(instances) else instances
        known = 0.0 if math.isnan(requests) else requests
        ledger = ledger.with_bin(
            billed=ready if from_metrics else state.instances,
            shadow=shadow.instances,
            missed=known if known > ready * capacity else 0.0,
            demand=known,
            interval_seconds=parameters.interval_seconds,
            budget=parameters.missed_budget,
        )
    ledger, pending = _check_forecasts(ledger, state.pending, samples, demand)
    return replace(
        state, accounted_until=samples.end, shadow=shadow, ledger=ledger, pending=pending
    )


def follow_capacity(
    state: ControllerState,
    samples: Samples,
    demand: AssessedDemand,
    parameters: ControlParameters,
) -> ControllerState:
    """Bring C up to date: the setting where there is one, else learned once a day."""
    if parameters.capacity_per_instance is not None:
        return replace(state, capacity_per_instance=parameters.capacity_per_instance)
    days = (samples.end - state.capacity_checked).total_seconds() / DAY_SECONDS
    if days < 1:
        return state
    learned = learn_capacity(samples, demand, parameters.objective_cpu_percent)
    if learned is None:
        return state
    capacity = move_towards(state.capacity_per_instance, learned, days)
    return replace(state, capacity_per_instance=capacity, capacity_checked=samples.end)


def _check_forecasts(
    ledger: Ledger,
    pending: tuple[PendingForecast, ...],
    samples: Samples,
    demand: FloatArray,
) -> tuple[Ledger, tuple[PendingForecast, ...]]:
    """Compare each forecast whose horizon has passed with the largest demand in it."""
    waiting = []
    keep = math.exp(-samples.interval_seconds / LONG_MEMORY_SECONDS)
    for forecast in pending:
        until = forecast.made_for + forecast.horizon_bins * samples.interval
        if until > samples.end:
            waiting.append(forecast)
            continue
        first = (forecast.made_for - samples.start) // samples.interval
        came = demand[max(first, 0) : max(first, 0) + forecast.horizon_bins]
        if first < 0 or np.isnan(came).any():
            continue
        actual = float(came.max())
        inside = forecast.lower_requests <= actual <= forecast.upper_requests
        ledger = ledger.with_checked(inside, abs(actual - forecast.median_requests), actual, keep)
    return ledger, tuple(waiting)
