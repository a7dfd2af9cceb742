"""Target tracking as AWS does it, one control interval at a time.

Used as a shadow (what would the ordinary policy have cost?) and as a peer in the lab.
Rules: Amazon EC2 Auto Scaling User Guide, "Target tracking scaling policies": scale out as
soon as the metric is above the target; scale in, more carefully, when it has stayed below
90 % of the target for 15 minutes; the new capacity brings the metric back to the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.types import Bounds

SCALE_IN_SHARE = 0.9
SCALE_IN_SECONDS = 900


@dataclass(frozen=True)
class TargetTracking:
    """A target-tracking policy and where it stands.

    Attributes:
        target_share: the utilisation it aims at, as a share of an instance's capacity.
        instances: its present capacity.
        low_bins: bins in a row with utilisation below 90 % of the target.
    """

    target_share: float
    instances: int
    low_bins: int = 0

    def step(
        self,
        demand_requests: float,
        capacity_per_instance: float,
        bounds: Bounds,
        interval_seconds: int,
    ) -> TargetTracking:
        """The policy after it has seen one more bin; an unknown demand changes nothing."""
        if math.isnan(demand_requests):
            return replace(self, low_bins=0)
        target = self.target_share * capacity_per_instance
        needed = bounds.clamp(instances_for(demand_requests, target))
        if needed > self.instances:
            return replace(self, instances=needed, low_bins=0)
        low = demand_requests < SCALE_IN_SHARE * target * self.instances
        low_bins = self.low_bins + 1 if low else 0
        if low_bins * interval_seconds >= SCALE_IN_SECONDS and needed < self.instances:
            # The next step in needs its own 15 minutes.
            return replace(self, instances=needed, low_bins=0)
        return replace(self, instances=bounds.clamp(self.instances), low_bins=low_bins)
