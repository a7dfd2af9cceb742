"""Rules that demand a least capacity."""

from __future__ import annotations

from datetime import timedelta

from predictive_autoscaler.core.policies.base import PolicyContext


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
        lead = timedelta(minutes=context.parameters.boot_minutes) + context.parameters.interval
        active = [
            event for event in context.calendar if event.start - lead <= context.now < event.end
        ]
        if not active:
            return capacity, ""
        event = max(active, key=lambda candidate: candidate.min_instances)
        text = f"{event.name!r} is announced with at least {event.min_instances}"
        return max(capacity, event.min_instances), text
