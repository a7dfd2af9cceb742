"""One given model on recorded days, through the production control step.

Unlike in a lab's replay nothing is trained here, and the metrics that the model reads are the
recorded ones: it has learned from such, and a simulated CPU would be foreign to it. Only how
many instances there were is the replay's own, since the controller's account of what it missed
rests on that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from predictive_autoscaler.adapters.memory import (
    FixedClock,
    MemoryActuator,
    MemoryMetricSource,
    MemoryModelStore,
)
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.backtest.from_settings import capacity_of
from predictive_autoscaler.backtest.peers import Setting, target_tracking
from predictive_autoscaler.backtest.replay import FORMER_TARGET, WARM_UP, ports_around
from predictive_autoscaler.backtest.world import Fleet, serve
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.contest import Played
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.core.types import (
    Bounds,
    FloatArray,
    GroupState,
    Json,
    Rung,
    Samples,
    utc_text,
)

ROOM = 4
"""Times what the largest recorded demand takes: wide enough that no bound decides."""


@dataclass(frozen=True, eq=False)
class Course:
    """The days on which models are judged, and the group that they are judged in.

    Attributes:
        recorded: metrics on the control interval's grid, the time before the days included.
        first: the first judged bin.
        group: settings as the controller has them.
    """

    recorded: Samples
    first: int
    group: GroupSettings
    setting: Setting

    @property
    def demand(self) -> FloatArray:
        """All that came, shape (bins,); NaN where nothing is known."""
        return self.recorded.came


def course_of(recorded: Samples, first: int, group: GroupSettings) -> Course:
    """The course of a group's recorded metrics.

    An instance carries what production would take it to carry after these metrics. Metrics
    are complete the moment their bin ends, and the group has no bounds to speak of. What is
    known of money is left out: a cap on the month's spending says nothing about a model.
    """
    capacity, _ = capacity_of(group, recorded)
    parameters = replace(
        group.parameters, metric_delay_seconds=0, capacity_per_instance=capacity, prices=None
    )
    known = recorded.requests[~np.isnan(recorded.requests)]
    most = ROOM * max(1, instances_for(float(known.max(initial=0.0)), capacity))
    setting = Setting(
        capacity, Bounds(1, most), parameters.interval_seconds, max(1, parameters.boot_bins)
    )
    settings = replace(
        group,
        mode="full",
        parameters=parameters,
        metric_period_seconds=parameters.interval_seconds,
        metrics_level="none",
    )
    return Course(recorded, first, settings, setting)


def play(
    model: Model, course: Course, progress: Callable[[float], None] = lambda share: None
) -> Played:
    """Let a model decide over the days of the course.

    The two days before them are played, too, and not counted, so that the controller's account
    of its misses is not new when it counts.

    Args:
        progress: told the share that is done, now and then.
    """
    run = _Run(model, course)
    bins = len(course.recorded)
    begin = max(course.first - WARM_UP // course.recorded.interval, 1)
    run.start(begin)
    faults: list[str] = []
    by_model = 0
    for index in range(begin, bins):
        decision = run.step(index)
        if index < course.first:
            continue
        if decision.get("rung") == Rung.FOREST.value:
            by_model += 1
        else:
            faults.extend(decision.get("faults", ())[:1])
        if index % 24 == 0:
            progress((index - begin) / (bins - begin))
    judged = slice(course.first - begin, None)
    setting = course.setting
    score = score_scaling(
        course.demand[course.first :],
        np.array(run.fleet.asked[judged], dtype=np.float64),
        np.array(run.fleet.ready[judged], dtype=np.float64),
        setting.capacity_per_instance,
        setting.interval_seconds,
    )
    interval_hours = course.recorded.interval / timedelta(hours=1)
    return Played(
        version=model.card.model_id,
        trained_until=utc_text(model.card.trained_until),
        instance_hours=round(score.instance_hours, 6),
        missed_hours=round(
            score.missed_requests / setting.capacity_per_instance * interval_hours, 6
        ),
        missed_share=round(score.missed_share, 9),
        decisions=bins - course.first,
        by_model=by_model,
        fault=faults[0] if faults else "",
    )


class _Run:
    """The group, what is known of it, and the controller that scales it."""

    fleet: Fleet
    _actuator: MemoryActuator
    _controller: Controller

    def __init__(self, model: Model, course: Course) -> None:
        self._course = course
        name, card = course.group.name, model.card
        in_service = course.recorded.in_service.copy()
        self._metrics = course.recorded.replaced(in_service=in_service)
        self._source = MemoryMetricSource({name: self._metrics})
        self._models = MemoryModelStore({card.group: model})
        self._settings = replace(course.group, model_of=card.group)

    def start(self, index: int) -> None:
        """Begin with what target tracking would have had there."""
        setting, name = self._course.setting, self._settings.name
        former = target_tracking(self._course.demand[:index], setting, FORMER_TARGET)
        served = serve(former, setting.boot_bins, int(former[0]))
        before = self._metrics.in_service[:index]
        before[:] = np.where(np.isnan(before), served, before)
        initial = int(former[-1])
        self.fleet = Fleet(setting.boot_bins, initial)
        self._actuator = MemoryActuator([GroupState(name, initial, initial, setting.bounds)])
        self._clock = FixedClock(self._metrics.time_of(index))
        ports = ports_around(self._clock, self._source, self._actuator, self._models)
        self._controller = Controller(ports, [self._settings], lambda line: None)

    def step(self, index: int) -> Json:
        """Decide at the start of a bin, then let it happen; returns the decision."""
        now = self._metrics.time_of(index)
        self._clock.set(now)
        self._source.visible_until = now
        entry = self._controller.run_once(now)["groups"][self._settings.name]
        ready = self.fleet.ask(self._actuator.groups[self._settings.name].desired_instances)
        recorded = self._course.recorded
        known = (recorded.requests[index], recorded.cpu_percent[index], recorded.in_service[index])
        self._metrics.in_service[index] = ready if not np.isnan(known).all() else np.nan
        decision: Json | None = entry["decision"]
        return decision or {"faults": [entry["outcome"].get("error", "no decision")]}
