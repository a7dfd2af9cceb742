"""CloudWatch as a source of metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from predictive_autoscaler.adapters.aws.cloudwatch_calls import (
    MetricDimensions,
    Series,
    Window,
    plan_calls,
    series_of,
)
from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.core.types import FloatArray, Samples
from predictive_autoscaler.errors import AccessDeniedError, SourceError
from predictive_autoscaler.ports import MetricRequest

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        GetMetricDataInputTypeDef,
        MetricDataQueryTypeDef,
        MetricDataResultTypeDef,
    )


class CloudWatchMetricSource:
    """A MetricSource over GetMetricData.

    Args:
        dimensions: where to find each group's metrics.
        max_days_per_call: cut longer ranges into so many days; by default, a call takes what
            CloudWatch's limits allow. (moto is slow on long ranges.)
    """

    def __init__(
        self,
        client: CloudWatchClient,
        dimensions: Iterable[MetricDimensions],
        max_days_per_call: int | None = None,
    ) -> None:
        self._client = client
        self._series = {names.group: series_of(names) for names in dimensions}
        self._max_days = max_days_per_call

    def read(self, requests: Sequence[MetricRequest]) -> dict[str, Samples]:
        """As the port says. Requests for the same range and period share calls.

        Raises:
            SourceError: a group without dimensions; no metric could be read; or, as
                AccessDeniedError and ThrottledError, what these say.
        """
        wanted: dict[Window, list[Series]] = defaultdict(list)
        for request in requests:
            window = Window(request.start, request.end, request.period_seconds)
            wanted[window] += self._series_of(request.group)
        samples: dict[str, Samples] = {}
        for window, series in wanted.items():
            samples |= self._read(window, series)
        return samples

    def _series_of(self, group: str) -> list[Series]:
        if group not in self._series:
            raise SourceError(f"nobody has said where the metrics of group {group!r} are")
        return self._series[group]

    def _read(self, window: Window, series: Sequence[Series]) -> dict[str, Samples]:
        columns: dict[str, dict[str, FloatArray]] = defaultdict(dict)
        for one in series:
            columns[one.group][one.column] = np.full(window.bins, np.nan)
        if window.bins:
            for piece, some in plan_calls(window, series, self._max_days):
                for one, result in self._results(piece, some):
                    place(
                        result["Timestamps"],
                        result["Values"],
                        window,
                        columns[one.group][one.column],
                    )
        return {
            group: Samples.of(window.start, window.period_seconds, arrays)
            for group, arrays in columns.items()
        }

    def _results(
        self, piece: Window, series: Sequence[Series]
    ) -> Iterator[tuple[Series, MetricDataResultTypeDef]]:
        """What CloudWatch has, series by series and page by page.

        A series with an internal error is left out: its values are absent for now. Partial
        data is what it says, and the next page or a later read has the rest.
        """
        failed = answered = 0
        for result in self._pages(piece, series):
            one = series[int(result["Id"][1:])]
            status = result.get("StatusCode", "Complete")
            if status == "Forbidden":
                raise AccessDeniedError(
                    f"cloudwatch:GetMetricData answered Forbidden for {one.namespace} {one.name}; "
                    "let the role do cloudwatch:GetMetricData"
                )
            if status == "InternalError":
                failed += 1
                continue
            answered += 1
            yield one, result
        if failed and not answered:
            raise SourceError("cloudwatch:GetMetricData answered InternalError for every metric")

    def _pages(self, piece: Window, series: Sequence[Series]) -> Iterator[MetricDataResultTypeDef]:
        request: GetMetricDataInputTypeDef = {
            "MetricDataQueries": [
                _query(index, one, piece.period_seconds) for index, one in enumerate(series)
            ],
            "StartTime": piece.start,
            "EndTime": piece.end,
        }
        groups = sorted({one.group for one in series})
        about = f"group {groups[0]!r}" if len(groups) == 1 else f"{len(groups)} groups"
        while True:
            with aws_errors("cloudwatch", "GetMetricData", about):
                answer = self._client.get_metric_data(**request)
            yield from answer["MetricDataResults"]
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]


def _query(index: int, series: Series, period_seconds: int) -> MetricDataQueryTypeDef:
    return {
        "Id": f"m{index}",
        "MetricStat": {
            "Metric": {
                "Namespace": series.namespace,
                "MetricName": series.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
            },
            "Period": period_seconds,
            "Stat": series.statistic,
        },
    }


def place(
    timestamps: Sequence[datetime], values: Sequence[float], window: Window, column: FloatArray
) -> None:
    """Write values into the bins that their times fall into.

    Of two values for a bin the last one counts. Values out of range, negative or not finite
    are none of these metrics and are dropped.

    Args:
        column: shape (window.bins,), changed in place.
    """
    seconds = np.array([moment.timestamp() for moment in timestamps], dtype=np.float64)
    numbers = np.array(values, dtype=np.float64)
    index = np.floor((seconds - window.start.timestamp()) / window.period_seconds).astype(np.int64)
    good = (index >= 0) & (index < len(column)) & np.isfinite(numbers) & (numbers >= 0)
    column[index[good]] = numbers[good]
