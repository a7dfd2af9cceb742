"""Which of all alarms an operator of a group wants to hear of."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from predictive_autoscaler.ports import Alarm

_OF_POLICIES = "TargetTracking-"
"""How AWS names the alarms of target tracking policies."""


def of_a_policy(alarm: Alarm) -> bool:
    """Whether a target tracking policy acts on it. Such an alarm rings whenever the policy would
    scale, which is no fault.
    """
    return alarm.name.startswith(_OF_POLICIES)


def concerning(
    alarms: Iterable[Alarm], names: Collection[str], topic_arn: str | None
) -> list[Alarm]:
    """Those that are about one of these names, or that tell this topic, in the same order.

    Args:
        names: values of dimensions: group, load balancer, function.
        topic_arn: None: no topic is known.
    """
    wanted = set(names)
    return [
        alarm
        for alarm in alarms
        if topic_arn in alarm.actions or any(value in wanted for _, value in alarm.dimensions)
    ]
