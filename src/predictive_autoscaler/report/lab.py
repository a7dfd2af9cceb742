"""What the lab's report shows: many policies on many traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.core.scoring import Elasticity
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.report.replay import PolicyRun


@dataclass(frozen=True, eq=False)
class LabTrace:
    """One trace, replayed under several policies.

    Attributes:
        times: (bins,) aware UTC starts of the evaluated bins.
        demand: (bins,) requests per interval; NaN where the trace has none.
        needed: (bins,) instances that the demand takes at full use.
        runs: one per policy; `oracle` is the yardstick of cost.
        elasticity: SPEC metrics by policy.
        forecast_scores: by horizon in minutes, then by predictor: wape, pinball, coverage;
            None where a predictor had no answer.
        forecast_notes: how the forecasts were scored.
        outlays: what a range of settings would have taken, the present one marked.
        compared: settings side by side; the others are held against the first.
        notes: what a reader must know about this trace.
        rival: the run to beat, where it is not target tracking.
    """

    name: str
    times: Sequence[datetime]
    interval_seconds: int
    capacity_per_instance: float
    demand: FloatArray
    needed: FloatArray
    runs: Sequence[PolicyRun]
    elasticity: Mapping[str, Elasticity] = field(default_factory=dict)
    forecast_scores: Mapping[int, Mapping[str, Mapping[str, float] | None]] = field(
        default_factory=dict
    )
    forecast_notes: Sequence[str] = ()
    outlays: Sequence[Outlay] = ()
    compared: Sequence[Outlay] = ()
    notes: Sequence[str] = ()
    rival: str = ""


@dataclass(frozen=True, eq=False)
class LabReport:
    """Everything on the page.

    Attributes:
        failed: traces that could not be replayed, with the reason.
        facts: short label and value pairs: boot time, interval, seed, grain.
    """

    title: str
    traces: Sequence[LabTrace]
    failed: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    ours: str = "predictive"
