"""Facts in words: what the page says at the top, and in its lists. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from predictive_autoscaler.app.monitor.facts import (
    DecisionNote,
    Facts,
    ModelNote,
    Outlook,
    Seen,
    Traffic,
    last_known,
)
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import Rung, utc_text
from predictive_autoscaler.core.words import ago, utc_clock
from predictive_autoscaler.ports import RINGING, UNSURE, Alarm, FunctionCalls
from predictive_autoscaler.report.numbers import UNKNOWN, counted, grouped, percent
from predictive_autoscaler.web.series import Past

GOOD, BAD, DOUBT, PLAIN = "good", "bad", "doubt", ""
"""How a piece of news is: shown as a sign and a colour."""


@dataclass(frozen=True)
class Tile:
    """One big number, what it is to be read with, and how it is."""

    label: str
    value: str
    note: str = ""
    state: str = PLAIN


@dataclass(frozen=True)
class Line:
    """A row of a list: when, what in short, and in words."""

    when: str
    what: str
    words: str
    state: str = PLAIN
    slot: str = ""


def view(facts: Facts, found: Past | None, read: int, wanted: int) -> dict[str, Any]:
    """All words of the page, as plain values.

    Args:
        read, wanted: decision records of the last days that are read, and that there are.
    """
    return {
        "group": facts.group,
        "now": utc_text(facts.now),
        "mode": facts.mode,
        "notices": list(_notices(facts)),
        "progress": _progress(facts, found, read, wanted),
        "tiles": [asdict(tile) for tile in _tiles(facts, found)],
        "forecast": forecast_words(facts.outlook.value, facts.model.value),
        "decisions": [asdict(line) for line in _decisions(facts)],
        "alarms": [asdict(line) for line in _alarms(facts)],
        "alarms_words": _alarm_words(facts.alarms.value),
        "facts": list(_labelled(facts)),
    }


def _notices(facts: Facts) -> Iterator[str]:
    """What is wrong with what is shown."""
    for name, seen in facts.sources.items():
        if seen.error:
            yield f"{name.capitalize()}: {_error(seen, facts.now)}"
    if facts.silent:
        yield (
            f"The controller is silent: its newest record is {ago(facts.silent)} old, and one is "
            f"due every {facts.interval_seconds // 60} minutes."
        )
    state = facts.capacity.value
    if state and state.blocked_by:
        yield f"The group is not scaled in just now: {state.blocked_by}."
    if facts.outlook.value:
        yield from (f"Forecast: {note}." for note in facts.outlook.value.notes)


def _error(seen: Seen[Any], now: datetime) -> str:
    words = [seen.error.rstrip(".") + "."]
    if seen.read_at is not None:
        words.append(f"What is shown is {ago(now - seen.read_at)} old.")
    if seen.retry_at is not None and seen.retry_at > now:
        words.append(f"The next try is in {ago(seen.retry_at - now)}.")
    return " ".join(words)


def _progress(facts: Facts, found: Past | None, read: int, wanted: int) -> str:
    if found is None:
        return "" if facts.outlook.error else "Reading the metrics of the last days …"
    if read < wanted:
        return f"Reading the decisions of the last days: {grouped(read)} of {grouped(wanted)} …"
    return ""


def _tiles(facts: Facts, found: Past | None) -> Iterator[Tile]:
    yield _in_service(facts)
    yield _wanted(facts.newest)
    yield _demand(facts.outlook.value, facts.newest)
    yield _latency(facts.traffic.value)
    yield _missed(found)
    yield _ringing(facts.alarms.value)
    yield _model(facts.model.value, facts)
    yield _mode(facts)


def _in_service(facts: Facts) -> Tile:
    state = facts.capacity.value
    if state is None:
        return Tile("In service", UNKNOWN)
    low, high = state.bounds.min_instances, state.bounds.max_instances
    return Tile(
        "In service",
        grouped(state.in_service_instances),
        f"{state.desired_instances} desired, {low} to {high} allowed",
    )


def _wanted(note: DecisionNote | None) -> Tile:
    label = "Wanted by the forecast"
    if note is None or note.wish is None:
        return Tile(label, UNKNOWN)
    return Tile(label, grouped(note.wish), f"{note.after} decided at {note.slot:%H:%M} UTC")


def _demand(outlook: Outlook | None, note: DecisionNote | None) -> Tile:
    value = last_known(outlook.behind) if outlook else None
    minutes = outlook.interval_seconds // 60 if outlook else 0
    label = f"Demand, {minutes} minutes" if minutes else "Demand"
    peak = ""
    if note and note.peak:
        low, middle, high = map(grouped, note.peak)
        peak = f"peak expected: {middle} ({low} to {high})"
    return Tile(label, UNKNOWN if value is None else grouped(value), peak)


def _latency(traffic: Traffic | None) -> Tile:
    label = "Latency, mean"
    if traffic is None:
        return Tile(label, UNKNOWN)
    seconds, cpu = last_known(traffic.response_time_seconds), last_known(traffic.cpu_percent)
    failed = sum(value or 0.0 for value in traffic.failed)
    note = f"CPU {UNKNOWN if cpu is None else f'{cpu:.0f}'} %, {grouped(failed)} failed in an hour"
    return Tile(label, UNKNOWN if seconds is None else f"{grouped(1000 * seconds)} ms", note)


def _missed(found: Past | None) -> Tile:
    if found is None:
        return Tile("Missed", UNKNOWN)
    missed, known = found.missed, ~np.isnan(found.missed)
    days = len(found.demand) * found.interval_seconds / 86400
    label = f"Missed, {days:.0f} days" if days >= 1.5 else "Missed"
    total = float(found.demand[known].sum())
    if not total:
        return Tile(label, UNKNOWN)
    count = float(missed[known].sum())
    bins = int((missed[known] > 0).sum())
    return Tile(label, percent(count / total), f"{grouped(count)} in {counted(bins, 'interval')}")


def _ringing(alarms: Sequence[Alarm] | None) -> Tile:
    if alarms is None:
        return Tile("Alarms", UNKNOWN)
    names = [alarm.name for alarm in alarms if alarm.state == RINGING]
    if names:
        return Tile("Alarms", f"{len(names)} ringing", ", ".join(names), BAD)
    return Tile("Alarms", "quiet" if alarms else "none", _alarm_words(alarms), PLAIN)


def _model(note: ModelNote | None, facts: Facts) -> Tile:
    if note is None:
        return Tile("Model's age", UNKNOWN)
    if note.trained_until is None:
        return Tile("Model", "none", note.fault, BAD)
    age = ago(facts.now - note.trained_until)
    newest = facts.newest
    if note.fault:
        return Tile("Model's age", age, f"not used: {note.fault}", BAD)
    if newest and newest.rung and newest.rung != Rung.FOREST.value:
        return Tile("Model's age", age, f"usable, yet {newest.rung} decided", DOUBT)
    return Tile("Model's age", age, f"in use, up to {note.max_age_days:g} d", GOOD)


def _mode(facts: Facts) -> Tile:
    newest = facts.newest
    if newest is None:
        return Tile("Mode", facts.mode, "by the settings; no record yet", DOUBT)
    age = f"last record {ago(facts.now - newest.slot)} old"
    return Tile("Mode", facts.mode, age, BAD if facts.silent else PLAIN)


def forecast_words(outlook: Outlook | None, model: ModelNote | None) -> str:
    """How far each rung of the ladder reaches, and what that is worth."""
    if outlook is None:
        return ""
    if not outlook.ahead:
        return "Nothing can be forecast."
    reach = outlook.reach
    parts = [f"{rung} until {end:%d %b %H:%M}" for rung, end in reach]
    words = f"Forecast from {outlook.until:%H:%M} UTC on: {', then '.join(parts)}."
    if reach[0][0] == Rung.FOREST.value and model and model.reach_minutes:
        words += (
            f" The model looks {model.reach_minutes:g} minutes ahead, no farther than capacity "
            "takes to serve; only that part moves the group."
        )
    if reach[-1][0] == Rung.SEASONAL.value:
        words += (
            " The seasonal part is how traffic went a week or a day ago, at today's level, with "
            "the errors that it has made so far ahead in the last week."
        )
    return words


def price_words(parameters: ControlParameters, price: float | None) -> str:
    """Whether the price of a miss is fixed, as set now, and what it is.

    Args:
        price: that the newest decision used; None: it used none, or there is none.
    """
    if parameters.quantile is not None:
        return "As set now, nothing has a price: a quantile of the forecast is served."
    if parameters.miss_price is not None:
        return f"As set now, the price is fixed at {parameters.miss_price:g}."
    budgeted = parameters.missed_budget is not None
    aim = "to meet the budget of misses" if budgeted else "with what was missed of late"
    words = f"As set now, the price is not fixed: it moves {aim}"
    return words + ("." if price is None else f", and the newest decision used {price:.3g}.")


def waits_for(facts: Facts) -> str:
    """What a what-if still lacks; empty where that has all been read."""
    for name, seen in (("the group", facts.capacity), ("the metrics", facts.outlook)):
        if seen.error and seen.read_at is None:
            return f"It waits for {name}, which cannot be read: {seen.error.rstrip('.')}."
    lacking = [seen for seen in (facts.capacity, facts.outlook) if seen.read_at is None]
    return "It begins once the metrics of the last days have been read." if lacking else ""


def _decisions(facts: Facts) -> Iterator[Line]:
    for note in facts.decisions.value or ():
        words = f"{note.text} [{note.remark}]" if note.remark else note.text
        troubles = "".join(f" {trouble.rstrip('.')}." for trouble in note.troubles)
        state = BAD if note.failed else DOUBT if note.troubles else PLAIN
        when = utc_clock(note.slot, facts.now)
        yield Line(when, _step(note), words + troubles, state, utc_text(note.slot))


def _step(note: DecisionNote) -> str:
    if note.before is None or note.after is None:
        return UNKNOWN
    if note.before == note.after:
        return f"= {note.after}"
    return f"{note.before} → {note.after}"


def _alarms(facts: Facts) -> Iterator[Line]:
    """Those that ring, then those without data, then the others."""
    order = {RINGING: 0, UNSURE: 1}
    words = {RINGING: "ringing", UNSURE: "no data", "OK": "quiet"}
    found = facts.alarms.value or ()
    for alarm in sorted(found, key=lambda one: (order.get(one.state, 2), one.name)):
        state = {RINGING: BAD, UNSURE: DOUBT}.get(alarm.state, PLAIN)
        told = f"{alarm.name}: {alarm.says}" if alarm.says else alarm.name
        since = utc_clock(alarm.since, facts.now)
        yield Line(since, words.get(alarm.state, alarm.state), told, state)


def _alarm_words(found: Sequence[Alarm] | None) -> str:
    if found is None:
        return "Not read yet."
    if not found:
        return "None of this group is known; --alarm-prefix names them."
    ringing = sum(alarm.state == RINGING for alarm in found)
    unsure = sum(alarm.state == UNSURE for alarm in found)
    words = f"{ringing} ringing, {len(found) - ringing - unsure} quiet"
    return f"{words}, {unsure} without data" if unsure else words


def _labelled(facts: Facts) -> Iterator[tuple[str, str]]:
    """Model and controller, as labels and values."""
    model = facts.model.value
    if model and model.model_id:
        yield "Model", model.model_id
        if model.trained_until:
            yield "Trained on", f"metrics up to {utc_text(model.trained_until)}"
        if model.rows and model.reach_minutes:
            yield "Learned from", f"{grouped(model.rows)} intervals"
            yield "Looks ahead", f"{model.reach_minutes:g} minutes"
        yield "Used until it is", f"{model.max_age_days:g} days old"
    newest = facts.newest
    if newest:
        yield "Newest record", utc_text(newest.slot)
        yield "Forecast by", newest.rung or UNKNOWN
    calls = facts.calls.value
    if calls:
        yield facts.function or "Function", _calls(calls, facts)


def _calls(calls: FunctionCalls, facts: Facts) -> str:
    longest = "" if calls.longest_seconds is None else f", longest {calls.longest_seconds:.1f} s"
    return (
        f"{calls.calls} calls in the last hour ({facts.due(calls)} are due), "
        f"{calls.errors} failed, {calls.throttled} throttled{longest}"
    )
