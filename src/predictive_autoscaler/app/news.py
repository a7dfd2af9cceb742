"""What a tick has to tell people: what is wrong, what is held back, and what has changed.

This says what is so; `bulletin` decides what of it is worth a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from predictive_autoscaler.app.record import part_of
from predictive_autoscaler.app.tick import HELD, LEFT, GroupTick, Tick
from predictive_autoscaler.core.types import Decision, Json

AT_ONCE = timedelta(0)
A_WHILE = timedelta(minutes=15)
"""Metrics that are late for one tick are nobody's business."""
BAD_OUTCOMES = ("failed", "gone", HELD, LEFT, "refused")
HOLDS = {
    "data quality": A_WHILE,
    "shop in trouble": AT_ONCE,
    "group is busy": AT_ONCE,
    "other hands": AT_ONCE,
}
"""Policies that keep a group from being scaled in, and how long that may go on unsaid."""
_VARYING = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\d[\d.,:TZ-]*")
"""Numbers, times, and the ids of requests, which some answers of AWS bear."""


@dataclass(frozen=True)
class Item:
    """One thing to tell.

    Attributes:
        group: empty where it is about all of them.
        topic: what it is about; with the group, that by which it is known again.
        patience: how long it may last before anybody is told.
        passing: it happens and is over, as a change does; nobody waits for its end.
        state: what it has come to; if that is another, it is told again.
    """

    group: str
    topic: str
    text: str
    patience: timedelta = AT_ONCE
    passing: bool = False
    state: str = ""

    @property
    def key(self) -> str:
        """The same for the same matter in the next tick, whatever numbers its text has."""
        return f"{self.group}: {_VARYING.sub('#', self.topic)}"


def news_of(tick: Tick) -> Iterator[Item]:
    """Everything that one tick could tell, of every group."""
    for name in tick.record["groups"]:
        yield from _troubles(name, part_of(tick.record, name))
    for group in tick.groups:
        yield from _changes(group, part_of(tick.previous, group.name))
        if group.decision is not None:
            yield from _holds(group.name, group.decision)
            yield from _budget(group.name, group.decision)
            yield from _late_launches(group)


def _troubles(name: str, entry: Json) -> Iterator[Item]:
    outcome = entry.get("outcome") or {}
    if outcome.get("status") in BAD_OUTCOMES:
        text = f"{outcome['status']}: {outcome.get('error', '')}"
        yield Item(name, text, text)
    faults = (entry.get("decision") or {}).get("faults", ())
    for fault in (*faults, *entry.get("troubles", ())):
        yield Item(name, fault, fault)


def _holds(name: str, decision: Decision) -> Iterator[Item]:
    for reason in decision.reasons:
        patience = HOLDS.get(reason.policy)
        if patience is not None:
            kept = f"not scaled in to {reason.before_instances}: {reason.text}"
            yield Item(name, f"held by {reason.policy}", kept, patience)


def _changes(group: GroupTick, before: Json) -> Iterator[Item]:
    name = group.name
    for notice in group.notices:
        yield Item(name, notice, notice, passing=True)
    old = before.get("mode")
    if old is not None and old != group.mode:
        text = f"its mode is {group.mode} now, and was {old}"
        yield Item(name, "mode", text, passing=True, state=group.mode)
    decision = group.decision
    if decision is None:
        return
    model = (before.get("decision") or {}).get("model_id")
    if model and decision.model_id and model != decision.model_id:
        text = f"it is forecast by model {decision.model_id} now, and was by {model}"
        yield Item(name, "model", text, passing=True, state=decision.model_id)
    step = decision.after_instances - decision.before_instances
    if group.result.get("status") == "applied" and abs(step) >= group.settings.notify_step > 0:
        where = "out" if step > 0 else "in"
        yield Item(name, f"scaled {where}", _large_step(decision, where), passing=True)


def _large_step(decision: Decision, where: str) -> str:
    changed = [reason for reason in decision.reasons if reason.changed]
    why = f"; last, {changed[-1].policy}: {changed[-1].text}" if changed else ""
    return (
        f"scaled {where} from {decision.before_instances} to {decision.after_instances} instances: "
        f"the forecast calls for {decision.wish_instances}, the traffic of the newest interval "
        f"for {decision.floor_instances}{why}"
    )


def _budget(name: str, decision: Decision) -> Iterator[Item]:
    money: Mapping[str, float | str] = decision.spending or {}
    spent, expected, cap = (money.get(key) for key in ("spent_usd", "expected_usd", "cap_usd"))
    if not (isinstance(spent, float) and isinstance(expected, float) and cap is not None):
        return
    cap, until = float(cap), money["until"]
    if spent >= cap:
        text = (
            f"the {cap:,.2f} USD up to {until} are spent; nothing is added beyond the present need"
        )
        yield Item(name, "spending cap", text, state="reached")
    elif expected > cap:
        text = f"about {expected:,.2f} USD will be spent up to {until}; the cap is {cap:,.2f}"
        yield Item(name, "spending cap", text, A_WHILE, state="expected")


def _late_launches(group: GroupTick) -> Iterator[Item]:
    """Instances that should serve by now and do not."""
    state, after = group.state, group.next_state
    if state is None or after is None or group.mode != "full":
        return
    due = after.supply.serving
    if state.in_service_instances < min(due, state.desired_instances):
        minutes = group.settings.parameters.boot_minutes
        text = (
            f"{state.in_service_instances} of {due} instances serve that were asked for more than "
            f"{minutes:g} minutes ago: launches are late or fail; the group's activities tell why"
        )
        patience = max(A_WHILE, timedelta(minutes=minutes))
        yield Item(group.name, "late launches", text, patience)
