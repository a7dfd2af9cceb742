"""Rules that bound the result."""

from __future__ import annotations

import math
from datetime import datetime

from predictive_autoscaler.core.policies.base import PolicyContext


class StepLimit:
    """Scale-in goes by limited steps; scale-out goes at once."""

    name = "step limit"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        before = context.before_instances
        share = context.parameters.caution[context.rung].step_share
        most = max(1, math.floor(before * share))
        return max(capacity, before - most), f"at most {most} go in one step"


class SpendingCap:
    """The money of the period is spent: nothing is added beyond what the traffic needs."""

    name = "spending cap"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        spending, prices = context.state.spending, context.parameters.prices
        if spending is None or prices is None or prices.cap_usd is None:
            return capacity, ""
        spent = spending.spent_usd(context.now, prices)
        if spent < prices.cap_usd:
            return capacity, ""
        most = max(context.floor_instances, context.before_instances)
        text = (
            f"{spent:.2f} USD of the {prices.period}'s {prices.cap_usd:.2f} are spent, so nothing "
            "is added beyond what the present traffic needs"
        )
        return min(capacity, most), text

    def until(self, capacity: int, context: PolicyContext) -> datetime | None:
        """When the next period begins."""
        prices = context.parameters.prices
        return prices.period_of(context.now)[1] if prices else None


class GroupBounds:
    """The group's own minimum and maximum; AWS refuses what lies outside."""

    name = "bounds"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        bounds = context.group.bounds
        clamped = bounds.clamp(capacity)
        side = "minimum" if clamped > capacity else "maximum"
        return clamped, f"the group's {side} is {clamped}"
