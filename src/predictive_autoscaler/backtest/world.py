"""The simulated world: instances boot, serve, get hot, and are billed.

Capacity asked for at the start of a bin serves one boot time later and is billed at once;
capacity given up stops serving and being billed at once, the instances still booting first.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.types import FloatArray, Samples

OVERLOAD_SHARE = 1.4
"""Beyond this use of its capacity an instance refuses what comes on top."""
IDLE_RESPONSE_SECONDS = 0.08


@dataclass(frozen=True)
class Instances:
    """What an instance can do.

    Attributes:
        capacity: C, requests per interval within the latency objective.
        cpu_percent_at_capacity: CPU at that load.
    """

    capacity: float
    cpu_percent_at_capacity: float = 70.0


class Fleet:
    """The group's instances, stepped bin by bin: asked for, booting, serving.

    An instance serves in a bin if it has been wanted since `boot_bins` bins before and
    throughout, so what serves is the fewest wanted in that time.
    """

    def __init__(self, boot_bins: int, initial: int) -> None:
        self._recent = deque([initial] * boot_bins, maxlen=boot_bins + 1)
        self.asked: list[int] = []
        self.ready: list[int] = []

    def ask(self, desired: int) -> int:
        """Hold this capacity for the next bin; returns the instances that serve in it."""
        self._recent.append(desired)
        self.asked.append(desired)
        self.ready.append(min(self._recent))
        return self.ready[-1]


def serve(asked: FloatArray, boot_bins: int, initial: int) -> FloatArray:
    """Instances that serve in each bin, shape (bins,), given those asked for."""
    fleet = Fleet(boot_bins, initial)
    return np.array([fleet.ask(int(desired)) for desired in asked.tolist()], dtype=np.float64)


def measured(demand: float, ready: float, instances: Instances) -> dict[str, float]:
    """What a load balancer and a group would report about one bin."""
    ready = max(ready, 1.0)
    use = demand / (ready * instances.capacity)
    refused = max(0.0, demand - OVERLOAD_SHARE * ready * instances.capacity)
    cpu = min(100.0, instances.cpu_percent_at_capacity * use)
    # The delay of a queue: gentle until the capacity is reached, then steep.
    response = IDLE_RESPONSE_SECONDS * (1 + min(use, 3.0) ** 4)
    return {
        "requests": demand - refused,
        "refused": refused,
        "errors": 0.0,
        "response_time_seconds": response,
        "cpu_percent": cpu,
        "in_service": ready,
        "healthy_hosts": ready,
    }


def recorded_under(demand: Samples, ready: FloatArray, instances: Instances) -> Samples:
    """The metrics of a recording, had it been served by this many ready instances."""
    rows = [
        {} if math.isnan(requests) else measured(requests, served, instances)
        for requests, served in zip(demand.requests.tolist(), ready.tolist(), strict=True)
    ]
    names = ("requests", "refused", "errors", "response_time_seconds", "cpu_percent")
    columns = {
        name: np.array([row.get(name, math.nan) for row in rows])
        for name in (*names, "in_service", "healthy_hosts")
    }
    return Samples.of(demand.start, demand.interval_seconds, columns)
