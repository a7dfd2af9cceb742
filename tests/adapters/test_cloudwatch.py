from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.cloudwatch import CloudWatchMetricSource, place
from predictive_autoscaler.adapters.aws.cloudwatch_calls import (
    POINTS_PER_CALL,
    QUERIES_PER_CALL,
    MetricDimensions,
    Window,
)
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import AccessDeniedError, SourceError, ThrottledError
from predictive_autoscaler.ports import MetricRequest
from tests.adapters.examples import NOON
from tests.adapters.fakes import FakeClient, client_error, failing

MINUTE = timedelta(minutes=1)
WEB = MetricDimensions("app/web/1", "targetgroup/web/2", "web")


def read(source: CloudWatchMetricSource, requests: Sequence[MetricRequest]) -> dict[str, Samples]:
    """What could be read of each group, which has to be all of them."""
    found = {}
    for group, answer in source.read(requests).items():
        assert isinstance(answer, Samples)
        found[group] = answer
    return found


def request(minutes: float, group: str = "web", start: datetime = NOON) -> MetricRequest:
    return MetricRequest(group, start, start + minutes * MINUTE, 60)


def put(
    aws: Clients, namespace: str, name: str, dimensions: dict[str, str], *values: float
) -> None:
    """Write values for the minutes from noon; a NaN is left out."""
    aws.cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                "Timestamp": NOON + minute * MINUTE,
                "Value": value,
            }
            for minute, value in enumerate(values)
            if not np.isnan(value)
        ],
    )


def test_every_column_comes_from_its_metric(aws: Clients) -> None:
    balancer = {"LoadBalancer": "app/web/1"}
    group = {"AutoScalingGroupName": "web"}
    hosts = {"TargetGroup": "targetgroup/web/2", **balancer}
    elb = "AWS/ApplicationELB"
    put(aws, elb, "RequestCount", balancer, 100, np.nan, 120)
    put(aws, elb, "RequestCount", balancer, 50)
    put(aws, elb, "RequestCount", {"LoadBalancer": "app/other/1"}, 9999, 9999, 9999)
    put(aws, elb, "HTTPCode_ELB_503_Count", balancer, 0, 2, 3)
    put(aws, elb, "HTTPCode_ELB_503_Count", balancer, 1)
    put(aws, elb, "HTTPCode_Target_5XX_Count", balancer, 1, np.nan, 5)
    put(aws, elb, "HTTPCode_Target_5XX_Count", balancer, 3)
    put(aws, elb, "TargetResponseTime", balancer, 0.125, np.nan, 0.5)
    put(aws, elb, "TargetResponseTime", balancer, 0.375)
    put(aws, elb, "HealthyHostCount", hosts, 1, 2, 3)
    put(aws, elb, "HealthyHostCount", hosts, 3)
    put(aws, "AWS/EC2", "CPUUtilization", group, 40, 60, 50)
    put(aws, "AWS/EC2", "CPUUtilization", group, 60)
    put(aws, "AWS/AutoScaling", "GroupInServiceInstances", group, 2, 3, 4)
    put(aws, "AWS/AutoScaling", "GroupInServiceInstances", group, 4)
    source = CloudWatchMetricSource(aws.cloudwatch, [WEB])
    samples = read(source, [request(4)])["web"]
    absent = np.nan
    expected = {
        "requests": [150, absent, 120, absent],
        "refused": [1, 2, 3, absent],
        "errors": [4, absent, 5, absent],
        "response_time_seconds": [0.25, absent, 0.5, absent],
        "cpu_percent": [50, 60, 50, absent],
        "in_service": [3, 3, 4, absent],
        "healthy_hosts": [2, 2, 3, absent],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(samples.column(name), values, err_msg=name)
    assert samples.coverage.tolist() == [1, 0, 1, 0]
    assert (samples.start, samples.end) == (NOON, NOON + 4 * MINUTE)


class Recorded:
    """GetMetricData's own behaviour in small: one value per bin, limits that it holds us to."""

    def __init__(self, pages: int = 1) -> None:
        self.pages = pages

    def __call__(self, operation: str, arguments: dict[str, Any]) -> Any:
        assert operation == "get_metric_data"
        start, end = arguments["StartTime"], arguments["EndTime"]
        queries = arguments["MetricDataQueries"]
        period = timedelta(seconds=queries[0]["MetricStat"]["Period"])
        times = [start + n * period for n in range((end - start) // period)]
        assert len(queries) <= QUERIES_PER_CALL
        assert len(queries) * len(times) <= POINTS_PER_CALL
        page = int(arguments.get("NextToken", 0))
        mine = times[page :: self.pages]
        minutes = [(moment - NOON) / MINUTE for moment in mine]
        results = [
            {
                "Id": query["Id"],
                "Timestamps": mine,
                "Values": (self.base(query) + np.array(minutes)).tolist(),
                "StatusCode": "Complete" if page + 1 == self.pages else "PartialData",
            }
            for query in queries
        ]
        answer: dict[str, Any] = {"MetricDataResults": results}
        return answer | ({"NextToken": str(page + 1)} if page + 1 < self.pages else {})

    @staticmethod
    def base(query: dict[str, Any]) -> float:
        """What tells one group's values from another's."""
        dimensions = query["MetricStat"]["Metric"]["Dimensions"]
        number = int(dimensions[-1]["Value"].rpartition("web")[2].split("/")[0] or 0)
        return 1_000_000.0 * number


def many(groups: int) -> list[MetricDimensions]:
    return [MetricDimensions(f"app/web{n}/1", None, f"web{n}") for n in range(groups)]


def test_a_warm_tick_is_one_call() -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, [WEB], max_days_per_call=1)
    late = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
    for minutes in (5, 20):
        client.calls.clear()
        read(source, [request(minutes, start=late)])
        assert len(client.calls) == 1
        assert len(client.calls[0][1]["MetricDataQueries"]) == 7


def test_groups_share_calls_up_to_the_limit_of_queries() -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, many(100))
    found = read(source, [request(20, f"web{n}") for n in range(100)])
    assert len(client.calls) == 2
    for number in range(100):
        samples = found[f"web{number}"]
        expected = 1_000_000 * number + np.arange(20.0)
        np.testing.assert_array_equal(samples.requests, expected)
        np.testing.assert_array_equal(samples.cpu_percent, expected)
        assert np.isnan(samples.healthy_hosts).all()


def test_different_ranges_do_not_share_calls() -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, many(2))
    found = read(source, [request(5, "web0"), request(10, "web1")])
    assert len(client.calls) == 2
    assert [len(found[name]) for name in ("web0", "web1")] == [5, 10]


