"""The one place where settings become adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from predictive_autoscaler.adapters.aws.autoscaling import AutoScalingActuator
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.cloudwatch import CloudWatchMetricSource
from predictive_autoscaler.adapters.aws.cloudwatch_calls import MetricDimensions
from predictive_autoscaler.adapters.aws.cloudwatch_sink import CloudWatchMetricSink
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.aws.sns import notifier_for
from predictive_autoscaler.adapters.clock import SystemClock
from predictive_autoscaler.adapters.stores import (
    StoredControls,
    StoredDecisions,
    StoredHistory,
    StoredModels,
)
from predictive_autoscaler.app.collect import read_history
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.published_metrics import NAMESPACE
from predictive_autoscaler.app.settings import GroupSettings, Settings, read_settings
from predictive_autoscaler.core.types import GroupState, Json, Samples
from predictive_autoscaler.errors import GroupNotFoundError
from predictive_autoscaler.ports import Clock, DecisionLog, MetricSource, ModelStore, Ports

SEARCHED_DAYS = 60
"""How far back the newest decision is looked for."""
_ANY_INTERVAL = timedelta(minutes=5)


def aws_controller(
    environment: Mapping[str, str],
    clock: Clock | None = None,
    log: Callable[[str], None] = print,
) -> Controller:
    """A controller of the group that the environment names.

    Raises:
        SettingsError: the environment is not complete or not allowed.
    """
    settings = read_settings(environment)
    clients = Clients()
    objects = S3Objects(clients.s3, settings.bucket)
    interval = settings.groups[0].parameters.interval
    clock = clock or SystemClock()
    ports = Ports(
        clock=clock,
        metrics=_metric_source(settings, clients),
        actuator=AutoScalingActuator(clients.autoscaling),
        models=StoredModels(objects),
        decisions=StoredDecisions(objects, interval),
        controls=StoredControls(objects),
        history=StoredHistory(objects),
        sink=CloudWatchMetricSink(clients.cloudwatch, clock, NAMESPACE),
        notifier=notifier_for(lambda: clients.sns, settings.topic_arn),
    )
    return Controller(ports, settings.groups, log)


def aws_models(bucket: str) -> ModelStore:
    """The published models in a bucket."""
    return StoredModels(_objects(bucket))


def aws_history(
    settings: Settings,
    group: GroupSettings,
    now: datetime,
    days: int,
    progress: Callable[[date], None],
) -> Samples:
    """A group's metrics of the last days; see `app.collect.read_history`."""
    clients = Clients()
    history = StoredHistory(S3Objects(clients.s3, settings.bucket))
    return read_history(_metric_source(settings, clients), history, group, now, days, progress)


def aws_group(name: str) -> GroupState:
    """A group as it stands.

    Raises:
        GroupNotFoundError: there is none of this name.
        SourceError: it could not be looked up.
    """
    found = AutoScalingActuator(Clients().autoscaling).describe([name])
    if name not in found:
        raise GroupNotFoundError(f"there is no group {name!r}; check ASG_NAME and AWS_REGION")
    return found[name]


def find_decision(bucket: str, slot: datetime | None) -> Json | None:
    """The record of a slot, or the newest one."""
    log: DecisionLog = StoredDecisions(_objects(bucket), _ANY_INTERVAL)
    if slot is not None:
        return log.load(slot)
    # A controller that has been dead for days is when its last words are wanted.
    now = datetime.now(UTC)
    looks = (log.newest_before(now - timedelta(days=age)) for age in range(-1, SEARCHED_DAYS))
    return next((record for record in looks if record is not None), None)


def _objects(bucket: str) -> S3Objects:
    return S3Objects(Clients().s3, bucket)


def _metric_source(settings: Settings, clients: Clients) -> MetricSource:
    dimensions = [
        MetricDimensions(
            group=group.name, load_balancer=group.load_balancer, target_group=group.target_group
        )
        for group in settings.groups
    ]
    # A day a call keeps each answer small and quick; only the very first tick asks for many.
    return CloudWatchMetricSource(clients.cloudwatch, dimensions, max_days_per_call=1)
