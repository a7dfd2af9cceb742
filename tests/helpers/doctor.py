"""A world in which the doctor finds nothing, to plant faults in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import numpy as np

from predictive_autoscaler.app.breaker import Breaker
from predictive_autoscaler.app.doctor.facts import Facts, Look
from predictive_autoscaler.app.doctor.rights import of_an_operator, of_the_role
from predictive_autoscaler.app.record import SCHEMA, decision_to_json
from predictive_autoscaler.app.settings import GroupSettings, read_settings
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.features import column_names
from predictive_autoscaler.core.surroundings import (
    Activity,
    Caller,
    ClockReading,
    ControllerFunction,
    Policy,
    Refresh,
    Rule,
    ScalingGroup,
    Simulated,
    Subnet,
    TargetGroup,
    Topic,
    VcpuLimit,
)
from predictive_autoscaler.core.types import (
    METRICS,
    Bounds,
    Decision,
    Json,
    Quality,
    Reason,
    Rung,
    Samples,
    utc_text,
)
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.ports import Alarm, GroupControl, Net

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 10, 2, 30, tzinfo=UTC)
SLOT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
GROUP = "shop-web"
BUCKET = "shop-records"
ACCOUNT = "123456789012"
BALANCER, TARGETS = "app/shop/50dc6c495c0c9188", "targetgroup/shop/6d0ecf831eec9f09"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:shop-alarms"
GROUP_ARN = f"arn:aws:autoscaling:eu-central-1:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/x"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-controller"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ENVIRONMENT = {
    "ASG_NAME": GROUP,
    "LOAD_BALANCER": BALANCER,
    "TARGET_GROUP": TARGETS,
    "S3_BUCKET": BUCKET,
    "SNS_TOPIC_ARN": TOPIC,
    "AUTOSCALER_MODE": "full",
    "AUTOSCALER_CAPACITY_PER_INSTANCE": "1000",
}
"""C is 1,000 requests in 5 minutes, so a net holds 1.2 * 200 requests per target and minute."""
NETS = (Net("shop-cpu", "cpu", 85.0, False), Net("shop-requests", "requests", 240.0, False))


def look(value: T) -> Look[T]:
    """A fact that is known."""
    return lambda: value


def lost(error: AutoscalerError) -> Callable[[], Any]:
    """A fact that cannot be had."""

    def raises() -> Any:
        raise error

    return raises


def settings(**variables: str) -> GroupSettings:
    return read_settings(ENVIRONMENT | variables).groups[0]


def samples(**changes: float | None) -> Samples:
    """A day of minutes until the last whole one; a change is for all of it, None is no value."""
    bins = DAY // MINUTE
    values = dict.fromkeys(METRICS, 5.0) | {"cpu_percent": 40.0} | changes
    columns = {
        name: np.full(bins, np.nan if value is None else value) for name, value in values.items()
    }
    return Samples.of(NOW.replace(second=0) - DAY, 60, columns)


def stopped(column: str, ago: timedelta) -> Samples:
    """The same, but one metric stopped some time ago."""
    found = samples()
    values = found.column(column).copy()
    values[-(ago // MINUTE) :] = np.nan
    return found.replaced(**{column: values})


def card(**changes: Any) -> Card:
    """The card of a model that fits the settings."""
    parameters = settings().parameters.features
    made = Card(
        group=GROUP,
        feature_names=(*column_names(parameters)[:3], "response_time", "cpu_utilization"),
        absent_features=(),
        parameters=parameters,
        boot_minutes=5.0,
        trained_from=NOW - 30 * DAY,
        trained_until=NOW - 2 * DAY,
        rows=8000,
        seed=1,
        scores={"forest": {"pinball": 0.02}, "last value": {"pinball": 0.03}, "seasonal": None},
        skilled=True,
        libraries={},
        npz_sha256="d" * 64,
    )
    return replace(made, **changes)


def record(slot: datetime = SLOT, **entry: Any) -> Json:
    """A completed record; `entry` replaces parts of the group's."""
    told = {
        "mode": "full",
        "decision": decision(),
        "outcome": {"status": "applied", "instances": 4},
        "breaker": Breaker().to_json(),
        "state": {"capacity_per_instance": 1000.0},
    } | entry
    return {
        "schema": SCHEMA,
        "slot": utc_text(slot),
        "decided_at": utc_text(slot + 2 * MINUTE),
        "status": "completed",
        "groups": {GROUP: told},
    }


