"""Keeps facts about a group fresh, with as few calls as that takes.

Each source has its own pace: a group's capacity can change at any moment, metrics come by the
minute, decisions once an interval. A source that fails keeps its last good answer and is asked
again later and later; the others do not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from predictive_autoscaler.app.alarms import of_a_policy
from predictive_autoscaler.app.collect import Collector, first_bin
from predictive_autoscaler.app.monitor.facts import (
    ALARMS,
    ASG,
    COMPONENTS,
    LAMBDA,
    METRICS,
    MODEL,
    DecisionNote,
    Facts,
    ModelNote,
    Outlook,
    Seen,
    Traffic,
    known_values,
)
from predictive_autoscaler.app.monitor.notes import decision_note, model_note
from predictive_autoscaler.app.monitor.outlook import outlook
from predictive_autoscaler.app.record import capacity_of, state_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.timegrid import floor_to, known_until
from predictive_autoscaler.core.types import GroupState, Json, Samples, utc_text
from predictive_autoscaler.errors import (
    AutoscalerError,
    DataError,
    GroupNotFoundError,
    ModelError,
    SourceError,
    or_raise,
)
from predictive_autoscaler.ports import (
    Actuator,
    Alarm,
    AlarmSource,
    ControlStore,
    DecisionLog,
    FunctionCalls,
    FunctionCallSource,
    GroupControl,
    HistoryStore,
    MetricRequest,
    MetricSource,
    ModelStore,
)

T = TypeVar("T")
EVERY_TIME = timedelta(0)
QUARTER_MINUTE, HALF_MINUTE, MINUTE = (timedelta(seconds=seconds) for seconds in (15, 30, 60))
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = MINUTE
TRAFFIC_SHOWN = timedelta(hours=1)
BEHIND = timedelta(hours=2)
AHEAD = timedelta(hours=4)
CALLS_SHOWN = timedelta(hours=1)
DECISIONS_SHOWN = 6
FUNCTION = "FunctionName"
CLAIMED = "claimed"
"""The status of a record while its run is under way."""

NEEDS = {
    "capacity": {ASG},
    "decisions": {ASG, METRICS, MODEL, LAMBDA},
    "control": {ASG, METRICS, MODEL, LAMBDA},
    "traffic": {METRICS},
    "alarms": {ALARMS, LAMBDA},
    "calls": {LAMBDA},
    "model": {MODEL, METRICS},
    "outlook": {METRICS},
}
"""Which components look at a source, in the order in which sources are read."""


@dataclass(frozen=True)
class Eyes:
    """The ports that are read; nothing is written through them."""

    actuator: Actuator
    metrics: MetricSource
    history: HistoryStore
    decisions: DecisionLog
    models: ModelStore
    alarms: AlarmSource
    calls: FunctionCallSource
    controls: ControlStore


class Source(Generic[T]):
    """One thing that is read at its own pace.

    Attributes:
        seen: what it has told so far.
    """

    def __init__(self, every: timedelta, read: Callable[[datetime], T]) -> None:
        self._every = every
        self._read = read
        self._next: datetime | None = None
        self._failures = 0
        self.seen: Seen[T] = Seen()

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be read now."""
        return self._next is None or now >= self._next

    def look(self, now: datetime) -> None:
        """Read it; an error takes no value away."""
        try:
            value = self._read(now)
        except Exception as error:  # a view that ends with a traceback shows nothing at all
            known = isinstance(error, AutoscalerError)
            text = str(error) if known else f"reading failed: {error!r}"
            wait = min(FIRST_WAIT * 2.0**self._failures, LONGEST_WAIT)
            self._failures = min(self._failures + 1, 10)
            self._next = now + wait
            self.seen = replace(self.seen, error=text, retry_at=self._next)
            return
        self._failures = 0
        self._next = now + self._every
        self.seen = Seen(value, now)


