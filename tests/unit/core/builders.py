"""Metrics, groups and evidence as small as they may be, and one small trained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.decide import Evidence
from predictive_autoscaler.core.ledger import Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.trial import Supply, Trial
from predictive_autoscaler.core.types import (
    Bounds,
    CalendarEvent,
    FloatArray,
    GroupState,
    Samples,
)
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainOptions, train

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
INTERVAL = 900
"""Seconds; longer than the default, so that a week is few bins."""
C = 1000.0
"""Requests per interval that an instance carries."""
PARAMETERS = ControlParameters(
    interval_seconds=INTERVAL, metric_delay_seconds=0, capacity_per_instance=C, miss_price=20.0
)
BOUNDS = Bounds(1, 100)


def metrics(
    requests: Sequence[float] | FloatArray,
    interval_seconds: int = 300,
    start: datetime = MONDAY,
    **columns: float | Sequence[float] | FloatArray,
) -> Samples:
    """Metrics of a healthy group with these request counts; `columns` replace the rest."""
    given = {
        "response_time_seconds": 0.1,
        "cpu_percent": 40.0,
        "in_service": 5.0,
        "healthy_hosts": 5.0,
    } | columns
    arrays = {
        name: np.broadcast_to(np.asarray(value, dtype=np.float64), len(requests)).copy()
        for name, value in given.items()
    }
    coverage = arrays.pop("coverage", None)
    arrays["requests"] = np.array(requests, dtype=np.float64)
    return Samples.of(start, interval_seconds, arrays, coverage)


@cache
def shop(days: int = 10, seed: int = 1, interval_seconds: int = INTERVAL) -> Samples:
    """A shop with a daily and a weekly rhythm, served by forty instances. Do not write to it."""
    demand = recorded_shop(MONDAY, days, seed, (), interval_seconds)
    return recorded_under(demand, np.full(len(demand), 40.0), Instances(C))


def with_newest(samples: Samples, bins: int = 1, **values: float) -> Samples:
    """A copy whose newest bins have these values."""
    changed = {}
    for name, value in values.items():
        changed[name] = samples.column(name).copy()
        changed[name][-bins:] = value
    return samples.replaced(**changed)


def group(
    desired: int, bounds: Bounds = BOUNDS, blocked_by: str | None = None, name: str = "web"
) -> GroupState:
    return GroupState(name, desired, desired, bounds, blocked_by)


def state(
    samples: Samples,
    instances: int,
    wishes: tuple[tuple[datetime, int], ...] = (),
    capacity: float = C,
) -> ControllerState:
    """A state that has taken in all of these samples but the newest bin."""
    until = samples.end - samples.interval
    return ControllerState(
        accounted_until=samples.end - samples.interval,
        instances=instances,
        capacity_per_instance=capacity,
        capacity_checked=samples.end,
        shadow=TargetTracking(0.7, instances),
        ledger=Ledger.fresh(capacity),
        trial=Trial(False, until, until),
        supply=Supply.steady(instances),
        shadow_supply=Supply.steady(instances),
        wishes=wishes,
    )


def evidence(
    samples: Samples,
    desired: int,
    *,
    bounds: Bounds = BOUNDS,
    model: Model | None = None,
    remembered: ControllerState | None = None,
    calendar: Sequence[CalendarEvent] = (),
    blocked_by: str | None = None,
    minutes_late: float = 0,
) -> Evidence:
    """What is known when the newest bin has just ended, or some minutes after."""
    now = samples.end + timedelta(minutes=minutes_late)
    return Evidence(
        now=now,
        slot=samples.end,
        group=group(desired, bounds, blocked_by),
        samples=samples,
        model=model,
        state=remembered,
        calendar=calendar,
    )


@cache
def small_model() -> Model:
    """A forest of few trees, trained on the first nine days of the shop."""
    recording = shop()
    options = TrainOptions("web", parameters=PARAMETERS.features, forest=ForestOptions(trees=8))
    trained = train(recording.latest(len(recording)).window(0, 9 * 96), options)
    return load_model(trained.npz, replace(trained.card, skilled=True).to_json())
