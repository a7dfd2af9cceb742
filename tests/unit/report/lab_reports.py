"""Small labs for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from predictive_autoscaler.core.scoring import ScalingScore, elasticity, score_scaling
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.replay import PolicyRun

CAPACITY = 100.0
START = datetime(2026, 3, 16, tzinfo=UTC)
OURS, RIVAL = "predictive", "target tracking 70 %"


def moments(bins: int) -> list[datetime]:
    return [START + index * timedelta(minutes=5) for index in range(bins)]


def waves(bins: int) -> FloatArray:
    """Days of which each is a little busier than the one before."""
    place = np.arange(bins)
    growth = 1 + 0.1 * (place // 288)
    demand: FloatArray = np.round(growth * (1500 - 900 * np.cos(2 * np.pi * place / 288)))
    return demand


def a_run(name: str, asked: FloatArray, demand: FloatArray) -> PolicyRun:
    return PolicyRun(name, asked, asked, score_scaling(demand, asked, asked, CAPACITY, 300))


def a_trace(name: str = "shop", bins: int = 3 * 288, **changed: Any) -> LabTrace:
    """Ours misses on the second day, the rival on the third."""
    demand = waves(bins)
    needed = np.ceil(demand / CAPACITY)
    ours, rival = needed + 1, needed + 4
    ours[300:303] -= 3
    rival[700] -= 9
    runs = [
        a_run(OURS, ours, demand),
        a_run("predictive+net", needed + 2, demand),
        a_run("target tracking 90 %", needed * 1.1 + 1, demand),
        a_run(RIVAL, rival, demand),
        a_run("static peak", np.full(bins, needed.max()), demand),
        a_run("oracle", needed, demand),
    ]
    trace = LabTrace(
        name=name,
        times=moments(bins),
        interval_seconds=300,
        capacity_per_instance=CAPACITY,
        demand=demand,
        needed=needed,
        runs=runs,
        elasticity={run.name: elasticity(needed, run.ready) for run in runs},
        forecast_scores={
            30: {"ours": {"wape": 0.09, "pinball": 0.05, "coverage": 0.9}, "MSTL": None},
            5: {"ours": {"wape": 0.07, "pinball": 0.04, "coverage": 0.91}, "MSTL": None},
        },
    )
    return replace(trace, **changed)


def a_lab(*traces: LabTrace, **changed: Any) -> LabReport:
    return replace(LabReport("A lab", traces or [a_trace("one"), a_trace("two")]), **changed)


def scored_trace(name: str, scores: Mapping[str, tuple[float, float]]) -> LabTrace:
    """A trace of which only hours and missed requests (of 10 000) matter."""
    one = np.ones(12)
    runs = [
        PolicyRun(policy, one, one, ScalingScore(missed, 10_000.0, spent, 10))
        for policy, (spent, missed) in scores.items()
    ]
    return LabTrace(name, moments(12), 300, CAPACITY, one, one, runs)
