from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.nets import AutoScalingNets
from predictive_autoscaler.adapters.memory import MemoryNets
from predictive_autoscaler.errors import AccessDeniedError, SourceError, ThrottledError
from predictive_autoscaler.ports import Net
from tests.adapters.fakes import FakeClient, client_error, failing
from tests.adapters.test_autoscaling import make_group

LABEL = "app/web/1/targetgroup/web/2"
CPU = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
REQUESTS = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": LABEL}
NETWORK = {"PredefinedMetricType": "ASGAverageNetworkIn"}


def put(
    aws: Clients,
    group: str,
    name: str,
    metric: dict[str, str],
    target: float,
    *,
    scale_in: bool = True,
) -> None:
    tracking: Any = {
        "PredefinedMetricSpecification": metric,
        "TargetValue": target,
        "DisableScaleIn": not scale_in,
    }
    aws.autoscaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        EstimatedInstanceWarmup=240,
        TargetTrackingConfiguration=tracking,
    )


@pytest.fixture
def groups(aws: Clients) -> Clients:
    for name in ("web", "other", "bare"):
        make_group(aws, name)
    put(aws, "web", "web-cpu", CPU, 70.0)
    put(aws, "web", "web-requests", REQUESTS, 1000.0)
    put(aws, "web", "web-network", NETWORK, 5e6)
    put(aws, "web", "web-out", NETWORK, 5e6, scale_in=False)
    put(aws, "other", "other-cpu", CPU, 50.0)
    for name, adjustment in (("simple-out", 1), ("simple-in", -1)):
        aws.autoscaling.put_scaling_policy(
            AutoScalingGroupName="other",
            PolicyName=name,
            PolicyType="SimpleScaling",
            AdjustmentType="ChangeInCapacity",
            ScalingAdjustment=adjustment,
        )
    return aws


def test_policies_on_cpu_and_requests_are_shown_and_whatever_scales_in(groups: Clients) -> None:
    nets = AutoScalingNets(groups.autoscaling)
    web = (
        Net("web-cpu", "cpu", 70.0, True),
        Net("web-requests", "requests", 1000.0, True),
        Net("web-network", "other", 5e6, True),
    )
    assert nets.read(["web"]) == {"web": web}
    assert nets.read(["bare"]) == {"bare": ()}
    assert nets.read(["web", "other", "bare"]) == {
        "web": web,
        "other": (Net("other-cpu", "cpu", 50.0, True), Net("simple-in", "other", 0.0, True)),
        "bare": (),
    }


def test_what_is_set_is_all_that_changes(groups: Clients) -> None:
    def configured() -> dict[str, Any]:
        answer = groups.autoscaling.describe_policies(PolicyNames=["web-requests"])
        (policy,) = answer["ScalingPolicies"]
        return {key: value for key, value in policy.items() if key != "Alarms"}

    before, nets = configured(), AutoScalingNets(groups.autoscaling)
    net = nets.read(["web"])["web"][1]  # type: ignore[index]
    nets.set("web", replace(net, target=1234.5, scale_in=False))
    after = configured()
    tracking = after.pop("TargetTrackingConfiguration")
    former = before.pop("TargetTrackingConfiguration")
    assert after == before
    assert after["EstimatedInstanceWarmup"] == 240
    assert tracking.pop("TargetValue") == 1234.5
    assert tracking.pop("DisableScaleIn") is True
    assert tracking["PredefinedMetricSpecification"] == former["PredefinedMetricSpecification"]
    # A new process, which has not read the policy before, sets it all the same.
    AutoScalingNets(groups.autoscaling).set("web", net)
    assert nets.read(["web"])["web"][1] == net  # type: ignore[index]
    assert Net("other-cpu", "cpu", 50.0, True) in nets.read(["other"])["other"]  # type: ignore[operator]


def test_a_policy_that_is_gone_is_not_made_anew(groups: Clients) -> None:
    nets = AutoScalingNets(groups.autoscaling)
    net, in_steps = nets.read(["other"])["other"]  # type: ignore[misc]
    groups.autoscaling.delete_policy(AutoScalingGroupName="other", PolicyName="other-cpu")
    assert nets.read(["other"]) == {"other": (in_steps,)}
    with pytest.raises(SourceError, match="policy 'other-cpu' of group 'other' is not there"):
        nets.set("other", net)


