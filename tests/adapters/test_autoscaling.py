from __future__ import annotations

from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.autoscaling import AutoScalingActuator
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.core.types import Bounds, GroupState
from predictive_autoscaler.errors import GroupNotFoundError, SourceError, ThrottledError
from tests.adapters.fakes import FakeClient, client_error, failing

GONE = client_error("ValidationError", "AutoScalingGroup name not found - null")


def make_group(aws: Clients, name: str, **more: Any) -> None:
    client = aws.autoscaling
    if not client.describe_launch_configurations()["LaunchConfigurations"]:
        client.create_launch_configuration(
            LaunchConfigurationName="lc", ImageId="ami-12c6146b", InstanceType="t3.small"
        )
    client.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName="lc",
        MinSize=1,
        MaxSize=6,
        DesiredCapacity=2,
        AvailabilityZones=["eu-central-1a"],
        **more,
    )


def test_groups_are_described_and_changed(aws: Clients) -> None:
    make_group(aws, "web")
    make_group(aws, "other")
    actuator = AutoScalingActuator(aws.autoscaling)
    assert actuator.describe(["web", "gone"]) == {"web": GroupState("web", 2, 2, Bounds(1, 6))}
    actuator.set_desired("web", 4)
    assert actuator.describe(["web"])["web"] == GroupState("web", 4, 4, Bounds(1, 6))


def test_suspended_processes_block(aws: Clients) -> None:
    make_group(aws, "web")
    aws.autoscaling.suspend_processes(
        AutoScalingGroupName="web", ScalingProcesses=["Terminate", "Launch", "AZRebalance"]
    )
    state = AutoScalingActuator(aws.autoscaling).describe(["web"])["web"]
    assert state.blocked_by == (
        "suspended processes: Launch, Terminate; without Launch it is not scaled out either"
    )


def test_a_group_that_never_was_cannot_be_set(aws: Clients) -> None:
    with pytest.raises(GroupNotFoundError, match="there is no group 'web'"):
        AutoScalingActuator(aws.autoscaling).set_desired("web", 1)


def described(**more: Any) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": "web",
        "MinSize": 1,
        "MaxSize": 9,
        "DesiredCapacity": 3,
        "Instances": [
            {"LifecycleState": state}
            for state in ("InService", "InService", "Pending:Wait", "Standby", "Terminating")
        ],
    } | more


def client_of(group: dict[str, Any]) -> Any:
    return FakeClient(lambda *_: {"AutoScalingGroups": [group]})


def test_only_instances_in_service_count() -> None:
    state = AutoScalingActuator(client_of(described())).describe(["web"])["web"]
    assert state == GroupState("web", 3, 2, Bounds(1, 9))


@pytest.mark.parametrize(
    ("more", "blocked_by"),
    [
        ({"Status": "Delete in progress"}, "status: Delete in progress"),
        ({"SuspendedProcesses": [{"ProcessName": "AZRebalance"}]}, None),
        (
            {"SuspendedProcesses": [{"ProcessName": "AlarmNotification"}], "Status": "S"},
            "status: S; suspended processes: AlarmNotification",
        ),
        (
            {"SuspendedProcesses": [{"ProcessName": "AddToLoadBalancer"}]},
            "suspended processes: AddToLoadBalancer; without AddToLoadBalancer what is new serves "
            "nobody",
        ),
    ],
)
def test_obstacles_are_named(more: dict[str, Any], blocked_by: str | None) -> None:
    state = AutoScalingActuator(client_of(described(**more))).describe(["web"])["web"]
    assert state.blocked_by == blocked_by


def overrides(*weights: str | None) -> dict[str, Any]:
    made = [{"InstanceType": "t3.small"} | ({"WeightedCapacity": w} if w else {}) for w in weights]
    return {"MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": made}}}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (overrides("2", "4"), r"weighted capacity \(2, 4\)"),
        ({"DesiredCapacityType": "vcpu"}, "capacity counted in vcpu"),
    ],
)
def test_capacity_that_is_no_number_of_instances_is_refused(
    more: dict[str, Any], reason: str
) -> None:
    client = client_of(described(**more))
    actuator = AutoScalingActuator(client)
    with pytest.raises(SourceError, match=f"'web' is not set: it has {reason}"):
        actuator.set_desired("web", 4)
    assert [operation for operation, _ in client.calls] == ["describe_auto_scaling_groups"]
    blocked = actuator.describe(["web"])["web"].blocked_by
    assert blocked is not None
    assert blocked.startswith(reason.split(r" \(")[0])


@pytest.mark.parametrize("more", [overrides("1", "1"), overrides(None), {}])
def test_instances_of_one_size_are_set(more: dict[str, Any]) -> None:
    client = client_of(described(**more))
    AutoScalingActuator(client).set_desired("web", 4)
    assert client.calls[-1] == (
        "set_desired_capacity",
        {"AutoScalingGroupName": "web", "DesiredCapacity": 4, "HonorCooldown": False},
    )


def test_many_groups_take_few_calls_and_all_pages() -> None:
    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        names = arguments["AutoScalingGroupNames"]
        assert len(names) <= 100
        half = len(names) // 2
        if "NextToken" in arguments:
            return {"AutoScalingGroups": [described(AutoScalingGroupName=n) for n in names[half:]]}
        groups = [described(AutoScalingGroupName=name) for name in names[:half]]
        return {"AutoScalingGroups": groups, "NextToken": "more"}

    client: Any = FakeClient(answer)
    names = [f"web{number}" for number in range(150)]
    assert list(AutoScalingActuator(client).describe(names)) == names
    assert len(client.calls) == 4


def test_no_groups_take_no_call() -> None:
    client = failing(AssertionError())
    assert AutoScalingActuator(client).describe([]) == {}


def test_a_group_that_vanishes_between_the_calls() -> None:
    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "set_desired_capacity":
            raise GONE
        return {"AutoScalingGroups": [described()]}

    client: Any = FakeClient(answer)
    with pytest.raises(GroupNotFoundError, match="ASG_NAME"):
        AutoScalingActuator(client).set_desired("web", 2)


def test_throttling_is_told_apart() -> None:
    client = failing(client_error("Throttling", "Rate exceeded"))
    with pytest.raises(ThrottledError, match=r"DescribeAutoScalingGroups on group 'web'"):
        AutoScalingActuator(client).describe(["web"])


@pytest.mark.parametrize(
    ("cause", "hand"),
    [
        (
            "At 2026-03-14T09:00:00Z a user request explicitly set group desired",
            "a person",
        ),
        (
            "At 2026-03-14T09:00:00Z a monitor alarm x in state ALARM triggered policy x",
            "a scaling policy",
        ),
        ("At 2026-03-14T09:00:00Z the scheduled action morning executed", "a schedule"),
        ("At 2026-03-14T09:00:00Z an instance was taken out of service", None),
    ],
)
def test_who_changed_the_group_is_told_by_the_cause(cause: str, hand: str | None) -> None:
    newest = {"Cause": "At 2026-03-14T09:05:00Z an instance was started in response"}
    client: Any = FakeClient(lambda *_: {"Activities": [newest, {"Cause": cause}, {}]})
    assert AutoScalingActuator(client).changed_by("web") == hand
    assert client.calls == [
        ("describe_scaling_activities", {"AutoScalingGroupName": "web", "MaxRecords": 5})
    ]
