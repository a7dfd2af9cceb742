"""What every policy sees and gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.types import (
    CalendarEvent,
    GroupState,
    Quality,
    Reason,
    Rung,
)
from predictive_autoscaler.core.why import Limit


@dataclass(frozen=True)
class PolicyContext:
    """The facts of one decision.

    Attributes:
        floor_instances: what the newest known demand needs at full use.
        wish_instances: what the forecast calls for; what we have where there is none.
        newest_quality: of the newest bin; `doubt` says what is wrong with it, if anything.
        trouble: what is wrong with the shop's answers of late, if anything.
    """

    now: datetime
    group: GroupState
    parameters: ControlParameters
    state: ControllerState
    rung: Rung
    floor_instances: int
    wish_instances: int
    newest_quality: Quality
    doubt: str | None
    trouble: str | None
    calendar: Sequence[CalendarEvent]

    @property
    def before_instances(self) -> int:
        return self.group.desired_instances


class Policy(Protocol):
    """One rule."""

    @property
    def name(self) -> str:
        """As it stands in records and explanations."""
        ...

    def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
        """The capacity after this rule, and the reason if it changed."""
        ...


@runtime_checkable
class Passing(Protocol):
    """A rule whose say ends by itself."""

    def until(self, capacity: int, context: PolicyContext) -> datetime | None:
        """When it will let the group have this capacity, if nothing new happens; None: unknown."""
        ...


def limits_around(
    capacity: int, policies: Sequence[Policy], context: PolicyContext
) -> Iterator[Limit]:
    """The rules that keep the group from one fewer or from one more than what was decided."""
    for policy in policies:
        for other in (capacity - 1, capacity + 1):
            kept, text = policy.apply(other, context)
            if (kept - other) * (capacity - other) <= 0:
                continue
            until = policy.until(other, context) if isinstance(policy, Passing) else None
            if other < capacity:
                yield Limit(policy.name, text, least_instances=kept, until=until)
            else:
                yield Limit(policy.name, text, most_instances=kept, until=until)


def apply_policy(policy: Policy, capacity: int, context: PolicyContext) -> Reason:
    """Run one rule and write down what it did."""
    after, text = policy.apply(capacity, context)
    return Reason(policy.name, capacity, after, text if after != capacity else "")
