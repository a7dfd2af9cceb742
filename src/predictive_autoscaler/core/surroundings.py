"""What stands around a controller on AWS, as `doctor` finds it. Frozen values without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from predictive_autoscaler.core.types import Bounds


@dataclass(frozen=True)
class Caller:
    """Whose credentials are in use."""

    arn: str
    account: str

    @property
    def partition(self) -> str:
        """aws, or aws-cn and the like: the second part of every ARN."""
        return self.arn.split(":")[1]


@dataclass(frozen=True)
class ClockReading:
    """The same moment by this computer's clock and by AWS's, aware UTC, to the second."""

    here: datetime
    aws: datetime

    @property
    def ahead_seconds(self) -> float:
        """How far this computer's clock is ahead."""
        return (self.here - self.aws).total_seconds()


@dataclass(frozen=True)
class Right:
    """An IAM action on one resource ("*" where the action knows none)."""

    action: str
    resource: str


@dataclass(frozen=True)
class Simulated:
    """What IAM says that a principal may do.

    Attributes:
        principal: the ARN of a user or a role.
        denied: the rights that it has not.
        allowed: those that it has.
    """

    principal: str
    denied: tuple[Right, ...]
    allowed: tuple[Right, ...]


@dataclass(frozen=True)
class ScalingGroup:
    """An Auto Scaling group.

    Attributes:
        arn: of the group.
        in_service: instances that are.
        status: of a group that is being deleted; else None.
        not_in_instances: why one unit of capacity is not one instance; None if it is.
        instance_types: all that it may start.
        spot: whether any of them may be Spot.
        collected_metrics: group metrics that AWS is asked to publish.
        target_groups: ends of their ARNs, targetgroup/NAME/ID.
    """

    name: str
    arn: str
    bounds: Bounds
    desired: int
    in_service: int
    status: str | None
    suspended: tuple[str, ...]
    not_in_instances: str | None
    instance_types: tuple[str, ...]
    spot: bool
    subnets: tuple[str, ...]
    collected_metrics: tuple[str, ...]
    target_groups: tuple[str, ...]


@dataclass(frozen=True)
class Activity:
    """One scaling activity: Successful, Failed, InProgress and so on."""

    status: str
    description: str
    message: str
    started: datetime


@dataclass(frozen=True)
class Refresh:
    """An instance refresh: Pending, InProgress, Successful, Failed and so on."""

    refresh_id: str
    status: str
    reason: str


@dataclass(frozen=True)
class Policy:
    """A scaling policy of any kind.

    Attributes:
        kind: TargetTrackingScaling, StepScaling, SimpleScaling or PredictiveScaling.
        acts: whether it changes capacity: enabled, and no mere forecast.
    """

    name: str
    kind: str
    acts: bool


@dataclass(frozen=True)
class ScheduledAction:
    """Capacity that is set by the calendar of the group itself."""

    name: str
    when: str


@dataclass(frozen=True)
class TargetGroup:
    """A target group and the load balancers that it hangs on, by the ends of their ARNs."""

    suffix: str
    load_balancers: tuple[str, ...]


@dataclass(frozen=True)
class ControllerFunction:
    """The Lambda function that runs the controller.

    Attributes:
        state: Active, Pending, Inactive or Failed; `update`: Successful, InProgress or Failed.
        reason: what AWS says about either; empty if nothing.
        reserved_concurrency: None is none.
    """

    name: str
    arn: str
    role: str
    state: str
    update: str
    reason: str
    runtime: str
    handler: str
    timeout_seconds: int
    memory_mb: int
    code_sha256: str
    modified: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """An EventBridge rule that targets the function.

    Attributes:
        schedule: cron(…) or rate(…); empty for one that waits for events.
        may_call: whether the function's own policy lets EventBridge call it for this rule; None
            if that may not be read.
    """

    name: str
    enabled: bool
    schedule: str
    may_call: bool | None


@dataclass(frozen=True)
class Topic:
    """A topic's subscribers: those who confirmed, and those who have not yet."""

    arn: str
    confirmed: int
    pending: int


@dataclass(frozen=True)
class Subnet:
    """A subnet and the addresses that are free in it."""

    subnet_id: str
    free_addresses: int


@dataclass(frozen=True)
class VcpuLimit:
    """How many vCPUs of one kind the account may run in this region at a time."""

    code: str
    name: str
    vcpus: float
