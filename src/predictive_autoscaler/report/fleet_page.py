"""The report on a fleet's training as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictive_autoscaler.report.document import render_document, write_document
from predictive_autoscaler.report.fleet import HEIGHT, WIDTH, FleetReport, FleetRow, histogram
from predictive_autoscaler.report.judgement import Verdict
from predictive_autoscaler.report.numbers import UNKNOWN, counted, factor, grouped, percent
from predictive_autoscaler.report.tables import Figure

HEADINGS = (
    "State",
    "Rows",
    "WAPE",
    "Pinball loss",
    "Against the best baseline",
    "Coverage",
    "Skilled",
    "Seconds",
)
_WARNINGS = 5


@dataclass(frozen=True)
class Line:
    """A row of the table.

    Attributes:
        cells: text, and what the column is sorted by.
        words: what is said below the name.
    """

    name: str
    kind: str
    cells: Sequence[tuple[str, str | float]]
    published: str
    words: Sequence[str]


def write_fleet(report: FleetReport, path: Path) -> None:
    """Write the page; an earlier one is replaced at once or not at all."""
    write_document(render_fleet(report), path)


def render_fleet(report: FleetReport) -> str:
    """The page as text."""
    return render_document(
        "fleet.html.j2",
        ["common.css", "lab.css", "fleet.css"],
        ["common.js", "fleet.js"],
        {},
        with_plotly=False,
        title=report.title,
        subtitle=f"{counted(len(report.rows), 'group')}, trained side by side",
        warnings=_warnings(report),
        facts=report.facts,
        verdict=_verdict(report),
        figures=list(_figures(report)),
        picture=histogram([row.ratio for row in report.rows]),
        size=(WIDTH, HEIGHT),
        headings=HEADINGS,
        lines=[_line(row) for row in sorted(report.rows, key=_worst_first)],
    )


def _warnings(report: FleetReport) -> list[str]:
    """The first few failures; all of them are in the table."""
    failed = [f"{row.name}: {row.error}" for row in report.rows if row.error]
    more = len(failed) - _WARNINGS
    return failed[:_WARNINGS] + ([f"{grouped(more)} more, see the table"] if more > 0 else [])


def _worst_first(row: FleetRow) -> tuple[int, float, str]:
    """Failures, then the models by what they gain over the baselines, then the rest."""
    rank = 0 if row.error else 1 if row.skilled is not None else 2
    return rank, -row.ratio if math.isfinite(row.ratio) else 0.0, row.name


def _verdict(report: FleetReport) -> Verdict:
    models = [row for row in report.rows if row.skilled is not None]
    skilled, failed = sum(row.skilled is True for row in models), _failed(report)
    long = f"{grouped(skilled)} of {counted(len(models), 'model')} better than the baselines"
    if report.throughput:
        long += f"; {report.throughput}"
    if failed:
        return Verdict(f"{counted(failed, 'group')} failed", f"{long}.")
    return Verdict("All done" if skilled == len(models) else "Done, but not all help", f"{long}.")


def _failed(report: FleetReport) -> int:
    return sum(bool(row.error) for row in report.rows)


def _figures(report: FleetReport) -> Iterator[Figure]:
    models = [row for row in report.rows if row.skilled is not None]
    skilled = sum(row.skilled is True for row in models)
    ratios = [row.ratio for row in models if math.isfinite(row.ratio)]
    middle = float(np.median(ratios)) if ratios else math.nan
    yield Figure("Models", grouped(len(models)), f"of {counted(len(report.rows), 'group')}")
    yield Figure("Better than the baselines", grouped(skilled), f"of {grouped(len(models))}")
    yield Figure("Pinball loss, median", factor(middle), "of the best baseline’s; less is better")
    yield Figure(
        "Failed", grouped(_failed(report)), "first in the table" if _failed(report) else "none"
    )


def _line(row: FleetRow) -> Line:
    return Line(
        row.name,
        "failed" if row.error else "" if row.skilled is not False else "unskilled",
        [
            (row.state, row.state),
            (UNKNOWN if row.rows is None else grouped(row.rows), _key(row.rows)),
            (percent(row.wape), _key(row.wape)),
            (percent(row.pinball), _key(row.pinball)),
            (_against(row), _key(row.ratio)),
            (percent(row.coverage), _key(row.coverage)),
            ({True: "yes", False: "no", None: UNKNOWN}[row.skilled], _key(row.skilled)),
            (grouped(row.seconds, 1), _key(row.seconds)),
        ],
        row.published,
        [words for words in (row.error, row.note) if words],
    )


def _against(row: FleetRow) -> str:
    return f"{factor(row.ratio)} {row.baseline}" if math.isfinite(row.ratio) else UNKNOWN


def _key(value: float | None) -> float | str:
    """What is not known is sorted below everything else."""
    return value if value is not None and math.isfinite(value) else ""
