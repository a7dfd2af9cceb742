"""Where the facts of `doctor` come from: the questions to AWS, all asked at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

from predictive_autoscaler.adapters.aws.account import AwsAccount
from predictive_autoscaler.adapters.aws.alarms import CloudWatchAlarms
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.lambda_functions import Environment, LambdaFunctions
from predictive_autoscaler.adapters.aws.nets import AutoScalingNets
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.aws.surroundings import AwsSurroundings
from predictive_autoscaler.adapters.stores import StoredControls, StoredHistory, StoredModels
from predictive_autoscaler.app.alarms import concerning
from predictive_autoscaler.app.doctor.checks.metrics import LOOKED_BACK
from predictive_autoscaler.app.doctor.facts import Asker, Facts, Look, found_or
from predictive_autoscaler.app.doctor.rights import of_an_operator, of_the_role
from predictive_autoscaler.app.published_metrics import NAMESPACE
from predictive_autoscaler.app.rollback import other_versions
from predictive_autoscaler.app.settings import GROUPS, GroupSettings
from predictive_autoscaler.core.surroundings import (
    ControllerFunction,
    ScalingGroup,
    Simulated,
    TargetGroup,
    Topic,
    VcpuLimit,
)
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import (
    AutoscalerError,
    GroupNotFoundError,
    SettingsError,
    SourceError,
    or_raise,
)
from predictive_autoscaler.ports import Alarm, GroupControl, MetricRequest, Net
from predictive_autoscaler.wiring import decision_in, group_of, metric_source

_MINUTE = timedelta(minutes=1)


def aws_facts(environment: Mapping[str, str], function_name: str | None, seconds: float) -> Facts:
    """Begin to ask AWS about the group that the environment names.

    Args:
        function_name: of the controller; it is looked for where none is given.
        seconds: after which a question counts as not answered.
    """
    aws = _Aws(environment, function_name)
    ask, around = Asker(seconds).ask, aws.around
    caller = ask(aws.account.caller)
    settings = ask(lambda: group_of(environment, aws.clients)[1])
    bucket = ask(lambda: around.bucket(aws.bucket_name))
    group = ask(lambda: around.group(aws.group_name))
    function = ask(aws.function)
    return Facts(
        now=aws.now,
        environment=environment,
        group_name=environment.get("ASG_NAME", ""),
        region=environment.get("AWS_REGION"),
        caller=caller,
        clock=ask(aws.account.clock),
        own_rights=ask(lambda: aws.own_rights(caller().arn, _there(group), _named(bucket))),
        role_rights=ask(lambda: aws.role_rights(_known(function), _there(group), _named(bucket))),
        settings=settings,
        bucket=bucket,
        group=group,
        activities=ask(lambda: around.activities(aws.group_name)),
        refreshes=ask(lambda: around.refreshes(aws.group_name)),
        policies=ask(lambda: around.policies(aws.group_name)),
        scheduled_actions=ask(lambda: around.scheduled_actions(aws.group_name)),
        target_groups=ask(lambda: aws.target_groups(_there(group))),
        nets=ask(aws.nets),
        control=ask(aws.control),
        metrics=ask(lambda: aws.metrics(settings())),
        history_days=ask(lambda: StoredHistory(aws.objects).days(aws.group_name)),
        card=ask(lambda: StoredModels(aws.objects).load(settings().model).card),
        other_versions=ask(lambda: other_versions(settings().model, StoredModels(aws.objects))),
        record=ask(lambda: decision_in(aws.objects, None)),
        function=function,
        reserved_concurrency=ask(lambda: aws.functions.reserved_concurrency(_known(function))),
        rules=ask(lambda: aws.functions.rules(_known(function))),
        topic=ask(aws.topic),
        alarms=ask(lambda: aws.alarms(function)),
        vcpus=ask(lambda: around.vcpus(_there(group).instance_types)),
        vcpu_limit=ask(lambda: _limit(around, _there(group))),
        subnets=ask(lambda: around.subnets(_there(group).subnets)),
    )


class _Aws:
    """The questions that take more than one call of an adapter.

    Names come from the environment as it is, so that wrong settings do not keep the rest from
    being looked at.
    """

    def __init__(self, environment: Mapping[str, str], function_name: str | None) -> None:
        self.now = datetime.now(UTC)
        self.clients = Clients(environment.get("AWS_REGION"))
        self.account = AwsAccount(self.clients, NAMESPACE)
        self.around = AwsSurroundings(self.clients)
        self.functions = LambdaFunctions(self.clients)
        self._environment = environment
        self._function_name = function_name

    @property
    def group_name(self) -> str:
        return self._named("ASG_NAME")

    @property
    def bucket_name(self) -> str:
        return self._named("S3_BUCKET")

    @cached_property
    def objects(self) -> S3Objects:
        return S3Objects(self.clients.of("s3"), self.bucket_name)

    def nets(self) -> tuple[Net, ...]:
        group = self.group_name
        return or_raise(AutoScalingNets(self.clients.of("autoscaling")).read([group])[group])

    def control(self) -> GroupControl:
        group = self.group_name
        return or_raise(StoredControls(self.objects).load_each([group])[group])

    def metrics(self, settings: GroupSettings) -> Samples:
        end = floor_to(self.now, _MINUTE)
        request = MetricRequest(settings.name, end - LOOKED_BACK, end, 60)
        source = metric_source([settings], self.clients)
        return or_raise(source.read([request])[settings.name])

    def target_groups(self, group: ScalingGroup) -> list[TargetGroup]:
        return [one for suffix in group.target_groups for one in self.around.target_groups(suffix)]

    def function(self) -> ControllerFunction | None:
        if self._function_name:
            return self.functions.named(self._function_name)
        return self.functions.with_environment(self._is_ours)

    def _is_ours(self, found: Environment) -> bool:
        same_bucket = found.get("S3_BUCKET") == self.bucket_name
        return same_bucket and (found.get("ASG_NAME") == self.group_name or GROUPS in found)

    def topic(self) -> Topic | None:
        return self.around.topic(self._named("SNS_TOPIC_ARN"))

    def alarms(self, function: Look[ControllerFunction | None]) -> list[Alarm]:
        names = [self.group_name, self._environment.get("LOAD_BALANCER", "")]
        try:
            found = function()
        except AutoscalerError:
            found = None  # alarms about the others are worth having
        names += [found.name] if found else []
        listed = CloudWatchAlarms(self.clients.of("cloudwatch")).read(None)
        topic = self._environment.get("SNS_TOPIC_ARN") or None
        return concerning(listed, list(filter(None, names)), topic)

    def own_rights(self, arn: str, group: ScalingGroup, bucket: str) -> Simulated:
        return self.account.simulated(arn, of_an_operator(group.arn, bucket))

    def role_rights(
        self, function: ControllerFunction, group: ScalingGroup, bucket: str
    ) -> Simulated:
        topic = self._environment.get("SNS_TOPIC_ARN") or None
        return self.account.simulated(function.role, of_the_role(group.arn, bucket, topic))

    def _named(self, variable: str) -> str:
        text = self._environment.get(variable, "")
        if not text:
            raise SettingsError(f"{variable} is not set")
        return text


def _limit(around: AwsSurroundings, group: ScalingGroup) -> VcpuLimit:
    return around.vcpu_limit(group.instance_types, spot=group.spot)


def _there(group: Look[ScalingGroup | None]) -> ScalingGroup:
    return found_or(group(), GroupNotFoundError("there is no such group"))


def _named(bucket: Look[str | None]) -> str:
    return found_or(bucket(), SourceError("there is no such bucket"))


def _known(function: Look[ControllerFunction | None]) -> ControllerFunction:
    return found_or(function(), SourceError("no function of this controller is known"))
