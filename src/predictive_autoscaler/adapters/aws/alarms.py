"""CloudWatch alarms, as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.adapters.aws.paging import pages
from predictive_autoscaler.ports import Alarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        CompositeAlarmTypeDef,
        DescribeAlarmsInputTypeDef,
        DescribeAlarmsOutputTypeDef,
        DimensionTypeDef,
        MetricAlarmTypeDef,
    )

ALARMS_PER_PAGE = 100


class CloudWatchAlarms:
    """An AlarmSource over DescribeAlarms: a call for every 100 alarms."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read(self, prefix: str | None) -> tuple[Alarm, ...]:
        """As the port says."""
        return tuple(sorted(self._listed(prefix), key=lambda alarm: alarm.name))

    def _listed(self, prefix: str | None) -> Iterator[Alarm]:
        for page in pages(partial(self._page, prefix)):
            yield from _alarms(page)

    def _page(self, prefix: str | None, token: str | None) -> DescribeAlarmsOutputTypeDef:
        request: DescribeAlarmsInputTypeDef = {
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": ALARMS_PER_PAGE,
        }
        if prefix is not None:
            request["AlarmNamePrefix"] = prefix
        if token is not None:
            request["NextToken"] = token
        about = "all alarms" if prefix is None else f"alarms {prefix}*"
        with aws_errors("cloudwatch", "DescribeAlarms", about):
            return self._client.describe_alarms(**request)


def _alarms(answer: DescribeAlarmsOutputTypeDef) -> Iterator[Alarm]:
    for metric_alarm in answer.get("MetricAlarms", ()):
        yield _alarm(metric_alarm, frozenset(_dimensions(metric_alarm)))
    for composite in answer.get("CompositeAlarms", ()):
        yield _alarm(composite, frozenset())


def _alarm(
    found: MetricAlarmTypeDef | CompositeAlarmTypeDef, dimensions: frozenset[tuple[str, str]]
) -> Alarm:
    return Alarm(
        name=found.get("AlarmName", ""),
        state=found.get("StateValue", "INSUFFICIENT_DATA"),
        # The first is moved by every evaluation whose words differ, the second is not.
        since=found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"],
        says=found.get("AlarmDescription", ""),
        reason=found.get("StateReason", ""),
        dimensions=dimensions,
        tells=found.get("ActionsEnabled", True),
        actions=frozenset(found.get("AlarmActions", ())),
    )


def _dimensions(alarm: MetricAlarmTypeDef) -> Iterator[tuple[str, str]]:
    """Of the alarm's metric, or of all that its expression is made of."""
    yield from _pairs(alarm.get("Dimensions", ()))
    for query in alarm.get("Metrics", ()):
        yield from _pairs(query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ()))


def _pairs(dimensions: Iterable[DimensionTypeDef]) -> Iterator[tuple[str, str]]:
    return ((one["Name"], one["Value"]) for one in dimensions)
