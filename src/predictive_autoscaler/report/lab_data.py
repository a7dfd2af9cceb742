"""What the lab page's script draws from: an overview of each trace, and its chosen days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from predictive_autoscaler.core.types import BoolArray, FloatArray
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_days import ChosenDay, choose_days
from predictive_autoscaler.report.missed import missed_bins
from predictive_autoscaler.report.replay import PolicyRun
from predictive_autoscaler.report.roles import ORACLE, rival_of, run_named
from predictive_autoscaler.report.script_data import plain
from predictive_autoscaler.report.times import time_text

_OVERVIEW_POINTS = 2600
_DIGITS = 4


def lab_data(report: LabReport) -> dict[str, Any]:
    """The traces, as the script expects them."""
    return {"traces": [trace_data(trace, report.ours) for trace in report.traces]}


def days_to_look_into(trace: LabTrace, ours: str) -> list[ChosenDay]:
    """The days that tell most about ours and the policy to beat."""
    telling = _telling(trace, ours)
    missed = {run.name: missed_bins(trace, run) for run in telling}
    return choose_days(trace.times, trace.demand, missed)


def trace_data(trace: LabTrace, ours: str) -> dict[str, Any]:
    """One trace: hours of all its time, bins of its chosen days."""
    mine = run_named(trace.runs, ours)
    rival = rival_of(trace.runs, mine, trace.rival)
    roles = {ours: "ours", ORACLE: "oracle", rival.name if rival else "": "rival"}
    return {
        "seconds": trace.interval_seconds,
        "runs": [{"name": run.name, "role": roles.get(run.name, "other")} for run in trace.runs],
        "overview": _overview(trace, _telling(trace, ours)),
        "days": [_day(trace, chosen, mine) for chosen in days_to_look_into(trace, ours)],
    }


def _telling(trace: LabTrace, ours: str) -> list[PolicyRun]:
    mine = run_named(trace.runs, ours)
    return [run for run in (mine, rival_of(trace.runs, mine, trace.rival)) if run is not None]


def _overview(trace: LabTrace, telling: Sequence[PolicyRun]) -> dict[str, Any]:
    """The largest of each hour, or of more if the trace is very long."""
    hour = max(1, 3600 // trace.interval_seconds)
    width = hour * max(1, math.ceil(len(trace.times) / hour / _OVERVIEW_POINTS))
    return {
        "seconds": width * trace.interval_seconds,
        "times": [time_text(moment)[:16] for moment in trace.times[::width]],
        "demand": plain(largest(_in_instances(trace), width), _DIGITS),
        "runs": [
            {
                "name": run.name,
                "asked": plain(largest(run.asked, width), _DIGITS),
                "missed": _places(largest(missed.astype(np.float64), width) > 0),
                "missed_intervals": int(missed.sum()),
            }
            for run, missed in ((run, missed_bins(trace, run)) for run in telling)
        ],
    }


def _day(trace: LabTrace, chosen: ChosenDay, mine: PolicyRun | None) -> dict[str, Any]:
    bins = chosen.day.bins
    return {
        "times": [time_text(moment) for moment in trace.times[bins]],
        "demand": plain(_in_instances(trace)[bins], _DIGITS),
        "asked": plain(mine.asked[bins], _DIGITS) if mine else None,
        "ready": [plain(run.ready[bins], _DIGITS) for run in trace.runs],
        "missed": [_places(missed_bins(trace, run)[bins]) for run in trace.runs],
    }


def _in_instances(trace: LabTrace) -> FloatArray:
    """How many instances demand would fill, with fractions."""
    filled: FloatArray = trace.demand / trace.capacity_per_instance
    return filled


def _places(flags: BoolArray) -> list[int]:
    places: list[int] = np.flatnonzero(flags).tolist()
    return places


def largest(values: FloatArray, width: int) -> FloatArray:
    """The largest known value of each stretch of `width` bins; NaN if none is known."""
    known = np.where(np.isnan(values), -np.inf, values)
    padded = np.concatenate([known, np.full(-len(values) % width, -np.inf)])
    found = padded.reshape(-1, width).max(axis=1)
    return np.where(np.isneginf(found), np.nan, found)
