"""CloudWatch as the place where our own metrics go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.ports import Clock, MetricValue

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StandardUnitType
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

VALUES_PER_CALL = 1000
_OLDEST, _NEWEST = timedelta(days=14), timedelta(hours=2)
"""How far from now CloudWatch takes values, backwards and forwards."""


class CloudWatchMetricSink:
    """A MetricSink over PutMetricData; each value carries its group's name as dimension,
    one about all groups together carries none.

    Args:
        clock: CloudWatch refuses values from more than two hours ahead or two weeks ago, and
            with them the whole call, so they are left out.
    """

    def __init__(self, client: CloudWatchClient, clock: Clock, namespace: str) -> None:
        self._client = client
        self._clock = clock
        self._namespace = namespace

    def publish(self, values: Sequence[MetricValue]) -> None:
        """As the port says; up to 1,000 values a call."""
        now = self._clock.now()
        data = [
            _datum(value)
            for value in values
            if math.isfinite(value.value) and now - _OLDEST <= value.at <= now + _NEWEST
        ]
        for first in range(0, len(data), VALUES_PER_CALL):
            with aws_errors("cloudwatch", "PutMetricData", f"namespace {self._namespace!r}"):
                self._client.put_metric_data(
                    Namespace=self._namespace, MetricData=data[first : first + VALUES_PER_CALL]
                )


def _datum(value: MetricValue) -> MetricDatumTypeDef:
    return {
        "MetricName": value.name,
        "Dimensions": _dimensions(value.group),
        "Timestamp": value.at,
        "Value": value.value,
        "Unit": cast("StandardUnitType", value.unit),
    }


def _dimensions(group: str | None) -> list[DimensionTypeDef]:
    return [] if group is None else [{"Name": "AutoScalingGroupName", "Value": group}]
