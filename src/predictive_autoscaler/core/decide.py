"""From metrics, a forecast and what is remembered to one decision. Pure and repeatable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.features import (
    WEEK,
    FeatureParameters,
    build_features,
    newest_features,
)
from predictive_autoscaler.core.ladder import LadderResult, climb_down, untrained_predictors
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.planner import Plan, plan_capacity, plan_quantile
from predictive_autoscaler.core.policies import ORDERED_POLICIES, PolicyContext
from predictive_autoscaler.core.policies.base import apply_policy, limits_around
from predictive_autoscaler.core.predictors.forest import ForestPredictor
from predictive_autoscaler.core.price import miss_price, price_grounds
from predictive_autoscaler.core.quality import AssessedDemand, assess
from predictive_autoscaler.core.state import (
    ControllerState,
    PendingForecast,
    account,
    follow_capacity,
    fresh_state,
    in_mode,
)
from predictive_autoscaler.core.surprise import stretched
from predictive_autoscaler.core.timegrid import known_until
from predictive_autoscaler.core.trouble import trouble
from predictive_autoscaler.core.trust import distrusted
from predictive_autoscaler.core.types import (
    CalendarEvent,
    Decision,
    Forecast,
    GroupState,
    Quality,
    Rung,
    Samples,
    utc_text,
)
from predictive_autoscaler.core.why import LastWeek, short

NEGLIGIBLE_SHARE = 0.1
"""Demand below this share of one instance is too small to matter."""
PERSON = "a person"
PERSON_GRACE = timedelta(minutes=60)
OTHERS_GRACE = timedelta(minutes=15)
"""For how long capacity that somebody else has added is left alone."""
RECORDED_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
RECORDED_QUALITY_BINS = 6
DISTRUST = "the model's band has missed half of what came of late, so it is not followed"
_DOUBTS = {
    Quality.MISSING: "the newest request count is absent",
    Quality.GLITCH: "the newest request count is zero in the midst of traffic",
    Quality.CENSORED: "the group is overloaded, so its count is only a lower bound",
    Quality.PARTIAL: "minutes are absent from the newest interval",
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a decision rests on.

    Attributes:
        samples: the serving window on the control interval's grid, ending with the newest
            bin that should be known at `now`; what has not arrived is NaN.
        state: from the newest record; None rebuilds it from the samples.
        doubt: why capacity must not shrink, beyond what the metrics say; None if it may.
        observing: nobody will act on the decision. It then starts from what we would have
            by now, had we acted all along, and not from what the group has.
        faults: what went wrong on the way here (the model could not be loaded, say).
    """

    now: datetime
    slot: datetime
    group: GroupState
    samples: Samples
    model: Model | None
    state: ControllerState | None
    calendar: Sequence[CalendarEvent] = ()
    faults: tuple[str, ...] = ()
    doubt: str | None = None
    observing: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """The decision, its forecast (None: no rung could answer) and the next state."""

    decision: Decision
    forecast: Forecast | None
    state: ControllerState


def forecast_demand(
    samples: Samples, demand: AssessedDemand, model: Model | None, features: FeatureParameters
) -> LadderResult:
    """The best forecast that can be had from the end of the samples."""
    faults: tuple[str, ...] = ()
    if model is not None:
        # The model answers for the horizon and the zone that it was trained on.
        trained = model.card.parameters
        recent = samples.latest(trained.lookback_bins + 1)
        known = demand.requests[len(samples) - len(recent) :]
        # The forest reads the newest row only; without it, the whole table tells why.
        table = newest_features(recent, known, trained, model.card.feature_names)
        table = table or build_features(recent, known, trained)
        result = climb_down([ForestPredictor(model)], recent, table)
        if result.forecast:
            return result
        faults = result.faults
    table = build_features(samples, demand.requests, features)
    result = climb_down(untrained_predictors(features), samples, table)
    return LadderResult(result.forecast, (*faults, *result.faults))


Forecaster = Callable[[Samples, AssessedDemand, Model | None, FeatureParameters], LadderResult]
"""Makes the forecast of a decision: `forecast_demand`, or something that remembers it."""


