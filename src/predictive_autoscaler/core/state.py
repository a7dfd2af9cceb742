"""What a decision remembers: small, in the record, and enough to carry on from.

The newest record's state is all that the next tick needs. If it is lost, `fresh_state`
makes one from the metrics alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from predictive_autoscaler.core.demand import learn_capacity, move_towards
from predictive_autoscaler.core.ledger import Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.quality import AssessedDemand
from predictive_autoscaler.core.spending import Spending
from predictive_autoscaler.core.surprise import Surprise, first_bin
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.trial import Lately, Supply, Trial
from predictive_autoscaler.core.types import (
    Bounds,
    FloatArray,
    Forecast,
    Json,
    Samples,
    utc_from_text,
    utc_text,
)

T = TypeVar("T")
DAY_SECONDS = 86400
BAND = (0.05, 0.95)
"""Quantiles of the forecast band that is published and checked against what came."""


@dataclass(frozen=True)
class PendingForecast:
    """A forecast that waits for what came."""

    made_for: datetime
    horizon_bins: int
    lower_requests: float
    median_requests: float
    upper_requests: float
    first_bin: tuple[float, ...]
    """The first bin's quantiles before any stretching, for `surprise`."""

    @classmethod
    def of(cls, forecast: Forecast, unstretched: Forecast) -> PendingForecast:
        lower, upper = BAND
        return cls(
            forecast.made_for,
            forecast.horizon_bins,
            forecast.quantile(lower),
            forecast.quantile(0.5),
            forecast.quantile(upper),
            first_bin(unstretched),
        )

    def to_json(self) -> Json:
        """Plain values, the time as ISO 8601."""
        return vars(self) | {
            "made_for": utc_text(self.made_for),
            "first_bin": list(self.first_bin),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> PendingForecast:
        """Read what `to_json` wrote."""
        made_for = utc_from_text(content["made_for"])
        first = tuple(map(float, content["first_bin"]))
        return cls(**content | {"made_for": made_for, "first_bin": first})


@dataclass(frozen=True)
class ControllerState:
    """Carried from one decision to the next inside its record.

    Attributes:
        accounted_until: bins that end by then are in the ledger.
        instances: what we left the group with.
        capacity_per_instance: C in use.
        capacity_checked: when C was last learned.
        shadow: the target tracking that runs beside on the same demand.
        surprise: how the forecasts of the next bin have done.
        trial: what this way of scaling took beside another; `promise`: the last trial of
            observing, kept while acting; `lately`: the newest days of acting.
        supply, shadow_supply: what was asked for of late, by us and by the shadow.
        held_until: no scale-in before then, since somebody else has changed the group.
        held_by: who.
        spending: money, where a price is known.
        distrusted: the model's forecasts are checked, but not followed.
        worth_told: people have been told that this trial of observing says: act.
        wishes: (time, instances) that count for the scale-in grace.
    """

    accounted_until: datetime
    instances: int
    capacity_per_instance: float
    capacity_checked: datetime
    shadow: TargetTracking
    ledger: Ledger
    trial: Trial
    supply: Supply
    shadow_supply: Supply
    promise: Trial | None = None
    lately: Lately | None = None
    held_until: datetime | None = None
    held_by: str = ""
    spending: Spending | None = None
    distrusted: bool = False
    worth_told: bool = False
    surprise: Surprise = field(default_factory=Surprise)
    wishes: tuple[tuple[datetime, int], ...] = ()
    pending: tuple[PendingForecast, ...] = ()

    @property
    def lost(self) -> Trial | None:
        """The newest days, if they show that acting has become worse than target tracking."""
        recent = self.lately and self.lately.whole
        return recent if recent and recent.is_lost else None

    def having(self, instances: int) -> ControllerState:
        """The state if the group was left with so many, whatever had been decided."""
        supply = Supply((*self.supply.asked[:-1], instances))
        return replace(self, instances=instances, supply=supply)

    def to_json(self) -> Json:
        """Plain values, times as ISO 8601."""
        return {
            "accounted_until": utc_text(self.accounted_until),
            "instances": self.instances,
            "capacity_per_instance": self.capacity_per_instance,
            "capacity_checked": utc_text(self.capacity_checked),
            "shadow": vars(self.shadow),
            "ledger": self.ledger.to_json(),
            "trial": self.trial.to_json(),
            "promise": self.promise and self.promise.to_json(),
            "lately": self.lately and self.lately.to_json(),
            "supply": list(self.supply.asked),
            "shadow_supply": list(self.shadow_supply.asked),
            "held_until": self.held_until and utc_text(self.held_until),
            "held_by": self.held_by,
            "spending": self.spending and self.spending.to_json(),
            "distrusted": self.distrusted,
            "worth_told": self.worth_told,
            "surprise": self.surprise.to_json(),
            "wishes": [[utc_text(moment), wish] for moment, wish in self.wishes],
            "pending": [forecast.to_json() for forecast in self.pending],
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
            trial=Trial.from_json(content["trial"]),
            promise=_maybe(Trial.from_json, content["promise"]),
            supply=Supply(tuple(map(int, content["supply"]))),
            shadow_supply=Supply(tuple(map(int, content["shadow_supply"]))),
            held_until=_maybe(utc_from_text, content["held_until"]),
            held_by=str(content["held_by"]),
            spending=_maybe(Spending.from_json, content["spending"]),
            distrusted=bool(content["distrusted"]),
            # Records of older versions lack these; their trials are worth keeping.
            lately=_maybe(Lately.from_json, content.get("lately")),
            worth_told=bool(content.get("worth_told", False)),
            surprise=Surprise.from_json(content["surprise"]),
            wishes=tuple((utc_from_text(moment), int(wish)) for moment, wish in content["wishes"]),
            pending=tuple(map(PendingForecast.from_json, content["pending"])),
        )


def _maybe(read: Callable[[Any], T], content: Any) -> T | None:
    return None if content is None else read(content)


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"capacity_per_instance is {value}; it must be positive")
    return float(value)


