"""One control step: collect, check, load model, forecast, decide, claim, act, publish."""

from __future__ import annotations

import json
import math
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.app.bulletin import (
    Bulletin,
    bulletin,
    matters_of,
    matters_to_json,
)
from predictive_autoscaler.app.collect import Collector
from predictive_autoscaler.app.keeper import Keeper, promote
from predictive_autoscaler.app.model_check import check_model
from predictive_autoscaler.app.news import news_of
from predictive_autoscaler.app.published_metrics import group_values, tick_values
from predictive_autoscaler.app.record import state_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.app.tick import HELD, LEFT, GroupTick, Tick
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import (
    Evidence,
    Forecaster,
    Outcome,
    decide,
    forecast_demand,
)
from predictive_autoscaler.core.timegrid import floor_to, known_until
from predictive_autoscaler.core.types import Decision, GroupState, Json, Samples, utc_text
from predictive_autoscaler.errors import AutoscalerError, GroupNotFoundError
from predictive_autoscaler.ports import GroupControl, Ports

SECONDS_TO_ACT = 10.0
"""Kept of a call's time for writing the record, setting capacities and publishing."""
SECONDS_TO_SET = 3.0
"""With less than this left, no further capacity is set: its outcome could not be recorded."""
SECONDS_A_DECISION = 0.05
"""About what a decision takes on a whole core; histories are read while these still fit."""
WHOLE_RECORDS_UP_TO = 20
"""Groups; the log lines of more would be cut off and cost money. Their records are in S3."""