def decide(
    evidence: Evidence,
    parameters: ControlParameters,
    forecaster: Forecaster = forecast_demand,
) -> Outcome:
    """Decide one group's capacity.

    The same evidence and parameters always give the same outcome. The result lies within
    the group's bounds and, unless the maximum forbids it, is never below what the newest
    known demand needs; it is never below the present capacity on data in doubt.
    """
    samples = evidence.samples
    demand = assess(samples, NEGLIGIBLE_SHARE * _rough_capacity(evidence, parameters))
    state = _brought_up_to_date(evidence, demand, parameters)
    group = _group_to_decide_for(evidence)
    capacity = state.capacity_per_instance
    found = forecaster(samples, demand, evidence.model, parameters.features)
    forecast, pending = found.forecast, None
    if found.forecast:
        forecast = stretched(found.forecast, state.surprise.scale)
        # Whether it is followed or not, it is held against what comes.
        pending = PendingForecast.of(forecast, found.forecast)
        if state.distrusted and forecast.rung is Rung.FOREST:
            found = forecaster(samples, demand, None, parameters.features)
            found = replace(found, faults=(DISTRUST, *found.faults))
            forecast = found.forecast
    plan = _plan(forecast, state, group.desired_instances, parameters)
    present, quality = _present_demand(demand)
    context = PolicyContext(
        now=evidence.now,
        group=group,
        parameters=parameters,
        state=state,
        rung=forecast.rung if forecast else Rung.LAST_VALUE,
        floor_instances=instances_for(present, capacity),
        wish_instances=plan.instances if plan else group.desired_instances,
        newest_quality=quality,
        doubt=_doubt(evidence, parameters, quality),
        trouble=trouble(samples, capacity),
        calendar=evidence.calendar,
    )
    result = LadderResult(forecast, found.faults)
    decision = _through_policies(evidence, context, result, plan, demand)
    return Outcome(decision, forecast, _next_state(context, decision, pending))


def _group_to_decide_for(evidence: Evidence) -> GroupState:
    """The group as it is, or while observing as it would be."""
    group, state = evidence.group, evidence.state
    if not evidence.observing or state is None or not state.trial.observing:
        return group
    return replace(group, desired_instances=group.bounds.clamp(state.instances), blocked_by=None)


def _plan(
    forecast: Forecast | None,
    state: ControllerState,
    before_instances: int,
    parameters: ControlParameters,
) -> Plan | None:
    if forecast is None:
        return None
    if parameters.quantile is not None:
        return plan_quantile(forecast, state.capacity_per_instance, parameters.quantile)
    return plan_capacity(
        forecast,
        state.capacity_per_instance,
        miss_price(state.ledger, parameters),
        before_instances,
        parameters.first_served_bin,
    )


def _rough_capacity(evidence: Evidence, parameters: ControlParameters) -> float:
    if parameters.capacity_per_instance is not None:
        return parameters.capacity_per_instance
    if evidence.state is not None:
        return evidence.state.capacity_per_instance
    return parameters.default_capacity_per_instance


def _brought_up_to_date(
    evidence: Evidence, demand: AssessedDemand, parameters: ControlParameters
) -> ControllerState:
    group, samples, observing = evidence.group, evidence.samples, evidence.observing
    if evidence.state is None:
        return fresh_state(
            samples,
            demand,
            parameters,
            group.bounds,
            group.desired_instances,
            observing=observing,
        )
    state = follow_capacity(evidence.state, samples, demand, parameters)
    state = account(state, samples, demand.requests, parameters, group.bounds)
    if state.trial.observing != observing:
        state = in_mode(state, observing=observing)
    elif not observing:
        state = _with_other_hands(state, group, evidence.now)
    return replace(state, distrusted=distrusted(state.ledger, state.distrusted))


def _with_other_hands(state: ControllerState, group: GroupState, now: datetime) -> ControllerState:
    """Whoever gave the group more than we did had a reason: it is respected for a while."""
    if group.desired_instances <= state.instances:
        return state
    by = group.changed_by or "another hand"
    grace = PERSON_GRACE if by == PERSON else OTHERS_GRACE
    until = max(now + grace, state.held_until or now)
    return replace(state, held_until=until, held_by=by)


def _present_demand(demand: AssessedDemand) -> tuple[float, Quality]:
    """The newest known demand (0 if none is) and how far the newest bin can be trusted."""
    known = np.flatnonzero(~np.isnan(demand.requests))
    present = float(demand.requests[known[-1]]) if len(known) else 0.0
    return present, Quality(int(demand.quality[-1]))


