"""Rules that make scaling in slower than scaling out, or hold it."""

from __future__ import annotations

from datetime import timedelta

from predictive_autoscaler.core.policies.base import PolicyContext


class ScaleInGrace:
    """Keeps the largest wish of the grace period, which is longer on lower rungs."""

    name = "scale-in grace"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        before = context.before_instances
        caution = context.parameters.caution[context.rung]
        since = context.now - timedelta(minutes=caution.grace_minutes)
        recent = [wish for moment, wish in context.state.wishes if moment > since]
        if capacity >= before or caution.grace_minutes == 0:
            return capacity, ""
        kept = min(before, max([capacity, *recent]))
        text = f"{kept} were needed within the last {caution.grace_minutes:g} minutes"
        if not recent:
            kept, text = before, "too little is remembered to scale in yet"
        return kept, text


class DataQuality:
    """Data that cannot be trusted hold capacity or raise it, never lower it."""

    name = "data quality"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        if context.doubt is None:
            return capacity, ""
        return max(capacity, context.before_instances), context.doubt


class BlockedGroup:
    """A refresh, a deletion or a suspended process: no scale-in meanwhile."""

    name = "group is busy"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        blocked = context.group.blocked_by
        if blocked is None:
            return capacity, ""
        return max(capacity, context.before_instances), blocked
