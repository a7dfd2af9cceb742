"""Policies to compare with. Each gives the capacity asked for at the start of every bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import Bounds, FloatArray


@dataclass(frozen=True)
class Setting:
    """What every peer is given."""

    capacity_per_instance: float
    bounds: Bounds
    interval_seconds: int = 300
    boot_bins: int = 1


def target_tracking(demand: FloatArray, setting: Setting, target_share: float) -> FloatArray:
    """AWS target tracking on use of capacity; it knows the bins before each decision."""
    first = np.nan_to_num(demand[:1])[0] if len(demand) else 0.0
    start = setting.bounds.clamp(instances_for(first, target_share * setting.capacity_per_instance))
    policy = TargetTracking(target_share, start)
    asked = np.empty(len(demand))
    for index in range(len(demand)):
        if index:
            policy = policy.step(
                float(demand[index - 1]),
                setting.capacity_per_instance,
                setting.bounds,
                setting.interval_seconds,
            )
        asked[index] = policy.instances
    return asked


def oracle(demand: FloatArray, setting: Setting) -> FloatArray:
    """The cheapest capacity that misses nothing, knowing the future.

    What a bin needs must have been asked for `boot_bins` earlier and kept, so each bin
    bills the largest need from itself to a boot ahead.
    """
    need = np.array(
        [
            setting.bounds.clamp(instances_for(value, setting.capacity_per_instance))
            for value in np.nan_to_num(demand).tolist()
        ],
        dtype=np.float64,
    )
    padded = np.concatenate([need, np.full(setting.boot_bins, need[-1] if len(need) else 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, setting.boot_bins + 1)
    largest: FloatArray = windows.max(axis=1)
    return largest
