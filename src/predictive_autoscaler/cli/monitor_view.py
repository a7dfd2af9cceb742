"""Facts about a group, drawn. Pure functions from facts to what Rich can print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from predictive_autoscaler.app.monitor.facts import (
    ALARMS,
    ASG,
    LAMBDA,
    METRICS,
    MODEL,
    DecisionNote,
    Facts,
    ModelNote,
    Seen,
    Traffic,
    last_known,
)
from predictive_autoscaler.cli.widgets import (
    OutlookChart,
    outlook_legend,
    outlook_marks,
    trends,
)
from predictive_autoscaler.core.types import Rung, utc_text
from predictive_autoscaler.core.words import ago, count, utc_clock
from predictive_autoscaler.ports import RINGING, UNSURE, Alarm, FunctionCalls

TWO_COLUMNS_FROM = 130
"""Characters; below that the sections stand one below the other."""
LONGEST_TROUBLE = 140
GOOD, BAD, DOUBT, QUIET = "green", "bold red", "yellow", "dim"


def picture(facts: Facts) -> RenderableType:
    """All sections of the components that are looked at, under a line that names the group."""
    wanted = [name for name in SECTIONS if name in facts.components]
    return Group(_heading(facts), _Sections({name: SECTIONS[name](facts) for name in wanted}))


class _Sections:
    """One below the other; traffic, the longest, beside the others where there is room."""

    def __init__(self, sections: Mapping[str, RenderableType]) -> None:
        self._sections = sections

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        others = [content for name, content in self._sections.items() if name != METRICS]
        if options.max_width < TWO_COLUMNS_FROM or not 0 < len(others) < len(self._sections):
            yield Group(*self._sections.values())
            return
        grid = Table.grid(expand=True, padding=(0, 2, 0, 0))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(Group(*others), self._sections[METRICS])
        yield grid


def _heading(facts: Facts) -> Text:
    line = Text(no_wrap=True)
    line.append(facts.group, "bold")
    line.append(f", mode {facts.mode_words}, {utc_text(facts.now)}")
    return line


def _section(
    name: str, facts: Facts, seen: Sequence[Seen[Any]], *content: RenderableType
) -> RenderableType:
    """A title, what could not be read, and the rest."""
    title = Text(f"{name} ", "bold cyan", no_wrap=True)
    return Group(Text(), title, *_errors(facts, seen), *content)


def _errors(facts: Facts, seen: Sequence[Seen[Any]]) -> Iterator[Text]:
    for one in seen:
        if not one.error:
            continue
        line = Text(f"✗ {one.error.rstrip('.')}.", BAD)
        if one.read_at is not None:
            line.append(f" What follows is {ago(facts.now - one.read_at)} old.", DOUBT)
        if one.retry_at is not None and one.retry_at > facts.now:
            line.append(f" Next try in {ago(one.retry_at - facts.now)}.", QUIET)
        yield line


def _waiting(seen: Seen[Any], what: str) -> list[RenderableType]:
    """What stands where nothing has been read yet."""
    return [] if seen.error else [Text(f"reading {what} …", QUIET)]


def capacity_section(facts: Facts) -> RenderableType:
    """Instances: in service, desired and wanted, with the last decisions and their reasons."""
    seen, newest = facts.capacity, facts.newest
    content: list[RenderableType] = []
    state = seen.value
    if state is None:
        content += _waiting(seen, "the group")
    else:
        line = Text()
        line.append(f"{state.in_service_instances} in service", "bold")
        line.append(f" · {state.desired_instances} desired")
        if newest and newest.wish is not None and newest.after is not None:
            line.append(f" · {newest.wish} wanted by the forecast, {newest.after} decided")
        line.append(
            f" · {state.bounds.min_instances} to {state.bounds.max_instances} allowed", QUIET
        )
        content.append(line)
        if state.blocked_by:
            content.append(Text(f"no scale-in: {state.blocked_by}", DOUBT))
    content += decisions_table(facts)
    return _section("Instances", facts, [seen, facts.decisions, facts.control], *content)


def decisions_table(facts: Facts) -> list[RenderableType]:
    """The last decisions, the newest first."""
    notes = facts.decisions.value
    if notes is None:
        return _waiting(facts.decisions, "the decisions")
    if not notes:
        return [Text("No decision has been recorded in the last two days.", DOUBT)]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    told: set[str] = set()
    for note in notes:
        words = Text(note.text)
        if note.remark:
            words.append(f" [{note.remark}]", BAD if note.failed else QUIET)
        for trouble in note.troubles:
            # What lasts is told once, with the newest decision.
            if trouble not in told:
                words.append(f" {_shortened(trouble)}.", DOUBT)
        told.update(note.troubles)
        table.add_row(utc_clock(note.slot, facts.now), _step(note), words)
    return [table]


def _shortened(text: str) -> str:
    """As much as a glance takes in; `explain` tells all of it."""
    return text if len(text) <= LONGEST_TROUBLE else f"{text[: LONGEST_TROUBLE - 1]}…"


def _step(note: DecisionNote) -> Text:
    if note.before is None or note.after is None:
        return Text("–", BAD)
    if note.after == note.before:
        return Text(f"= {note.after}", QUIET)
    return Text(f"{note.before} → {note.after}", GOOD if note.after > note.before else "cyan")


def traffic_section(facts: Facts) -> RenderableType:
    """Requests, failures, latency and CPU of the last hour, and the forecast of the next ones."""
    traffic, outlook = facts.traffic, facts.outlook
    content: list[RenderableType] = []
    if traffic.value is None:
        content += _waiting(traffic, "the metrics")
    else:
        content.append(traffic_table(traffic.value))
        content.append(Text(f"last hour, up to {utc_clock(traffic.value.end, facts.now)}", QUIET))
    if outlook.value is None:
        content += _waiting(outlook, "the history that the forecast starts from")
    elif outlook.value.ahead:
        minutes = outlook.value.interval_seconds // 60
        content.append(Text(f"Requests in {minutes} minutes, UTC", "bold"))
        content.append(OutlookChart(outlook.value))
        content.append(Text(outlook_legend(outlook.value), QUIET))
        content.append(outlook_marks(outlook.value))
    else:
        content.append(Text("Nothing can be forecast.", BAD))
    if outlook.value is not None:
        content += [Text(f"{note}.", DOUBT) for note in outlook.value.notes]
    newest = facts.newest
    if newest and newest.peak:
        low, middle, high = map(count, newest.peak)
        words = (
            f"The decision of {newest.slot:%H:%M} UTC ({newest.rung}) expected a peak of {middle} "
            f"requests, with 90 % confidence {low} to {high}."
        )
        content.append(Text(words, QUIET))
    return _section("Traffic", facts, [traffic, outlook], *content)


def traffic_table(traffic: Traffic) -> Table:
    """One row a measure, counts by the minute."""
    minutes = traffic.period_seconds / 60

    def rate(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else value / minutes for value in values]

    rows: list[tuple[str, Sequence[float | None], Callable[[float], str]]] = [
        ("requests/min", rate(traffic.requests), count),
        ("failed/min", rate(traffic.failed), count),
        ("latency", traffic.response_time_seconds, lambda value: f"{value * 1000:,.0f} ms"),
        ("CPU", traffic.cpu_percent, lambda value: f"{value:.0f} %"),
    ]
    return trends((name, _newest(values, words), values) for name, values, words in rows)


def _newest(values: Sequence[float | None], words: Callable[[float], str]) -> str:
    """The newest known value. Nobody counts what does not happen, so it may be older."""
    value = last_known(values)
    return "–" if value is None else words(value)


def model_section(facts: Facts) -> RenderableType:
    """The published model: how old, whether it can be used, and whether it is."""
    seen, newest = facts.model, facts.newest
    note = seen.value
    content: list[RenderableType] = []
    if note is None:
        content += _waiting(seen, "the model")
    else:
        content += _model_lines(note, facts)
    if newest and newest.rung:
        followed = newest.rung == Rung.FOREST.value
        words = f"The decision of {newest.slot:%H:%M} UTC was forecast by: {newest.rung}."
        content.append(Text(words, GOOD if followed else DOUBT))
    if facts.distrusted:
        words = "Its band has missed half of what came of late: checked, but not followed."
        content.append(Text(words, DOUBT))
    return _section("Model", facts, [seen], *content)


def _model_lines(note: ModelNote, facts: Facts) -> Iterator[Text]:
    if note.model_id is None or note.trained_until is None or note.reach_minutes is None:
        yield Text(note.fault, BAD)
        return
    age = facts.now - note.trained_until
    yield Text(note.model_id, "bold", no_wrap=True, overflow="fold")
    yield Text(
        f"{ago(age)} old, used up to {note.max_age_days:g} d; "
        f"learned from {note.rows:,} intervals, looks {note.reach_minutes:g} min ahead"
    )
    yield Text(f"not used: {note.fault}", BAD) if note.fault else Text("can be used", GOOD)


def lambda_section(facts: Facts) -> RenderableType:
    """Whether the controller runs: its records, and its function's calls."""
    newest, calls = facts.newest, facts.calls
    minutes = facts.interval_seconds // 60
    content: list[RenderableType] = []
    if facts.decisions.value is None:
        content += _waiting(facts.decisions, "the decisions")
    elif newest is None:
        content.append(Text("It has recorded nothing in the last two days.", BAD))
    else:
        age = ago(facts.now - newest.slot)
        every = f"one is due every {minutes} min"
        if facts.silent:
            content.append(Text(f"Silent: the last record is {age} old, {every}.", BAD))
        else:
            content.append(Text(f"last record {age} ago, {every}", GOOD))
        failed = [note for note in facts.decisions.value if note.failed]
        if failed:
            words = f"{len(failed)} of the last {len(facts.decisions.value)} ticks failed"
            content.append(Text(f"{words}: {failed[0].text}", BAD))
    if calls.value is not None:
        content.append(_calls_line(calls.value, facts))
    elif facts.function is None:
        words = "Its function is not known: --function NAME adds calls and errors."
        content.append(Text(words, QUIET))
    return _section("Lambda", facts, [facts.decisions, calls], *content)