def test_a_policy_on_another_metric_is_never_set(groups: Clients) -> None:
    nets = AutoScalingNets(groups.autoscaling)
    found = nets.read(["web"])["web"]
    other = next(net for net in found if net.metric == "other")  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="policy 'web-network' of group 'web' is not there, or"):
        nets.set("web", replace(other, target=1.0))


def listed(name: str, group: str = "web", **more: Any) -> dict[str, Any]:
    tracking = {"PredefinedMetricSpecification": CPU, "TargetValue": 70.0}
    return {
        "AutoScalingGroupName": group,
        "PolicyName": name,
        "TargetTrackingConfiguration": tracking,
    } | more


def test_all_pages_are_read_in_one_listing_for_all_groups() -> None:
    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        assert "AutoScalingGroupName" not in arguments
        assert "PolicyTypes" not in arguments  # step and simple ones may scale in as well
        if "NextToken" in arguments:
            return {"ScalingPolicies": [listed("b", "shop"), listed("c", "strange")]}
        return {"ScalingPolicies": [listed("a")], "NextToken": "more"}

    client: Any = FakeClient(answer)
    assert AutoScalingNets(client).read(["web", "shop"]) == {
        "web": (Net("a", "cpu", 70.0, True),),
        "shop": (Net("b", "cpu", 70.0, True),),
    }
    assert len(client.calls) == 2


def test_a_disabled_policy_does_nothing_and_a_custom_metric_is_not_ours() -> None:
    custom = {"CustomizedMetricSpecification": {"MetricName": "Queue"}, "TargetValue": 3.0}
    policies = [listed("a", Enabled=False), listed("b", TargetTrackingConfiguration=custom)]
    client: Any = FakeClient(lambda *_: {"ScalingPolicies": policies})
    assert AutoScalingNets(client).read(["web"]) == {"web": (Net("b", "other", 3.0, True),)}


@pytest.mark.parametrize(
    ("policy", "takes_away"),
    [
        ({"AdjustmentType": "ExactCapacity", "ScalingAdjustment": 5}, True),
        ({"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": -1}, True),
        ({"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1}, False),
        ({"StepAdjustments": [{"ScalingAdjustment": 1}, {"ScalingAdjustment": -2}]}, True),
        ({"StepAdjustments": [{"ScalingAdjustment": 1}]}, False),
    ],
)
def test_step_and_simple_policies_matter_where_they_end_instances(
    policy: dict[str, Any], takes_away: bool
) -> None:
    one = {"AutoScalingGroupName": "web", "PolicyName": "steps"} | policy
    client: Any = FakeClient(lambda *_: {"ScalingPolicies": [one]})
    wanted = (Net("steps", "other", 0.0, True),) if takes_away else ()
    assert AutoScalingNets(client).read(["web"]) == {"web": wanted}


def test_no_groups_take_no_call() -> None:
    assert AutoScalingNets(failing(AssertionError())).read([]) == {}


def test_errors_are_told_apart() -> None:
    throttled = failing(client_error("Throttling", "Rate exceeded"))
    with pytest.raises(ThrottledError, match=r"DescribePolicies on group 'web'"):
        AutoScalingNets(throttled).read(["web"])

    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "put_scaling_policy":
            raise client_error("AccessDenied", "no")
        return {"ScalingPolicies": [listed("a")]}

    denied: Any = FakeClient(answer)
    with pytest.raises(AccessDeniedError, match="PutScalingPolicy on policy 'a' of group 'web'"):
        AutoScalingNets(denied).set("web", Net("a", "cpu", 85.0, False))


def test_in_memory() -> None:
    net = Net("a", "cpu", 70.0, True)
    nets = MemoryNets({"web": [net]})
    assert nets.read(["web", "unknown"]) == {"web": (net,)}
    nets.set("web", replace(net, target=85.0))
    assert nets.read(["web"]) == {"web": (replace(net, target=85.0),)}
    assert nets.calls == [("web", replace(net, target=85.0))]
    with pytest.raises(SourceError, match="no policy 'b'"):
        nets.set("web", Net("b", "cpu", 70.0, True))
    nets.read_error = nets.set_error = ThrottledError("slowly")
    with pytest.raises(ThrottledError):
        nets.read(["web"])
    with pytest.raises(ThrottledError):
        nets.set("web", net)
