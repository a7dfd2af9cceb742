"""What a peer is given and what it answers, and the arithmetic that peers share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.features import DAY
from predictive_autoscaler.core.rolling import shift
from predictive_autoscaler.core.timegrid import carry_forward
from predictive_autoscaler.core.types import Bounds, FloatArray


@dataclass(frozen=True)
class Setting:
    """What every peer is given."""

    capacity_per_instance: float
    bounds: Bounds
    interval_seconds: int = 300
    boot_bins: int = 1

    def bins(self, seconds: int) -> int:
        """How many whole bins fit into this time, at least one."""
        return max(1, seconds // self.interval_seconds)

    def instances(self, requests: FloatArray, target_share: float = 1.0) -> FloatArray:
        """The fewest allowed instances that carry this demand at this use of each.

        Args:
            requests: any shape, per interval; NaN stays NaN.
        """
        needed = np.ceil(requests / (target_share * self.capacity_per_instance))
        return np.clip(needed, self.bounds.min_instances, self.bounds.max_instances)


@dataclass(frozen=True, eq=False)
class PeerContext:
    """A trace, and where the evaluation of it begins.

    Attributes:
        demand: (bins,) requests per control interval, the whole trace. A decision for bin
            `t` may read `demand[:t]` only.
        start: when bin 0 starts, aware UTC.
        first: the first evaluated bin.
        seed: of whatever is random.
    """

    demand: FloatArray
    start: datetime
    first: int
    setting: Setting
    seed: int = 1

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError(f"start must be an aware time, got {self.start!r}")
        if not 0 <= self.first <= len(self.demand):
            raise ValueError(f"first is {self.first}; allowed are 0 to {len(self.demand)}")

    @property
    def day_bins(self) -> int:
        return self.setting.bins(DAY)

    @cached_property
    def filled(self) -> FloatArray:
        """Demand with each absent bin given the last known value, (bins,); 0 before any."""
        return np.nan_to_num(carry_forward(self.demand, len(self.demand)))

    @cached_property
    def newest(self) -> FloatArray:
        """The newest demand known at the start of each bin, shape (bins,); 0 before any."""
        return shift(self.filled, 1, 0.0)

    @cached_property
    def seconds(self) -> NDArray[np.int64]:
        """Starts of the bins in seconds since 1970 UTC, shape (bins,)."""
        count = np.arange(len(self.demand), dtype=np.int64)
        return int(self.start.timestamp()) + self.setting.interval_seconds * count


class Peer(Protocol):
    """A policy to compare with."""

    @property
    def name(self) -> str:
        """As it stands in tables."""
        ...

    @property
    def sees_future(self) -> bool:
        """Whether it knows what nobody can, as a bound of what is possible."""
        ...

    def asked(self, context: PeerContext) -> FloatArray:
        """Capacity asked for at the start of each evaluated bin, shape (bins - first,)."""
        ...


def with_reactive(
    ahead: FloatArray, context: PeerContext, target_share: float, hold_seconds: int
) -> FloatArray:
    """Capacity out of a forecast, never below what the present demand takes.

    The larger of forecast and present demand is carried at `target_share` of use, so the
    reactive part has the same headroom. Nothing is given up before `hold_seconds` have
    passed in which nothing called for more: the stabilisation window of the Kubernetes
    Horizontal Pod Autoscaler, and the patience of AWS target tracking.

    Args:
        ahead: (bins - first,) largest demand forecast for the bins that a decision is for.
        target_share: the use of capacity to aim at, at most 1.

    Returns:
        Instances asked for, shape (bins - first,).
    """
    setting = context.setting
    larger = np.maximum(ahead, context.newest[context.first :])
    wished = setting.instances(larger, target_share)
    asked = wished
    for earlier in range(1, hold_seconds // setting.interval_seconds + 1):
        asked = np.maximum(asked, shift(wished, earlier, 0.0))
    return asked
