from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.function_calls import CloudWatchFunctionCalls
from predictive_autoscaler.adapters.memory import MemoryFunctionCalls
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.errors import AccessDeniedError
from predictive_autoscaler.ports import FunctionCalls, FunctionCallSource
from tests.adapters.fakes import client_error, failing

END = floor_to(datetime.now(UTC), timedelta(minutes=1))
START = END - timedelta(hours=1)
MADE = [
    (START - timedelta(minutes=5), 9.0, True),
    (START, 0.9, False),
    (START + timedelta(minutes=5), 1.25, True),
    (START + timedelta(minutes=10), 0.5, False),
]
EXPECTED = FunctionCalls(START, END, calls=3, errors=1, throttled=0, longest_seconds=1.25)


def written(aws: Clients) -> FunctionCallSource:
    for moment, seconds, failed in MADE:
        for name, value in (
            ("Invocations", 1.0),
            ("Errors", float(failed)),
            ("Duration", 1000 * seconds),
        ):
            aws.cloudwatch.put_metric_data(
                Namespace="AWS/Lambda",
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": "FunctionName", "Value": "controller"}],
                        "Timestamp": moment,
                        "Value": value,
                    }
                ],
            )
    return CloudWatchFunctionCalls(aws.cloudwatch)


def test_the_calls_of_an_hour(aws: Clients) -> None:
    source = written(aws)
    assert source.read("controller", START, END) == EXPECTED
    assert source.read("nobody", START, END) == FunctionCalls(START, END, 0, 0, 0, None)


def test_the_fake_agrees() -> None:
    source: FunctionCallSource = MemoryFunctionCalls({"controller": MADE})
    assert source.read("controller", START, END) == EXPECTED
    assert source.read("nobody", START, END) == FunctionCalls(START, END, 0, 0, 0, None)


def test_errors_name_the_action() -> None:
    with pytest.raises(AccessDeniedError, match="cloudwatch:GetMetricData on function 'f'"):
        CloudWatchFunctionCalls(failing(client_error("AccessDenied"))).read("f", START, END)
