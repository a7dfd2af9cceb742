"""Small charts of cost against missed, laid out in points for SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_labels import Box, Label, Spot, place
from predictive_autoscaler.report.lab_measures import (
    Point,
    mean_point,
    pareto_front,
    policy_names,
    trace_points,
)
from predictive_autoscaler.report.numbers import THIN, factor, hours, percent
from predictive_autoscaler.report.roles import ORACLE, oracle_of, rival_of, run_named

WIDTH, HEIGHT = 360, 310
_PLOT = Box(46.0, 10.0, 354.0, 266.0)
_EDGE = 346.0
_BELOW_ZERO = 12.0
_LINEAR_UP_TO = 1e-4
_LEAST_SPAN = 1.15
_TICK_SPACE = 36.0
_GAP, _RIVALS_GAP = 1.3, 2.0
_LONGEST_NAME = 20
_COST_AXIS = "cost: hours / oracle’s"
_DAILY_AXIS = "instance-hours a day"
_HOURS_AXIS = "instance-hours (no oracle was run)"


@dataclass(frozen=True)
class Mark:
    """A policy's point."""

    x: float
    y: float
    kind: str
    title: str
    label: Label


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        front: corners of the Pareto front's staircase.
        x_ticks, y_ticks: place and text.
        note: what a reader must know.
    """

    title: str
    x_label: str
    marks: Sequence[Mark]
    front: Sequence[tuple[float, float]]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    note: str = ""


@dataclass(frozen=True)
class _Sheet:
    """What a panel is drawn from."""

    title: str
    points: Sequence[Point]
    ours: str
    rival: str
    x_label: str = _COST_AXIS
    note: str = ""


def panels(report: LabReport) -> list[Panel]:
    """The means over traces, if there are several, then one per trace."""
    sheets = [*_mean_sheets(report), *(_trace_sheet(trace, report) for trace in report.traces)]
    sheets = [replace(sheet, points=[p for p in sheet.points if p.known]) for sheet in sheets]
    most = max((point.missed for sheet in sheets for point in sheet.points), default=0.0)
    return [_panel(sheet, max(most, 0.01)) for sheet in sheets if sheet.points]


def outlay_panel(outlays: Sequence[Outlay], present: str) -> Panel | None:
    """Settings by what they cost a day and missed, the present one as ours; None without any."""
    points = [Point(one.name, one.hours_per_day, one.score.missed_share) for one in outlays]
    sheet = _Sheet(
        "Cost against missed, setting by setting",
        [point for point in points if point.known and point.cost > 0],
        present,
        next((one.name for one in outlays if one.name.startswith("target tracking")), ""),
        _DAILY_AXIS,
    )
    most = max((point.missed for point in sheet.points), default=0.0)
    return _panel(sheet, max(most, 0.01)) if sheet.points else None


def short_name(name: str) -> str:
    """A policy's name as it fits into a chart."""
    text = name.replace("target tracking", "tracking").replace(" + reactive", "")
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1].rstrip() + "…"


def _mean_sheets(report: LabReport) -> Iterator[_Sheet]:
    traces = [trace for trace in report.traces if oracle_of(trace.runs)]
    if len(traces) < 2:
        return
    points = [mean_point(traces, name) for name in policy_names(report)]
    absent = [point.name for point in points if not point.known]
    note = f"Not run on every trace: {', '.join(absent)}." if absent else ""
    yield _Sheet(
        f"Mean of {len(traces)} traces", points, report.ours, _rival(traces[0], report), note=note
    )


def _trace_sheet(trace: LabTrace, report: LabReport) -> _Sheet:
    points = trace_points(trace)
    sheet = _Sheet(trace.name, points, report.ours, _rival(trace, report))
    if any(point.known for point in points):
        return sheet
    by_hours = [
        Point(run.name, run.score.instance_hours, run.score.missed_share) for run in trace.runs
    ]
    positive = [point for point in by_hours if point.cost > 0]
    return replace(sheet, points=positive, x_label=_HOURS_AXIS)


def _rival(trace: LabTrace, report: LabReport) -> str:
    rival = rival_of(trace.runs, run_named(trace.runs, report.ours), trace.rival)
    return rival.name if rival else ""


def _panel(sheet: _Sheet, most_missed: float) -> Panel:
    points = sorted(sheet.points, key=lambda point: _rank(point, sheet))
    far = beyond(points, sheet.ours, sheet.rival)
    low, high = _span([point.cost for point in points if point not in far])
    places = [
        (_EDGE if p in far else _across(p.cost, low, high), _up(p.missed, most_missed))
        for p in points
    ]
    fair = [index for index, point in enumerate(points) if point.name != ORACLE]
    front = [fair[index] for index in pareto_front([points[index] for index in fair])]
    order = sorted(range(len(points)), key=lambda i: (_rank(points[i], sheet), i not in front))
    spots = [Spot(*places[i], _label_text(points[i], sheet, points[i] in far)) for i in order]
    stairs = _staircase([places[index] for index in front])
    labels = dict(zip(order, place(spots, _PLOT, list(_walls(stairs))), strict=True))
    marks = [
        Mark(
            *places[i],
            _kind(point, sheet, i in front) + (" beyond" if point in far else ""),
            _title(point, sheet),
            labels[i],
        )
        for i, point in enumerate(points)
    ]
    return Panel(
        sheet.title,
        sheet.x_label,
        marks[::-1],  # ours last, on top
        stairs,
        [(_across(value, low, high), text) for value, text in cost_ticks(low, high)],
        [(_up(share, most_missed), text) for share, text in _shares(most_missed)],
        sheet.note,
    )


