"""The one place where settings become adapters."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.autoscaling import AutoScalingActuator
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.cloudwatch import CloudWatchMetricSource
from predictive_autoscaler.adapters.aws.cloudwatch_calls import MetricDimensions
from predictive_autoscaler.adapters.aws.cloudwatch_sink import CloudWatchMetricSink
from predictive_autoscaler.adapters.aws.nets import AutoScalingNets
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.aws.sns import notifier_for
from predictive_autoscaler.adapters.clock import SystemClock
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores import (
    StoredControls,
    StoredDecisions,
    StoredHistory,
    StoredModels,
)
from predictive_autoscaler.app.collect import read_history
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.modes import ModeDesk
from predictive_autoscaler.app.published_metrics import NAMESPACE
from predictive_autoscaler.app.settings import (
    GROUPS,
    GroupSettings,
    Settings,
    groups_address,
    read_settings,
)
from predictive_autoscaler.core.types import GroupState, Json, Samples
from predictive_autoscaler.errors import AutoscalerError, GroupNotFoundError, SettingsError
from predictive_autoscaler.ports import Clock, DecisionLog, ModelArchive, ModelStore, Ports

if TYPE_CHECKING:
    from predictive_autoscaler.app.monitor.watch import Eyes, Watch

WEB_GROUP = "-web"
"""How the Terraform module names its group: after the project, with this."""
SEARCHED_DAYS = 60
"""How far back the newest decision is looked for."""


class AwsController:
    """The groups that the environment names, looked after on AWS.

    Where the groups are listed in an S3 object, that is read again before each step, so that
    groups can come and go without a deployment. A list that cannot be used leaves the former
    one in force, and says so.

    Raises:
        SettingsError: the environment is not complete or not allowed.
        SourceError: the list of groups cannot be read, and there is no former one.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock | None = None,
        log: Callable[[str], None] = print,
    ) -> None:
        self._environment = environment
        self._log = log
        self._clients = clients = Clients()
        self._list: StoredObject | None = None
        self._listed_at = groups_address(environment)
        settings = self._read_settings()
        objects = S3Objects(clients.s3, settings.bucket)
        clock = clock or SystemClock()
        self._metrics = metric_source(settings.groups, clients)
        interval = settings.groups[0].parameters.interval
        ports = Ports(
            clock=clock,
            metrics=self._metrics,
            actuator=AutoScalingActuator(clients.autoscaling),
            nets=AutoScalingNets(clients.autoscaling),
            models=StoredModels(objects, settings.model_cache_bytes),
            decisions=StoredDecisions(objects, interval),
            controls=StoredControls(objects),
            history=StoredHistory(objects),
            sink=CloudWatchMetricSink(clients.cloudwatch, clock, NAMESPACE),
            notifier=notifier_for(lambda: clients.sns, settings.topic_arn, log),
        )
        self._controller = Controller(ports, settings.groups, log)
        self._controller.refused = settings.refused

    def run_once(
        self,
        event_time: datetime | None = None,
        *,
        dry_run: bool = False,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> Json:
        """One step; see `Controller.run_once`."""
        if self._listed_at:
            self._follow_list()
        return self._controller.run_once(event_time, dry_run=dry_run, seconds_left=seconds_left)

    def _follow_list(self) -> None:
        former = self._list
        try:
            self._list = self._read_list()
            if self._list is former:
                return
            settings = self._read_settings()
        except AutoscalerError as error:
            self._list = former
            self._log(json.dumps({"warning": f"the former list of groups is used: {error}"}))
            return
        self._controller.groups = settings.groups
        self._controller.refused = settings.refused
        self._metrics.follow(_dimensions(settings.groups))

    def _read_settings(self) -> Settings:
        return read_settings(self._environment, lambda _: self._list_text())

    def _list_text(self) -> str:
        if self._list is None:
            self._list = self._read_list()
        return self._list.data.decode(errors="replace")

    def _read_list(self) -> StoredObject:
        return _listed(self._clients, self._listed_at or "", self._list)


def aws_models(bucket: str) -> ModelStore:
    """The published models in a bucket."""
    return StoredModels(_objects(bucket))


def model_archive(bucket: str | None, folder: Path | None = None) -> ModelArchive:
    """All versions of the models in a bucket; or below a folder, laid out the same way.

    Raises:
        SettingsError: neither is given.
    """
    if folder is not None:
        return StoredModels(DirectoryObjects(folder))
    if not bucket:
        raise SettingsError("S3_BUCKET is not set; it names the bucket of the models")
    return StoredModels(_objects(bucket))


def aws_history(
    settings: Settings,
    group: GroupSettings,
    now: datetime,
    days: int,
    progress: Callable[[date], None],
) -> Samples:
    """A group's metrics of the last days; see `app.collect.read_history`."""
    return aws_histories(settings)(group, now, days, progress)


def aws_histories(
    settings: Settings,
) -> Callable[[GroupSettings, datetime, int, Callable[[date], None]], Samples]:
    """What reads one group's metrics after another's with the same clients."""
    clients = Clients()
    history = StoredHistory(S3Objects(clients.s3, settings.bucket))
    source = metric_source(settings.groups, clients)
    return partial(read_history, source, history)


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


def aws_mode_desk(environment: Mapping[str, str]) -> ModeDesk:
    """Where the mode of the group ASG_NAME is seen and changed; it may be one of a list.

    Raises:
        SettingsError: the settings are not complete or not allowed, or name no such group.
        GroupNotFoundError: AWS has none of this name. SourceError: AWS did not answer.
    """
    clients = Clients()
    settings, group = group_of(environment, clients)
    aws_group(group.name)
    return ModeDesk(
        group=group,
        nets=AutoScalingNets(clients.autoscaling),
        controls=StoredControls(S3Objects(clients.s3, settings.bucket)),
        record=find_decision(settings.bucket, None),
    )


def aws_watch(
    environment: Mapping[str, str],
    components: Sequence[str],
    *,
    alarm_prefix: str | None = None,
    function: str | None = None,
) -> Watch:
    """What keeps an eye on the group ASG_NAME; it may be one of a list. Nothing is written.

    Where neither is given, the names that the Terraform module gives are tried: a group
    NAME-web has alarms NAME-*.

    Raises:
        SettingsError: the settings are not complete or not allowed, or name no such group.
        SourceError: there is no region, or the list of groups cannot be read.
    """
    # Not above: the controller's function, which starts anew with every import, has no eyes.
    from predictive_autoscaler.app.monitor.watch import Watch

    eyes, group = _eyes(environment)
    prefix = _alarm_prefix(group) if alarm_prefix is None else alarm_prefix
    return Watch(eyes, group, components, alarm_prefix=prefix, function=function)


@dataclass(frozen=True)
class Lookout:
    """What a page about a group is made from."""

    watch: Watch
    decisions: DecisionLog
    settings: GroupSettings


def aws_lookout(
    environment: Mapping[str, str],
    days: int,
    *,
    alarm_prefix: str | None = None,
    function: str | None = None,
) -> Lookout:
    """The same as `aws_watch`, for all components, with the last days and the next one."""
    from predictive_autoscaler.app.monitor.facts import COMPONENTS
    from predictive_autoscaler.app.monitor.watch import Watch

    eyes, group = _eyes(environment)
    prefix = _alarm_prefix(group) if alarm_prefix is None else alarm_prefix
    watch = Watch(
        eyes,
        group,
        COMPONENTS,
        alarm_prefix=prefix,
        function=function,
        ahead=timedelta(days=1),
        days=days,
    )
    return Lookout(watch, eyes.decisions, group)


def _eyes(environment: Mapping[str, str]) -> tuple[Eyes, GroupSettings]:
    """Ports to look through, and the settings of the group ASG_NAME."""
    from predictive_autoscaler.adapters.aws.alarms import CloudWatchAlarms
    from predictive_autoscaler.adapters.aws.function_calls import CloudWatchFunctionCalls
    from predictive_autoscaler.app.monitor.watch import Eyes

    clients = Clients()
    settings, group = group_of(environment, clients)
    objects = S3Objects(clients.s3, settings.bucket)
    eyes = Eyes(
        actuator=AutoScalingActuator(clients.autoscaling),
        metrics=metric_source(settings.groups, clients),
        history=StoredHistory(objects),
        decisions=StoredDecisions(objects, group.parameters.interval),
        models=StoredModels(objects),
        alarms=CloudWatchAlarms(clients.cloudwatch),
        calls=CloudWatchFunctionCalls(clients.cloudwatch),
        controls=StoredControls(objects),
    )
    return eyes, group


def _alarm_prefix(group: GroupSettings) -> str | None:
    project = group.name.removesuffix(WEB_GROUP)
    return f"{project}-" if project != group.name else None


def group_of(environment: Mapping[str, str], clients: Clients) -> tuple[Settings, GroupSettings]:
    """All settings, and those of the group ASG_NAME, which may be one of a list.

    Raises:
        SettingsError: they are not complete or not allowed, or name no such group.
        SourceError: the list of groups cannot be read.
    """

    def fetch(address: str) -> str:
        return _listed(clients, address).data.decode(errors="replace")

    name = environment.get("ASG_NAME", "")
    if environment.get(GROUPS):
        listed = {key: text for key, text in environment.items() if key != "ASG_NAME"}
        settings = read_settings(listed, fetch)
        if name in settings.refused:
            raise SettingsError(f"{name}: {settings.refused[name]}")
        for group in settings.groups:
            if group.name == name:
                return settings, group
        if not name:
            names = ", ".join(group.name for group in settings.groups)
            raise SettingsError(f"ASG_NAME is not set; the groups of {GROUPS} are {names}")
    settings = read_settings(environment, fetch)
    return settings, settings.groups[0]


def _listed(clients: Clients, address: str, known: StoredObject | None = None) -> StoredObject:
    """The list of groups at an address."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise SettingsError(f"AUTOSCALER_GROUPS is {address!r}; allowed is s3://BUCKET/KEY")
    found = S3Objects(clients.s3, bucket).get(key, known)
    if found is None:
        raise SettingsError(f"AUTOSCALER_GROUPS is {address!r}; there is no such object")
    return found


def find_decision(bucket: str, slot: datetime | None) -> Json | None:
    """The record of a slot, or the newest one."""
    return decision_in(_objects(bucket), slot)


def decision_in(objects: ObjectStore, slot: datetime | None) -> Json | None:
    """The same, of a bucket that is at hand."""
    log: DecisionLog = StoredDecisions(objects, None)
    if slot is not None:
        return log.load(slot)
    # A controller that has been dead for days is when its last words are wanted.
    now = datetime.now(UTC)
    looks = (log.newest_before(now - timedelta(days=age)) for age in range(-1, SEARCHED_DAYS))
    return next((record for record in looks if record is not None), None)


def _objects(bucket: str) -> S3Objects:
    return S3Objects(Clients().s3, bucket)


def metric_source(groups: Sequence[GroupSettings], clients: Clients) -> CloudWatchMetricSource:
    """What reads these groups' metrics from CloudWatch."""
    # A day a call keeps each answer small and quick; only the very first tick asks for many.
    return CloudWatchMetricSource(clients.cloudwatch, _dimensions(groups), max_days_per_call=1)


def _dimensions(groups: Sequence[GroupSettings]) -> list[MetricDimensions]:
    return [
        MetricDimensions(
            group=group.name, load_balancer=group.load_balancer, target_group=group.target_group
        )
        for group in groups
    ]