def fresh_state(
    samples: Samples,
    demand: AssessedDemand,
    parameters: ControlParameters,
    bounds: Bounds,
    instances: int,
    *,
    observing: bool = False,
) -> ControllerState:
    """A state made from metrics alone, for a first tick or after lost records.

    The shadow runs over all samples. The ledger begins afresh: what the metrics show may
    be another controller's doing. It is careful: with no wishes remembered, the lower
    rungs do not scale in.
    """
    capacity = parameters.capacity_per_instance
    if capacity is None:
        learned = learn_capacity(samples, demand, parameters.objective_cpu_percent)
        capacity = learned or parameters.default_capacity_per_instance
    shadow = TargetTracking(parameters.shadow_target, bounds.min_instances)
    shadow_supply = Supply.steady(shadow.instances)
    for requests in demand.requests.tolist():
        shadow = shadow.step(requests, capacity, bounds, parameters.interval_seconds)
        shadow_supply = shadow_supply.after(shadow.instances, parameters.boot_bins)
    return ControllerState(
        accounted_until=samples.end,
        instances=instances,
        capacity_per_instance=capacity,
        capacity_checked=samples.end,
        shadow=shadow,
        ledger=Ledger.fresh(capacity),
        trial=Trial(observing, samples.end, samples.end),
        supply=Supply.steady(instances),
        shadow_supply=shadow_supply,
        spending=_spent_this_period(samples, parameters),
    )


def _spent_this_period(samples: Samples, parameters: ControlParameters) -> Spending | None:
    """What the metrics say that the group has cost; what they lack counts as nothing."""
    if parameters.prices is None:
        return None
    spending = Spending(samples.start)
    known = np.nan_to_num(samples.in_service).tolist()
    for start, instances, cpu in zip(
        samples.times(), known, samples.cpu_percent.tolist(), strict=True
    ):
        spending = spending.with_bin(
            start, samples.interval_seconds, instances, cpu, parameters.prices
        )
    return spending


