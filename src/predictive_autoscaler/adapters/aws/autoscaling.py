"""Auto Scaling groups: how they stand, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.adapters.aws.paging import pages
from predictive_autoscaler.core.types import HARMLESS_WHEN_SUSPENDED, Bounds, GroupState
from predictive_autoscaler.errors import GroupNotFoundError, SourceError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import (
        AutoScalingGroupsTypeTypeDef,
        AutoScalingGroupTypeDef,
    )

NAMES_PER_CALL = 100
ACTIVITIES = 5
_HANDS = (
    ("a user request", "a person"),
    ("scheduled action", "a schedule"),
    ("policy", "a scaling policy"),
)


class AutoScalingActuator:
    """An Actuator over EC2 Auto Scaling.

    Groups whose capacity is not a number of instances (weights, vCPUs, memory) are shown as
    blocked and not changed. An instance refresh is not looked up: that would be another call
    per group and tick.
    """

    def __init__(self, client: AutoScalingClient) -> None:
        self._client = client
        self._refused: dict[str, str | None] = {}

    def describe(self, groups: Sequence[str]) -> dict[str, GroupState]:
        """As the port says; one call for up to 100 groups."""
        states = {}
        for first in range(0, len(groups), NAMES_PER_CALL):
            for group in self._described(groups[first : first + NAMES_PER_CALL]):
                name = group["AutoScalingGroupName"]
                self._refused[name] = not_counted_in_instances(group)
                states[name] = _state(group)
        for name in set(groups) - states.keys():
            self._refused.pop(name, None)
        return states

    def changed_by(self, group: str) -> str | None:
        """As the port says, told by the cause of the newest activities."""
        with aws_errors("autoscaling", "DescribeScalingActivities", f"group {group!r}"):
            answer = self._client.describe_scaling_activities(
                AutoScalingGroupName=group, MaxRecords=ACTIVITIES
            )
        causes = (activity.get("Cause", "") for activity in answer["Activities"])
        return next(filter(None, map(_hand_in, causes)), None)

    def set_desired(self, group: str, instances: int) -> None:
        """As the port says. The group's cooldown is not waited for: the policies have their own."""
        if group not in self._refused and group not in self.describe([group]):
            raise GroupNotFoundError(f"there is no group {group!r}; check ASG_NAME and AWS_REGION")
        refusal = self._refused[group]
        if refusal is not None:
            raise SourceError(f"the capacity of group {group!r} is not set: it has {refusal}")
        with aws_errors("autoscaling", "SetDesiredCapacity", f"group {group!r}"):
            self._client.set_desired_capacity(
                AutoScalingGroupName=group, DesiredCapacity=instances, HonorCooldown=False
            )

    def _described(self, names: Sequence[str]) -> Iterator[AutoScalingGroupTypeDef]:
        for page in pages(partial(self._describe_page, names)):
            yield from page["AutoScalingGroups"]

    def _describe_page(
        self, names: Sequence[str], token: str | None
    ) -> AutoScalingGroupsTypeTypeDef:
        about = f"group {names[0]!r}" if len(names) == 1 else f"{len(names)} groups"
        with aws_errors("autoscaling", "DescribeAutoScalingGroups", about):
            if token is None:
                return self._client.describe_auto_scaling_groups(
                    AutoScalingGroupNames=names, MaxRecords=NAMES_PER_CALL
                )
            return self._client.describe_auto_scaling_groups(
                AutoScalingGroupNames=names, MaxRecords=NAMES_PER_CALL, NextToken=token
            )


def _hand_in(cause: str) -> str | None:
    """Who is behind an activity, by the words that EC2 Auto Scaling uses for its cause."""
    for words, hand in _HANDS:
        if words in cause:
            return hand
    return None


def _state(group: AutoScalingGroupTypeDef) -> GroupState:
    in_service = sum(
        instance["LifecycleState"] == "InService" for instance in group.get("Instances", ())
    )
    return GroupState(
        name=group["AutoScalingGroupName"],
        desired_instances=group["DesiredCapacity"],
        in_service_instances=in_service,
        bounds=Bounds(group["MinSize"], group["MaxSize"]),
        blocked_by="; ".join(_obstacles(group)) or None,
    )


_STOPPED = {
    "Launch": "without Launch it is not scaled out either",
    "AddToLoadBalancer": "without AddToLoadBalancer what is new serves nobody",
}
"""What a suspended process keeps from happening beside the scaling in."""


def _obstacles(group: AutoScalingGroupTypeDef) -> Iterator[str]:
    """Reasons, in words, not to scale the group in."""
    status = group.get("Status")
    if status:
        yield f"status: {status}"
    suspended = {process.get("ProcessName", "?") for process in group.get("SuspendedProcesses", ())}
    risky = sorted(suspended - HARMLESS_WHEN_SUSPENDED)
    if risky:
        yield f"suspended processes: {', '.join(risky)}"
    yield from (words for process, words in _STOPPED.items() if process in suspended)
    refusal = not_counted_in_instances(group)
    if refusal:
        yield refusal


def not_counted_in_instances(group: AutoScalingGroupTypeDef) -> str | None:
    """Why one unit of the group's capacity is not one instance; None if it is."""
    unit = group.get("DesiredCapacityType") or "units"
    if unit != "units":
        return f"capacity counted in {unit}"
    overrides = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", ())
    weights = {override.get("WeightedCapacity", "1") for override in overrides}
    if weights <= {"1"}:
        return None
    return f"weighted capacity ({', '.join(sorted(weights))})"
