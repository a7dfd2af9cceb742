"""What many traces say together: one sentence and a few big numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from predictive_autoscaler.report.judgement import Verdict, compared, judgement
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_measures import (
    Point,
    beaten_by,
    dominated_by,
    geometric_mean,
    mean_point,
)
from predictive_autoscaler.report.numbers import counted, difference, factor, grouped, percent
from predictive_autoscaler.report.replay import PolicyRun
from predictive_autoscaler.report.roles import rival_of, run_named
from predictive_autoscaler.report.tables import Figure


@dataclass(frozen=True)
class Comparison:
    """Ours beside the policy to beat, on the traces that both ran on.

    Attributes:
        traces: the names of these; of all that ours ran on if there is nobody to beat.
        rival: None if there is nobody to beat.
        hours_ratio, actions_ratio: ours over the rival's, geometric means.
    """

    traces: Sequence[str]
    ours: Point
    rival: Point | None
    hours_ratio: float = math.nan
    actions_ratio: float = math.nan


def compare(report: LabReport) -> Comparison | None:
    """Ours beside the rival; None if ours ran nowhere."""
    mine = [(trace, run) for trace in report.traces if (run := run_named(trace.runs, report.ours))]
    if not mine:
        return None
    name = _rival_name([trace for trace, _ in mine], report.ours)
    pairs = [
        (trace, run, other) for trace, run in mine if (other := run_named(trace.runs, name or ""))
    ]
    if not name or not pairs:
        traces = [trace for trace, _ in mine]
        return Comparison([t.name for t in traces], mean_point(traces, report.ours), None)
    traces = [trace for trace, _, _ in pairs]
    return Comparison(
        [trace.name for trace in traces],
        mean_point(traces, report.ours),
        mean_point(traces, name),
        geometric_mean(_ratio(a.score.instance_hours, b.score.instance_hours) for _, a, b in pairs),
        geometric_mean(_ratio(a.score.actions, b.score.actions) for _, a, b in pairs),
    )


def lab_verdict(report: LabReport) -> Verdict:
    """Judge ours by its means, and say on how many traces a peer beats it outright."""
    together = compare(report)
    if together is None:
        return Verdict("Nothing to judge", f"{report.ours} ran on no trace.")
    where = f"over {counted(len(together.traces), 'trace')}"
    average = "on average" if len(together.traces) > 1 else ""
    mine = f"{together.ours.name} missed {_figures(together.ours, average)}"
    ending = f"{beaten_sentence(report)}."
    if together.rival is None:
        return Verdict("Nothing to compare with", f"{where}, {mine}; {ending}")
    rival = together.rival
    fewer = compared(
        (percent(together.ours.missed), together.ours.missed), (percent(rival.missed), rival.missed)
    )
    ratio = together.hours_ratio
    cheaper = compared((difference(ratio, 1), ratio), (difference(1, 1), 1.0))
    spent = "" if math.isfinite(rival.cost) else f", {difference(ratio, 1)} hours against it"
    return Verdict(
        judgement(fewer, cheaper),
        f"{where}, {mine}; {rival.name} {_figures(rival)}{spent}; {ending}",
    )


def beaten_sentence(report: LabReport) -> str:
    """On how many traces a peer is better in both measures at once."""
    lost, judged = beaten_on(report), _judged(report)
    if len(judged) == 1:
        return f"{'a' if lost else 'no'} peer is better in both at once"
    if not lost:
        return "on no trace is a peer better in both at once"
    return (
        f"on {grouped(len(lost))} of {grouped(len(judged))} traces a peer is better in both at once"
    )


def beaten_on(report: LabReport) -> list[tuple[str, list[str]]]:
    """The traces on which peers are better in both measures at once, with these."""
    pairs = [(trace.name, beaten_by(trace, report.ours)) for trace in report.traces]
    return [(name, peers) for name, peers in pairs if peers]


def lab_figures(report: LabReport) -> Iterator[Figure]:
    """The numbers at the top, ours with the rival's beneath."""
    together = compare(report)
    if together is None:
        return
    ours, rival = together.ours, together.rival

    def beside(text: str) -> str:
        return f"{rival.name}: {text}" if rival else ""

    several = len(together.traces) > 1
    words = "geometric mean; " if several else ""
    yield Figure(
        "Requests missed" + (", arithmetic mean" if several else ""),
        percent(ours.missed),
        beside(percent(rival.missed)) if rival else "",
    )
    if math.isfinite(ours.cost):
        yield Figure(
            "Cost against the oracle" + (", geometric mean" if several else ""),
            factor(ours.cost),
            beside(factor(rival.cost)) if rival else "",
        )
    if rival:
        yield Figure(
            f"Hours against {rival.name}",
            difference(together.hours_ratio, 1),
            f"{words}less is cheaper",
        )
    yield _beaten_figure(report)
    if rival:
        yield Figure(
            f"Actions against {rival.name}",
            difference(together.actions_ratio, 1),
            f"{words}less is calmer",
        )


def _beaten_figure(report: LabReport) -> Figure:
    """How often ours lost, and how often only a tie in one measure kept it from that."""
    judged = _judged(report)
    lost = sum(bool(beaten_by(trace, report.ours)) for trace in judged)
    no_better = sum(bool(dominated_by(trace, report.ours)) for trace in judged)
    more = f"; on {no_better - lost} more better in one, the same in the other"
    return Figure(
        "A peer is better in both",
        f"{lost} of {len(judged)}",
        ("trace" if len(judged) == 1 else "traces") + (more if no_better > lost else ""),
    )


def _judged(report: LabReport) -> list[LabTrace]:
    return [trace for trace in report.traces if run_named(trace.runs, report.ours)]


def _rival_name(traces: Sequence[LabTrace], ours: str) -> str | None:
    """The run to beat, looked for on all traces."""
    found: dict[str, PolicyRun] = {}
    for trace in traces:
        for run in trace.runs:
            found.setdefault(run.name, run)
    named = next((trace.rival for trace in traces if trace.rival), "")
    rival = rival_of(list(found.values()), found.get(ours), named)
    return rival.name if rival else None


def _figures(point: Point, words: str = "") -> str:
    """What a policy missed, and at which cost if that is known."""
    missed = f"{percent(point.missed)}{' ' if words else ''}{words}"
    if not math.isfinite(point.cost):
        return missed
    return f"{missed} at {factor(point.cost)} the oracle’s hours"


def _ratio(ours: float, theirs: float) -> float:
    return ours / theirs if theirs > 0 else math.nan