def in_mode(state: ControllerState, *, observing: bool) -> ControllerState:
    """The state with a new trial, if the mode has changed since it was written."""
    if state.trial.observing == observing:
        return state
    promise = state.trial if state.trial.observing else None
    now = state.accounted_until
    return replace(
        state, trial=Trial(observing, now, now), promise=promise, lately=None, worth_told=False
    )


def account(
    state: ControllerState,
    samples: Samples,
    demand: FloatArray,
    parameters: ControlParameters,
    bounds: Bounds,
) -> ControllerState:
    """Enter the bins that came in since the last decision.

    Args:
        demand: assessed demand of the samples' bins, NaN where unknown.
    """
    new = samples.between(state.accounted_until, samples.end)
    if len(new) == 0:
        return state
    surprise = _surprised(state, samples, demand)
    for index in range(len(new)):
        requests = float(demand[index - len(new)])
        state = _with_bin(state, new, index, requests, parameters, bounds)
    ledger, pending = _check_forecasts(state.ledger, state.pending, samples, demand)
    return replace(
        state, accounted_until=samples.end, ledger=ledger, surprise=surprise, pending=pending
    )


def _with_bin(
    state: ControllerState,
    new: Samples,
    index: int,
    requests: float,
    parameters: ControlParameters,
    bounds: Bounds,
) -> ControllerState:
    """One bin later in all books."""
    seconds, capacity = parameters.interval_seconds, state.capacity_per_instance
    in_service = float(new.in_service[index])
    shadow_serving = state.shadow_supply.serving
    shadow = state.shadow.step(requests, capacity, bounds, seconds)
    known = 0.0 if math.isnan(requests) else requests
    observing = state.trial.observing
    if observing:
        serving: float = state.supply.serving
    else:
        serving = state.instances if math.isnan(in_service) else in_service
    there = state.instances if math.isnan(in_service) else in_service
    theirs = (
        (there, there * capacity) if observing else (shadow.instances, shadow_serving * capacity)
    )
    spending = state.spending
    if parameters.prices is not None:
        spending = (spending or Spending(new.start)).with_bin(
            new.time_of(index),
            seconds,
            there if observing else max(there, state.instances),
            float(new.cpu_percent[index]),
            parameters.prices,
        )
    ours = (state.instances, serving * capacity)
    lately = None
    if not observing:
        begun = state.lately or Lately.beginning(observing, state.trial.until)
        lately = begun.with_bin(ours, theirs, known, seconds)
    return replace(
        state,
        shadow=shadow,
        shadow_supply=state.shadow_supply.after(shadow.instances, parameters.boot_bins),
        ledger=state.ledger.with_bin(
            billed=state.instances,
            shadow=shadow.instances,
            missed=known if known > serving * capacity else 0.0,
            demand=known,
            interval_seconds=seconds,
            budget=parameters.missed_budget,
        ),
        trial=state.trial.with_bin(ours, theirs, known, seconds),
        lately=lately,
        spending=spending,
    )


def _surprised(state: ControllerState, samples: Samples, demand: FloatArray) -> Surprise:
    """Compare the forecasts of the bins that came in with what came."""
    surprise = state.surprise
    for forecast in state.pending:
        if state.accounted_until <= forecast.made_for < samples.end:
            actual = float(demand[(forecast.made_for - samples.start) // samples.interval])
            if not math.isnan(actual):
                seconds = samples.interval_seconds
                surprise = surprise.with_bin(forecast.first_bin, actual, seconds)
    return surprise


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
        ledger = ledger.with_checked(
            inside=forecast.lower_requests <= actual <= forecast.upper_requests,
            error=abs(actual - forecast.median_requests),
            actual=actual,
            interval_seconds=samples.interval_seconds,
        )
    return ledger, tuple(waiting)
