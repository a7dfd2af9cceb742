"""A hundred groups, listed in an S3 object, looked after by the real handler on a moto server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.adapters.stores import StoredHistory, StoredModels
from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import Json, Samples
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, LocalAws, local_aws, pointed_at
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainedModel, TrainOptions, train

pytestmark = pytest.mark.slow
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
INTERVAL = timedelta(minutes=5)
NOW = START + 10 * DAY + timedelta(minutes=32)
NAMES = [f"shop-{number:02}" for number in range(100)]
BROKEN = "shop-13"
CAPACITY = 1000.0
LIST = f"s3://{BUCKET}/groups.json"


class Call:
    """Lambda's context: ends after so many seconds, of which none ever pass."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * self.seconds)


@dataclass
class Fleet:
    aws: LocalAws
    application: Application
    clock: FixedClock
    operations: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def tick(self, **event: Any) -> tuple[Json, Counter[str]]:
        self.operations.clear()
        record = self.application.handle(event, Call())
        self.clock.advance(INTERVAL)
        return record, Counter(self.operations)

    def write_list(self, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.aws.client("s3").put_object(Bucket=BUCKET, Key="groups.json", Body=text.encode())


def listed(names: list[str] = NAMES) -> Json:
    groups: Json = {name: {"load_balancer": f"app/{name}/1"} for name in names}
    return {
        "defaults": {"mode": "full", "capacity_per_instance": CAPACITY, "history_days": 9},
        "groups": groups,
    }


def metrics() -> Samples:
    demand = recorded_shop(START, 11, 1, ())
    return recorded_under(demand, np.full(len(demand), 30.0), Instances(CAPACITY))


def put_metrics(aws: LocalAws, samples: Samples) -> None:
    """The three that a decision needs most: moto looks through all of them for each query."""
    client = aws.client("cloudwatch")
    for name in NAMES:
        for namespace, metric, column, dimension in (
            ("AWS/ApplicationELB", "RequestCount", "requests", ("LoadBalancer", f"app/{name}/1")),
            ("AWS/EC2", "CPUUtilization", "cpu_percent", ("AutoScalingGroupName", name)),
            (
                "AWS/AutoScaling",
                "GroupInServiceInstances",
                "in_service",
                ("AutoScalingGroupName", name),
            ),
        ):
            values = zip(samples.times(), samples.column(column).tolist(), strict=True)
            client.put_metric_data(
                Namespace=namespace,
                MetricData=[
                    {
                        "MetricName": metric,
                        "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
                        "Timestamp": at,
                        "Value": value,
                    }
                    for at, value in values
                ],
            )


def make_groups(aws: LocalAws) -> None:
    client = aws.client("autoscaling")
    (model,) = client.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])[
        "AutoScalingGroups"
    ]
    for name in NAMES:
        client.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={
                "LaunchTemplateId": model["LaunchTemplate"]["LaunchTemplateId"],
                "Version": "1",
            },
            MinSize=1,
            MaxSize=60,
            DesiredCapacity=1,
            VPCZoneIdentifier=model["VPCZoneIdentifier"],
        )
        client.put_scaling_policy(
            AutoScalingGroupName=name,
            PolicyName=f"{name}-cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ASGAverageCPUUtilization"
                },
                "TargetValue": 70.0,
            },
        )


def fill_bucket(aws: LocalAws, samples: Samples) -> None:
    """Everybody's finished days, and one model that all but the first group share."""
    objects = S3Objects(aws.client("s3"), BUCKET)
    history = StoredHistory(objects)
    for number in range(10):
        midnight = START + number * DAY
        day = samples.between(midnight, midnight + DAY)
        for name in NAMES:
            history.save(name, midnight.date(), day)
    model = trained(samples.between(START, START + 10 * DAY))
    version = model.card.model_id
    StoredModels(objects).publish(NAMES[0], model.npz, model.card.to_json(), version)


def trained(past: Samples) -> TrainedModel:
    options = TrainOptions(
        group=NAMES[0],
        parameters=ControlParameters().features,
        max_bins=900,
        forest=ForestOptions(trees=8),
    )
    return train(past, options)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with local_aws(1, 60, 1) as aws, pointed_at(aws.environment):
        samples = metrics()
        make_groups(aws)
        fill_bucket(aws, samples)
        put_metrics(aws, samples.between(START + 10 * DAY, NOW + 4 * INTERVAL))
        clock = FixedClock(NOW)
        environment = {"S3_BUCKET": BUCKET, "AUTOSCALER_GROUPS": LIST, "AUTOSCALER_MODEL": NAMES[0]}
        lines: list[str] = []
        application = Application(
            environment | {"AUTOSCALER_METRIC_PERIOD_SECONDS": "300"}, clock, lines.append
        )
        made = Fleet(aws, application, clock, lines=lines)
        content = listed()
        content["groups"][BROKEN]["mode"] = "ful"
        made.write_list(content)
        yield made


def watch(fleet: Fleet) -> None:
    """Count the calls of the application's own clients from now on."""
    assert fleet.application._controller is not None
    clients = fleet.application._controller._clients
    for client in (clients.s3, clients.cloudwatch, clients.autoscaling):
        client.meta.events.register(
            "after-call", lambda model, **_: fleet.operations.append(model.name)
        )


def test_a_hundred_groups(fleet: Fleet) -> None:
    """One story, tick by tick: cold, warm, a broken list, a shorter one."""
    record, _ = fleet.tick()
    statuses = Counter(part["outcome"]["status"] for part in record["groups"].values())
    assert statuses == {"applied": 99, "refused": 1}
    assert "AUTOSCALER_MODE is 'ful'" in record["groups"][BROKEN]["outcome"]["error"]
    decided = [part["decision"] for part in record["groups"].values() if part["decision"]]
    assert {decision["rung"] for decision in decided} == {"forest"}
    # The same traffic and the same model: everybody needs the same.
    (instances,) = {decision["after_instances"] for decision in decided}
    described = fleet.aws.client("autoscaling").describe_auto_scaling_groups(MaxRecords=100)
    capacities = {
        group["AutoScalingGroupName"]: group["DesiredCapacity"]
        for group in described["AutoScalingGroups"]
    }
    assert capacities.pop(BROKEN, 1) == 1
    capacities.pop(GROUP, None)
    assert set(capacities.values()) == {instances}
    (summary,) = (json.loads(line) for line in fleet.lines if line.startswith("{"))
    assert summary["outcomes"] == {"applied": 99}

    watch(fleet)
    record, calls = fleet.tick()
    assert Counter(part["outcome"]["status"] for part in record["groups"].values())["refused"] == 1
    assert calls["GetMetricData"] == 2  # 99 groups with six series each
    assert calls["PutObject"] == 2
    assert calls["ListObjectsV2"] == 2
    assert calls["GetObject"] == 2  # the list of groups, and the record before
    assert calls["DescribeAutoScalingGroups"] <= 2
    assert calls["DescribePolicies"] == 1
    assert calls["PutScalingPolicy"] == 0
    assert calls["PutMetricData"] == 1
    changed = sum(part["outcome"]["status"] == "applied" for part in record["groups"].values())
    assert calls["SetDesiredCapacity"] == changed

    fleet.write_list("{ broken")
    record, _ = fleet.tick()
    assert len(record["groups"]) == 100
    assert any("the former list of groups is used" in line for line in fleet.lines)

    fleet.write_list(listed(NAMES[:3]))
    record, calls = fleet.tick()
    assert list(record["groups"]) == NAMES[:3]
    assert calls["GetMetricData"] == 1
