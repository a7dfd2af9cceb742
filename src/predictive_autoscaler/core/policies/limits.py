"""Rules that bound the result."""

from __future__ import annotations

import math

from predictive_autoscaler.core.policies.base import PolicyContext


class StepLimit:
    """Scale-in goes by limited steps; scale-out goes at once."""

    name = "step limit"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        before = context.before_instances
        share = context.parameters.caution[context.rung].step_share
        most = max(1, math.floor(before * share))
        return max(capacity, before - most), f"at most {most} go in one step"


class GroupBounds:
    """The group's own minimum and maximum; AWS refuses what lies outside."""

    name = "bounds"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        bounds = context.group.bounds
        clamped = bounds.clamp(capacity)
        side = "minimum" if clamped > capacity else "maximum"
        return clamped, f"the group's {side} is {clamped}"
