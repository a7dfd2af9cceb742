"""What the page's own script draws from: everything in the report as compact JSON."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from predictive_autoscaler.core.types import Candidate
from predictive_autoscaler.report.missed import missed_bins
from predictive_autoscaler.report.numbers import grouped, percent
from predictive_autoscaler.report.replay import (
    ExplainedDecision,
    PolicyRun,
    ReplayReport,
    largest_change,
)
from predictive_autoscaler.report.roles import oracle_of, rival_of
from predictive_autoscaler.report.script_data import plain
from predictive_autoscaler.report.times import time_text


def chart_data(report: ReplayReport) -> dict[str, Any]:
    """The day and its decisions, as the script expects them."""
    ours = report.runs[0] if report.runs else None
    rival, oracle = rival_of(report.runs, ours), oracle_of(report.runs)
    return {
        "times": [time_text(moment) for moment in report.times],
        "seconds": report.interval_seconds,
        "demand": plain(report.demand),
        "needed": plain(report.needed),
        "band": {
            "lower": plain(report.band.lower),
            "median": plain(report.band.median),
            "upper": plain(report.band.upper),
        },
        "runs": [
            {
                "name": run.name,
                "role": _role(run, report, rival, oracle),
                "asked": plain(run.asked),
                "ready": plain(run.ready),
                "missed": np.flatnonzero(missed_bins(report, run)).tolist(),
                "p95": plain(run.latency.p95_seconds) if run.latency else None,
            }
            for run in report.runs
        ],
        "decisions": [
            {"bin": _bin_of(one.decision.slot, report.times)} | decision_data(one)
            for one in report.decisions
        ],
        "start": _where_to_look(report),
        "objective": report.objective_seconds,
    }


def beyond_band(report: ReplayReport) -> tuple[int, int, int]:
    """Bins with both demand and a forecast; of these, demand above and below the band."""
    band, demand = report.band, report.demand
    both = ~(np.isnan(demand) | np.isnan(band.lower) | np.isnan(band.upper))
    above, below = demand[both] > band.upper[both], demand[both] < band.lower[both]
    return int(both.sum()), int(above.sum()), int(below.sum())


def _role(
    run: PolicyRun, report: ReplayReport, rival: PolicyRun | None, oracle: PolicyRun | None
) -> str:
    if run is report.runs[0]:
        return "ours"
    if run is rival:
        return "rival"
    return "oracle" if run is oracle else "other"


def _where_to_look(report: ReplayReport) -> int:
    """The bin to explain first: ours' first miss, or else `largest_change`."""
    if not report.runs or len(report.times) == 0:
        return 0
    missed = np.flatnonzero(missed_bins(report, report.runs[0]))
    if len(missed):
        return int(missed[0])
    largest = largest_change(report.decisions)
    return (_bin_of(largest.decision.slot, report.times) or 0) if largest else 0


def _bin_of(slot: datetime, times: Sequence[datetime]) -> int | None:
    """The bin that a decision was made for; None before the first."""
    found = bisect.bisect_right(times, slot) - 1
    return found if found >= 0 else None


def decision_data(explained: ExplainedDecision) -> dict[str, Any]:
    """A decision with its words and tables, as the script expects it."""
    decision, words = explained.decision, explained.explanation
    return {
        "from": decision.before_instances,
        "to": decision.after_instances,
        "wish": decision.wish_instances,
        "head": words.headline,
        "text": list(words.paragraphs),
        "outcome": words.outcome,
        "candidates": [_candidate(candidate) for candidate in decision.candidates],
        "policies": [
            [reason.policy, reason.before_instances, reason.after_instances, reason.text]
            for reason in decision.reasons
        ],
        "quantiles": [
            [_probability(name), grouped(value)] for name, value in decision.quantiles.items()
        ],
    }


def _candidate(candidate: Candidate) -> list[Any]:
    """A row of the table of capacities; without a cost where nothing had a price."""
    cost = [] if candidate.cost is None else [grouped(candidate.cost, 2)]
    return [candidate.instances, percent(candidate.expected_missed_share), *cost]


def _probability(name: str) -> str:
    """A quantile's name in percent, where it is a number as it should be."""
    try:
        return f"{100 * float(name):g}\u202f%"
    except ValueError:
        return name
