"""One run over all groups, and what it has found out so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from predictive_autoscaler.app.breaker import Breaker
from predictive_autoscaler.app.record import SCHEMA, group_entry, part_of, state_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.types import Decision, GroupState, Json, utc_text
from predictive_autoscaler.ports import MODES, GroupControl, MetricValue

HELD = "held"
"""The outcome of a change that was not tried, since too many before it have failed."""
LEFT = "left"
"""The outcome of a group that there was no time for; the next tick begins with it."""


@dataclass
class GroupTick:
    """What one tick has found out about one group so far.

    Of a decision it keeps what is written down: forecasts and windows of many groups would
    take much memory.

    Attributes:
        control_known: whether what operators have said could be read.
        faults: what went wrong on the way to the decision; `troubles`: after it.
        notices: what people are to be told although nothing is wrong.
        no_less: why what was decided must not be carried out if it scales in; empty if it may.
    """

    settings: GroupSettings
    state: GroupState | None = None
    control: GroupControl = field(default_factory=GroupControl)
    control_known: bool = True
    decision: Decision | None = None
    next_state: ControllerState | None = None
    values: list[MetricValue] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    no_less: str = ""
    result: Json = field(default_factory=dict)
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def mode(self) -> str:
        return self.control.mode or self.settings.mode

    def remember_mode(self, previous: Json | None) -> None:
        """Where what operators have said cannot be read, the mode is what it was last."""
        mode = part_of(previous, self.name).get("mode")
        self.control = GroupControl(mode if mode in MODES else None)
        self.control_known = False

    def hold(self, reason: str) -> None:
        """Let the decision not scale in."""
        if self.state is not None:
            reasons = [text for text in (self.state.blocked_by, reason) if text]
            self.state = replace(self.state, blocked_by="; ".join(reasons))

    def settle(self) -> None:
        """Remember what the group was left with, where that is not what was decided."""
        if self.next_state is None or self.state is None:
            return
        status = self.result.get("status")
        if status in ("failed", HELD, LEFT):
            self.next_state = self.next_state.having(self.state.desired_instances)
        elif "instances" in self.result:
            self.next_state = self.next_state.having(self.result["instances"])

    def entry(self, previous: Json | None, status: str) -> Json:
        """The group's part of the record; without a decision, the state stays what it was."""
        if self.decision is not None and self.next_state is not None:
            entry = group_entry(self.mode, self.decision, self.next_state, status)
            return entry | {"breaker": self.breaker.to_json()}
        entry = {"mode": self.mode, "decision": None, "outcome": self.result}
        entry["breaker"] = self.breaker.to_json()
        if self.faults:
            entry["troubles"] = list(self.faults)
        state = state_of(previous, self.name)
        return entry | ({"state": state.to_json()} if state else {})

    def finish(self, entry: Json) -> None:
        """Complete the group's part of the record with what has been done."""
        entry |= {"mode": self.mode, "outcome": self.result, "breaker": self.breaker.to_json()}
        if self.next_state is not None:
            entry["state"] = self.next_state.to_json()
        if self.troubles:
            entry["troubles"] = [*entry.get("troubles", ()), *self.troubles]
        if self.notices:
            entry["notices"] = list(self.notices)


@dataclass
class Tick:
    """One run over all groups for one slot."""

    now: datetime
    slot: datetime
    groups: list[GroupTick]
    previous: Json | None = None
    forgotten: str | None = None
    """Why nothing is known of the tick before, if its record could not be read."""
    record: Json = field(default_factory=dict)

    def remember(self) -> None:
        """Take over what the tick before knew, and begin with whom it had no time for."""
        for group in self.groups:
            group.breaker = Breaker.from_json(part_of(self.previous, group.name).get("breaker"))

        def was_left(group: GroupTick) -> bool:
            outcome = part_of(self.previous, group.name).get("outcome")
            return isinstance(outcome, dict) and outcome.get("status") == LEFT

        self.groups.sort(key=lambda group: not was_left(group))

    def as_record(self, status: str) -> Json:
        """What is written down of it."""
        return {
            "schema": SCHEMA,
            "slot": utc_text(self.slot),
            "decided_at": utc_text(self.now),
            "status": status,
            "groups": {group.name: group.entry(self.previous, status) for group in self.groups},
        }

    def summary(self) -> Json:
        """The record in a few numbers, for a log line that stays small with many groups."""
        outcomes = Counter(group.result.get("status", "?") for group in self.groups)
        return {
            "slot": utc_text(self.slot),
            "status": self.record.get("status"),
            "groups": len(self.groups),
            "outcomes": dict(sorted(outcomes.items())),
        }