def decision(**changes: Any) -> Json:
    made = Decision(
        group=GROUP,
        slot=SLOT,
        rung=Rung.FOREST,
        model_id="m",
        present_demand_requests=2500.0,
        present_quality=Quality.OK,
        capacity_per_instance=1000.0,
        miss_price=20.0,
        quantiles={},
        candidates=(),
        wish_instances=4,
        floor_instances=3,
        before_instances=3,
        after_instances=4,
        reasons=(Reason("step limit", 3, 4, ""),),
    )
    return decision_to_json(replace(made, **changes))


def group(**changes: Any) -> ScalingGroup:
    made = ScalingGroup(
        name=GROUP,
        arn=GROUP_ARN,
        bounds=Bounds(2, 10),
        desired=4,
        in_service=4,
        status=None,
        suspended=(),
        not_in_instances=None,
        instance_types=("t3.medium",),
        spot=False,
        subnets=("subnet-1", "subnet-2"),
        collected_metrics=("GroupInServiceInstances",),
        target_groups=(TARGETS,),
    )
    return replace(made, **changes)


def function(**changes: Any) -> ControllerFunction:
    made = ControllerFunction(
        name="shop-controller",
        arn=f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:shop-controller",
        role=ROLE,
        state="Active",
        update="Successful",
        reason="",
        runtime="python3.13",
        handler="lambda_function.lambda_handler",
        timeout_seconds=60,
        memory_mb=512,
        code_sha256="c" * 44,
        modified="2026-11-01T08:00:00.000+0000",
        environment=ENVIRONMENT,
    )
    return replace(made, **changes)


def rule(**changes: Any) -> Rule:
    return replace(Rule("shop-tick", True, "cron(2/5 * * * ? *)", True), **changes)


def alarm(**changes: Any) -> Alarm:
    made = Alarm("shop-no-decision", "OK", NOW - DAY, "No decision for 15 minutes")
    return replace(made, **changes)


def healthy() -> Facts:
    """Nothing is wrong in it."""
    mine, theirs = of_an_operator(GROUP_ARN, BUCKET), of_the_role(GROUP_ARN, BUCKET, TOPIC)
    days = [date(2026, 11, 20) - age * DAY for age in range(1, 15)]
    return Facts(
        now=NOW,
        environment=ENVIRONMENT,
        group_name=GROUP,
        region="eu-central-1",
        caller=look(Caller(USER, ACCOUNT)),
        clock=look(ClockReading(NOW, NOW - timedelta(seconds=1))),
        own_rights=look(Simulated(USER, (), tuple(mine))),
        role_rights=look(Simulated(ROLE, (), tuple(theirs))),
        settings=look(settings()),
        bucket=look(BUCKET),
        group=look(group()),
        activities=look([Activity("Successful", "Launching an instance", "", NOW - DAY)]),
        refreshes=look([Refresh("r-1", "Successful", "")]),
        policies=look([Policy("native", "PredictiveScaling", acts=False)]),
        scheduled_actions=look([]),
        target_groups=look([TargetGroup(TARGETS, (BALANCER,))]),
        nets=look(NETS),
        control=look(GroupControl("full")),
        metrics=look(samples()),
        history_days=look(days),
        card=look(card()),
        other_versions=look(["v1"]),
        record=look(record()),
        function=look(function()),
        reserved_concurrency=look(None),
        rules=look([rule()]),
        topic=look(Topic(TOPIC, 1, 0)),
        alarms=look([alarm()]),
        vcpus=look({"t3.medium": 2}),
        vcpu_limit=look(VcpuLimit("L-1216C47A", "Running On-Demand Standard instances", 64.0)),
        subnets=look([Subnet("subnet-1", 4000), Subnet("subnet-2", 4000)]),
    )
