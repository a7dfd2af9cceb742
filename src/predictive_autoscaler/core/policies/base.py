"""What every policy sees and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.types import (
    CalendarEvent,
    GroupState,
    Quality,
    Reason,
    Rung,
)


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


def apply_policy(policy: Policy, capacity: int, context: PolicyContext) -> Reason:
    """Run one rule and write down what it did."""
    after, text = policy.apply(capacity, context)
    return Reason(policy.name, capacity, after, text if after != capacity else "")
