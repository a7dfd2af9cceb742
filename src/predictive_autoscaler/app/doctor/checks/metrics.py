"""Each metric that the controller reads: there, and how old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from predictive_autoscaler.app.doctor.checks.group import existing
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import TRAIN, aged, listed, of_group
from predictive_autoscaler.core.types import Samples

AREA = "metrics"
LOOKED_BACK = timedelta(days=1)
LATE = timedelta(minutes=15)
"""CloudWatch fills up late; beyond this and two intervals a metric has stopped."""
IN_SERVICE = "GroupInServiceInstances"
COMPLETE_WEEK_DAYS = 9
"""A forest looks back on a week, a day and an hour."""

NAMES = {
    "requests": "AWS/ApplicationELB RequestCount",
    "refused": "AWS/ApplicationELB HTTPCode_ELB_503_Count",
    "errors": "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
    "response_time_seconds": "AWS/ApplicationELB TargetResponseTime",
    "cpu_percent": "AWS/EC2 CPUUtilization",
    "in_service": f"AWS/AutoScaling {IN_SERVICE}",
    "healthy_hosts": "AWS/ApplicationELB HealthyHostCount",
}
"""By the column of the samples."""
_WITH_TRAFFIC = ("requests", "response_time_seconds")
"""AWS writes nothing of these for a minute without a request."""
_WHEN_IT_HAPPENS = ("refused", "errors")


def newest_age(samples: Samples, column: str, facts: Facts) -> timedelta | None:
    """How long ago the newest minute with a value ended; None if there is none."""
    known = np.flatnonzero(~np.isnan(samples.column(column)))
    if not len(known):
        return None
    return facts.now - (samples.time_of(int(known[-1])) + samples.interval)


def metrics(facts: Facts) -> Iterator[Finding]:
    """One finding for each of them."""
    settings, samples = facts.settings(), facts.metrics()
    limit = settings.parameters.metric_delay + 2 * settings.parameters.interval + LATE
    ages = {column: newest_age(samples, column, facts) for column in NAMES}
    alive = any(
        age is not None and age <= limit
        for age in (ages["cpu_percent"], ages["in_service"], ages["healthy_hosts"])
    )
    for column, name in NAMES.items():
        age = ages[column]
        if column == "healthy_hosts" and settings.target_group is None:
            continue  # "target group" tells that it is not read
        if column in _WHEN_IT_HAPPENS:
            yield ok(f"{name}: {_newest(age)}; no value counts as zero")
        elif age is not None and age <= limit:
            yield ok(f"{name}: {_newest(age)}")
        elif age is not None and column in _WITH_TRAFFIC and alive:
            yield warning(
                f"{name}: {_newest(age)}, while the instances answer: a quiet time, or requests "
                f"that pass {settings.load_balancer} by",
                "compare with the load balancer's own page; if there is traffic, set LOAD_BALANCER",
            )
        else:
            yield fault(f"{name}: {_newest(age)}", _remedy(column, facts))


def _newest(age: timedelta | None) -> str:
    if age is None:
        return f"no value within the last {LOOKED_BACK / timedelta(hours=1):.0f} hours"
    return f"the newest value is {aged(age)} old"


def _remedy(column: str, facts: Facts) -> str:
    group = facts.group_name
    if column == "in_service":
        return enable_collection(group)
    if column == "cpu_percent":
        return (
            "instances in service write it by themselves: "
            f"{of_group('describe-scaling-activities', group, '--max-items', 5)} tells why there "
            "are none"
        )
    if column == "healthy_hosts":
        return "set TARGET_GROUP to the target group behind LOAD_BALANCER (targetgroup/NAME/ID)"
    return (
        "set LOAD_BALANCER to the end of the load balancer's ARN (app/NAME/ID); aws elbv2 "
        "describe-load-balancers --query 'LoadBalancers[].LoadBalancerArn' lists them"
    )


def enable_collection(group: str) -> str:
    """The command that has AWS publish the group's metrics."""
    return of_group(
        "enable-metrics-collection", group, "--granularity", "1Minute", "--metrics", IN_SERVICE
    )


def collection(facts: Facts) -> Iterator[Finding]:
    """Whether AWS is asked to publish the group's metrics; it is not by default."""
    group = existing(facts)
    if IN_SERVICE in group.collected_metrics:
        yield ok(f"{IN_SERVICE} is collected")
    else:
        collected = listed(group.collected_metrics) or "none"
        yield fault(
            f"{IN_SERVICE} is not collected (collected: {collected}), so silence cannot be told "
            "from a loss",
            enable_collection(group.name),
        )


def history(facts: Facts) -> Iterator[Finding]:
    """The finished days that the controller has put by."""
    settings, days = facts.settings(), sorted(facts.history_days())
    if not days:
        yield warning(
            "no finished day is in the bucket yet; the function puts one by each night",
            "nothing on the first day; later, see the checks of the function and of the schedule",
        )
        return
    behind = (facts.now.date() - days[-1]).days
    text = f"{len(days)} days, {days[0]} to {days[-1]}"
    if behind > 2:
        yield warning(
            f"{text}: none of the last {behind - 1} days",
            "the function puts a day by after midnight UTC: see the checks of the function and of "
            "the schedule",
        )
    elif len(days) < COMPLETE_WEEK_DAYS:
        yield warning(
            f"{text}; a forest that has seen no {COMPLETE_WEEK_DAYS} days knows no weekdays",
            f"wait; CloudWatch's own last 15 days serve to train meanwhile: {TRAIN} --days "
            f"{min(14, settings.history_days)}",
        )
    else:
        yield ok(text)


CHECKS = (
    Check(
        "metrics",
        AREA,
        f"no value within a day, or none for {aged(LATE)}, two intervals and the metric delay; "
        "absent requests while instances answer are a warning",
        ("cloudwatch:GetMetricData",),
        metrics,
    ),
    Check(
        "group metrics",
        AREA,
        f"{IN_SERVICE} is not collected",
        ("autoscaling:DescribeAutoScalingGroups",),
        collection,
    ),
    Check(
        "history",
        AREA,
        f"fewer than {COMPLETE_WEEK_DAYS} finished days in the bucket, or none of late (a warning)",
        ("s3:ListBucket",),
        history,
    ),
)
