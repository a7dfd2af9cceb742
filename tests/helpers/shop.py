"""A small shop on an even grid, a model of it, and a world in memory to scale it in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

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
from predictive_autoscaler.app.settings import GroupSettings, read_settings
from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import Bounds, GroupState, Json, Samples
from predictive_autoscaler.core.workloads import Sale, recorded_shop
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainedModel, TrainOptions, train
from predictive_autoscaler.ports import (
    DecisionLog,
    HistoryStore,
    MetricRequest,
    Ports,
)

GROUP = "web"
START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday midnight, when the recording begins."""
HISTORY_DAYS = 9
DECIDED_FROM = START + timedelta(days=HISTORY_DAYS)
"""The midnight up to which models are trained and from which on the tests decide."""
FIRST_TICK = DECIDED_FROM + timedelta(minutes=2)
"""The schedule calls two minutes into each slot, when its metrics are there."""
DAY = timedelta(days=1)
COLUMNS = (
    "requests",
    "refused",
    "errors",
    "response_time_seconds",
    "cpu_percent",
    "in_service",
    "healthy_hosts",
    "coverage",
)


@cache
def shop(interval_seconds: int = 900, days: int = HISTORY_DAYS + 3, seed: int = 1) -> Samples:
    """The shop's metrics, had forty instances of a capacity of 1000 per 5 minutes served it."""
    sale = Sale(start_seconds=(HISTORY_DAYS + 1) * 86400 + 15 * 3600.0, lift=0.5)
    demand = recorded_shop(START, days, seed, (sale,), interval_seconds)
    # The generator's numbers are meant for 5 minutes.
    requests = np.round(demand.requests * interval_seconds / 300)
    instances = Instances(capacity=capacity(interval_seconds))
    return recorded_under(demand.replaced(requests=requests), np.full(len(demand), 40.0), instances)


def capacity(interval_seconds: int) -> float:
    """Requests per interval that one of the shop's instances carries."""
    return 1000.0 * interval_seconds / 300


def changed(samples: Samples, index: int | slice, **values: float) -> Samples:
    """A copy with some bins of some columns set to one value."""
    columns = {}
    for name, value in values.items():
        columns[name] = samples.column(name).copy()
        columns[name][index] = value
    return samples.replaced(**columns)


def same_bits(left: Samples, right: Samples) -> bool:
    """Whether two samples are the same, bit by bit."""
    return (left.start, left.interval_seconds) == (right.start, right.interval_seconds) and all(
        getattr(left, name).tobytes() == getattr(right, name).tobytes() for name in COLUMNS
    )


def settings(name: str = GROUP, interval_minutes: int = 15, **variables: str) -> GroupSettings:
    """Settings that suit the shop; `variables` are AUTOSCALER_ ones without the prefix."""
    given = {
        "MODE": "full",
        "INTERVAL_MINUTES": str(interval_minutes),
        "METRIC_PERIOD_SECONDS": str(interval_minutes * 60),
        "CAPACITY_PER_INSTANCE": str(capacity(interval_minutes * 60)),
        "HISTORY_DAYS": "9",
        "NOTIFY_STEP": "0",
    } | variables
    environment = {f"AUTOSCALER_{key}": value for key, value in given.items() if value}
    names = {"ASG_NAME": name, "LOAD_BALANCER": "app/web/1", "S3_BUCKET": "bucket"}
    return read_settings(environment | names).groups[0]


def features(interval_minutes: int = 15) -> FeatureParameters:
    """What a model for `settings` is trained with."""
    return ControlParameters(interval_seconds=interval_minutes * 60).features


@cache
def model(interval_minutes: int = 15, group: str = GROUP, seed: int = 1) -> TrainedModel:
    """A small forest that has seen the days before `DECIDED_FROM`."""
    past = shop(interval_minutes * 60).between(START, DECIDED_FROM)
    options = TrainOptions(
        group=group,
        parameters=features(interval_minutes),
        max_bins=900,
        forest=ForestOptions(trees=8, seed=seed),
    )
    return train(past, options)


class JsonDecisionLog(MemoryDecisionLog):
    """Keeps records as a file would: through JSON, cut off from whoever wrote them.

    Attributes:
        error: raised when a record is to be completed, while set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.error: AutoscalerError | None = None

    def claim(self, slot: datetime, record: Json) -> bool:
        return super().claim(slot, json.loads(json.dumps(record)))

    def complete(self, slot: datetime, record: Json) -> None:
        if self.error is not None:
            raise self.error
        super().complete(slot, json.loads(json.dumps(record)))


class CountedHistory(MemoryHistoryStore):
    """Writes down each day that is saved."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[tuple[str, date]] = []

    def save(self, group: str, day: date, samples: Samples) -> None:
        self.saved.append((group, day))
        super().save(group, day, samples)


