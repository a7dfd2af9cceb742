"""One control step: collect, check, load model, forecast, decide, claim, act, publish."""

from __future__ import annotations

import json
import traceback
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.app.collect import Collector
from predictive_autoscaler.app.published_metrics import metric_values
from predictive_autoscaler.app.record import SCHEMA, group_entry, state_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import (
    Evidence,
    Forecaster,
    Outcome,
    decide,
    forecast_demand,
)
from predictive_autoscaler.core.timegrid import floor_to, known_until
from predictive_autoscaler.core.types import GroupState, Json, Samples, utc_text
from predictive_autoscaler.errors import (
    AutoscalerError,
    GroupNotFoundError,
    ModelError,
)
from predictive_autoscaler.ports import GroupControl, Ports


@dataclass
class GroupTick:
    """What one tick has found out about one group so far."""

    settings: GroupSettings
    state: GroupState | None = None
    control: GroupControl = field(default_factory=GroupControl)
    samples: Samples | None = None
    model: Model | None = None
    outcome: Outcome | None = None
    faults: list[str] = field(default_factory=list)
    result: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def mode(self) -> str:
        return self.control.mode or self.settings.mode


@dataclass
class Tick:
    """One run over all groups for one slot."""

    now: datetime
    slot: datetime
    groups: list[GroupTick]
    previous: Json | None = None
    record: Json = field(default_factory=dict)


class Controller:
    """Runs control steps. Keep one between calls: it remembers metrics and models."""

    def __init__(
        self,
        ports: Ports,
        groups: Sequence[GroupSettings],
        log: Callable[[str], None] = print,
        forecaster: Forecaster = forecast_demand,
    ) -> None:
        self._ports = ports
        self._groups = tuple(groups)
        self._collector = Collector(ports.metrics, ports.history)
        self._log = log
        self._forecaster = forecaster

    def run_once(self, event_time: datetime | None = None, *, dry_run: bool = False) -> Json:
        """Decide for all groups, and act on it.

        Args:
            event_time: when the call was scheduled for; the clock's time by default.
            dry_run: decide and show, without claiming the slot, acting or publishing.

        Returns:
            The decision record, or {"status": "refused" | "taken", ...} where this run
            had no right to the slot.
        """
        now = self._ports.clock.now()
        interval = self._groups[0].parameters.interval
        scheduled = event_time or now
        if abs(now - scheduled) >= interval:
            return self._refused(now, scheduled, interval)
        groups = [GroupTick(settings) for settings in self._groups]
        tick = Tick(now, floor_to(scheduled, interval), groups)
        self._look_up(tick)
        self._collect(tick, keep_days=not dry_run)
        self._load_models(tick)
        self._decide(tick)
        if dry_run:
            return self._as_record(tick, "dry run")
        if not self._claim(tick):
            return {"status": "taken", "slot": utc_text(tick.slot)}
        self._act(tick)
        self._complete(tick)
        self._publish(tick)
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
            for group in tick.groups:
                group.faults.append(f"previous record: {error}")
        try:
            states = self._ports.actuator.describe([group.name for group in tick.groups])
        except AutoscalerError as error:
            states = {}
            for group in tick.groups:
                group.result = {"status": "failed", "error": f"the group cannot be read: {error}"}
        for group in tick.groups:
            group.state = states.get(group.name)
            if group.state is None and not group.result:
                group.result = {"status": "gone", "error": f"there is no group {group.name!r}"}
            try:
                group.control = self._ports.controls.load(group.name)
            except AutoscalerError as error:
                group.faults.append(f"calendar and mode: {error}")

    def _collect(self, tick: Tick, *, keep_days: bool) -> None:
        live = [group for group in tick.groups if group.state is not None]
        until = {
            group.name: known_until(
                tick.now, group.settings.parameters.interval, group.settings.parameters.metric_delay
            )
            for group in live
        }
        windows, faults = self._collector.collect(
            [group.settings for group in live], until, keep_days=keep_days
        )
        for group in live:
            group.samples = windows[group.name]
            if group.name in faults:
                group.faults.append(faults[group.name])

    def _load_models(self, tick: Tick) -> None:
        for group in tick.groups:
            if group.state is None:
                continue
            try:
                model = self._ports.models.load(group.name)
                check_model(model, group.settings, tick.now)
                group.model = model
            except AutoscalerError as error:
                group.faults.append(f"forest: {error}")

    def _decide(self, tick: Tick) -> None:
        for group in tick.groups:
            if group.state is None or group.samples is None:
                continue
            evidence = Evidence(
                now=tick.now,
                slot=tick.slot,
                group=group.state,
                samples=group.samples,
                model=group.model,
                state=state_of(tick.previous, group.name),
                calendar=group.control.calendar,
                faults=tuple(group.faults),
            )
            try:
                parameters = group.settings.parameters
                group.outcome = decide(evidence, parameters, self._forecaster)
            except Exception as error:  # one group's bad luck must not be everybody's
                group.result = {"status": "failed", "error": f"deciding failed: {error!r}"}
                self._log(traceback.format_exc())

    def _as_record(self, tick: Tick, status: str) -> Json:
        return {
            "schema": SCHEMA,
            "slot": utc_text(tick.slot),
            "decided_at": utc_text(tick.now),
            "status": status,
            "groups": {
                group.name: self._entry(group, tick.previous, status) for group in tick.groups
            },
        }

    def _entry(self, group: GroupTick, previous: Json | None, status: str) -> Json:
        if group.outcome is not None:
            return group_entry(group.mode, group.outcome, status)
        entry: Json = {"mode": group.mode, "decision": None, "outcome": group.result}
        state = state_of(previous, group.name)
        return entry | ({"state": state.to_json()} if state else {})

    def _claim(self, tick: Tick) -> bool:
        tick.record = self._as_record(tick, "claimed") | {"run": uuid.uuid4().hex}
        return self._ports.decisions.claim(tick.slot, tick.record)

    def _act(self, tick: Tick) -> None:
        for group in tick.groups:
            if group.outcome is not None:
                group.result = self._applied(group, group.outcome)
            tick.record["groups"][group.name]["outcome"] = group.result

    def _applied(self, group: GroupTick, outcome: Outcome) -> Json:
        wanted = outcome.decision.after_instances
        if group.mode != "full":
            return {"status": "observed" if group.mode == "observe" else "off"}
        if not outcome.decision.changes:
            return {"status": "unchanged"}
        try:
            state = self._ports.actuator.describe([group.name]).get(group.name)
            if state is None:
                raise GroupNotFoundError(f"there is no group {group.name!r}")
            if state.desired_instances != outcome.decision.before_instances:
                wanted = max(wanted, state.desired_instances)
            wanted = state.bounds.clamp(wanted)
            if wanted == state.desired_instances:
                return {"status": "unchanged", "instances": wanted}
            self._ports.actuator.set_desired(group.name, wanted)
        except AutoscalerError as error:
            return {"status": "failed", "error": str(error)}
        return {"status": "applied", "instances": wanted}

    def _complete(self, tick: Tick) -> None:
        tick.record["status"] = "completed"
        self._try(tick, lambda: self._ports.decisions.complete(tick.slot, tick.record))
        self._log(json.dumps(tick.record))

    def _publish(self, tick: Tick) -> None:
        """Tell the dashboards and, of new troubles, the people. Nothing here can undo the act."""
        values = [
            value
            for group in tick.groups
            for value in metric_values(
                group.settings, group.samples, group.state, group.outcome, group.mode, tick.now
            )
        ]
        if values:
            self._try(tick, lambda: self._ports.sink.publish(values))
        text = new_troubles(tick.record, tick.previous)
        if text:
            subject = f"Predictive autoscaler: trouble at {utc_text(tick.slot)}"
            self._try(tick, lambda: self._ports.notifier.notify(subject, text))

    def _try(self, tick: Tick, step: Callable[[], Any]) -> None:
        try:
            step()
        except AutoscalerError as error:
            self._log(json.dumps({"slot": utc_text(tick.slot), "warning": str(error)}))


