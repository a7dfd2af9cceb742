from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.alarms import CloudWatchAlarms
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.memory import MemoryAlarms
from predictive_autoscaler.errors import AccessDeniedError, ThrottledError
from predictive_autoscaler.ports import Alarm, AlarmSource
from tests.adapters.fakes import FakeClient, client_error, failing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


def put(aws: Clients, name: str, group: str, *, tells: bool = True) -> None:
    aws.cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=f"says {name}",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": group}],
        Statistic="Average",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=85.0,
        Period=60,
        EvaluationPeriods=3,
        ActionsEnabled=tells,
        AlarmActions=[TOPIC],
    )


def test_alarms_as_they_stand(aws: Clients) -> None:
    put(aws, "shop-cpu", "shop")
    put(aws, "shop-b", "shop")
    put(aws, "other-cpu", "other")
    aws.cloudwatch.set_alarm_state(
        AlarmName="shop-cpu", StateValue="ALARM", StateReason="three points above 85"
    )
    found = CloudWatchAlarms(aws.cloudwatch).read("shop-")
    assert [alarm.name for alarm in found] == ["shop-b", "shop-cpu"]
    ringing = found[1]
    assert (ringing.state, ringing.says) == ("ALARM", "says shop-cpu")
    assert ringing.reason == "three points above 85"
    assert ringing.dimensions == {("AutoScalingGroupName", "shop")}
    assert abs(ringing.since - datetime.now(UTC)).total_seconds() < 60
    assert ringing.tells
    assert ringing.actions == {TOPIC}
    assert len(CloudWatchAlarms(aws.cloudwatch).read(None)) == 3


def test_an_alarm_whose_actions_are_switched_off(aws: Clients) -> None:
    put(aws, "shop-cpu", "shop", tells=False)
    (found,) = CloudWatchAlarms(aws.cloudwatch).read(None)
    assert not found.tells
    assert found.actions == {TOPIC}


def metric_alarm(name: str, **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": "OK", "StateUpdatedTimestamp": NOON, **more}


def test_pages_composites_and_expressions() -> None:
    """What moto does not play."""
    query = {
        "MetricStat": {"Metric": {"Dimensions": [{"Name": "LoadBalancer", "Value": "app/a/1"}]}}
    }
    pages: list[dict[str, Any]] = [
        {
            "MetricAlarms": [metric_alarm("b", Metrics=[{"Expression": "1"}, query])],
            "NextToken": "more",
        },
        {
            "MetricAlarms": [metric_alarm("a", StateTransitionedTimestamp=NOON.replace(hour=3))],
            "CompositeAlarms": [metric_alarm("c")],
        },
    ]
    client: Any = FakeClient(lambda operation, arguments: pages.pop(0))
    found = CloudWatchAlarms(client).read("x")
    assert [(alarm.name, alarm.since.hour) for alarm in found] == [("a", 3), ("b", 12), ("c", 12)]
    assert found[1].dimensions == {("LoadBalancer", "app/a/1")}
    assert [call[1].get("NextToken") for call in client.calls] == [None, "more"]
    assert all(call[1]["AlarmNamePrefix"] == "x" for call in client.calls)
    assert all("CompositeAlarm" in call[1]["AlarmTypes"] for call in client.calls)


@pytest.mark.parametrize(
    ("code", "kind"), [("Throttling", ThrottledError), ("AccessDenied", AccessDeniedError)]
)
def test_errors_name_the_action(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="cloudwatch:DescribeAlarms on alarms shop-"):
        CloudWatchAlarms(failing(client_error(code))).read("shop-")


def test_the_fake_agrees() -> None:
    fake: AlarmSource = MemoryAlarms([Alarm("b-2", "OK", NOON), Alarm("b-1", "OK", NOON)])
    assert [alarm.name for alarm in fake.read("b")] == ["b-1", "b-2"]
    assert fake.read("a") == ()
    assert len(fake.read(None)) == 2
