"""CloudWatch as a source of metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from predictive_autoscaler.adapters.aws.cloudwatch_calls import (
    QUERIES_PER_CALL,
    MetricDimensions,
    Series,
    Window,
    plan_calls,
    series_of,
)
from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.core.types import FloatArray, Samples
from predictive_autoscaler.errors import (
    AccessDeniedError,
    AutoscalerError,
    RefusedRequestError,
    SourceError,
)
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
        self._max_days = max_days_per_call
        self.follow(dimensions)

    def follow(self, dimensions: Iterable[MetricDimensions]) -> None:
        """From now on these are the groups whose metrics can be found."""
        self._series = {names.group: series_of(names) for names in dimensions}

    def read(self, requests: Sequence[MetricRequest]) -> Mapping[str, Samples | AutoscalerError]:
        """As the port says. Requests for the same range and period share calls.

        Raises:
            SourceError: no metric could be read; or, as AccessDeniedError and
                ThrottledError, what these say.
        """
        wanted: dict[Window, list[str]] = defaultdict(list)
        answers: dict[str, Samples | AutoscalerError] = {}
        for request in requests:
            window = Window(request.start, request.end, request.period_seconds)
            if request.group in self._series:
                wanted[window].append(request.group)
            else:
                answers[request.group] = SourceError(
                    f"nobody has said where the metrics of group {request.group!r} are"
                )
        for window, groups in wanted.items():
            for some in self._batches(groups):
                answers |= self._read_apart(window, some)
        failures = [answer for answer in answers.values() if isinstance(answer, AutoscalerError)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return answers

    def _batches(self, groups: Sequence[str]) -> Iterator[list[str]]:
        """As many groups as fit into a call, so that a failed one is no loss to the others."""
        batch: list[str] = []
        queries = 0
        for group in groups:
            queries += len(self._series[group])
            if queries > QUERIES_PER_CALL:
                yield batch
                batch, queries = [], len(self._series[group])
            batch.append(group)
        yield batch

    def _read_apart(
        self, window: Window, groups: Sequence[str]
    ) -> dict[str, Samples | AutoscalerError]:
        """All groups that can be read, and why the others cannot.

        CloudWatch answers a call of many queries with one error if it dislikes one of them,
        so such a call is cut in half until the culprits are alone.
        """
        try:
            return dict(self._read(window, groups))
        except RefusedRequestError as error:
            if len(groups) == 1:
                return {groups[0]: error}
            half = len(groups) // 2
            first, second = groups[:half], groups[half:]
            return self._read_apart(window, first) | self._read_apart(window, second)
        except SourceError as error:
            return dict.fromkeys(groups, error)

    def _read(self, window: Window, groups: Sequence[str]) -> dict[str, Samples]:
        series = [one for group in groups for one in self._series[group]]
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
