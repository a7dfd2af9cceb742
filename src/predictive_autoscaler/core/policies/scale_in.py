"""Rules that make scaling in slower than scaling out, or hold it."""

from __future__ import annotations

from datetime import datetime, timedelta

from predictive_autoscaler.core.policies.base import PolicyContext
from predictive_autoscaler.core.types import utc_text


class ScaleInGrace:
    """Keeps the largest wish of the grace period, which is longer on lower rungs."""

    name = "scale-in grace"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        before = context.before_instances
        caution = context.parameters.caution[context.rung]
        if capacity >= before or caution.grace_minutes == 0:
            return capacity, ""
        interval = context.parameters.interval
        since, wishes = context.now - self._grace(context), context.state.wishes
        recent = [wish for moment, wish in wishes if moment > since]
        # One interval of slack: ticks do not fall on the very edge of the grace.
        if not recent or wishes[0][0] > since + interval:
            return before, "too little is remembered to scale in yet"
        kept = max(capacity, *recent)
        text = f"{kept} were needed within the last {caution.grace_minutes:g} minutes"
        return min(before, kept), text

    def until(self, capacity: int, context: PolicyContext) -> datetime | None:
        """When enough is remembered, and the last larger wish is old enough."""
        wishes, grace = context.state.wishes, self._grace(context)
        if not wishes:
            return None
        larger = [moment + grace for moment, wish in wishes if wish > capacity]
        return max([wishes[0][0] + grace - context.parameters.interval, *larger])

    def _grace(self, context: PolicyContext) -> timedelta:
        minutes = context.parameters.caution[context.rung].grace_minutes
        # The wish before this one always counts, where ticks are further apart than the grace.
        return max(timedelta(minutes=minutes), 1.5 * context.parameters.interval)


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


class OtherHands:
    """Somebody else has given the group more than we did: no scale-in for a while."""

    name = "other hands"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        until = context.state.held_until
        if until is None or context.now >= until:
            return capacity, ""
        text = f"{context.state.held_by} has added capacity; it stays until {utc_text(until)}"
        return max(capacity, context.before_instances), text

    def until(self, capacity: int, context: PolicyContext) -> datetime | None:
        """As it says itself."""
        return context.state.held_until


class TroubledShop:
    """Failing or very slow answers: an outage looks like low traffic, and is no reason to
    let instances go.
    """

    name = "shop in trouble"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        if context.trouble is None:
            return capacity, ""
        return max(capacity, context.before_instances), context.trouble
