"""What the report of a replayed day shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from predictive_autoscaler.core.explain import Explanation
from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.core.types import Decision, FloatArray


@dataclass(frozen=True, eq=False)
class MeasuredLatency:
    """What a load balancer measured of real requests.

    Attributes:
        p95_seconds: (bins,) 95th percentile of the response time; NaN where nothing was asked.
        p95_of_all: the same of the whole run, in seconds.
        requests: all that came; slow: that took longer than the objective, failed or found
            no instance; failed: of these the last two.
        instance_minutes: from launch until taken out of service, measured too.
        started: instances, all in all.
    """

    p95_seconds: FloatArray
    p95_of_all: float
    requests: int
    slow: int
    failed: int
    instance_minutes: float
    started: int

    @property
    def slow_share(self) -> float:
        """Of all requests."""
        return self.slow / self.requests if self.requests else 0.0


@dataclass(frozen=True, eq=False)
class PolicyRun:
    """One policy's day.

    Attributes:
        name: as in the table, for example "predictive" or "target tracking 70 %".
        asked: (bins,) instances asked for, which are billed.
        ready: (bins,) instances that served, at their fewest within the bin.
        latency: where the requests were real ones.
    """

    name: str
    asked: FloatArray
    ready: FloatArray
    score: ScalingScore
    latency: MeasuredLatency | None = None


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


def largest_change(decisions: Sequence[ExplainedDecision]) -> ExplainedDecision | None:
    """The decision that changed capacity the most, the earlier of equal ones; None if none did.

    Not the first, which also changes what the day began with.
    """

    def moved(one: ExplainedDecision) -> int:
        return abs(one.decision.after_instances - one.decision.before_instances)

    largest = max(decisions[1:], key=moved, default=None)
    return largest if largest is not None and moved(largest) else None


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
        objective_seconds: of the latency, where it was measured.
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
    objective_seconds: float | None = None
