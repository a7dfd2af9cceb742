"""What the report of a replayed day shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from predictive_autoscaler.core.explain import Explanation
from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.core.types import Decision, FloatArray


@dataclass(frozen=True, eq=False)
class PolicyRun:
    """One policy's day.

    Attributes:
        name: as in the table, for example "predictive" or "target tracking 70 %".
        asked: (bins,) instances asked for, which are billed.
        ready: (bins,) instances that served, at their fewest within the bin.
    """

    name: str
    asked: FloatArray
    ready: FloatArray
    score: ScalingScore


@dataclass(frozen=True, eq=False)
class ForecastBand:
    """What was forecast for each bin by the last decision that could still act on it.

    Requests per interval, shape (bins,); NaN where there was no forecast.
    """

    lower: FloatArray
    median: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class ExplainedDecision:
    """A decision with its words, for hovering."""

    decision: Decision
    explanation: Explanation


@dataclass(frozen=True, eq=False)
class ReplayReport:
    """Everything on the page.

    Attributes:
        title, subtitle: what was replayed, and from where.
        times: (bins,) aware UTC starts of the bins.
        demand: (bins,) requests per interval.
        needed: (bins,) instances that the demand takes at full use.
        runs: policies; the first is ours, and one is named `oracle`.
        decisions: ours, a bin each, in order.
        model_scores: by predictor (forest, last value, seasonal), metric by name (wape,
            pinball, coverage) on held-back time, or None where it had no answer.
        facts: short label and value pairs: capacity per instance, boot time, model, seed.
        notes: sentences about the run that a reader must know (no model, odd data).
    """

    title: str
    subtitle: str
    times: Sequence[datetime]
    interval_seconds: int
    capacity_per_instance: float
    demand: FloatArray
    needed: FloatArray
    band: ForecastBand
    runs: Sequence[PolicyRun]
    decisions: Sequence[ExplainedDecision]
    model_scores: Mapping[str, Mapping[str, float] | None]
    facts: Mapping[str, str]
    notes: Sequence[str] = ()
