"""The report of a replayed day as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.chart_data import (
    beyond_band,
    chart_data,
    missed_bins,
    script_json,
)
from predictive_autoscaler.report.numbers import (
    THIN,
    UNKNOWN,
    counted,
    difference,
    factor,
    grouped,
    hours,
    percent,
)
from predictive_autoscaler.report.replay import PolicyRun, ReplayReport
from predictive_autoscaler.report.verdict import oracle_of, rival_of, verdict

_PACKAGE = "predictive_autoscaler.report"
_TEMPLATE = "replay.html.j2"


@dataclass(frozen=True)
class Figure:
    """One big number.

    Attributes:
        label: what it is.
        value: the number as text.
        note: what it is to be compared with.
    """

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table, and whether it is the best of its column."""

    text: str
    best: bool = False


def write(report: ReplayReport, path: Path) -> None:
    """Write the page; an earlier one is replaced at once or not at all."""
    text = render(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def render(report: ReplayReport) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rival, oracle = rival_of(report), oracle_of(report)
    return environment.get_template(_TEMPLATE).render(
        report=report,
        verdict=verdict(report),
        figures=list(_figures(report, rival, oracle)),
        day=_period(report),
        interval=_duration(report.interval_seconds),
        capacity=grouped(report.capacity_per_instance),
        band_note=_band_note(report),
        runs=_run_rows(report, oracle),
        scores=[(name, _score_cells(score)) for name, score in report.model_scores.items()],
        css=Markup(_packaged("replay.css")),
        script=Markup(_packaged("replay.js")),
        plotly=Markup(get_plotlyjs()),
        data=Markup(script_json(chart_data(report))),
    )


def _packaged(name: str) -> str:
    return (resources.files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def _figures(
    report: ReplayReport, rival: PolicyRun | None, oracle: PolicyRun | None
) -> Iterator[Figure]:
    """The numbers at the top, ours with the rival's beneath."""
    if not report.runs:
        return
    ours, other = report.runs[0].score, rival.score if rival else None
    bins = int(missed_bins(report, report.runs[0]).sum())

    def beside(text: str) -> str:
        return f"{rival.name}: {text}" if rival else ""

    yield Figure("Requests missed", percent(ours.missed_share), _missed_note(ours, bins))
    yield Figure(
        "Instance-hours",
        hours(ours.instance_hours),
        beside(hours(other.instance_hours)) if other else "",
    )
    if rival and other:
        yield Figure(
            "Hours against " + rival.name,
            difference(ours.instance_hours, other.instance_hours),
            "less is cheaper",
        )
    yield Figure(
        "Cost against the oracle",
        _cost(ours, oracle),
        beside(_cost(other, oracle)) if other else "",
    )
    yield Figure(
        "Scaling actions", grouped(ours.actions), beside(grouped(other.actions)) if other else ""
    )


def _missed_note(score: ScalingScore, bins: int) -> str:
    return (
        f"{grouped(score.missed_requests)} of {grouped(score.total_requests)}, "
        f"in {counted(bins, 'interval')}"
    )


def _cost(score: ScalingScore, oracle: PolicyRun | None) -> str:
    if oracle is None or oracle.score.instance_hours <= 0:
        return UNKNOWN
    return factor(score.cost_against(oracle.score))


def _run_rows(report: ReplayReport, oracle: PolicyRun | None) -> list[tuple[str, str, list[Cell]]]:
    """Name, kind and cells of each run."""
    fair = [run.score for run in report.runs if run is not oracle]
    least_missed = _least([score.missed_requests for score in fair])
    least_hours = _least([score.instance_hours for score in fair])
    rows = []
    for index, run in enumerate(report.runs):
        score = run.score
        fewest = run is not oracle and score.missed_requests == least_missed
        cheapest = run is not oracle and score.instance_hours == least_hours
        cells = [
            Cell(percent(score.missed_share), fewest),
            Cell(grouped(score.missed_requests), fewest),
            Cell(hours(score.instance_hours), cheapest),
            Cell(_cost(score, oracle), cheapest),
            Cell(grouped(score.actions)),
        ]
        rows.append((run.name, "ours" if index == 0 else "", cells))
    return rows


def _least(values: Sequence[float]) -> float | None:
    """The least, if it stands out."""
    return min(values) if len(set(values)) > 1 else None


def _score_cells(score: Mapping[str, float] | None) -> list[str] | None:
    """WAPE, pinball loss and coverage; None where the predictor had no answer."""
    if score is None:
        return None
    return [
        percent(score.get("wape", math.nan)),
        grouped(score.get("pinball", math.nan), 3),
        percent(score.get("coverage", math.nan)),
    ]


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


def _period(report: ReplayReport) -> str:
    """From when to when."""
    if len(report.times) == 0:
        return "no time at all"
    first, last = report.times[0], report.times[-1]
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}"
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"


def _duration(seconds: int) -> str:
    if seconds % 60:
        return f"{seconds}{THIN}s"
    return f"{seconds // 60}{THIN}min"
