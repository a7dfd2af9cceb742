"""Demand and instances: how many it takes, and what one instance can carry."""

from __future__ import annotations

import math

import numpy as np

from predictive_autoscaler.core.quality import AssessedDemand
from predictive_autoscaler.core.types import FloatArray, Samples

MIN_LEARNING_BINS = 200
LEARNING_CPU_PERCENT = (20.0, 80.0)
DAILY_MOVE = 0.10
_SLOPE_POINTS = 400


def instances_for(demand_requests: float, capacity_per_instance: float) -> int:
    """The fewest instances that carry this demand at full use of each."""
    return math.ceil(demand_requests / capacity_per_instance)


def learn_capacity(
    samples: Samples, demand: AssessedDemand, objective_cpu_percent: float
) -> float | None:
    """The demand per interval at which an instance's CPU reaches its objective.

    A robust line (Theil, 1950; Sen, 1968: the median of the slopes between pairs of
    points) of CPU over requests per instance, from trusted bins with moderate CPU in
    which the number of instances did not change.

    Args:
        samples: metrics per control interval.
        demand: the same bins, assessed.
        objective_cpu_percent: the CPU at which the latency objective still holds.

    Returns:
        Requests per interval and instance; None where the evidence is too thin.
    """
    steady = np.zeros(len(samples), dtype=bool)
    steady[1:] = np.diff(samples.in_service) == 0
    low, high = LEARNING_CPU_PERCENT
    with np.errstate(invalid="ignore"):
        moderate = (samples.cpu_percent >= low) & (samples.cpu_percent <= high)
        usable = steady & moderate & demand.trusted & (samples.in_service > 0)
    if usable.sum() < MIN_LEARNING_BINS:
        return None
    load = demand.requests[usable] / samples.in_service[usable]
    line = _robust_line(load, samples.cpu_percent[usable])
    if line is None:
        return None
    slope, idle_cpu = line
    headroom = objective_cpu_percent - idle_cpu
    return headroom / slope if slope > 0 and headroom > 0 else None


def move_towards(current: float, learned: float, days: float) -> float:
    """Follow what was learned, by at most `DAILY_MOVE` per day."""
    most = math.pow(1 + DAILY_MOVE, days)
    return min(max(learned, current / most), current * most)


def _robust_line(x: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    """Slope and intercept; None if all x are the same."""
    order = np.argsort(x, kind="stable")
    picked = order[np.linspace(0, len(x) - 1, min(len(x), _SLOPE_POINTS)).astype(int)]
    x, y = x[picked], y[picked]
    first, second = np.triu_indices(len(x), k=1)
    apart = x[second] != x[first]
    if not apart.any():
        return None
    run = (x[second] - x[first])[apart]
    slope = float(np.median((y[second] - y[first])[apart] / run))
    return slope, float(np.median(y - slope * x))
