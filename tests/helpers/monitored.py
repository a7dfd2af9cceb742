"""A group in the local AWS as an operator finds it: traffic, a model, decisions, alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, Samples, utc_text
from predictive_autoscaler.demo.local_aws import (
    BUCKET,
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainedModel, TrainOptions, train
from predictive_autoscaler.wiring import aws_models
from tests.helpers.commands import clean_environment
from tests.helpers.waves import INTERVAL, controller_environment, recorded

TICKS = 3
FUNCTION = "shop-controller"
RINGING, CALM = "shop-p95", "shop-cpu"


@dataclass
class Monitored:
    """What was made.

    Attributes:
        newest: the slot of the newest decision.
    """

    aws: LocalAws
    environment: Mapping[str, str]
    newest: datetime
    records: list[Json]
    trained: TrainedModel


@contextmanager
def monitored() -> Iterator[Monitored]:
    """A group with two days of traffic up to the present, and its newest decisions."""
    newest = floor_to(datetime.now(UTC), INTERVAL)
    past = recorded(newest - timedelta(hours=2))
    with local_aws(1, 60, 12) as aws:
        put_metrics(aws, aws.client("cloudwatch"), past)
        variables = controller_environment(aws)
        trained = small_model(past)
        card = trained.card
        with pointed_at(aws.environment):
            aws_models(BUCKET).publish(GROUP, trained.npz, card.to_json(), card.model_id)
            records = _tick(variables, newest)
        _put_alarms(aws)
        _put_calls(aws, newest)
        yield Monitored(aws, clean_environment(**variables), newest, records, trained)


def small_model(past: Samples) -> TrainedModel:
    """A forest of a few trees."""
    options = TrainOptions(
        group=GROUP,
        parameters=ControlParameters().features,
        max_bins=300,
        forest=ForestOptions(trees=6),
    )
    return train(past, options)


def _tick(variables: Mapping[str, str], newest: datetime) -> list[Json]:
    clock = FixedClock(newest)
    application = Application(dict(variables), clock, lambda line: None)
    records = []
    for back in reversed(range(TICKS)):
        clock.set(newest - back * INTERVAL + timedelta(minutes=2))
        records.append(application.handle({"time": utc_text(clock.now())}))
    return records


def _put_alarms(aws: LocalAws) -> None:
    cloudwatch = aws.client("cloudwatch")
    balancer = ("AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", aws.load_balancer)
    group = ("AWS/EC2", "CPUUtilization", "AutoScalingGroupName", GROUP)
    function = ("AWS/Lambda", "Errors", "FunctionName", FUNCTION)
    others = ("AWS/EC2", "CPUUtilization", "AutoScalingGroupName", "another")
    for name, (namespace, metric, dimension, value), says in (
        (RINGING, balancer, "The slowest 5 % of requests take longer than 1 s"),
        (CALM, group, "CPU above 85 % for ten minutes"),
        ("shop-lambda-errors", function, "A control step has failed"),
        (f"TargetTracking-{GROUP}-AlarmLow-1", group, "made by a scaling policy"),
        ("another-cpu", others, "Somebody else's"),
    ):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=says,
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": dimension, "Value": value}],
            Statistic="Average",
            ComparisonOperator="GreaterThanThreshold",
            Threshold=1.0,
            Period=60,
            EvaluationPeriods=3,
        )
    for name, state in ((RINGING, "ALARM"), (CALM, "OK"), ("shop-lambda-errors", "OK")):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="as the test says")


def _put_calls(aws: LocalAws, newest: datetime) -> None:
    """Eleven calls in three quarters of an hour, one of which failed: the hour that is looked
    at moves on while the tests run.
    """
    moments = [newest - index * timedelta(minutes=4) for index in range(1, 12)]
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}],
            "Timestamp": moment,
            "Value": value,
        }
        for index, moment in enumerate(moments)
        for name, value in (
            ("Invocations", 1.0),
            ("Errors", float(index == 3)),
            ("Duration", 900.0 + index),
        )
    ]
    aws.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=data)
