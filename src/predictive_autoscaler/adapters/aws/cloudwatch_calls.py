"""Which CloudWatch metrics make up our samples, and in how few calls they can be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

QUERIES_PER_CALL = 500
POINTS_PER_CALL = 100_800
_DAY_SECONDS = 86_400

_ALB = "AWS/ApplicationELB"
_LOAD_BALANCER_METRICS = (
    ("requests", "RequestCount", "Sum"),
    ("refused", "HTTPCode_ELB_503_Count", "Sum"),
    ("errors", "HTTPCode_Target_5XX_Count", "Sum"),
    ("response_time_seconds", "TargetResponseTime", "Average"),
)
_GROUP_METRICS = (
    ("cpu_percent", "AWS/EC2", "CPUUtilization"),
    ("in_service", "AWS/AutoScaling", "GroupInServiceInstances"),
)


@dataclass(frozen=True)
class MetricDimensions:
    """The names under which one group's metrics are found.

    Attributes:
        load_balancer: app/NAME/ID, the end of its ARN.
        target_group: targetgroup/NAME/ID; without it there is no count of healthy hosts.
        group: name of the Auto Scaling group.
    """

    load_balancer: str
    target_group: str | None
    group: str


@dataclass(frozen=True)
class Series:
    """One CloudWatch series and the column of samples that it fills."""

    group: str
    column: str
    namespace: str
    name: str
    statistic: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Window:
    """[start, end) in steps of the period."""

    start: datetime
    end: datetime
    period_seconds: int

    @property
    def bins(self) -> int:
        return max(0, (self.end - self.start) // timedelta(seconds=self.period_seconds))

    def split(self, days: int) -> Iterator[Window]:
        """Pieces of at most so many days, in order."""
        start = self.start
        while start < self.end:
            end = min(start + timedelta(days=days), self.end)
            yield Window(start, end, self.period_seconds)
            start = end


def series_of(names: MetricDimensions) -> list[Series]:
    """All series of one group."""
    balancer = (("LoadBalancer", names.load_balancer),)
    group = (("AutoScalingGroupName", names.group),)
    series = [
        Series(names.group, column, _ALB, name, statistic, balancer)
        for column, name, statistic in _LOAD_BALANCER_METRICS
    ]
    series += [
        Series(names.group, column, namespace, name, "Average", group)
        for column, namespace, name in _GROUP_METRICS
    ]
    if names.target_group is not None:
        hosts = (("TargetGroup", names.target_group), *balancer)
        series.append(
            Series(names.group, "healthy_hosts", _ALB, "HealthyHostCount", "Average", hosts)
        )
    return series


def plan_calls(
    window: Window, series: Sequence[Series], max_days: int | None = None
) -> Iterator[tuple[Window, Sequence[Series]]]:
    """Share out what is wanted to calls within CloudWatch's limits.

    As many series as may be go into one call; a window that is then too long for it is cut
    into whole days.

    Args:
        max_days: cut into pieces of at most so many days, whatever the limits allow.
    """
    day_bins = max(1, _DAY_SECONDS // window.period_seconds)
    shortest = min(max(1, window.bins), day_bins)
    together = max(1, min(QUERIES_PER_CALL, POINTS_PER_CALL // shortest))
    for first in range(0, len(series), together):
        some = series[first : first + together]
        days = max(1, POINTS_PER_CALL // (len(some) * day_bins))
        if max_days is not None:
            days = min(days, max_days)
        for piece in window.split(days):
            yield piece, some
