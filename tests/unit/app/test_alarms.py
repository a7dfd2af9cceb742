from __future__ import annotations

from datetime import UTC, datetime

from predictive_autoscaler.app.alarms import concerning, of_a_policy
from predictive_autoscaler.ports import Alarm

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


def alarm(name: str, dimension: str, value: str, *actions: str) -> Alarm:
    dimensions = frozenset({(dimension, value)})
    return Alarm(name, "OK", NOON, dimensions=dimensions, actions=frozenset(actions))


ALARMS = (
    alarm("of others", "AutoScalingGroupName", "other", f"{TOPIC}-of-others"),
    alarm("of the topic", "QueueName", "failed", TOPIC),
    alarm("of the group", "AutoScalingGroupName", "web"),
)


def test_alarms_of_others_are_none_of_ours() -> None:
    assert concerning(ALARMS, ["web"], TOPIC) == [ALARMS[1], ALARMS[2]]
    assert concerning(ALARMS, ["web"], None) == [ALARMS[2]]
    assert concerning(ALARMS, [], None) == []


def test_the_alarms_of_target_tracking_are_known_by_their_names() -> None:
    assert of_a_policy(alarm("TargetTracking-web-AlarmLow-1", "AutoScalingGroupName", "web"))
    assert not of_a_policy(ALARMS[2])
