"""The lab's report as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from predictive_autoscaler.report.document import render_document, write_document
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_data import days_to_look_into, lab_data
from predictive_autoscaler.report.lab_outlay import OutlayTable, outlay_tables
from predictive_autoscaler.report.lab_scatter import HEIGHT, WIDTH, panels
from predictive_autoscaler.report.lab_tables import (
    PolicyRow,
    forecast_groups,
    policy_rows,
    summary,
)
from predictive_autoscaler.report.lab_verdict import beaten_on, compare, lab_figures, lab_verdict
from predictive_autoscaler.report.numbers import counted, grouped
from predictive_autoscaler.report.times import duration, period


@dataclass(frozen=True)
class TraceSection:
    """What the page says about one trace.

    Attributes:
        lead: when, how long, and how much an instance carries.
        days: name and reason of each day to look into.
        forecasts: by horizon in minutes, each predictor's cells.
        forecast_notes: how they were scored.
        outlays: of other settings on the same traffic.
    """

    name: str
    lead: str
    notes: Sequence[str]
    days: Sequence[tuple[str, str]]
    policies: Sequence[PolicyRow]
    forecasts: Sequence[tuple[int, Sequence[tuple[str, Sequence[str] | None]]]]
    forecast_notes: Sequence[str]
    outlays: Sequence[OutlayTable]


def write_lab(report: LabReport, path: Path) -> None:
    """Write the page; an earlier one is replaced at once or not at all."""
    write_document(render_lab(report), path)


def render_lab(report: LabReport) -> str:
    """The page as text."""
    return render_document(
        "lab.html.j2",
        ["common.css", "lab.css"],
        ["common.js", "lab.js"],
        lab_data(report),
        title=report.title,
        subtitle=_subtitle(report),
        warnings=[f"{name} could not be replayed: {why}" for name, why in report.failed.items()],
        facts=report.facts,
        verdict=lab_verdict(report),
        figures=list(lab_figures(report)),
        beaten=beaten_on(report),
        ours=report.ours,
        rival=_rival_name(report),
        panels=panels(report),
        size=(WIDTH, HEIGHT),
        sections=[_section(trace, report.ours) for trace in report.traces],
        summary=summary(report),
    )


def _rival_name(report: LabReport) -> str:
    together = compare(report)
    return together.rival.name if together and together.rival else ""


def _subtitle(report: LabReport) -> str:
    policies = {run.name for trace in report.traces for run in trace.runs}
    return (
        f"{counted(len(report.traces), 'trace')}, "
        f"{grouped(len(policies))} {'policy' if len(policies) == 1 else 'policies'}, "
        "replayed bin by bin"
    )


def _section(trace: LabTrace, ours: str) -> TraceSection:
    days = [
        (f"{chosen.day.day:%a} {chosen.day.day.day} {chosen.day.day:%b %Y}", _why(chosen.reasons))
        for chosen in days_to_look_into(trace, ours)
    ]
    return TraceSection(
        trace.name,
        _lead(trace),
        trace.notes,
        days,
        list(policy_rows(trace, ours)),
        forecast_groups(trace),
        trace.forecast_notes,
        outlay_tables(trace),
    )


def _lead(trace: LabTrace) -> str:
    interval = duration(trace.interval_seconds)
    return (
        f"Judged: {period(trace.times)}, {counted(len(trace.times), 'interval')} of {interval}. "
        f"An instance carries {grouped(trace.capacity_per_instance, _decimals(trace))} requests "
        f"per {interval}."
    )


def _decimals(trace: LabTrace) -> int:
    return 0 if trace.capacity_per_instance >= 100 else 2


def _why(reasons: Sequence[str]) -> str:
    return "; ".join(reasons)