def _calls_line(calls: FunctionCalls, facts: Facts) -> Text:
    expected = facts.due(calls)
    longest = "" if calls.longest_seconds is None else f", longest {calls.longest_seconds:.1f} s"
    line = Text(f"{facts.function}: ", no_wrap=False)
    line.append(
        f"{calls.calls} calls in the last hour ({expected} are due)",
        BAD if calls.calls < expected - 1 else "",
    )
    line.append(f", {calls.errors} failed", BAD if calls.errors else "")
    line.append(f", {calls.throttled} throttled", BAD if calls.throttled else "")
    line.append(longest)
    return line


def alarms_section(facts: Facts) -> RenderableType:
    """Alarms that ring, then those without data; the rest is counted."""
    found = facts.alarms.value
    if found is None:
        return _section("Alarms", facts, [facts.alarms], *_waiting(facts.alarms, "the alarms"))
    content: list[RenderableType] = [_alarm_counts(found)]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for state, style in ((RINGING, BAD), (UNSURE, QUIET)):
        for alarm in found:
            if alarm.state == state:
                words = Text(alarm.name, style)
                if alarm.says:
                    words.append(f": {alarm.says}", "" if state == RINGING else QUIET)
                table.add_row(utc_clock(alarm.since, facts.now), words)
    if table.row_count:
        content.append(table)
    return _section("Alarms", facts, [facts.alarms], *content)


def _alarm_counts(found: Sequence[Alarm]) -> Text:
    if not found:
        return Text("There are none of this group; --alarm-prefix names them.", DOUBT)
    ringing = sum(alarm.state == RINGING for alarm in found)
    unknown = sum(alarm.state == UNSURE for alarm in found)
    line = Text(f"{ringing} ringing", BAD if ringing else GOOD)
    line.append(f", {len(found) - ringing - unknown} quiet", "")
    if unknown:
        line.append(f", {unknown} without data", QUIET)
    return line


# What must be seen comes first: a low window cuts off the end.
SECTIONS: dict[str, Callable[[Facts], RenderableType]] = {
    ASG: capacity_section,
    ALARMS: alarms_section,
    METRICS: traffic_section,
    MODEL: model_section,
    LAMBDA: lambda_section,
}
