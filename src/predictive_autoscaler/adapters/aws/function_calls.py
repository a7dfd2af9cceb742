"""How a Lambda function was called, as its own CloudWatch metrics tell."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.ports import FunctionCalls

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

NAMESPACE = "AWS/Lambda"
PERIOD_SECONDS = 60
_METRICS = (
    ("calls", "Invocations", "Sum"),
    ("errors", "Errors", "Sum"),
    ("throttled", "Throttles", "Sum"),
    ("longest", "Duration", "Maximum"),
)


class CloudWatchFunctionCalls:
    """A FunctionCallSource over GetMetricData: one call for up to a day."""

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client

    def read(self, function: str, start: datetime, end: datetime) -> FunctionCalls:
        """As the port says; a minute counts if it begins within the range."""
        with aws_errors("cloudwatch", "GetMetricData", f"function {function!r}"):
            answer = self._client.get_metric_data(
                MetricDataQueries=[_query(function, *metric) for metric in _METRICS],
                StartTime=start,
                EndTime=end,
            )
        values = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
        milliseconds = max(values.get("longest", ()), default=None)
        return FunctionCalls(
            start=start,
            end=end,
            calls=round(sum(values.get("calls", ()))),
            errors=round(sum(values.get("errors", ()))),
            throttled=round(sum(values.get("throttled", ()))),
            longest_seconds=None if milliseconds is None else milliseconds / 1000,
        )


def _query(function: str, key: str, name: str, statistic: str) -> MetricDataQueryTypeDef:
    return {
        "Id": key,
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": name,
                "Dimensions": [{"Name": "FunctionName", "Value": function}],
            },
            "Period": PERIOD_SECONDS,
            "Stat": statistic,
        },
    }