class WatchedSource(MemoryMetricSource):
    """Writes down what it was asked for, and can fill up late as CloudWatch does.

    Attributes:
        clock: with one, bins younger than `late` show only half of their requests.
    """

    def __init__(
        self,
        samples: Mapping[str, Samples],
        clock: FixedClock | None = None,
        late: timedelta = timedelta(0),
    ) -> None:
        super().__init__(samples)
        self.asked: list[MetricRequest] = []
        self.clock = clock
        self.late = late

    def read(self, requests: Sequence[MetricRequest]) -> dict[str, Samples]:
        self.asked.extend(requests)
        return {name: self._filling(found) for name, found in super().read(requests).items()}

    def _filling(self, found: Samples) -> Samples:
        if self.clock is None:
            return found
        complete = [
            moment + found.interval <= self.clock.now() - self.late for moment in found.times()
        ]
        return found.replaced(requests=np.where(complete, found.requests, found.requests // 2))


@dataclass
class World:
    """Everything that a controller is plugged into, in memory. Time moves by `run`."""

    groups: tuple[GroupSettings, ...]
    source: WatchedSource
    actuator: MemoryActuator
    decisions: DecisionLog = field(default_factory=JsonDecisionLog)
    history: HistoryStore = field(default_factory=CountedHistory)
    clock: FixedClock = field(default_factory=lambda: FixedClock(FIRST_TICK))
    nets: MemoryNets = field(default_factory=MemoryNets)
    models: MemoryModelStore = field(default_factory=MemoryModelStore)
    controls: MemoryControlStore = field(default_factory=MemoryControlStore)
    sink: MemorySink = field(default_factory=MemorySink)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    lines: list[str] = field(default_factory=list)

    def controller(self) -> Controller:
        """A new one, which remembers nothing: a cold start."""
        ports = Ports(
            clock=self.clock,
            metrics=self.source,
            actuator=self.actuator,
            nets=self.nets,
            models=self.models,
            decisions=self.decisions,
            controls=self.controls,
            history=self.history,
            sink=self.sink,
            notifier=self.notifier,
        )
        return Controller(ports, self.groups, self.lines.append)

    @property
    def told(self) -> list[str]:
        """What people were told, without the closing line on where to read more."""
        return [text.partition("\n\nWhy: ")[0] for _, text in self.notifier.messages]

    def publish(self, trained: TrainedModel, group: str = GROUP) -> None:
        """Put a model into the store as training does."""
        version = trained.card.model_id
        self.models.publish(group, trained.npz, trained.card.to_json(), version)

    def run(
        self,
        ticks: int,
        controller: Controller | None = None,
        *,
        restart_at: Sequence[int] = (),
        before_each: Callable[[int], None] = lambda tick: None,
    ) -> list[Json]:
        """Tick by tick from the clock's time on; a new controller at each of `restart_at`."""
        controller = controller or self.controller()
        interval = self.groups[0].parameters.interval
        records = []
        for tick in range(ticks):
            if tick in restart_at:
                controller = self.controller()
            before_each(tick)
            records.append(controller.run_once())
            self.clock.advance(interval)
        return records

    def step(self) -> Json:
        """One tick of a new controller, as it went."""
        return self.run(1)[0]

    def change_group(self, name: str = GROUP, **fields: object) -> None:
        """Another hand changes the group."""
        self.actuator.put(replace(self.actuator.groups[name], **fields))  # type: ignore[arg-type]


def world(
    samples: Samples | None = None,
    *,
    interval_minutes: int = 15,
    with_model: bool = True,
    desired: int = 12,
    bounds: Bounds = Bounds(1, 60),  # noqa: B008
    late: timedelta = timedelta(0),
    history: HistoryStore | None = None,
    **variables: str,
) -> World:
    """One group, in the first night after the model was trained. The future can be read:
    it is for the controller not to look at it.
    """
    samples = shop(interval_minutes * 60) if samples is None else samples
    clock = FixedClock(FIRST_TICK)
    made = World(
        groups=(settings(interval_minutes=interval_minutes, **variables),),
        source=WatchedSource({GROUP: samples}, clock if late else None, late),
        actuator=MemoryActuator([GroupState(GROUP, desired, desired, bounds)]),
        history=history or CountedHistory(),
        clock=clock,
    )
    if with_model:
        made.publish(model(interval_minutes))
    return made


def entry(record: Json, group: str = GROUP) -> Json:
    """One group's part of a record."""
    found: Json = record["groups"][group]
    return found


def without_run(record: Json) -> str:
    """A record as text, all but the run's own random name: for comparing bit by bit."""
    return json.dumps({key: value for key, value in record.items() if key != "run"})