class Controller:
    """Runs control steps. Keep one between calls: it remembers metrics and models.

    Attributes:
        groups: whose capacity it looks after; they may change between two steps.
        refused: groups that cannot be looked after, and why, to be told and recorded.
    """

    def __init__(
        self,
        ports: Ports,
        groups: Sequence[GroupSettings],
        log: Callable[[str], None] = print,
        forecaster: Forecaster = forecast_demand,
    ) -> None:
        self._ports = ports
        self.groups = tuple(groups)
        self.refused: Mapping[str, str] = {}
        self._keeper = Keeper(ports.nets, ports.controls)
        self._collector = Collector(ports.metrics, ports.history)
        self._log = log
        self._forecaster = forecaster

    def run_once(
        self,
        event_time: datetime | None = None,
        *,
        dry_run: bool = False,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> Json:
        """Decide for all groups, and act on it.

        Args:
            event_time: when the call was scheduled for; the clock's time by default.
            dry_run: decide and show, without claiming the slot, acting or publishing.
            seconds_left: until the call is ended. Groups that there is no time for are
                recorded as left, keep their capacity, and come first in the next step.

        Returns:
            The decision record, or {"status": "refused" | "taken", ...} where this run
            had no right to the slot.
        """
        now = self._ports.clock.now()
        interval = self.groups[0].parameters.interval
        scheduled = event_time or now
        if abs(now - scheduled) >= interval:
            return self._refused(now, scheduled, interval)
        groups = [GroupTick(settings) for settings in self.groups]
        tick = Tick(now, floor_to(scheduled, interval), groups)
        self._look_up(tick)
        self._keeper.keep(tick, lambda: seconds_left() >= SECONDS_TO_ACT, dry_run=dry_run)
        windows = self._collect(tick, seconds_left, keep_days=not dry_run)
        self._decide(tick, windows, seconds_left)
        if dry_run:
            return self._as_record(tick, "dry run")
        if not self._claim(tick):
            return {"status": "taken", "slot": utc_text(tick.slot)}
        # Not before: a claim that says that it was told would keep a later tick from telling it.
        for group in tick.groups:
            promote(group)
        self._keeper.fall_back(tick, lambda: seconds_left() >= SECONDS_TO_ACT)
        self._act(tick, seconds_left)
        told = self._complete(tick)
        self._publish(tick, told)
        return tick.record

    def _refused(self, now: datetime, scheduled: datetime, interval: timedelta) -> Json:
        """A late event would decide about a past that a newer tick has dealt with."""
        record = {
            "status": "refused",
            "slot": utc_text(floor_to(scheduled, interval)),
            "reason": f"the event is of {utc_text(scheduled)}, it is now {utc_text(now)}",
        }
        self._log(json.dumps(record))
        return record

    def _look_up(self, tick: Tick) -> None:
        """The previous record, the groups as they are, and what operators have said."""
        try:
            tick.previous = self._ports.decisions.newest_before(tick.slot)
        except AutoscalerError as error:
            tick.forgotten = "what was done before cannot be read"
            for group in tick.groups:
                group.faults.append(f"previous record: {error}")
        tick.remember()
        names = [group.name for group in tick.groups]
        try:
            states = self._ports.actuator.describe(names)
        except AutoscalerError as error:
            states = {}
            for group in tick.groups:
                group.result = {"status": "failed", "error": f"the group cannot be read: {error}"}
        controls = self._controls(names)
        for group in tick.groups:
            group.state = states.get(group.name)
            self._look_for_other_hands(tick, group)
            if group.state is None and not group.result:
                group.result = {"status": "gone", "error": f"there is no group {group.name!r}"}
            control = controls[group.name]
            if isinstance(control, AutoscalerError):
                group.faults.append(f"calendar and mode: {control}")
                group.remember_mode(tick.previous)
            else:
                group.control = control

    def _look_for_other_hands(self, tick: Tick, group: GroupTick) -> None:
        """Where somebody has added to what we left, find out who it was."""
        before = state_of(tick.previous, group.name)
        if group.state is None or before is None or before.trial.observing:
            return
        if group.state.desired_instances <= before.instances:
            return
        try:
            by = self._ports.actuator.changed_by(group.name)
        except AutoscalerError:
            return  # the shorter grace, for an unknown hand, applies
        group.state = replace(group.state, changed_by=by)

    def _controls(self, names: Sequence[str]) -> Mapping[str, GroupControl | AutoscalerError]:
        try:
            return self._ports.controls.load_each(names)
        except AutoscalerError as error:
            return dict.fromkeys(names, error)

    def _collect(
        self, tick: Tick, seconds_left: Callable[[], float], *, keep_days: bool
    ) -> Mapping[str, Samples]:
        """The windows of all groups that are there and whose turn came."""
        live = [group for group in tick.groups if group.state is not None]
        until = {
            group.name: known_until(
                tick.now, group.settings.parameters.interval, group.settings.parameters.metric_delay
            )
            for group in live
        }
        needed = SECONDS_TO_ACT + SECONDS_A_DECISION * len(live)
        windows, faults = self._collector.collect(
            [group.settings for group in live],
            until,
            keep_days=keep_days,
            in_time=lambda: seconds_left() > needed,
        )
        for group in live:
            if group.name in faults:
                group.faults.append(faults[group.name])
            if group.name not in windows:
                group.result = _left("reading its history")
        return windows

    def _decide(
        self, tick: Tick, windows: Mapping[str, Samples], seconds_left: Callable[[], float]
    ) -> None:
        """Group by group, so that only one window and one model need be held at a time."""
        ready = [group for group in tick.groups if group.name in windows]
        models = self._ports.models.load_each([group.settings.model for group in ready])
        for position, group in enumerate(ready):
            if position and seconds_left() < SECONDS_TO_ACT:
                for late in ready[position:]:
                    late.result = _left("deciding")
                return
            _, model = next(models)
            try:
                samples = windows[group.name]
                outcome = self._decided(tick, group, samples, model)
                group.decision, group.next_state = outcome.decision, outcome.state
                group.values = group_values(
                    group.settings, samples, self._state(group), outcome, group.mode, tick.now
                )
            except Exception as error:  # one group's bad luck must not be everybody's
                group.result = {"status": "failed", "error": f"deciding failed: {error!r}"}
                self._log(traceback.format_exc())

    def _decided(
        self, tick: Tick, group: GroupTick, samples: Samples, found: Model | AutoscalerError
    ) -> Outcome:
        model: Model | None = None
        try:
            if isinstance(found, AutoscalerError):
                raise found
            check_model(found, group.settings, tick.now)
            model = found
        except AutoscalerError as error:
            group.faults.append(f"forest: {error}")
        evidence = Evidence(
            now=tick.now,
            slot=tick.slot,
            group=self._state(group),
            samples=samples,
            model=model,
            state=state_of(tick.previous, group.name),
            calendar=group.control.calendar,
            faults=tuple(group.faults),
            doubt=tick.forgotten,
            observing=group.mode != "full",
        )
        return decide(evidence, group.settings.parameters, self._forecaster)

    def _state(self, group: GroupTick) -> GroupState:
        assert group.state is not None
        return group.state

    def _as_record(self, tick: Tick, status: str) -> Json:
        record = tick.as_record(status)
        for name, reason in self.refused.items():
            outcome = {"status": "refused", "error": reason}
            record["groups"][name] = {"mode": "off", "decision": None, "outcome": outcome}
        return record

    def _claim(self, tick: Tick) -> bool:
        tick.record = self._as_record(tick, "claimed") | {"run": uuid.uuid4().hex}
        return self._ports.decisions.claim(tick.slot, tick.record)

    def _act(self, tick: Tick, seconds_left: Callable[[], float]) -> None:
        """Set what has to change, as long as there is time; more capacity comes first."""
        changing: list[tuple[GroupTick, Decision]] = []
        for group in tick.groups:
            if group.decision is None:
                continue
            if group.mode != "full":
                group.result = {"status": "observed" if group.mode == "observe" else "off"}
            elif not group.decision.changes:
                group.result = {"status": "unchanged"}
            else:
                changing.append((group, group.decision))
        changing.sort(key=lambda one: one[1].after_instances < one[1].before_instances)
        states = self._look_again([group.name for group, _ in changing])
        for group, decision in changing:
            if seconds_left() < SECONDS_TO_SET:
                group.result = _left("acting")
            elif group.no_less and decision.after_instances < decision.before_instances:
                group.result = {"status": HELD, "error": group.no_less}
            elif group.breaker.forbids(tick.now):
                group.result = {"status": HELD, "error": group.breaker.text}
            else:
                group.result = self._applied(group, decision, states[group.name])
                failed = group.result["status"] == "failed"
                group.breaker = group.breaker.after(failed=failed, now=tick.now)
            group.settle()
        for group in tick.groups:
            group.finish(tick.record["groups"][group.name])

    def _look_again(self, names: Sequence[str]) -> Mapping[str, GroupState | AutoscalerError]:
        """The groups as they are just before they are changed."""
        if not names:
            return {}
        try:
            states = self._ports.actuator.describe(names)
        except AutoscalerError as error:
            return dict.fromkeys(names, error)
        return {name: states.get(name) or _gone(name) for name in names}

    def _applied(
        self, group: GroupTick, decision: Decision, state: GroupState | AutoscalerError
    ) -> Json:
        wanted = decision.after_instances
        try:
            if isinstance(state, AutoscalerError):
                raise state
            if state.desired_instances != decision.before_instances:
                wanted = max(wanted, state.desired_instances)
            wanted = state.bounds.clamp(wanted)
            if wanted == state.desired_instances:
                return {"status": "unchanged", "instances": wanted}
            self._ports.actuator.set_desired(group.name, wanted)
        except AutoscalerError as error:
            return {"status": "failed", "error": str(error)}
        return {"status": "applied", "instances": wanted}

    def _complete(self, tick: Tick) -> Bulletin:
        tick.record["status"] = "completed"
        told = bulletin(news_of(tick), matters_of(tick.previous), tick.now, _explained_by(tick))
        tick.record["matters"] = matters_to_json(told.unsent)
        self._keep(tick)
        whole = len(tick.groups) <= WHOLE_RECORDS_UP_TO
        self._log(json.dumps(tick.record if whole else tick.summary()))
        return told

    def _publish(self, tick: Tick, told: Bulletin) -> None:
        """Tell the dashboards, and people what is new. Nothing here can undo the act."""
        values = [value for group in tick.groups for value in group.values]
        values += tick_values(tick)
        if values:
            self._try(tick, lambda: self._ports.sink.publish(values))
        if told.matters == told.unsent:
            return
        subject = f"Predictive autoscaler: news at {utc_text(tick.slot)}"
        text = told.text
        if not text or self._try(tick, lambda: self._ports.notifier.notify(subject, text)):
            # Only now: who is stopped before this tells it again rather than not at all.
            tick.record["matters"] = matters_to_json(told.matters)
            self._keep(tick)

    def _keep(self, tick: Tick) -> None:
        self._try(tick, lambda: self._ports.decisions.complete(tick.slot, tick.record))

    def _try(self, tick: Tick, step: Callable[[], Any]) -> bool:
        """Whether it worked; if not, the log says why."""
        try:
            step()
        except AutoscalerError as error:
            self._log(json.dumps({"slot": utc_text(tick.slot), "warning": str(error)}))
            return False
        return True


def _explained_by(tick: Tick) -> str:
    return f"predictive-autoscaler explain {utc_text(tick.slot)}"


def _left(before: str) -> Json:
    return {
        "status": LEFT,
        "error": f"the time was up before {before}; it comes first in the next tick",
    }


def _gone(name: str) -> AutoscalerError:
    return GroupNotFoundError(f"there is no group {name!r}")