class Watch:
    """Watches one group.

    Args:
        components: those of COMPONENTS that are wanted; only what they need is read.
        alarm_prefix: alarms whose names begin so are the group's; None: alarms that look at
            the group, its load balancer or its target group.
        function: the controller's; None: the one that the alarms look at, if they look at one.
        behind, ahead: how far the outlook reaches.
        days: of metrics that are kept at least, where more than a decision looks back on is
            wanted.

    Attributes:
        window: the newest metrics, as long as they are kept; None before the first answer.
    """

    def __init__(
        self,
        eyes: Eyes,
        settings: GroupSettings,
        components: Sequence[str] = COMPONENTS,
        *,
        alarm_prefix: str | None = None,
        function: str | None = None,
        behind: timedelta = BEHIND,
        ahead: timedelta = AHEAD,
        days: int = 0,
    ) -> None:
        self._eyes = eyes
        self._settings = settings
        self._components = tuple(components)
        self._prefix = alarm_prefix
        self._function = function
        self._ours = frozenset(
            (name, value)
            for name, value in (
                ("AutoScalingGroupName", settings.name),
                ("LoadBalancer", settings.load_balancer),
                ("TargetGroup", settings.target_group),
                (FUNCTION, function),
            )
            if value
        )
        self._records = Records(eyes.decisions, settings)
        self._collector = Collector(eyes.metrics, eyes.history)
        self._behind = behind
        self._ahead = ahead
        self._long = replace(settings, history_days=max(days, settings.history_days))
        self.window: Samples | None = None
        self._model: Model | None = None
        self._sources: dict[str, Source[Any]] = {
            "capacity": Source(EVERY_TIME, self._read_capacity),
            "decisions": Source(QUARTER_MINUTE, self._read_decisions),
            "control": Source(HALF_MINUTE, self._read_control),
            "traffic": Source(MINUTE, self._read_traffic),
            "alarms": Source(HALF_MINUTE, self._read_alarms),
            "calls": Source(MINUTE, self._read_calls),
            "model": Source(MINUTE, self._read_model),
            "outlook": Source(MINUTE, self._read_outlook),
        }

    def refresh(self, now: datetime, tell: Callable[[Facts], None] = lambda facts: None) -> Facts:
        """Read what is due.

        Args:
            tell: hears of the facts after each source that was read, since some take long.
        """
        for name, source in self._sources.items():
            if NEEDS[name].isdisjoint(self._components) or not source.is_due(now):
                continue
            if name == "calls" and self._function is None:
                continue
            source.look(now)
            tell(self.facts(now))
        return self.facts(now)

    def facts(self, now: datetime) -> Facts:
        """What is known, without reading anything."""
        state = state_of(self._records.newest, self._settings.name)
        return Facts(
            now=now,
            group=self._settings.name,
            components=self._components,
            interval_seconds=self._settings.parameters.interval_seconds,
            settings_mode=self._settings.mode,
            function=self._function,
            distrusted=bool(state and state.distrusted),
            **{name: source.seen for name, source in self._sources.items()},
        )

    def _read_capacity(self, now: datetime) -> GroupState:
        name = self._settings.name
        found = self._eyes.actuator.describe([name])
        if name not in found:
            raise GroupNotFoundError(f"there is no group {name!r}; check ASG_NAME and AWS_REGION")
        return found[name]

    def _read_decisions(self, now: datetime) -> tuple[DecisionNote, ...]:
        self._records.follow(now)
        return tuple(decision_note(record, self._settings.name) for record in self._records.kept)

    def _read_control(self, now: datetime) -> GroupControl:
        name = self._settings.name
        return or_raise(self._eyes.controls.load_each([name])[name])

    def _read_traffic(self, now: datetime) -> Traffic:
        period = timedelta(seconds=self._settings.metric_period_seconds)
        end = known_until(now, period, self._settings.parameters.metric_delay)
        request = MetricRequest(
            self._settings.name, end - TRAFFIC_SHOWN, end, self._settings.metric_period_seconds
        )
        samples = or_raise(self._eyes.metrics.read([request])[self._settings.name])
        return Traffic(
            start=samples.start,
            period_seconds=samples.interval_seconds,
            requests=known_values(samples.requests),
            failed=known_values(samples.failed),
            response_time_seconds=known_values(samples.response_time_seconds),
            cpu_percent=known_values(samples.cpu_percent),
        )

    def _read_alarms(self, now: datetime) -> tuple[Alarm, ...]:
        found = self._eyes.alarms.read(self._prefix)
        ours = tuple(
            alarm
            for alarm in found
            if not of_a_policy(alarm)
            and (self._prefix is not None or alarm.dimensions & self._ours)
        )
        if self._function is None:
            named = {
                value for alarm in ours for name, value in alarm.dimensions if name == FUNCTION
            }
            self._function = min(named, default=None)
        return ours

    def _read_calls(self, now: datetime) -> FunctionCalls:
        assert self._function is not None
        end = floor_to(now, MINUTE)
        return self._eyes.calls.read(self._function, end - CALLS_SHOWN, end)

    def _read_model(self, now: datetime) -> ModelNote:
        try:
            self._model = self._eyes.models.load(self._settings.model)
        except ModelError as error:
            self._model = None
            return model_note(error, self._settings, now)
        return model_note(self._model, self._settings, now)

    def _read_outlook(self, now: datetime) -> Outlook:
        settings, record = self._settings, self._records.newest
        parameters, state = settings.parameters, state_of(record, settings.name)
        until = known_until(now, parameters.interval, parameters.metric_delay)
        # What the controller does not look back on must not move the forecast.
        window = self._up_to(until).between(first_bin(settings, until), until)
        note: ModelNote | None = self._sources["model"].seen.value
        fault = note.fault if note else "the model has not been read"
        found = outlook(
            window,
            None if fault else self._model,
            parameters,
            capacity_per_instance=capacity_of(record, settings.name),
            surprise_scale=state.surprise.scale if state else 1.0,
            distrusted=bool(state and state.distrusted),
            behind=self._behind,
            ahead=self._ahead,
        )
        return replace(found, notes=(f"forest: {fault}", *found.notes)) if fault else found

    def _up_to(self, until: datetime) -> Samples:
        """The serving window, read again only where something of it may have come."""
        window, name = self.window, self._settings.name
        if window is not None and window.end == until and not np.isnan(window.requests[-1]):
            return window
        windows, faults = self._collector.collect([self._long], {name: until}, keep_days=False)
        if name in faults:
            raise SourceError(faults[name])
        self.window = windows[name]
        return self.window


