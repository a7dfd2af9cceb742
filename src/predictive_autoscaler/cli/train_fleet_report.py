"""One report on all groups: a table for machines, a page for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from predictive_autoscaler.app.fleet import GroupResult, State
from predictive_autoscaler.backtest.csv_files import write_rows
from predictive_autoscaler.core.types import Rung, utc_text
from predictive_autoscaler.report.fleet import FleetReport, FleetRow
from predictive_autoscaler.report.fleet_page import write_fleet

REPORT_NAME = "report.html"
SUMMARY_NAME = "summary.csv"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Totals:
    """What a run did, and what it took.

    Attributes:
        seconds: of the whole run, reading included.
        fit_cpu_seconds: of the workers, for what this run trained.
        own_cpu_seconds: of this process: reading, writing, publishing, and the fits if there
            are no workers beside it.
    """

    groups: int
    trained: int
    kept: int
    borrow: int
    failed: int
    better: int
    published: int
    seconds: float
    fit_cpu_seconds: float
    own_cpu_seconds: float

    @classmethod
    def of(cls, results: Sequence[GroupResult], seconds: float, own_cpu_seconds: float) -> Totals:
        """Count and add up."""
        states = [result.state for result in results]
        return cls(
            groups=len(results),
            trained=states.count(State.TRAINED),
            kept=states.count(State.KEPT),
            borrow=states.count(State.BORROWS),
            failed=sum(result.error is not None for result in results),
            better=sum(result.better for result in results),
            published=sum(result.published is not None for result in results),
            seconds=round(seconds, 3),
            fit_cpu_seconds=round(
                sum(one.cpu_seconds for one in results if one.state is State.TRAINED), 3
            ),
            own_cpu_seconds=round(own_cpu_seconds, 3),
        )

    @property
    def per_minute(self) -> float:
        """Groups that were trained in a minute of the run; 0 if none were."""
        return 60 * self.trained / self.seconds if self.seconds > 0 else 0.0

    @property
    def throughput(self) -> str:
        """The rate in words; empty if nothing was trained."""
        if not self.trained:
            return ""
        return (
            f"{self.trained} trained in {self.seconds:.1f} s, {self.per_minute:.1f} a minute; "
            f"{self.fit_cpu_seconds:.1f} s of CPU in fits, "
            f"{self.fit_cpu_seconds / self.trained:.2f} s each"
        )

    def lines(self) -> list[str]:
        """The summary for people."""
        told = [self.throughput] if self.throughput else []
        if self.kept:
            told.append(f"{self.kept} of {self.groups} kept from an earlier run")
        if self.borrow:
            told.append(f"{self.borrow} use another group's model")
        told.append(f"{self.better} of {self.trained + self.kept} better than the baselines")
        if self.published:
            told.append(f"{self.published} published")
        if self.failed:
            told.append(f"{self.failed} failed")
        return [f"{line}." for line in told]


def summary_rows(results: Sequence[GroupResult]) -> list[Row]:
    """A row for each group; empty where there is no model."""
    return [_row(result) for result in results]


def _row(result: GroupResult) -> Row:
    card = result.card
    scores = dict(card.scores) if card else {}
    ours = scores.pop(Rung.FOREST.value, None) or {}
    known = {name: score["pinball"] for name, score in scores.items() if score}
    best = min(known, key=lambda name: known[name], default=None)
    return {
        "group": result.name,
        "state": result.state.value,
        "rows": card.rows if card else None,
        "trained_from": utc_text(card.trained_from) if card else None,
        "trained_until": utc_text(card.trained_until) if card else None,
        "wape": ours.get("wape"),
        "pinball": ours.get("pinball"),
        "coverage": ours.get("coverage"),
        "best_baseline": best,
        "baseline_pinball": known[best] if best else None,
        "pinball_ratio": ours["pinball"] / known[best] if ours and best and known[best] else None,
        "better_than_baselines": result.better if card else None,
        "model_id": card.model_id if card else None,
        "published": result.published,
        "seconds": result.seconds if card else None,
        "cpu_seconds": round(result.cpu_seconds, 3) if card else None,
        "note": result.note or None,
        "error": result.error,
    }


def as_json(rows: Sequence[Row], totals: Totals) -> dict[str, Any]:
    """For machines."""
    return {
        "groups": list(rows),
        "totals": asdict(totals) | {"groups_per_minute": round(totals.per_minute, 1)},
    }


def write_report(folder: Path, rows: Sequence[Row], totals: Totals) -> Path:
    """Write summary.csv and report.html; returns the page's path."""
    write_rows(folder / SUMMARY_NAME, rows)
    report = FleetReport(
        "Training a fleet",
        [_report_row(row) for row in rows],
        totals.throughput,
        _facts(totals),
    )
    write_fleet(report, folder / REPORT_NAME)
    return folder / REPORT_NAME


def _report_row(row: Row) -> FleetRow:
    def number(name: str) -> float:
        return math.nan if row[name] is None else float(row[name])

    return FleetRow(
        name=row["group"],
        state=row["state"],
        rows=row["rows"],
        wape=number("wape"),
        pinball=number("pinball"),
        coverage=number("coverage"),
        baseline=row["best_baseline"] or "",
        ratio=number("pinball_ratio"),
        skilled=row["better_than_baselines"],
        published=row["published"] or "",
        seconds=number("seconds"),
        note=row["note"] or "",
        error=row["error"] or "",
    )


def _facts(totals: Totals) -> dict[str, str]:
    return {
        "Trained in this run": f"{totals.trained}",
        "Kept from an earlier run": f"{totals.kept}",
        "Use another group's model": f"{totals.borrow}",
        "Published": f"{totals.published}",
        "Seconds of this run": f"{totals.seconds:.1f}",
        "Groups a minute": f"{totals.per_minute:.1f}",
        "CPU in fits": f"{totals.fit_cpu_seconds:.1f} s",
        "CPU beside them": f"{totals.own_cpu_seconds:.1f} s",
    }