def check_model(model: Model, settings: GroupSettings, now: datetime) -> None:
    """Refuse a model that was made for something else, is old, or has no skill.

    Raises:
        ModelError: with what is wrong about it.
    """
    card, parameters = model.card, settings.parameters
    if card.group != settings.name:
        raise ModelError(f"the model is of group {card.group!r}")
    if card.parameters.interval_seconds != parameters.interval_seconds:
        raise ModelError(
            f"the model was trained on intervals of {card.parameters.interval_seconds} s, "
            f"the setting is {parameters.interval_seconds} s"
        )
    needed = parameters.features.horizon_bins
    if card.parameters.horizon_bins < needed:
        raise ModelError(
            f"the model looks {card.parameters.horizon_bins} intervals ahead, but with the present "
            f"boot time and metric delay {needed} are needed; train it again"
        )
    age = now - card.trained_until
    if age > timedelta(days=settings.max_model_age_days):
        raise ModelError(
            f"the model's data end {age.days} days ago; "
            f"AUTOSCALER_MAX_MODEL_AGE_DAYS allows {settings.max_model_age_days:g}"
        )
    if not card.skilled:
        raise ModelError("the model was no better than the baselines and nobody insisted on it")


def troubles(record: Json | None) -> set[str]:
    """What is wrong, group by group, in words that do not change from tick to tick."""
    found = set()
    for name, entry in (record or {}).get("groups", {}).items():
        outcome = entry.get("outcome", {})
        if outcome.get("status") in ("failed", "gone"):
            found.add(f"{name}: {outcome['status']}: {outcome.get('error', '')}")
        found |= {f"{name}: {fault}" for fault in (entry.get("decision") or {}).get("faults", ())}
    return found


def new_troubles(record: Json, previous: Json | None) -> str:
    """Troubles that the previous record did not have, a line each; empty if none."""
    return "\n".join(sorted(troubles(record) - troubles(previous)))
