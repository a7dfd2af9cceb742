"""Who sets the group's desired capacity in a rehearsal: the controller, or target tracking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.app.handover import NET_LOAD
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import Json, Samples, utc_text
from predictive_autoscaler.demo.local_aws import GROUP, LocalAws, put_metrics
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.rehearsal.course import RehearsalOptions


class Scaler(Protocol):
    """Looks at what was measured, and asks for capacity."""

    def see(self, start: datetime, measured: dict[str, float]) -> None:
        """Take what the balancer and the group have measured in the interval from `start` on."""
        ...

    def act(self, now: datetime) -> None:
        """Ask for capacity, at the begin of an interval."""
        ...


@dataclass
class Group:
    """The simulated group's capacity."""

    aws: LocalAws
    _client: Any = None

    def __post_init__(self) -> None:
        self._client = self.aws.client("autoscaling")

    @property
    def desired(self) -> int:
        """Instances asked for."""
        found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
        return int(found["AutoScalingGroups"][0]["DesiredCapacity"])

    def ask(self, instances: int) -> None:
        """Ask for this capacity."""
        self._client.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=instances)


@dataclass
class Controlled:
    """The real Lambda handler decides, above the net that its mode leaves to the group.

    Attributes:
        records: its decisions.
    """

    aws: LocalAws
    group: Group
    options: RehearsalOptions
    environment: dict[str, str]
    say: Callable[[str], None] = lambda line: None
    records: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._clock = FixedClock(self.options.time_of(0))
        self._application = Application(self.environment, self._clock, log=self.say)
        self._cloudwatch = self.aws.client("cloudwatch")
        self._demand = 0.0

    def see(self, start: datetime, measured: dict[str, float]) -> None:
        """As `Scaler` says: it goes to CloudWatch."""
        columns = {name: np.array([value]) for name, value in measured.items()}
        samples = Samples.of(start, self.options.interval_seconds, columns)
        put_metrics(self.aws, self._cloudwatch, samples)
        self._demand = measured["requests"] + measured["refused"]

    def act(self, now: datetime) -> None:
        """As `Scaler` says: first the net, then the handler."""
        desired = self.group.desired
        bounds = self.options.bounds
        net = TargetTracking(NET_LOAD, desired).step(
            self._demand, self.options.capacity, bounds, self.options.interval_seconds
        )
        if net.instances > desired:
            self.group.ask(net.instances)
        self._clock.set(now)
        self.records.append(self._application.handle({"time": utc_text(now)}))


@dataclass
class Tracked:
    """Target tracking alone, as AWS does it."""

    group: Group
    options: RehearsalOptions
    share: float
    instances: int

    def __post_init__(self) -> None:
        self._state = TargetTracking(self.share, self.instances)

    def see(self, start: datetime, measured: dict[str, float]) -> None:
        """As `Scaler` says."""
        self._state = self._state.step(
            measured["requests"] + measured["refused"],
            self.options.capacity,
            self.options.bounds,
            self.options.interval_seconds,
        )

    def act(self, now: datetime) -> None:
        """As `Scaler` says."""
        self.group.ask(self._state.instances)
