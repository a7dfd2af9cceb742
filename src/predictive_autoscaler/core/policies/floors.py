"""Rules that demand a least capacity."""

from __future__ import annotations

from datetime import datetime, timedelta

from predictive_autoscaler.core.policies.base import PolicyContext
from predictive_autoscaler.core.types import CalendarEvent


class ReactiveFloor:
    """Never fewer than the present traffic needs: a forecast can only add."""

    name = "reactive floor"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        floor = context.floor_instances
        return max(capacity, floor), f"the traffic of the newest interval alone needs {floor}"


class AnnouncedEvents:
    """The calendar: capacity that somebody asked for in advance, up when it begins."""

    name = "calendar"

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        active = self._active(context)
        if not active:
            return capacity, ""
        event = max(active, key=lambda candidate: candidate.min_instances)
        text = f"{event.name!r} is announced with at least {event.min_instances}"
        return max(capacity, event.min_instances), text

    def until(self, capacity: int, context: PolicyContext) -> datetime | None:
        """When the last of the events ends that ask for more."""
        ends = [one.end for one in self._active(context) if one.min_instances > capacity]
        return max(ends, default=None)

    def _active(self, context: PolicyContext) -> list[CalendarEvent]:
        lead = timedelta(minutes=context.parameters.boot_minutes) + context.parameters.interval
        return [
            event for event in context.calendar if event.start - lead <= context.now < event.end
        ]
