"""How well capacity followed demand: what was missed, what it cost, how often it moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.types import FloatArray


@dataclass(frozen=True)
class ScalingScore:
    """One policy on one stretch of traffic.

    Attributes:
        missed_share: requests that arrived while demand exceeded ready capacity, as a
            share of all.
        instance_hours: billed from the moment that capacity was asked for.
        actions: changes of the asked-for capacity.
    """

    missed_requests: float
    total_requests: float
    instance_hours: float
    actions: int

    @property
    def missed_share(self) -> float:
        return self.missed_requests / self.total_requests if self.total_requests > 0 else 0.0

    def cost_against(self, other: ScalingScore) -> float:
        """Our hours over the other's."""
        return self.instance_hours / other.instance_hours


def score_scaling(
    demand: FloatArray,
    billed: FloatArray,
    ready: FloatArray,
    capacity_per_instance: float,
    interval_seconds: int,
) -> ScalingScore:
    """Score a run. All arrays have shape (bins,).

    Args:
        demand: requests per interval; NaN counts as none.
        billed: instances asked for, mean over the bin.
        ready: instances that served, at their fewest within the bin.
        capacity_per_instance: requests per interval that one instance carries.
    """
    requests = np.nan_to_num(demand)
    missed = float(requests[requests > ready * capacity_per_instance].sum())
    return ScalingScore(
        missed_requests=missed,
        total_requests=float(requests.sum()),
        instance_hours=float(billed.sum()) * interval_seconds / 3600,
        actions=int(np.count_nonzero(np.diff(billed))),
    )


@dataclass(frozen=True)
class Elasticity:
    """The SPEC cloud group's elasticity metrics, in percent.

    Herbst, Kounev, Weber and Groenda, "BUNGEE: An Elasticity Benchmark for Self-Adaptive
    IaaS Cloud Environments", SEAMS 2015. Accuracy (theta) is the mean lack or excess
    relative to the demand; timeshare (tau) is how long there was any.
    """

    under_accuracy: float
    over_accuracy: float
    under_timeshare: float
    over_timeshare: float


def elasticity(demanded: FloatArray, supplied: FloatArray) -> Elasticity:
    """Elasticity of step curves sampled on an even grid, each of shape (points,).

    Args:
        demanded: instances needed, above 0.
        supplied: instances that served.
    """
    lack = np.maximum(demanded - supplied, 0.0)
    excess = np.maximum(supplied - demanded, 0.0)
    return Elasticity(
        under_accuracy=float(100 * (lack / demanded).mean()),
        over_accuracy=float(100 * (excess / demanded).mean()),
        under_timeshare=float(100 * (lack > 0).mean()),
        over_timeshare=float(100 * (excess > 0).mean()),
    )
