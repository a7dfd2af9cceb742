"""Target tracking, which most groups on AWS run.

Source: Amazon EC2 Auto Scaling User Guide, "Target tracking scaling policies for Amazon
EC2 Auto Scaling"; the rules are in core/target_tracking.py. Tuning: 70 % of capacity is
the usual advice; 80 and 90 % are what people go to who want to save.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.backtest.peers.base import PeerContext, Setting
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import Bounds, FloatArray


def target_tracking(
    demand: FloatArray,
    setting: Setting,
    target_share: float,
    floor: FloatArray | None = None,
) -> FloatArray:
    """AWS target tracking on use of capacity; it knows the bins before each decision.

    Args:
        demand: (bins,) requests per interval; an absent bin changes nothing.
        target_share: the use of capacity that it aims at.
        floor: (bins,) fewest instances allowed in each bin, where something else raises
            them; within the bounds.

    Returns:
        Instances asked for at the start of each bin, shape (bins,).
    """
    bounds = setting.bounds
    begin = setting.instances(np.nan_to_num(demand[:1]), target_share)
    lowest = np.full(len(demand), bounds.min_instances) if floor is None else floor.astype(int)
    asked = np.empty(len(demand))
    policy = TargetTracking(target_share, int(begin[0]) if len(begin) else bounds.min_instances)
    known = [float("nan"), *demand[:-1].tolist()]
    for index, (newest, least) in enumerate(zip(known, lowest.tolist(), strict=False)):
        allowed = Bounds(least, bounds.max_instances)
        policy = policy.step(
            newest, setting.capacity_per_instance, allowed, setting.interval_seconds
        )
        # A bin without data moves no policy, but the floor holds all the same.
        asked[index] = max(policy.instances, least)
    return asked


@dataclass(frozen=True)
class Tracking:
    """Target tracking at one target."""

    name: str
    target_share: float
    sees_future: bool = False

    def asked(self, context: PeerContext) -> FloatArray:
        return target_tracking(context.demand, context.setting, self.target_share)[context.first :]
