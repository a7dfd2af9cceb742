"""Walk-forward replay of our own policy: the production control step in a simulated world.

Every decision is made by `app.control.Controller` over in-memory ports, so what is tested
here is what runs. Only the ports differ: metrics come from the simulated world, and the
model is refitted on what has been seen so far.

A recording tells request counts. CPU and response times are made up by the world, from the
counts and from our own capacity, so there is nothing in them to learn and models learn from
the counts alone. That also lets replays of one trace share them, however they spend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from predictive_autoscaler.adapters.memory import (
    FixedClock,
    MemoryActuator,
    MemoryControlStore,
    MemoryDecisionLog,
    MemoryHistoryStore,
    MemoryMetricSource,
    MemoryModelStore,
    MemoryNets,
    MemoryNotifier,
    MemorySink,
)
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.handover import FULL, OBSERVE
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.backtest.peers import Setting, target_tracking
from predictive_autoscaler.backtest.shared import SharedWork, fitted
from predictive_autoscaler.backtest.world import Fleet, Instances, measured, recorded_under, serve
from predictive_autoscaler.core.decide import forecast_demand
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import (
    METRICS,
    CalendarEvent,
    FloatArray,
    GroupState,
    Json,
    Samples,
)
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainOptions
from predictive_autoscaler.ports import GroupControl, Ports

GROUP = "replay"
REFIT_SHARE = 0.2
REFITS = (timedelta(days=1), timedelta(days=3))
"""The model is trained anew after this share of what it learns from, within this range."""
WARM_UP = timedelta(days=2)
"""Decisions made before the evaluated part, so that the ledger is not new in it."""
FORMER_TARGET = 0.7
"""What served before us, and made the metrics that the first model learns from."""

HISTORY_DAYS = 14
"""Days of metrics that a decision looks back on, as in production."""


@dataclass(frozen=True)
class ReplayOptions:
    """How to replay.

    Attributes:
        setting: capacity per instance, bounds, interval and boot.
        parameters: of the control step, with no metric delay.
        net_share: share of capacity at which a target tracking beside us adds instances,
            as the safety net of mode `full` does; it never takes any away.
        observing: the controller only looks on, while target tracking scales the group.
        learning_all: models learn from the made-up CPU and response times as well: to see what
            it does to a forecast that they change once the controller acts.
        seed: of the training.
    """

    setting: Setting
    parameters: ControlParameters
    calendar: tuple[CalendarEvent, ...] = ()
    net_share: float | None = None
    observing: bool = False
    learning_all: bool = False
    warm_up: timedelta = WARM_UP
    seed: int = 1
    jobs: int = 1


@dataclass(eq=False)
class Replay:
    """What came of it, from the first evaluated bin on.

    Attributes:
        asked: capacity asked for at the start of each bin.
        records: the decision records, if they were kept.
    """

    asked: FloatArray
    records: list[Json] = field(default_factory=list)


def learned_bins(known_bins: int) -> int:
    """Bins that a training learns from, of those that are known."""
    return min(known_bins, TrainOptions(GROUP).max_bins)


def refit_bins(known_bins: int, interval: timedelta) -> int:
    """Bins until the next training.

    What training costs grows with what is learned from, and so does the time between: the
    cost per day stays much the same.
    """
    least, most = (period // interval for period in REFITS)
    return min(max(int(REFIT_SHARE * learned_bins(known_bins)), least), most)


def lab_parameters(setting: Setting, boot_minutes: float, /, **chosen: Any) -> ControlParameters:
    """The shipped defaults in the lab's world: metrics without delay, capacity given."""
    return replace(
        ControlParameters(
            interval_seconds=setting.interval_seconds,
            boot_minutes=boot_minutes,
            metric_delay_seconds=0,
            capacity_per_instance=setting.capacity_per_instance,
        ),
        **chosen,
    )


