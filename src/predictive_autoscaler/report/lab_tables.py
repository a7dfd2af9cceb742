"""The rows of the lab's tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from predictive_autoscaler.core.scoring import Elasticity
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_measures import (
    beaten_by,
    cost,
    mean_point,
    pareto_front,
    policy_names,
    trace_points,
)
from predictive_autoscaler.report.numbers import factor, grouped, hours, percent
from predictive_autoscaler.report.replay import PolicyRun
from predictive_autoscaler.report.roles import ORACLE, oracle_of, run_named
from predictive_autoscaler.report.tables import Cell, cost_text, forecast_cells, least


@dataclass(frozen=True)
class PolicyRow:
    """A policy on one trace."""

    name: str
    kind: str
    on_front: bool
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Pair:
    """Cost and missed in one cell, and whether it is better than ours in both."""

    cost: str
    missed: str
    better: bool = False


@dataclass(frozen=True)
class Summary:
    """Policies by traces; a cell is None where a policy was not run."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Pair | None]]]


def policy_rows(trace: LabTrace, ours: str) -> Iterator[PolicyRow]:
    """All policies of a trace, in the order given."""
    fair = [run for run in trace.runs if run.name != ORACLE]
    fewest = least([run.score.missed_share for run in fair])
    cheapest = least([run.score.instance_hours for run in fair])
    points = [point for point in trace_points(trace) if point.name != ORACLE]
    front = {points[index].name for index in pareto_front(points)}
    oracle = oracle_of(trace.runs)
    for run in trace.runs:
        judged, score = run.name != ORACLE, run.score
        cells = [
            Cell(percent(score.missed_share), judged and score.missed_share == fewest),
            Cell(hours(score.instance_hours), judged and score.instance_hours == cheapest),
            Cell(cost_text(score, oracle), judged and score.instance_hours == cheapest),
            Cell(grouped(score.actions)),
            *_elasticity_cells(trace.elasticity.get(run.name)),
        ]
        yield PolicyRow(run.name, _kind(run.name, ours), run.name in front, cells)


def forecast_groups(trace: LabTrace) -> list[tuple[int, list[tuple[str, list[str] | None]]]]:
    """Horizons in minutes, with each predictor's cells."""
    return [
        (horizon, [(name, forecast_cells(score)) for name, score in scores.items()])
        for horizon, scores in sorted(trace.forecast_scores.items())
    ]


def summary(report: LabReport) -> Summary:
    """All policies on all traces, and their means where these can be compared."""
    several = len(report.traces) > 1
    beaten = [beaten_by(trace, report.ours) for trace in report.traces]
    rows = []
    for name in policy_names(report):
        pairs = [
            _pair(trace, run_named(trace.runs, name), name in better)
            for trace, better in zip(report.traces, beaten, strict=True)
        ]
        rows.append((name, _kind(name, report.ours), [*pairs, *_mean(report, name, several)]))
    names = [trace.name for trace in report.traces]
    return Summary([*names, *(["Mean"] if several else [])], rows)


def _mean(report: LabReport, name: str, several: bool) -> list[Pair | None]:
    if not several:
        return []
    point = mean_point(report.traces, name)
    if math.isnan(point.missed):
        return [None]
    return [Pair(factor(point.cost), percent(point.missed))]


def _pair(trace: LabTrace, run: PolicyRun | None, better: bool) -> Pair | None:
    if run is None:
        return None
    return Pair(factor(cost(trace, run)), percent(run.score.missed_share), better)


def _kind(name: str, ours: str) -> str:
    return "ours" if name == ours else ""


def _elasticity_cells(score: Elasticity | None) -> list[Cell]:
    values = (
        [math.nan] * 4
        if score is None
        else [
            score.under_accuracy,
            score.over_accuracy,
            score.under_timeshare,
            score.over_timeshare,
        ]
    )
    return [Cell(percent(value / 100)) for value in values]
