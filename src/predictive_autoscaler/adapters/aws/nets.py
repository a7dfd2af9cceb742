"""The groups' own target tracking policies: how they stand, and how they are set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.adapters.aws.paging import pages
from predictive_autoscaler.errors import AutoscalerError, SourceError
from predictive_autoscaler.ports import Net

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import (
        DescribePoliciesTypeTypeDef,
        PoliciesTypeTypeDef,
        PutScalingPolicyTypeTypeDef,
        ScalingPolicyTypeDef,
    )

POLICIES_PER_PAGE = 100
OTHER = "other"
_METRICS = {"ASGAverageCPUUtilization": "cpu", "ALBRequestCountPerTarget": "requests"}


class AutoScalingNets:
    """Nets over EC2 Auto Scaling.

    Policies of other kinds or on other metrics are shown where they may take capacity away, and
    left alone. Disabled ones do nothing, and are not shown.
    """

    def __init__(self, client: AutoScalingClient) -> None:
        self._client = client
        self._policies: dict[tuple[str, str], ScalingPolicyTypeDef] = {}

    def read(self, groups: Sequence[str]) -> dict[str, tuple[Net, ...] | AutoscalerError]:
        """As the port says. AWS lists the policies of one group or of all, so several groups
        share one listing, a call for every 100 policies of the region.
        """
        found: dict[str, list[Net]] = {group: [] for group in groups}
        policies = list(self._listed(groups)) if groups else []
        # A policy that is gone must not be made anew by setting it.
        self._policies = {key: kept for key, kept in self._policies.items() if key[0] not in found}
        for policy in policies:
            group, net = policy.get("AutoScalingGroupName", ""), _net(policy)
            if group in found and net is not None:
                self._policies[group, net.policy] = policy
                found[group].append(net)
        return {group: tuple(nets) for group, nets in found.items()}

    def set(self, group: str, net: Net) -> None:
        """As the port says: AWS takes whole policies only, so the rest is sent as it was read."""
        if (group, net.policy) not in self._policies:
            self.read([group])
        policy = self._policies.get((group, net.policy))
        if net.metric == OTHER:
            policy = None
        about = f"policy {net.policy!r} of group {group!r}"
        if policy is None:
            raise SourceError(f"{about} is not there, or tracks another metric")
        with aws_errors("autoscaling", "PutScalingPolicy", about):
            self._client.put_scaling_policy(**_request(group, policy, net))

    def _listed(self, groups: Sequence[str]) -> Iterator[ScalingPolicyTypeDef]:
        for page in pages(partial(self._page, groups)):
            yield from page["ScalingPolicies"]

    def _page(self, groups: Sequence[str], token: str | None) -> PoliciesTypeTypeDef:
        request: DescribePoliciesTypeTypeDef = {"MaxRecords": POLICIES_PER_PAGE}
        about = f"{len(groups)} groups"
        if len(groups) == 1:
            request["AutoScalingGroupName"], about = groups[0], f"group {groups[0]!r}"
        if token is not None:
            request["NextToken"] = token
        with aws_errors("autoscaling", "DescribePolicies", about):
            return self._client.describe_policies(**request)


def _net(policy: ScalingPolicyTypeDef) -> Net | None:
    """The policy as a net; None if it does nothing that matters here."""
    if not policy.get("Enabled", True):
        return None
    name = policy.get("PolicyName", "")
    tracking = policy.get("TargetTrackingConfiguration")
    if tracking is None:
        return Net(name, OTHER, 0.0, True) if _takes_away(policy) else None
    kind = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "")
    scale_in = not tracking.get("DisableScaleIn", False)
    metric = _METRICS.get(kind, OTHER)
    if metric == OTHER and not scale_in:
        return None
    return Net(name, metric, float(tracking["TargetValue"]), scale_in)


def _takes_away(policy: ScalingPolicyTypeDef) -> bool:
    """Whether a step or simple policy can end instances."""
    if policy.get("AdjustmentType") == "ExactCapacity":
        return True
    steps = [step.get("ScalingAdjustment", 0) for step in policy.get("StepAdjustments", ())]
    return min([policy.get("ScalingAdjustment", 0), *steps]) < 0


def _request(group: str, policy: ScalingPolicyTypeDef, net: Net) -> PutScalingPolicyTypeTypeDef:
    tracking = policy["TargetTrackingConfiguration"]
    request: PutScalingPolicyTypeTypeDef = {
        "AutoScalingGroupName": group,
        "PolicyName": net.policy,
        "PolicyType": "TargetTrackingScaling",
        "Enabled": policy.get("Enabled", True),
        "TargetTrackingConfiguration": {
            **tracking,
            "TargetValue": net.target,
            "DisableScaleIn": not net.scale_in,
        },
    }
    warm_up = policy.get("EstimatedInstanceWarmup")
    if warm_up is not None:
        request["EstimatedInstanceWarmup"] = warm_up
    return request
