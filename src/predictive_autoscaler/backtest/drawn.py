"""A lab run as its report wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from predictive_autoscaler.backtest.forecast_run import NO_MSTL, by_horizon
from predictive_autoscaler.backtest.forecast_scores import MSTL, ForecastScores
from predictive_autoscaler.backtest.lab import LabOptions, LabResult, LabTraffic, PolicyResult
from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.replay import PolicyRun


@dataclass(frozen=True, eq=False)
class Extras:
    """What a run may have found beside the replays; all by trace name.

    Attributes:
        outlays: of a range of settings.
        compared: outlays of settings side by side, the first being what others are held to.
    """

    scores: Mapping[str, ForecastScores] = field(default_factory=dict)
    outlays: Mapping[str, Sequence[Outlay]] = field(default_factory=dict)
    compared: Mapping[str, Sequence[Outlay]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def lab_report(
    result: LabResult,
    traffics: Sequence[LabTraffic],
    options: LabOptions,
    failed: Mapping[str, str],
    extras: Extras | None = None,
) -> LabReport:
    """Everything on the page, from what the lab found."""
    bounds = options.bounds
    traces = [
        _with_extras(_trace(traffic, result.results[traffic.name]), extras or Extras(), options)
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


def _with_extras(trace: LabTrace, extras: Extras, options: LabOptions) -> LabTrace:
    name = trace.name
    compared = extras.compared.get(name, ())
    return replace(
        _with_scores(trace, extras.scores.get(name), options),
        outlays=extras.outlays.get(name, ()),
        compared=compared,
        notes=extras.notes.get(name, ()),
        rival=compared[0].name if len(compared) > 1 else "",
    )


def _with_scores(trace: LabTrace, scores: ForecastScores | None, options: LabOptions) -> LabTrace:
    if scores is None:
        return trace
    reach = ControlParameters(
        interval_seconds=options.interval_seconds,
        boot_minutes=options.boot_minutes,
        metric_delay_seconds=0,
    ).features.horizon_bins
    notes = [
        f"Forecasts are scored at {len(scores.origins)} origins. The control step looks "
        f"{reach * options.interval_minutes} minutes ahead; what lies beyond is the forecast of "
        "a second forest, trained the same way for the longest horizon. Both are trained anew "
        "every four days, on the metrics of a group under target tracking at 70 %."
    ]
    if MSTL not in scores.scores:
        notes.append(NO_MSTL)
    return replace(
        trace,
        forecast_scores=by_horizon(scores, options.interval_minutes),
        forecast_notes=notes,
    )