@pytest.mark.parametrize(("max_days", "calls"), [(None, 2), (1, 15), (100, 2)])
def test_long_ranges_are_cut_into_whole_days(max_days: int | None, calls: int) -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, [WEB], max_days)
    minutes = 14 * 1440 + 100
    samples = read(source, [request(minutes)])["web"]
    np.testing.assert_array_equal(samples.requests, np.arange(float(minutes)))
    assert len(client.calls) == calls
    starts = [arguments["StartTime"] for _, arguments in client.calls]
    assert all((start - NOON) % timedelta(days=1) == timedelta(0) for start in starts)


@pytest.mark.parametrize(("groups", "days"), [(3, 14), (30, 2), (75, 1)])
def test_many_groups_over_long_ranges_hold_the_limits(groups: int, days: int) -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, many(groups))
    found = read(source, [request(days * 1440, f"web{n}") for n in range(groups)])
    expected = np.arange(days * 1440.0)
    for number in range(groups):
        column = found[f"web{number}"].in_service
        np.testing.assert_array_equal(column, 1_000_000 * number + expected)


def test_pages_are_followed() -> None:
    client: Any = FakeClient(Recorded(pages=3))
    samples = read(CloudWatchMetricSource(client, [WEB]), [request(20)])["web"]
    np.testing.assert_array_equal(samples.requests, np.arange(20.0))
    assert [arguments.get("NextToken") for _, arguments in client.calls] == [None, "1", "2"]


def test_nothing_is_asked_for_no_time() -> None:
    client = failing(AssertionError())
    assert len(read(CloudWatchMetricSource(client, [WEB]), [request(0)])["web"]) == 0
    assert read(CloudWatchMetricSource(client, [WEB]), []) == {}


def answering(**status_by_name: str) -> Any:
    """One value in each series, with the status that is named for it."""

    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        results = []
        for query in arguments["MetricDataQueries"]:
            name = query["MetricStat"]["Metric"]["MetricName"]
            status = status_by_name.get(name, status_by_name.get("others", "Complete"))
            results.append(
                {"Id": query["Id"], "Timestamps": [NOON], "Values": [7.0], "StatusCode": status}
            )
        return {"MetricDataResults": results}

    return FakeClient(answer)