def _doubt(evidence: Evidence, parameters: ControlParameters, quality: Quality) -> str | None:
    """Why the data must not lower capacity; None if they may."""
    due = known_until(evidence.now, parameters.interval, parameters.metric_delay)
    if evidence.samples.end < due:
        late = (due - evidence.samples.end) / timedelta(minutes=1)
        return f"the metrics are {late:g} minutes late"
    return _DOUBTS.get(quality, evidence.doubt)


def _through_policies(
    evidence: Evidence,
    context: PolicyContext,
    result: LadderResult,
    plan: Plan | None,
    demand: AssessedDemand,
) -> Decision:
    capacity, reasons = context.wish_instances, []
    for policy in ORDERED_POLICIES:
        reason = apply_policy(policy, capacity, context)
        capacity = reason.after_instances
        if reason.changed:
            reasons.append(reason)
    forecast, quantile = result.forecast, context.parameters.quantile
    otherwise = plan.otherwise if plan else None
    priced_by = (context.state.ledger, context.parameters)
    return Decision(
        group=context.group.name,
        slot=evidence.slot,
        rung=context.rung,
        model_id=forecast.model_id if forecast else None,
        present_demand_requests=_present_demand(demand)[0],
        present_quality=context.newest_quality,
        capacity_per_instance=context.state.capacity_per_instance,
        miss_price=miss_price(*priced_by) if quantile is None else None,
        served_quantile=quantile,
        quantiles={f"{q:g}": forecast.quantile(q) for q in RECORDED_QUANTILES} if forecast else {},
        candidates=plan.candidates if plan else (),
        wish_instances=context.wish_instances,
        floor_instances=context.floor_instances,
        before_instances=context.before_instances,
        after_instances=capacity,
        reasons=tuple(reasons),
        faults=(*evidence.faults, *result.faults),
        recent_quality=_recent_quality(evidence.samples, demand),
        spending=_spending(context),
        drivers=forecast.drivers if forecast else None,
        limits=tuple(limits_around(capacity, ORDERED_POLICIES, context)),
        one_more=otherwise(capacity + 1, True) if otherwise else None,
        one_fewer=otherwise(capacity - 1, False) if otherwise and capacity else None,
        last_week=_last_week(evidence.samples, demand, context.parameters),
        price_grounds=price_grounds(*priced_by) if quantile is None else None,
    )


def _last_week(
    samples: Samples, demand: AssessedDemand, parameters: ControlParameters
) -> LastWeek | None:
    """What the metrics say about the same time a week ago; None if they do not go back so far."""
    first_after = len(samples) - parameters.features.bins(WEEK)
    if first_after < 1:
        return None
    after = demand.requests[first_after : first_after + parameters.features.horizon_bins]
    known = after[~np.isnan(after)]
    return LastWeek(
        requests=_known(demand.requests[first_after - 1]),
        peak_requests=short(known.max()) if len(known) else None,
        in_service=_known(samples.in_service[first_after - 1]),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else short(value)


def _spending(context: PolicyContext) -> dict[str, float | str] | None:
    """Money, for the record: spent, expected by the end of the period, and the cap."""
    spending, prices = context.state.spending, context.parameters.prices
    if spending is None or prices is None:
        return None
    _, end = prices.period_of(context.now)
    found: dict[str, float | str] = {
        "spent_usd": round(spending.spent_usd(context.now, prices), 4),
        "expected_usd": round(spending.expected_usd(context.now, prices), 4),
        "until": utc_text(end),
    }
    return found if prices.cap_usd is None else found | {"cap_usd": prices.cap_usd}


def _recent_quality(samples: Samples, demand: AssessedDemand) -> dict[str, str]:
    first = max(0, len(samples) - RECORDED_QUALITY_BINS)
    return {
        utc_text(samples.time_of(index)): Quality(int(demand.quality[index])).name.lower()
        for index in range(first, len(samples))
    }


def _next_state(
    context: PolicyContext, decision: Decision, pending: PendingForecast | None
) -> ControllerState:
    state = context.state
    longest = max(caution.grace_minutes for caution in context.parameters.caution.values())
    needed = max(decision.wish_instances, decision.floor_instances)
    kept = [
        (moment, wish)
        for moment, wish in state.wishes
        if moment > context.now - timedelta(minutes=longest) - 2 * context.parameters.interval
    ]
    return replace(
        state,
        instances=decision.after_instances,
        supply=state.supply.after(decision.after_instances, context.parameters.boot_bins),
        wishes=(*kept, (context.now, needed)),
        pending=(*state.pending, pending) if pending else state.pending,
    )