def beyond(points: Sequence[Point], ours: str, rival: str = "") -> list[Point]:
    """The costliest, if there is a gap before it: to draw it would squeeze all others. For
    whom ours is compared with, others are squeezed some more.
    """
    costliest = sorted(points, key=lambda point: point.cost)[-2:]
    if len(points) < 3 or costliest[1].name == ours:
        return []
    gap = _RIVALS_GAP if costliest[1].name == rival else _GAP
    return [costliest[1]] if costliest[1].cost > gap * costliest[0].cost else []


def _label_text(point: Point, sheet: _Sheet, far: bool) -> str:
    name = short_name(point.name)
    return f"{name}, {_spent(point, sheet)}" if far else name


def _rank(point: Point, sheet: _Sheet) -> int:
    """Who is to be seen first."""
    first = [sheet.ours, ORACLE, sheet.rival]
    return first.index(point.name) if point.name in first else len(first)


def _kind(point: Point, sheet: _Sheet, on_front: bool) -> str:
    kinds = {sheet.ours: "ours", ORACLE: "oracle", sheet.rival: "rival"}
    return f"{kinds.get(point.name, 'other')}{' front' if on_front else ''}"


def _title(point: Point, sheet: _Sheet) -> str:
    return f"{point.name}: cost {_spent(point, sheet)}, missed {percent(point.missed)}"


def _spent(point: Point, sheet: _Sheet) -> str:
    return factor(point.cost) if sheet.x_label == _COST_AXIS else f"{hours(point.cost)} hours"


# ---- Scales ----------------------------------------------------------------------------


def _span(costs: Sequence[float]) -> tuple[float, float]:
    """From where to where, with room on both sides."""
    low, high = min(costs), max(costs)
    if high / low < _LEAST_SPAN:
        high = low * _LEAST_SPAN
    room = (high / low) ** 0.05
    return low / room, high * room


def _across(cost: float, low: float, high: float) -> float:
    share = math.log(cost / low) / math.log(high / low)
    return round(_PLOT.left + share * (_PLOT.right - _PLOT.left), 1)


def _up(share: float, most: float) -> float:
    """Logarithmic, but linear near 0, so that 0 has a place."""
    height = _PLOT.bottom - _BELOW_ZERO - _PLOT.top - 6
    top = math.log1p(most / _LINEAR_UP_TO)
    return round(_PLOT.bottom - _BELOW_ZERO - height * math.log1p(share / _LINEAR_UP_TO) / top, 1)


def _shares(most: float) -> list[tuple[float, str]]:
    """Ticks at 0 and at each power of ten."""
    shares = [share for share in (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0) if share <= most]
    return [(share, f"{100 * share:g}{THIN}%") for share in shares]


def cost_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers between the ends of a logarithmic axis, not too close to each other."""
    width = _PLOT.right - _PLOT.left
    chosen: list[float] = []
    for value in _round_numbers(low, high):
        space = [abs(_across(value, low, high) - _across(one, low, high)) for one in chosen]
        if (
            low <= value <= high
            and _across(value, low, high) <= _EDGE
            and all(one >= min(_TICK_SPACE, width) for one in space)
        ):
            chosen.append(value)
    return [(value, f"{value:,.10g}".replace(",", THIN)) for value in sorted(chosen)]


def _round_numbers(low: float, high: float) -> Iterator[float]:
    """The roundest first."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (2, 5), (1.5, 3, 4, 7)):
        for decade in decades:
            yield from (float(f"{digit * 10.0**decade:.12g}") for digit in digits)
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    first = math.ceil(low / step)
    for index in range(first, first + int((high - low) / step) + 1):
        yield float(f"{index * step:.12g}")


def _staircase(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What can be had by the policies on the front: at each cost the least missed so far."""
    if not corners:
        return []
    steps = [(corners[0][0], _PLOT.top)]
    for x, y in corners:
        steps += [(x, steps[-1][1]), (x, y)]
    return [*steps, (_PLOT.right, corners[-1][1])]


def _walls(stairs: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """The staircase as thin boxes, so that labels keep clear of it."""
    for (x, y), (next_x, next_y) in pairwise(stairs):
        yield Box(min(x, next_x) - 1, min(y, next_y) - 1, max(x, next_x) + 1, max(y, next_y) + 1)
