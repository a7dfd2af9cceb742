from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.cloudwatch_sink import CloudWatchMetricSink
from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.errors import AccessDeniedError
from predictive_autoscaler.ports import MetricValue
from tests.adapters.examples import NOON
from tests.adapters.fakes import FakeClient, client_error, failing

HOUR = timedelta(hours=1)


def test_values_arrive_under_their_group(aws: Clients) -> None:
    sink = CloudWatchMetricSink(aws.cloudwatch, FixedClock(NOON), "Ours")
    sink.publish([MetricValue("web", "WantedCapacity", 4.0, NOON, "Count")])
    found = aws.cloudwatch.get_metric_statistics(
        Namespace="Ours",
        MetricName="WantedCapacity",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "web"}],
        StartTime=NOON,
        EndTime=NOON + HOUR,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert [(point["Maximum"], point["Unit"]) for point in found] == [(4.0, "Count")]


def sent(*values: MetricValue) -> list[list[dict[str, Any]]]:
    client: Any = FakeClient(lambda *_: {})
    CloudWatchMetricSink(client, FixedClock(NOON), "Ours").publish(values)
    return [arguments["MetricData"] for _, arguments in client.calls]


def test_a_thousand_values_go_into_a_call() -> None:
    value = MetricValue("web", "WantedCapacity", 4.0, NOON)
    assert [len(call) for call in sent(*[value] * 2001)] == [1000, 1000, 1]
    assert sent() == []


@pytest.mark.parametrize(
    ("age", "taken"),
    [(2 * HOUR, True), (2.1 * HOUR, False), (-13 * 24 * HOUR, True), (-15 * 24 * HOUR, False)],
)
def test_times_that_cloudwatch_refuses_are_left_out(age: timedelta, taken: bool) -> None:
    near, far = (MetricValue("web", "Forecast", 4.0, at) for at in (NOON, NOON + age))
    assert [len(call) for call in sent(near, far)] == [1 + taken]


def test_values_that_cloudwatch_refuses_are_left_out() -> None:
    values = [MetricValue("web", "Forecast", value, NOON) for value in (math.nan, math.inf, 1.0)]
    assert [[datum["Value"] for datum in call] for call in sent(*values)] == [[1.0]]


def test_a_denial_names_the_namespace() -> None:
    client = failing(client_error("AccessDenied"))
    sink = CloudWatchMetricSink(client, FixedClock(NOON), "Ours")
    with pytest.raises(AccessDeniedError, match="cloudwatch:PutMetricData on namespace 'Ours'"):
        sink.publish([MetricValue("web", "Forecast", 1.0, NOON)])
