"""What a measurement leaves behind: decisions, summary, report, tables."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from predictive_autoscaler.backtest.drawn import lab_report
from predictive_autoscaler.backtest.lab import (
    LabResult,
    known_policies,
    summary_rows,
    write_results,
)
from predictive_autoscaler.backtest.quality.aims import Aim, all_aims
from predictive_autoscaler.backtest.quality.figures import figures_of
from predictive_autoscaler.backtest.quality.plan import TRACES
from predictive_autoscaler.backtest.quality.run import WORLD, Measured
from predictive_autoscaler.backtest.quality.tables import long_tables, short_table
from predictive_autoscaler.report.lab_page import write_lab

SUMMARY, REPORT = "summary.csv", "report.html"
SHORT_TABLE, LONG_TABLES = "short.md", "quality.md"
MISSING = "missing.txt"
"""Names the recordings that the tables lack; empty if they are whole."""


def write_quality(measured: Measured, folder: Path) -> list[Aim]:
    """Write everything into the folder; returns the aims.

    The page has what `backtest --policies all` would have. `decisions.csv` and the summary
    have every variant; the summary at grain 5 and, where there are minutes, at 1.
    """
    by_interval, by_minute = measured.judged(5), measured.judged(1)
    write_results(by_interval, measured.traffics, folder)
    _write_summary(by_interval, by_minute, folder / SUMMARY)
    plain = _plain(by_interval)
    report = lab_report(plain, measured.traffics, WORLD, measured.failed)
    write_lab(report, folder / REPORT)
    figures, minutes = figures_of(by_interval), figures_of(by_minute)
    aims = all_aims(figures, minutes)
    _write(folder / SHORT_TABLE, short_table(figures))
    _write(folder / LONG_TABLES, long_tables(figures, minutes, aims))
    absent = [name for name in TRACES if name not in figures or name in measured.failed]
    _write(folder / MISSING, "".join(f"{name}\n" for name in absent))
    return aims


def _plain(result: LabResult) -> LabResult:
    known = known_policies()
    return LabResult(
        {
            trace: [one for one in found if one.policy in known]
            for trace, found in result.results.items()
        },
        result.failed,
    )


def _write_summary(by_interval: LabResult, by_minute: LabResult, path: Path) -> None:
    rows: Sequence[dict[str, str | float | int]] = [
        {"grain_minutes": grain, **row}
        for grain, result in ((5, by_interval), (1, by_minute))
        for row in summary_rows(result)
    ]
    unfinished = path.with_name(f"{path.name}.partial")
    with unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    unfinished.replace(path)


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.partial")
    unfinished.write_text(text)
    unfinished.replace(path)
