"""What stands around a controller: the group with its policies, its load balancer, the topic and
the account's limits. Read for `doctor`, never by a tick, and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from predictive_autoscaler.adapters.aws.autoscaling import not_counted_in_instances
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.errors import aws_errors, error_code
from predictive_autoscaler.core.surroundings import (
    Activity,
    Policy,
    Refresh,
    ScalingGroup,
    ScheduledAction,
    Subnet,
    TargetGroup,
    Topic,
    VcpuLimit,
)
from predictive_autoscaler.core.types import Bounds
from predictive_autoscaler.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef

NEWEST = 5
"""Activities and refreshes; older ones say nothing of today."""
STANDARD_FAMILIES = "acdhimrtz"
"""Of instance types: those that share the limit of "standard" instances."""
ON_DEMAND_CODE, SPOT_CODE = "L-1216C47A", "L-34B43A08"
"""Service Quotas' names of these limits: vCPUs of standard instances, on demand and Spot."""
_GONE = frozenset({"NotFound", "NotFoundException", "ResourceNotFoundException"})


class AwsSurroundings:
    """One method for each fact. All raise SourceError if AWS does not answer."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def bucket(self, name: str) -> str | None:
        """The name of a bucket that can be listed; None if there is none of this name."""
        with aws_errors("s3", "ListBucket", f"bucket {name!r}"):
            try:
                self._clients.of("s3").list_objects_v2(Bucket=name, MaxKeys=1)
            except ClientError as error:
                if error_code(error) == "NoSuchBucket":
                    return None
                raise
        return name

    def group(self, name: str) -> ScalingGroup | None:
        """The group; None if there is none of this name."""
        with aws_errors("autoscaling", "DescribeAutoScalingGroups", f"group {name!r}"):
            answer = self._clients.of("autoscaling").describe_auto_scaling_groups(
                AutoScalingGroupNames=[name]
            )
        if not answer["AutoScalingGroups"]:
            return None
        found: AutoScalingGroupTypeDef = answer["AutoScalingGroups"][0]
        suspended = (
            process.get("ProcessName", "?") for process in found.get("SuspendedProcesses", ())
        )
        return ScalingGroup(
            name=name,
            arn=found.get("AutoScalingGroupARN", ""),
            bounds=Bounds(found["MinSize"], found["MaxSize"]),
            desired=found["DesiredCapacity"],
            in_service=sum(
                instance["LifecycleState"] == "InService" for instance in found.get("Instances", ())
            ),
            status=found.get("Status"),
            suspended=tuple(sorted(suspended)),
            not_in_instances=not_counted_in_instances(found),
            instance_types=tuple(sorted(self._instance_types(found))),
            spot=_may_be_spot(found),
            subnets=tuple(filter(None, found.get("VPCZoneIdentifier", "").split(","))),
            collected_metrics=tuple(
                sorted(metric.get("Metric", "?") for metric in found.get("EnabledMetrics", ()))
            ),
            target_groups=tuple(arn.split(":")[-1] for arn in found.get("TargetGroupARNs", ())),
        )

    def activities(self, group: str) -> list[Activity]:
        """The newest scaling activities, the newest first."""
        with aws_errors("autoscaling", "DescribeScalingActivities", f"group {group!r}"):
            answer = self._clients.of("autoscaling").describe_scaling_activities(
                AutoScalingGroupName=group, MaxRecords=NEWEST
            )
        return [
            Activity(
                status=found["StatusCode"],
                description=found.get("Description", ""),
                message=found.get("StatusMessage", ""),
                started=found["StartTime"],
            )
            for found in answer["Activities"]
        ]

    def refreshes(self, group: str) -> list[Refresh]:
        """The newest instance refreshes, the newest first."""
        with aws_errors("autoscaling", "DescribeInstanceRefreshes", f"group {group!r}"):
            answer = self._clients.of("autoscaling").describe_instance_refreshes(
                AutoScalingGroupName=group, MaxRecords=NEWEST
            )
        return [
            Refresh(found["InstanceRefreshId"], found["Status"], found.get("StatusReason", ""))
            for found in answer["InstanceRefreshes"]
        ]

    def policies(self, group: str) -> list[Policy]:
        """All scaling policies of any kind."""
        found = self._pages(
            "autoscaling", "describe_policies", "ScalingPolicies", AutoScalingGroupName=group
        )
        return [Policy(one["PolicyName"], one["PolicyType"], _acts(one)) for one in found]

    def scheduled_actions(self, group: str) -> list[ScheduledAction]:
        """What the group's own calendar holds."""
        found = self._pages(
            "autoscaling",
            "describe_scheduled_actions",
            "ScheduledUpdateGroupActions",
            AutoScalingGroupName=group,
        )
        return [
            ScheduledAction(
                one["ScheduledActionName"], one.get("Recurrence") or f"once, {one.get('StartTime')}"
            )
            for one in found
        ]

    def target_groups(self, suffix: str) -> list[TargetGroup]:
        """The target group of a CloudWatch dimension, targetgroup/NAME/ID; none if it is gone."""
        name = suffix.split("/")[1]
        try:
            with aws_errors("elasticloadbalancing", "DescribeTargetGroups", suffix):
                answer = self._clients.of("elbv2").describe_target_groups(Names=[name])
        except SourceError as error:
            if "TargetGroupNotFound" in str(error):
                return []
            raise
        return [
            TargetGroup(
                suffix=found["TargetGroupArn"].split(":")[-1],
                load_balancers=tuple(
                    arn.split(":loadbalancer/")[-1] for arn in found.get("LoadBalancerArns", ())
                ),
            )
            for found in answer["TargetGroups"]
        ]

    def topic(self, arn: str) -> Topic | None:
        """The topic's subscribers; None if there is no such topic."""
        confirmed = pending = 0
        pages = self._clients.of("sns").get_paginator("list_subscriptions_by_topic")
        with aws_errors("sns", "ListSubscriptionsByTopic", arn):
            try:
                for page in pages.paginate(TopicArn=arn):
                    for found in page["Subscriptions"]:
                        # Or "Deleted", for a while after somebody has left.
                        pending += found["SubscriptionArn"] == "PendingConfirmation"
                        confirmed += found["SubscriptionArn"].startswith("arn:")
            except ClientError as error:
                if error_code(error) in _GONE:
                    return None
                raise
        return Topic(arn, confirmed, pending)

    def vcpus(self, instance_types: Sequence[str]) -> dict[str, int]:
        """VCPUs of each type."""
        with aws_errors("ec2", "DescribeInstanceTypes", ", ".join(instance_types)):
            answer = self._clients.of("ec2").describe_instance_types(
                InstanceTypes=list(instance_types)
            )
        return {
            found["InstanceType"]: found["VCpuInfo"]["DefaultVCpus"]
            for found in answer["InstanceTypes"]
        }

    def vcpu_limit(self, instance_types: Sequence[str], *, spot: bool) -> VcpuLimit:
        """The account's limit for instances of these types.

        Raises:
            SourceError: or they are none that share the limit of standard instances.
        """
        special = sorted({name for name in instance_types if not is_standard(name)})
        if special:
            raise SourceError(f"the limit of {', '.join(special)} is not one that is looked up")
        code = SPOT_CODE if spot else ON_DEMAND_CODE
        with aws_errors("servicequotas", "GetServiceQuota", code):
            answer = self._clients.of("service-quotas").get_service_quota(
                ServiceCode="ec2", QuotaCode=code
            )
        quota = answer["Quota"]
        return VcpuLimit(code, quota["QuotaName"], float(quota["Value"]))

    def subnets(self, ids: Sequence[str]) -> list[Subnet]:
        """The subnets with their free addresses."""
        if not ids:
            return []
        with aws_errors("ec2", "DescribeSubnets", ", ".join(ids)):
            answer = self._clients.of("ec2").describe_subnets(SubnetIds=list(ids))
        return [
            Subnet(found["SubnetId"], found["AvailableIpAddressCount"])
            for found in answer["Subnets"]
        ]

    def _instance_types(self, group: AutoScalingGroupTypeDef) -> set[str]:
        """Of the launch template and its overrides; of what runs, where those name none."""
        mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        named = {override.get("InstanceType") for override in mixed.get("Overrides", ())}
        named -= {None}
        template = mixed.get("LaunchTemplateSpecification") or group.get("LaunchTemplate")
        if not named and template:
            named = {self._type_of_template(template)} - {None}
        running = {instance.get("InstanceType") for instance in group.get("Instances", ())}
        return {name for name in (named or running) if name}

    def _type_of_template(self, template: Mapping[str, Any]) -> str | None:
        identity = template.get("LaunchTemplateId", "?")
        try:
            with aws_errors("ec2", "DescribeLaunchTemplateVersions", identity):
                answer = self._clients.of("ec2").describe_launch_template_versions(
                    LaunchTemplateId=identity, Versions=[template.get("Version") or "$Default"]
                )
        except SourceError:
            return None  # the running instances tell as well
        versions = answer["LaunchTemplateVersions"]
        found: str | None = (
            versions[0]["LaunchTemplateData"].get("InstanceType") if versions else None
        )
        return found

    def _pages(
        self, service: str, operation: str, key: str, **request: Any
    ) -> list[dict[str, Any]]:
        client = self._clients.of(service)
        action = client.meta.method_to_api_mapping[operation]
        about = next((str(value) for value in request.values()), "")
        with aws_errors(service, action, about):
            pages = client.get_paginator(operation).paginate(**request)
            return [found for page in pages for found in page.get(key, ())]


def is_standard(instance_type: str) -> bool:
    """Whether a type shares the limit of standard instances: m5.large, t3.micro and the like."""
    family = instance_type.partition(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz-")
    letters = family.rstrip("0123456789")
    return len(letters) == 1 and letters in STANDARD_FAMILIES


def _may_be_spot(group: AutoScalingGroupTypeDef) -> bool:
    shares = group.get("MixedInstancesPolicy", {}).get("InstancesDistribution", {})
    return shares.get("OnDemandPercentageAboveBaseCapacity", 100) < 100


def _acts(policy: Mapping[str, Any]) -> bool:
    mode = policy.get("PredictiveScalingConfiguration", {}).get("Mode", "")
    return bool(policy.get("Enabled", True)) and mode != "ForecastOnly"