def replay(
    demand: Samples, first: int, options: ReplayOptions, *, keep_records: bool = False
) -> Replay:
    """Replay a trace from its bin `first` on, seeing nothing that has not yet happened.

    Args:
        demand: request counts of the whole trace on the control interval's grid.
        first: the first evaluated bin.
    """
    return _replayed(demand, first, [options], keep_records)[0]


def replay_together(
    demand: Samples,
    first: int,
    variants: Sequence[ReplayOptions],
    tell: Callable[[float], None] = lambda share: None,
) -> list[Replay]:
    """Replay variants that differ in how much they spend, step by step side by side.

    Models and forecasts are made once and shared. Each variant comes out as it would by
    itself.

    Args:
        variants: with the same warm-up, at least one.
        tell: hears how much of it is done, as a share.
    """
    return _replayed(demand, first, variants, keep_records=False, tell=tell)


def _replayed(
    demand: Samples,
    first: int,
    variants: Sequence[ReplayOptions],
    keep_records: bool,
    tell: Callable[[float], None] = lambda share: None,
) -> list[Replay]:
    warm = max(first - variants[0].warm_up // demand.interval, 1)
    shared = SharedWork()
    worlds = [_World(demand, warm, options, shared) for options in variants]
    results = [Replay(np.empty(len(demand) - first)) for _ in variants]
    due = warm
    for index in range(warm, len(demand)):
        tell((index - warm) / (len(demand) - warm))
        refit = index >= due
        if refit:
            due = index + refit_bins(index, demand.interval)
        for world, result in zip(worlds, results, strict=True):
            if refit:
                world.refit(index)
            record = world.step(index)
            if index >= first:
                result.asked[index - first] = world.fleet.asked[-1]
                if keep_records:
                    result.records.append(record)
    return results


class _World:
    """The simulated group, its metrics and the controller that scales it."""

    def __init__(
        self, demand: Samples, warm: int, options: ReplayOptions, shared: SharedWork
    ) -> None:
        self._demand = demand
        self._shared = None if options.learning_all else shared
        self._options = options
        setting = options.setting
        self._instances = Instances(setting.capacity_per_instance)
        former = target_tracking(demand.requests[:warm], setting, FORMER_TARGET)
        before = metrics_under(former, demand.window(0, warm), setting)
        self._metrics = _room_for_more(before, len(demand) - warm)
        initial = int(former[-1])
        self.fleet = Fleet(setting.boot_bins, initial)
        self._clock = FixedClock(demand.time_of(warm))
        self._models = MemoryModelStore()
        self._actuator = MemoryActuator([GroupState(GROUP, initial, initial, setting.bounds)])
        self._another_scales = options.observing
        self._scaler = TargetTracking(FORMER_TARGET, initial)
        self._source = MemoryMetricSource({GROUP: self._metrics})
        self._controller = self._build()

    def _build(self) -> Controller:
        ports = ports_around(
            self._clock,
            self._source,
            self._actuator,
            self._models,
            {GROUP: GroupControl(calendar=self._options.calendar)},
        )
        settings = GroupSettings(
            name=GROUP,
            load_balancer=GROUP,
            target_group=None,
            mode=OBSERVE if self._options.observing else FULL,
            parameters=self._options.parameters,
            metric_period_seconds=self._demand.interval_seconds,
            history_days=HISTORY_DAYS,
            max_model_age_days=14,
            metrics_level="none",
        )
        forecaster = self._shared.forecast if self._shared else forecast_demand
        return Controller(ports, [settings], lambda line: None, forecaster)

    def refit(self, index: int) -> None:
        """Train on what lies before bin `index`; too little leaves the model as it was."""
        known = self._metrics.window(0, index)
        model = (
            self._shared.fitted(known, train_options(self._options))
            if self._shared
            else fitted(known, train_options(self._options))
        )
        if model is not None:
            self._models.put(GROUP, model)

    def step(self, index: int) -> Json:
        """Decide at the start of bin `index`, then let the bin happen."""
        now = self._demand.time_of(index)
        self._clock.set(now)
        self._source.visible_until = now
        if self._another_scales:
            self._let_another_scale(index)
        record = self._controller.run_once(now)
        self._see_who_scales(record)
        self._catch(index)
        ready = self.fleet.ask(self._actuator.groups[GROUP].desired_instances)
        requests = float(self._demand.requests[index])
        if requests == requests:  # an absent bin has no metrics
            for name, value in measured(requests, ready, self._instances).items():
                self._metrics.column(name)[index] = value
        return record

    def _see_who_scales(self, record: Json) -> None:
        """A controller that falls back to observing leaves the group to target tracking."""
        observes = record["groups"][GROUP]["mode"] == OBSERVE
        if observes and not self._another_scales:
            left = self._actuator.groups[GROUP].desired_instances
            self._scaler = TargetTracking(FORMER_TARGET, left)
        self._another_scales = observes

    def _let_another_scale(self, index: int) -> None:
        """Target tracking sees the newest demand, and sets the group."""
        setting = self._options.setting
        self._scaler = self._scaler.step(
            float(self._demand.requests[index - 1]),
            setting.capacity_per_instance,
            setting.bounds,
            setting.interval_seconds,
        )
        self._actuator.set_desired(GROUP, self._scaler.instances)

    def _catch(self, index: int) -> None:
        """Let the net add what the newest demand takes at its own target."""
        share, newest = self._options.net_share, float(self._demand.requests[index - 1])
        if share is None or newest != newest:
            return
        setting, state = self._options.setting, self._actuator.groups[GROUP]
        needed = setting.bounds.clamp(instances_for(newest, share * setting.capacity_per_instance))
        if needed > state.desired_instances:
            self._actuator.set_desired(GROUP, needed)


def ports_around(
    clock: FixedClock,
    metrics: MemoryMetricSource,
    actuator: MemoryActuator,
    models: MemoryModelStore,
    controls: Mapping[str, GroupControl] | None = None,
) -> Ports:
    """What a replayed controller is plugged into; nothing else of it is looked at."""
    return Ports(
        clock=clock,
        metrics=metrics,
        actuator=actuator,
        nets=MemoryNets(),
        models=models,
        decisions=MemoryDecisionLog(keep=2),
        controls=MemoryControlStore(controls),
        history=MemoryHistoryStore(),
        sink=MemorySink(),
        notifier=MemoryNotifier(),
    )


def metrics_under(asked: FloatArray, demand: Samples, setting: Setting) -> Samples:
    """The metrics of a group that was asked for this capacity, shape (bins,), all along."""
    served = serve(asked, setting.boot_bins, int(asked[0]))
    return recorded_under(demand, served, Instances(setting.capacity_per_instance))


def train_options(
    options: ReplayOptions, features: FeatureParameters | None = None
) -> TrainOptions:
    """How a replay trains.

    Args:
        features: in place of those that the control step needs.
    """
    return TrainOptions(
        group=GROUP,
        boot_minutes=options.parameters.boot_minutes,
        parameters=features or options.parameters.features,
        forest=ForestOptions(seed=options.seed, jobs=options.jobs),
    )


def _room_for_more(samples: Samples, bins: int) -> Samples:
    """The same samples with absent bins behind them, to be filled in as time goes by."""
    columns = {
        name: np.concatenate([samples.column(name), np.full(bins, np.nan)]) for name in METRICS
    }
    coverage = np.where(np.isnan(samples.requests), 0.0, 1.0)
    return Samples.of(
        samples.start,
        samples.interval_seconds,
        columns,
        np.concatenate([coverage, np.ones(bins)]),
    )


def default_first(demand: Samples, eval_start: datetime | None) -> int:
    """The first evaluated bin: as asked, else after 55 % and at least six days."""
    if eval_start is not None:
        return int(-((demand.start - eval_start) // demand.interval))
    return max(int(0.55 * len(demand)), timedelta(days=6) // demand.interval)