def test_partial_data_is_taken() -> None:
    client = answering(RequestCount="PartialData")
    samples = read(CloudWatchMetricSource(client, [WEB]), [request(1)])["web"]
    assert samples.requests.tolist() == [7]


def test_an_internal_error_makes_its_values_absent() -> None:
    client = answering(RequestCount="InternalError")
    samples = read(CloudWatchMetricSource(client, [WEB]), [request(1)])["web"]
    assert np.isnan(samples.requests).all()
    assert samples.cpu_percent.tolist() == [7]


def test_internal_errors_everywhere_are_a_failure() -> None:
    with pytest.raises(SourceError, match="InternalError for every metric"):
        read(CloudWatchMetricSource(answering(others="InternalError"), [WEB]), [request(1)])


def test_forbidden_is_a_denial() -> None:
    client = answering(CPUUtilization="Forbidden")
    with pytest.raises(AccessDeniedError, match="AWS/EC2 CPUUtilization"):
        read(CloudWatchMetricSource(client, [WEB]), [request(1)])


def test_throttling_is_told_apart() -> None:
    client = failing(client_error("Throttling", "Rate exceeded"))
    with pytest.raises(ThrottledError, match="cloudwatch:GetMetricData on group 'web'"):
        read(CloudWatchMetricSource(client, [WEB]), [request(1)])


def test_an_unknown_group_is_named() -> None:
    with pytest.raises(SourceError, match="'other'"):
        read(CloudWatchMetricSource(answering(), [WEB]), [request(1, "other")])


def test_values_find_their_bins() -> None:
    window = Window(NOON, NOON + 4 * MINUTE, 60)
    column = np.full(4, np.nan)
    values = [
        (-0.01, 1.0),
        (0, 2.0),
        (0, 3.0),
        (1.5, 4.0),
        (2, -1.0),
        (2, np.inf),
        (3, np.nan),
        (4, 5.0),
    ]
    place([NOON + m * MINUTE for m, _ in values], [v for _, v in values], window, column)
    np.testing.assert_array_equal(column, [3, 4, np.nan, np.nan])
    place([], [], window, column)


def test_one_bad_group_does_not_cost_the_others_their_metrics() -> None:
    """CloudWatch refuses a whole call for one bad query, so the culprit is looked for."""
    recorded = Recorded()

    def picky(operation: str, arguments: dict[str, Any]) -> Any:
        names = {
            dimension["Value"]
            for query in arguments["MetricDataQueries"]
            for dimension in query["MetricStat"]["Metric"]["Dimensions"]
        }
        if "web13" in names:
            raise client_error("ValidationError", "The value for a dimension is not allowed")
        return recorded(operation, arguments)

    client: Any = FakeClient(picky)
    answers = CloudWatchMetricSource(client, many(40)).read(
        [request(20, f"web{n}") for n in range(40)]
    )
    refused = {name for name, answer in answers.items() if isinstance(answer, SourceError)}
    assert refused == {"web13"}
    assert "ValidationError" in str(answers["web13"])
    assert len(client.calls) <= 2 * 7


def test_a_failed_call_is_no_loss_to_the_groups_of_other_calls() -> None:
    recorded, calls = Recorded(), []

    def second_fails(operation: str, arguments: dict[str, Any]) -> Any:
        calls.append(len(arguments["MetricDataQueries"]))
        if len(calls) == 2:
            raise client_error("InternalServiceFault", "sorry")
        return recorded(operation, arguments)

    client: Any = FakeClient(second_fails)
    answers = CloudWatchMetricSource(client, many(200)).read(
        [request(20, f"web{n}") for n in range(200)]
    )
    failed = [name for name, answer in answers.items() if isinstance(answer, SourceError)]
    assert max(calls) <= 500
    assert len(calls) == 3
    assert len(failed) == 83


def test_throttling_asks_no_further() -> None:
    client = failing(client_error("Throttling", "Rate exceeded"))
    with pytest.raises(ThrottledError):
        CloudWatchMetricSource(client, many(40)).read([request(1, f"web{n}") for n in range(40)])
    assert len(client.calls) == 1


def test_other_groups_can_be_followed_from_now_on() -> None:
    client: Any = FakeClient(Recorded())
    source = CloudWatchMetricSource(client, many(1))
    source.follow(many(2))
    assert len(read(source, [request(5, "web1")])["web1"]) == 5