class Records:
    """The newest decision records, the newest first; each is read once.

    Attributes:
        kept: up to DECISIONS_SHOWN of them. One that cannot be read says so in its place.
    """

    def __init__(self, log: DecisionLog, group: GroupSettings) -> None:
        self._log = log
        self._group = group.name
        self._interval = group.parameters.interval
        self._known: dict[datetime, Json] = {}
        self._absent: set[datetime] = set()
        self._begun = False

    @property
    def kept(self) -> list[Json]:
        return [self._known[slot] for slot in sorted(self._known, reverse=True)]

    @property
    def newest(self) -> Json | None:
        """The newest record that is complete or under way."""
        return self._known[max(self._known)] if self._known else None

    def follow(self, now: datetime) -> None:
        """Read what has been recorded since.

        Raises:
            SourceError: some of it could not be read; what could be, is kept.
        """
        slot = floor_to(now, self._interval)
        if not self._begun:
            self._begin(slot)
        for back in range(DECISIONS_SHOWN):
            self._read(slot - back * self._interval, slot)
        for old in sorted(self._known)[:-DECISIONS_SHOWN]:
            del self._known[old]
        oldest = slot - DECISIONS_SHOWN * self._interval
        self._absent = {one for one in self._absent if one >= oldest}

    def _begin(self, current: datetime) -> None:
        """Find the newest record, also where the controller has been silent for long."""
        record = self._log.newest_before(current + self._interval)
        try:
            newest = decision_note(record, self._group).slot if record else None
        except DataError:
            newest = None
        if record is not None and newest is not None:
            self._known[newest] = record
            for back in range(1, DECISIONS_SHOWN):
                self._read(newest - back * self._interval, current)
        self._begun = True

    def _read(self, slot: datetime, current: datetime) -> None:
        known = self._known.get(slot)
        # A claimed record is completed soon, or never, if its run was ended.
        if slot in self._absent or (known and known.get("status") != CLAIMED):
            return
        record = self._loaded(slot)
        # Nobody decides about a slot that is so long over.
        over = slot < current - self._interval
        if record is not None:
            cut_short = over and record.get("status") == CLAIMED
            self._known[slot] = record | ({"status": "cut short"} if cut_short else {})
        elif over:
            self._absent.add(slot)

    def _loaded(self, slot: datetime) -> Json | None:
        try:
            record = self._log.load(slot)
            if record is not None:
                decision_note(record, self._group)
        except DataError as error:
            return {"slot": utc_text(slot), "status": "unreadable", "error": str(error)}
        return record
