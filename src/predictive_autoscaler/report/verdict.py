"""Whether ours did better, in one sentence that is the same whichever way it went."""

from __future__ import annotations

import math

from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.judgement import Verdict, compared, judgement
from predictive_autoscaler.report.numbers import grouped, hours, percent
from predictive_autoscaler.report.replay import MeasuredLatency, PolicyRun, ReplayReport
from predictive_autoscaler.report.roles import rival_of


def verdict(report: ReplayReport) -> Verdict:
    """Judge the first run by its misses and its hours, next to the run to beat."""
    if not report.runs:
        return Verdict("Nothing to judge", "no policy was run.")
    ours, rival = report.runs[0], rival_of(report.runs, report.runs[0])
    if ours.latency and rival and rival.latency:
        return _measured(ours.name, ours.latency, rival.name, rival.latency)
    if ours.score.total_requests <= 0:
        return _without_traffic(ours, rival)
    if rival is None:
        return Verdict("Nothing to compare with", f"{_figures(ours)}.")
    fewer_missed = compared(_missed_key(ours.score), _missed_key(rival.score))
    fewer_hours = compared(_hours_key(ours.score), _hours_key(rival.score))
    return Verdict(
        judgement(fewer_missed, fewer_hours),
        f"{_figures(ours)}; {rival.name} missed {percent(rival.score.missed_share)} "
        f"with {hours(rival.score.instance_hours)}.",
    )


def _measured(name: str, ours: MeasuredLatency, rival_name: str, rival: MeasuredLatency) -> Verdict:
    """By what was measured of every request."""
    chance = _within_chance(ours.slow, rival.slow)
    fewer_slow = 0 if chance else compared(_slow_key(ours), _slow_key(rival))
    fewer_minutes = compared(_minutes_key(ours), _minutes_key(rival))
    return Verdict(
        judgement(fewer_slow, fewer_minutes),
        f"{name} let {percent(ours.slow_share)} of requests take longer than the objective, with "
        f"{grouped(ours.instance_minutes)} instance-minutes; {rival_name} "
        f"{percent(rival.slow_share)} with {grouped(rival.instance_minutes)}."
        + (f" {grouped(ours.slow)} requests against {grouped(rival.slow)}: chance." * chance),
    )


def _within_chance(ours: int, theirs: int) -> bool:
    """Whether two counts of rare events differ by less than two standard deviations of their
    difference, which is the square root of their sum (Poisson).
    """
    return ours != theirs and abs(ours - theirs) <= 2 * math.sqrt(ours + theirs)


def _figures(run: PolicyRun) -> str:
    return (
        f"{run.name} missed {percent(run.score.missed_share)} of requests "
        f"with {hours(run.score.instance_hours)} instance-hours"
    )


def _without_traffic(ours: PolicyRun, rival: PolicyRun | None) -> Verdict:
    used = f"{ours.name} used {hours(ours.score.instance_hours)} instance-hours"
    short = "No request arrived, so only the cost can be judged"
    if rival is None:
        return Verdict(short, f"{used}.")
    return Verdict(short, f"{used}, {rival.name} {hours(rival.score.instance_hours)}.")


def _missed_key(score: ScalingScore) -> tuple[str, float]:
    return percent(score.missed_share), score.missed_share


def _slow_key(latency: MeasuredLatency) -> tuple[str, float]:
    return percent(latency.slow_share), latency.slow_share


def _minutes_key(latency: MeasuredLatency) -> tuple[str, float]:
    return grouped(latency.instance_minutes), latency.instance_minutes


def _hours_key(score: ScalingScore) -> tuple[str, float]:
    return hours(score.instance_hours), score.instance_hours
