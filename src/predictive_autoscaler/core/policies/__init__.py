"""Small rules between the forecast's wish and the group's capacity, in a written order.

Each takes the capacity so far and says what becomes of it and why. All of them only add
to what they are given, except the spending cap, which never takes what the present traffic
needs, and the bounds, which come last and are the group's own.
"""

from predictive_autoscaler.core.policies.base import Policy, PolicyContext
from predictive_autoscaler.core.policies.floors import AnnouncedEvents, ReactiveFloor
from predictive_autoscaler.core.policies.limits import GroupBounds, SpendingCap, StepLimit
from predictive_autoscaler.core.policies.scale_in import (
    BlockedGroup,
    DataQuality,
    OtherHands,
    ScaleInGrace,
    TroubledShop,
)

ORDERED_POLICIES: tuple[Policy, ...] = (
    ReactiveFloor(),
    AnnouncedEvents(),
    DataQuality(),
    TroubledShop(),
    BlockedGroup(),
    OtherHands(),
    ScaleInGrace(),
    StepLimit(),
    SpendingCap(),
    GroupBounds(),
)

__all__ = ["ORDERED_POLICIES", "Policy", "PolicyContext"]
