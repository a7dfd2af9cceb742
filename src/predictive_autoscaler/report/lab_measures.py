"""Cost and missed of many policies on many traces: points, front and means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.replay import PolicyRun
from predictive_autoscaler.report.roles import ORACLE, oracle_of, run_named


@dataclass(frozen=True)
class Point:
    """One policy: what it cost and what it missed. Less is better in both.

    Attributes:
        cost: billed hours over the oracle's.
        missed: share of the requests.
    """

    name: str
    cost: float
    missed: float

    @property
    def known(self) -> bool:
        """Whether it can be drawn at all."""
        return math.isfinite(self.cost) and math.isfinite(self.missed)


def pareto_front(points: Sequence[Point]) -> list[int]:
    """Which points no other beats, by rising cost.

    A point is beaten by one that is no worse in either measure and better in one. Points
    that are equal in both do not beat each other.
    """
    known = [index for index, point in enumerate(points) if point.known]
    front: list[int] = []
    for index in sorted(known, key=lambda i: (points[i].cost, points[i].missed)):
        point, last = points[index], points[front[-1]] if front else None
        equal = last is not None and (point.cost, point.missed) == (last.cost, last.missed)
        if last is None or equal or point.missed < last.missed:
            front.append(index)
    return front


def better_in_both(one: PolicyRun, other: PolicyRun) -> bool:
    """Whether one took fewer hours and missed less as well."""
    return (
        one.score.instance_hours < other.score.instance_hours
        and one.score.missed_share < other.score.missed_share
    )


def is_peer(name: str, ours: str) -> bool:
    """Whether a policy is neither the oracle nor ours, nor ours with an addition."""
    return name not in (ORACLE, ours) and not name.replace(" ", "").startswith(f"{ours}+")


def beaten_by(trace: LabTrace, ours: str) -> list[str]:
    """The peers that are better than ours in both measures at once."""
    mine = run_named(trace.runs, ours)
    if mine is None:
        return []
    return [run.name for run in trace.runs if is_peer(run.name, ours) and better_in_both(run, mine)]


def dominated_by(trace: LabTrace, ours: str) -> list[str]:
    """The peers that are no worse than ours in either measure, and better in one."""
    mine = run_named(trace.runs, ours)
    if mine is None:
        return []
    return [run.name for run in trace.runs if is_peer(run.name, ours) and _dominates(run, mine)]


def _dominates(one: PolicyRun, other: PolicyRun) -> bool:
    hours, missed = one.score.instance_hours, one.score.missed_share
    their_hours, their_missed = other.score.instance_hours, other.score.missed_share
    no_worse = hours <= their_hours and missed <= their_missed
    return no_worse and (hours < their_hours or missed < their_missed)


def cost(trace: LabTrace, run: PolicyRun) -> float:
    """Hours over the oracle's; NaN without an oracle that took any."""
    oracle = oracle_of(trace.runs)
    if oracle is None or oracle.score.instance_hours <= 0:
        return math.nan
    return run.score.cost_against(oracle.score)


def trace_points(trace: LabTrace) -> list[Point]:
    """A point for each policy of a trace."""
    return [Point(run.name, cost(trace, run), run.score.missed_share) for run in trace.runs]


def policy_names(report: LabReport) -> list[str]:
    """All policies, in the order in which they first appear, ours first."""
    names = dict.fromkeys(run.name for trace in report.traces for run in trace.runs)
    return sorted(names, key=lambda name: name != report.ours)


def mean_point(traces: Sequence[LabTrace], name: str) -> Point:
    """A policy over traces: geometric mean of cost, arithmetic mean of missed.

    NaN unless the policy ran on every one: means over different traces cannot be compared.
    """
    runs = [(trace, run_named(trace.runs, name)) for trace in traces]
    ran = [(trace, run) for trace, run in runs if run is not None]
    if not traces or len(ran) < len(traces):
        return Point(name, math.nan, math.nan)
    missed = float(np.mean([run.score.missed_share for _, run in ran]))
    return Point(name, geometric_mean(cost(trace, run) for trace, run in ran), missed)


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios; NaN if there is none, or one is not above 0."""
    numbers = list(values)
    if not numbers or not all(number > 0 for number in numbers):
        return math.nan
    return math.exp(sum(math.log(number) for number in numbers) / len(numbers))
