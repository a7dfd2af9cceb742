"""Whether AWS would give the group as much as its MaxSize says."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_autoscaler.app.doctor.checks.group import existing
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import (
    Check,
    Finding,
    fault,
    not_checked,
    ok,
    warning,
)
from predictive_autoscaler.app.doctor.wording import command, listed

AREA = "room to grow"
BUSY_SHARE = 0.8
"""Of the account's vCPUs: others share them."""


def vcpus(facts: Facts) -> Iterator[Finding]:
    """MaxSize in vCPUs against the account's limit."""
    group = existing(facts)
    if not group.instance_types:
        yield not_checked("the group's instance type is not known")
        return
    by_type = facts.vcpus()
    largest = max(by_type.values())
    limit = facts.vcpu_limit()
    high = group.bounds.max_instances
    needed = high * largest
    text = (
        f"MaxSize {high} of {listed(sorted(by_type))} is {needed} vCPUs, and the account may run "
        f"{limit.vcpus:g} ({limit.name})"
    )
    remedy = command(
        "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code",
        limit.code,
        "--desired-value",
        -(-needed * 5 // 4),
    )
    if needed > limit.vcpus:
        yield fault(
            f"{text}: the group stops at {limit.vcpus // largest:.0f} instances at most", remedy
        )
    elif needed > BUSY_SHARE * limit.vcpus:
        yield warning(f"{text}, shared with all else that runs there", remedy)
    else:
        yield ok(text)


def addresses(facts: Facts) -> Iterator[Finding]:
    """Free addresses in the group's subnets against what may still start."""
    group = existing(facts)
    more = group.bounds.max_instances - group.in_service
    found = facts.subnets()
    free = sum(subnet.free_addresses for subnet in found)
    names = listed(f"{subnet.subnet_id} {subnet.free_addresses}" for subnet in found)
    text = f"{free} free addresses ({names or 'no subnet'}) for {max(0, more)} more instances"
    if free < more:
        yield fault(
            text,
            "lower MaxSize, or give the group a further subnet: aws autoscaling "
            f"update-auto-scaling-group --auto-scaling-group-name {group.name} "
            "--vpc-zone-identifier SUBNETS",
        )
    else:
        yield ok(text)


CHECKS = (
    Check(
        "vCPU limit",
        AREA,
        f"MaxSize is above the account's limit; from {100 * BUSY_SHARE:.0f} % of it on a warning",
        (
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions",
            "servicequotas:GetServiceQuota",
        ),
        vcpus,
    ),
    Check(
        "subnets",
        AREA,
        "fewer free addresses than instances up to MaxSize",
        ("ec2:DescribeSubnets",),
        addresses,
    ),
)
