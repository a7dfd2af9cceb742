"""The report of a replayed day as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.chart_data import beyond_band, chart_data
from predictive_autoscaler.report.document import render_document, write_document
from predictive_autoscaler.report.missed import missed_bins
from predictive_autoscaler.report.numbers import counted, difference, grouped, hours, percent
from predictive_autoscaler.report.replay import MeasuredLatency, PolicyRun, ReplayReport
from predictive_autoscaler.report.roles import oracle_of, rival_of
from predictive_autoscaler.report.tables import Cell, Figure, cost_text, forecast_cells, least
from predictive_autoscaler.report.times import duration, period
from predictive_autoscaler.report.verdict import verdict

T = TypeVar("T")


def write(report: ReplayReport, path: Path) -> None:
    """Write the page; an earlier one is replaced at once or not at all."""
    write_document(render(report), path)


def render(report: ReplayReport) -> str:
    """The page as text."""
    ours = report.runs[0] if report.runs else None
    rival, oracle = rival_of(report.runs, ours), oracle_of(report.runs)
    return render_document(
        "replay.html.j2",
        ["common.css", "replay.css"],
        ["common.js", "why.js", "replay.js"],
        chart_data(report),
        title=report.title,
        subtitle=report.subtitle,
        warnings=report.notes,
        facts=report.facts,
        verdict=verdict(report),
        figures=list(_figures(report, rival, oracle)),
        day=period(report.times),
        interval=duration(report.interval_seconds),
        capacity=grouped(report.capacity_per_instance),
        band_note=_band_note(report),
        runs=_run_rows(report, oracle),
        latencies=list(_latency_rows(report)),
        objective=_seconds(report.objective_seconds),
        scores=[(name, forecast_cells(score)) for name, score in report.model_scores.items()],
    )


def _figures(
    report: ReplayReport, rival: PolicyRun | None, oracle: PolicyRun | None
) -> Iterator[Figure]:
    """The numbers at the top, ours with the rival's beneath."""
    if not report.runs:
        return
    if report.runs[0].latency:
        # What is reckoned of the same requests stands in a table below, and is called so.
        yield from _measured_figures(report.runs[0], rival)
        return
    ours, other = report.runs[0].score, rival.score if rival else None
    bins = int(missed_bins(report, report.runs[0]).sum())

    def figure(label: str, read: Callable[[ScalingScore], str]) -> Figure:
        return _compared(label, read, ours, other, rival)

    yield Figure("Requests missed", percent(ours.missed_share), _missed_note(ours, bins))
    yield figure("Instance-hours", lambda one: hours(one.instance_hours))
    if rival and other:
        yield _apart("Hours", ours.instance_hours, other.instance_hours, rival)
    yield figure("Cost against the oracle", lambda one: cost_text(one, oracle))
    yield figure("Scaling actions", lambda one: grouped(one.actions))


def _measured_figures(run: PolicyRun, rival: PolicyRun | None) -> Iterator[Figure]:
    """What was measured of every request and every instance."""
    ours, other = run.latency, rival.latency if rival else None
    assert ours is not None

    def figure(label: str, read: Callable[[MeasuredLatency], str]) -> Figure:
        return _compared(label, read, ours, other, rival)

    yield figure("Beyond the objective", lambda one: percent(one.slow_share))
    yield figure("Failed or refused", lambda one: grouped(one.failed))
    yield figure("95th percentile", lambda one: _seconds(one.p95_of_all))
    yield figure("Instance-minutes", lambda one: grouped(one.instance_minutes))
    if rival and other:
        yield _apart("Instance-minutes", ours.instance_minutes, other.instance_minutes, rival)
    theirs = rival.score if rival else None
    yield _compared("Scaling actions", lambda one: grouped(one.actions), run.score, theirs, rival)


def _compared(
    label: str, read: Callable[[T], str], ours: T, theirs: T | None, rival: PolicyRun | None
) -> Figure:
    """A number of ours, with the rival's beneath where there is one."""
    beneath = f"{rival.name}: {read(theirs)}" if rival and theirs is not None else ""
    return Figure(label, read(ours), beneath)


def _apart(what: str, ours: float, theirs: float, rival: PolicyRun) -> Figure:
    """How much more or less of what is paid for."""
    return Figure(f"{what} against {rival.name}", difference(ours, theirs), "less is cheaper")


def _missed_note(score: ScalingScore, bins: int) -> str:
    return (
        f"{grouped(score.missed_requests)} of {grouped(score.total_requests)}, "
        f"in {counted(bins, 'interval')}"
    )


def _run_rows(report: ReplayReport, oracle: PolicyRun | None) -> list[tuple[str, str, list[Cell]]]:
    """Name, kind and cells of each run."""
    fair = [run.score for run in report.runs if run is not oracle]
    least_missed = least([score.missed_requests for score in fair])
    least_hours = least([score.instance_hours for score in fair])
    rows = []
    for index, run in enumerate(report.runs):
        score = run.score
        fewest = run is not oracle and score.missed_requests == least_missed
        cheapest = run is not oracle and score.instance_hours == least_hours
        cells = [
            Cell(percent(score.missed_share), fewest),
            Cell(grouped(score.missed_requests), fewest),
            Cell(hours(score.instance_hours), cheapest),
            Cell(cost_text(score, oracle), cheapest),
            Cell(grouped(score.actions)),
        ]
        rows.append((run.name, "ours" if index == 0 else "", cells))
    return rows


def _latency_rows(report: ReplayReport) -> Iterator[tuple[str, str, list[Cell]]]:
    """Name, kind and cells of each run whose latency was measured."""
    found = [(run.name, run.latency) for run in report.runs if run.latency is not None]
    fewest = least([latency.slow_share for _, latency in found])
    cheapest = least([latency.instance_minutes for _, latency in found])
    for name, latency in found:
        kind = "ours" if name == report.runs[0].name else ""
        cells = [
            Cell(percent(latency.slow_share), latency.slow_share == fewest),
            Cell(grouped(latency.slow), latency.slow_share == fewest),
            Cell(grouped(latency.failed)),
            Cell(grouped(latency.requests)),
            Cell(_seconds(latency.p95_of_all)),
            Cell(grouped(latency.instance_minutes), latency.instance_minutes == cheapest),
            Cell(grouped(latency.started)),
        ]
        yield name, kind, cells


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _band_note(report: ReplayReport) -> str:
    """How the band held, counted."""
    bins, above, below = beyond_band(report)
    if bins == 0:
        return "There was no forecast to compare demand with on this day."
    return (
        f"Of {counted(bins, 'interval')} with a forecast, demand went above the band in "
        f"{grouped(above)} ({percent(above / bins)}) and below it in {grouped(below)} "
        f"({percent(below / bins)})."
    )
