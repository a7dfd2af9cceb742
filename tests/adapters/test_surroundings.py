"""What stands around a controller: of moto where it can play the part, of stubs where not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.surroundings import AwsSurroundings, is_standard
from predictive_autoscaler.core.surroundings import (
    Activity,
    Policy,
    Refresh,
    ScheduledAction,
    VcpuLimit,
)
from predictive_autoscaler.core.types import Bounds
from predictive_autoscaler.errors import SourceError

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def clients(aws: Clients) -> Clients:
    return Clients("eu-central-1")


def of_scaling(clients: Clients) -> tuple[AwsSurroundings, Stubber]:
    return AwsSurroundings(clients), Stubber(clients.of("autoscaling"))


def described(**more: Any) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": "web",
        "AutoScalingGroupARN": "arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:x",
        "MinSize": 1,
        "MaxSize": 9,
        "DesiredCapacity": 3,
        "DefaultCooldown": 300,
        "AvailabilityZones": ["a"],
        "HealthCheckType": "ELB",
        "CreatedTime": NOW,
    } | more


def test_no_such_group(clients: Clients) -> None:
    assert AwsSurroundings(clients).group("gone") is None


def test_a_bucket_that_is_there_and_one_that_is_not(clients: Clients) -> None:
    where = {"LocationConstraint": "eu-central-1"}
    clients.of("s3").create_bucket(Bucket="records", CreateBucketConfiguration=where)
    assert AwsSurroundings(clients).bucket("records") == "records"
    assert AwsSurroundings(clients).bucket("gone") is None


def test_a_group_in_full(clients: Clients) -> None:
    around, stub = of_scaling(clients)
    overrides = [{"InstanceType": "m6i.large"}, {"InstanceType": "m5.large"}]
    group = described(
        Status="Delete in progress",
        VPCZoneIdentifier="subnet-1,subnet-2",
        SuspendedProcesses=[{"ProcessName": "Launch"}, {"ProcessName": "AZRebalance"}],
        EnabledMetrics=[{"Metric": "GroupInServiceInstances", "Granularity": "1Minute"}],
        TargetGroupARNs=["arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/web/2"],
        MixedInstancesPolicy={
            "LaunchTemplate": {"Overrides": overrides},
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 50},
        },
    )
    stub.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [group]})
    with stub:
        found = around.group("web")
    assert found is not None
    assert (found.bounds, found.desired, found.in_service) == (Bounds(1, 9), 3, 0)
    assert found.status == "Delete in progress"
    assert found.suspended == ("AZRebalance", "Launch")
    assert found.instance_types == ("m5.large", "m6i.large")
    assert found.spot
    assert found.subnets == ("subnet-1", "subnet-2")
    assert found.collected_metrics == ("GroupInServiceInstances",)
    assert found.target_groups == ("targetgroup/web/2",)


def test_a_template_that_may_not_be_read_leaves_the_running_types(clients: Clients) -> None:
    around, stub = of_scaling(clients)
    running = {
        "InstanceId": "i-1",
        "InstanceType": "t3.small",
        "AvailabilityZone": "a",
        "LifecycleState": "InService",
        "HealthStatus": "Healthy",
        "ProtectedFromScaleIn": False,
    }
    group = described(Instances=[running], LaunchTemplate={"LaunchTemplateId": "lt-1"})
    stub.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [group]})
    templates = Stubber(clients.of("ec2"))
    templates.add_client_error("describe_launch_template_versions", "UnauthorizedOperation")
    with stub, templates:
        found = around.group("web")
    assert found is not None
    assert (found.instance_types, found.in_service) == (("t3.small",), 1)


def test_activities_and_refreshes(clients: Clients) -> None:
    around, stub = of_scaling(clients)
    activity = {
        "ActivityId": "1",
        "AutoScalingGroupName": "web",
        "Cause": "a policy",
        "Description": "Launching",
        "StartTime": NOW,
        "StatusCode": "Failed",
        "StatusMessage": "no capacity",
    }
    stub.add_response("describe_scaling_activities", {"Activities": [activity]})
    refresh = {"InstanceRefreshId": "r", "Status": "InProgress"}
    stub.add_response("describe_instance_refreshes", {"InstanceRefreshes": [refresh]})
    with stub:
        assert around.activities("web") == [Activity("Failed", "Launching", "no capacity", NOW)]
        assert around.refreshes("web") == [Refresh("r", "InProgress", "")]


def test_policies_that_act_and_actions_by_the_clock(clients: Clients) -> None:
    around, stub = of_scaling(clients)

    def predictive(name: str, mode: str) -> dict[str, Any]:
        return {
            "PolicyName": name,
            "PolicyType": "PredictiveScaling",
            "PredictiveScalingConfiguration": {"MetricSpecifications": [], "Mode": mode},
        }

    step = {"PolicyName": "step", "PolicyType": "StepScaling", "Enabled": False}
    first = {"ScalingPolicies": [predictive("a", "ForecastAndScale")], "NextToken": "more"}
    second = {"ScalingPolicies": [predictive("b", "ForecastOnly"), step]}
    stub.add_response("describe_policies", first)
    stub.add_response("describe_policies", second)
    action = {"ScheduledActionName": "night", "Recurrence": "0 22 * * *"}
    stub.add_response("describe_scheduled_actions", {"ScheduledUpdateGroupActions": [action]})
    with stub:
        assert around.policies("web") == [
            Policy("a", "PredictiveScaling", acts=True),
            Policy("b", "PredictiveScaling", acts=False),
            Policy("step", "StepScaling", acts=False),
        ]
        assert around.scheduled_actions("web") == [ScheduledAction("night", "0 22 * * *")]


def test_subscribers_who_have_confirmed_and_who_have_not(clients: Clients) -> None:
    stub = Stubber(clients.of("sns"))
    arn = "arn:aws:sns:eu-central-1:1:alarms"
    arns = [f"{arn}:1", f"{arn}:2", "PendingConfirmation", "Deleted"]
    told = [{"SubscriptionArn": one} for one in arns]
    stub.add_response("list_subscriptions_by_topic", {"Subscriptions": told}, {"TopicArn": arn})
    with stub:
        topic = AwsSurroundings(clients).topic(arn)
    assert topic is not None
    assert (topic.confirmed, topic.pending) == (2, 1)


def test_a_topic_that_is_gone(clients: Clients) -> None:
    # moto answers an empty list for a topic that never was; AWS says NotFound.
    stub = Stubber(clients.of("sns"))
    stub.add_client_error("list_subscriptions_by_topic", "NotFound")
    with stub:
        assert AwsSurroundings(clients).topic("arn:aws:sns:eu-central-1:1:gone") is None


def test_a_target_group_that_is_gone_hangs_on_nothing(clients: Clients) -> None:
    assert AwsSurroundings(clients).target_groups("targetgroup/gone/1") == []


def test_the_limit_of_standard_instances(clients: Clients) -> None:
    around, stub = AwsSurroundings(clients), Stubber(clients.of("service-quotas"))
    quota = {"Quota": {"QuotaName": "Running On-Demand Standard", "Value": 32.0}}
    asked = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    stub.add_response("get_service_quota", quota, asked)
    stub.add_response("get_service_quota", quota, asked | {"QuotaCode": "L-34B43A08"})
    with stub:
        limit = around.vcpu_limit(["t3.medium"], spot=False)
        assert limit == VcpuLimit("L-1216C47A", "Running On-Demand Standard", 32.0)
        assert around.vcpu_limit(["t3.medium"], spot=True).code == "L-34B43A08"
    with pytest.raises(SourceError, match=r"the limit of g4dn\.xlarge is not one"):
        around.vcpu_limit(["t3.medium", "g4dn.xlarge"], spot=False)


@pytest.mark.parametrize("name", ["t3.medium", "m7i-flex.large", "c6gd.metal", "z1d.large"])
def test_standard_types(name: str) -> None:
    assert is_standard(name)


@pytest.mark.parametrize("name", ["p4d.24xlarge", "inf2.xlarge", "mac1.metal", "u-6tb1.metal", ""])
def test_other_types(name: str) -> None:
    assert not is_standard(name)
