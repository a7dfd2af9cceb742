"""A lab run as its report wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from predictive_autoscaler.backtest.lab import LabOptions, LabResult, LabTraffic, PolicyResult
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.replay import PolicyRun


def lab_report(
    result: LabResult,
    traffics: Sequence[LabTraffic],
    options: LabOptions,
    failed: Mapping[str, str],
) -> LabReport:
    """Everything on the page, from what the lab found."""
    bounds = options.bounds
    traces = [
        _trace(traffic, result.results[traffic.name])
        for traffic in traffics
        if result.results[traffic.name]
    ]
    return LabReport(
        title="Replayed traffic",
        traces=traces,
        failed=dict(failed),
        facts={
            "Boot time": f"{options.boot_minutes:g} minutes",
            "Interval": f"{options.interval_minutes} minutes",
            "Instances allowed": f"{bounds.min_instances} to {bounds.max_instances}",
            "Misses counted": "by the minute where known"
            if options.by_minute
            else "by the interval",
            "Seed": str(options.seed),
        },
    )


def _trace(traffic: LabTraffic, found: Sequence[PolicyResult]) -> LabTrace:
    capacity = traffic.setting.capacity_per_instance
    return LabTrace(
        name=traffic.name,
        times=traffic.times(),
        interval_seconds=traffic.setting.interval_seconds,
        capacity_per_instance=capacity,
        demand=traffic.evaluated,
        needed=np.ceil(np.nan_to_num(traffic.evaluated) / capacity),
        runs=[PolicyRun(one.policy, one.asked, one.ready, one.score) for one in found],
        elasticity={one.policy: one.elasticity for one in found},
    )
