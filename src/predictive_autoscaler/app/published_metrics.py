"""The controller's own metrics, for dashboards and alarms."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.app.tick import LEFT, Tick
from predictive_autoscaler.core.decide import Outcome
from predictive_autoscaler.core.state import BAND
from predictive_autoscaler.core.types import GroupState, Quality, Rung, Samples
from predictive_autoscaler.ports import MODES, MetricValue

NAMESPACE = "SaleorPredictiveScaling"
_RUNG_NUMBERS = {Rung.FOREST: 0, Rung.SEASONAL: 1, Rung.LAST_VALUE: 2}


def tick_values(tick: Tick) -> list[MetricValue]:
    """How a tick over several groups went, without a dimension; nothing for one group."""
    if len(tick.groups) < 2:
        return []
    statuses = Counter(group.result.get("status") for group in tick.groups)
    counts = {
        "DecidedGroups": sum(group.decision is not None for group in tick.groups),
        "FailedGroups": statuses["failed"] + statuses["gone"],
        "LeftGroups": statuses[LEFT],
    }
    return [
        MetricValue(None, name, float(count), tick.now, "Count") for name, count in counts.items()
    ]


def group_values(
    settings: GroupSettings,
    samples: Samples,
    state: GroupState,
    outcome: Outcome,
    mode: str,
    now: datetime,
) -> list[MetricValue]:
    """What to publish about one group after a decision; nothing at level `none`.

    A forecast is written with the time that it is for, so that a dashboard draws it ahead
    of what comes. Level `basic` keeps to what alarms need.
    """
    if settings.metrics_level == "none":
        return []
    decision, ledger = outcome.decision, outcome.state.ledger
    newest = samples.end - samples.interval

    def at(moment: datetime, unit: str = "Count", **values: float | None) -> list[MetricValue]:
        return [
            MetricValue(settings.name, name, float(value), moment, unit)
            for name, value in values.items()
            if value is not None and math.isfinite(value)
        ]

    values = at(
        now,
        WantedCapacity=decision.wish_instances,
        DesiredCapacity=decision.after_instances,
        InServiceCapacity=state.in_service_instances,
    )
    values += at(
        now,
        "None",
        DataState=0.0 if decision.present_quality in (Quality.OK, Quality.QUIET) else 1.0,
        ModelState=float(_RUNG_NUMBERS[decision.rung]),
        ModeState=float(MODES.index(mode)),
    )
    if ledger.covered.share is not None:
        values += at(now, "Percent", ForecastCoverage=100 * ledger.covered.share)
    if settings.metrics_level == "basic":
        return values
    if decision.present_quality is not Quality.MISSING:
        values += at(newest, ActualDemand=decision.present_demand_requests)
    if ledger.error.share is not None:
        values += at(now, "Percent", ForecastError=100 * ledger.error.share)
    forecast = outcome.forecast
    if forecast is not None:
        aim = forecast.made_for + (forecast.horizon_bins - 1) * samples.interval
        lower, upper = BAND
        values += at(
            aim,
            ForecastLower=forecast.quantile(lower),
            ForecastMedian=forecast.quantile(0.5),
            ForecastUpper=forecast.quantile(upper),
        )
    return values
