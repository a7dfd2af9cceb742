"""The Auto Scaling group: there, free to be scaled, and able to grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from predictive_autoscaler.app.doctor.facts import Facts, found_or
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import aged, command, listed, of_group
from predictive_autoscaler.core.surroundings import ScalingGroup
from predictive_autoscaler.core.types import HARMLESS_WHEN_SUSPENDED
from predictive_autoscaler.errors import GroupNotFoundError

AREA = "group"
NEEDED_TO_SERVE = frozenset({"Launch", "Terminate", "AddToLoadBalancer"})
"""Without these capacity that is asked for does not come, does not go, or does not serve."""
REFRESHING = frozenset({"Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"})
RECENT = timedelta(hours=24)


def existing(facts: Facts) -> ScalingGroup:
    """The group.

    Raises:
        GroupNotFoundError: there is none.
    """
    error = GroupNotFoundError(f"there is no group {facts.group_name!r}")
    return found_or(facts.group(), error)


def exists(facts: Facts) -> Iterator[Finding]:
    """Whether it is there, and stays."""
    group = facts.group()
    if group is None:
        yield fault(
            f"there is no Auto Scaling group {facts.group_name!r} in region "
            f"{facts.region or 'of the profile'}",
            "set ASG_NAME and AWS_REGION; aws autoscaling describe-auto-scaling-groups --query "
            "'AutoScalingGroups[].AutoScalingGroupName' lists those that there are",
        )
    elif group.status:
        yield fault(
            f"{group.name}: {group.status}",
            "it is being deleted: set ASG_NAME to the group that takes its place",
        )
    else:
        yield ok(f"{group.name} is there, {group.in_service} of {group.desired} in service")


def bounds(facts: Facts) -> Iterator[Finding]:
    """Whether there is room to scale in."""
    group = existing(facts)
    low, high = group.bounds.min_instances, group.bounds.max_instances
    values = f"MinSize {low}, MaxSize {high}, desired {group.desired}"
    more = of_group("update-auto-scaling-group", group.name, "--max-size", max(2 * high, low + 1))
    remedy = f"{more} (group.max_size in terraform.tfvars, or the next apply takes it back)"
    if low == high:
        yield fault(f"{values}: there is nothing to scale between", remedy)
    elif group.desired >= high:
        yield warning(f"{values}: it is at its limit, and cannot follow more traffic", remedy)
    else:
        yield ok(values)


def capacity_unit(facts: Facts) -> Iterator[Finding]:
    """Whether capacity counts instances."""
    group = existing(facts)
    if group.not_in_instances:
        yield fault(
            f"{group.name} has {group.not_in_instances}; its capacity is not set, since one unit "
            "of it is not one instance",
            "take the weights out of the mixed instances policy, and use types of one size "
            "(desired capacity type: units)",
        )
    else:
        yield ok(f"one unit of capacity is one instance ({listed(group.instance_types) or '?'})")


def suspended(facts: Facts) -> Iterator[Finding]:
    """Processes that somebody has switched off."""
    group = existing(facts)
    risky = [name for name in group.suspended if name not in HARMLESS_WHEN_SUSPENDED]
    if not risky:
        yield ok(f"none that matters ({listed(group.suspended) or 'none at all'})")
        return
    remedy = of_group("resume-processes", group.name, "--scaling-processes", *risky)
    text = f"suspended: {listed(risky)}; the controller does not scale in while they are"
    needed = sorted(NEEDED_TO_SERVE.intersection(risky))
    if needed:
        yield fault(f"{text}, and without {listed(needed)} capacity does not change", remedy)
    else:
        yield warning(text, remedy)


def refresh(facts: Facts) -> Iterator[Finding]:
    """An instance refresh under way, or one that has failed."""
    group = existing(facts)
    found = facts.refreshes()
    running = [one for one in found if one.status in REFRESHING]
    look = of_group("describe-instance-refreshes", group.name)
    if running:
        yield warning(
            f"instance refresh {running[0].refresh_id} is {running[0].status}: instances come and "
            "go by themselves",
            f"wait for it ({look}), or {of_group('cancel-instance-refresh', group.name)}",
        )
    elif found and found[0].status in ("Failed", "RollbackFailed"):
        yield warning(
            f"the newest instance refresh {found[0].refresh_id} is {found[0].status}: "
            f"{found[0].reason or 'AWS gives no reason'}",
            f"{look} tells more; mend the launch template and start it again",
        )
    else:
        yield ok("none is under way")


def launches(facts: Facts) -> Iterator[Finding]:
    """Whether what was asked for came."""
    group = existing(facts)
    activities = facts.activities()
    newest = activities[0] if activities else None
    age = facts.now - newest.started if newest else None
    look = of_group("describe-scaling-activities", group.name, "--max-items", 5)
    if newest and age is not None and newest.status == "Failed" and age < RECENT:
        yield fault(
            f"the newest scaling activity failed {aged(age)} ago: {newest.description}: "
            f"{newest.message or 'AWS gives no reason'}",
            f"{look}; mend what it names (launch template, quota, capacity of the zone)",
        )
    elif group.in_service < group.desired:
        yield warning(
            f"{group.in_service} of {group.desired} instances are in service",
            f"{look} tells whether they are on their way",
        )
    else:
        yield ok(f"{group.in_service} of {group.desired} instances are in service")


def target_group(facts: Facts) -> Iterator[Finding]:
    """Whether metrics and instances are of the same load balancer."""
    group, settings = existing(facts), facts.settings()
    named = settings.target_group
    if named is None:
        if not group.target_groups:
            yield warning(
                f"{group.name} is attached to no target group, so {settings.load_balancer} may "
                "stand before other instances",
                "set LOAD_BALANCER to the load balancer in front of this group",
            )
            return
        yield warning(
            "TARGET_GROUP is not set, so the count of healthy hosts is not read",
            f"export TARGET_GROUP={group.target_groups[0]}",
        )
        named = group.target_groups[0]
    if named not in group.target_groups:
        yield fault(
            f"TARGET_GROUP is {named}, but {group.name} is attached to "
            f"{listed(group.target_groups) or 'none'}",
            f"export TARGET_GROUP={group.target_groups[0]}"
            if group.target_groups
            else of_group("attach-load-balancer-target-groups", group.name)
            + " --target-group-arns ARN",
        )
        return
    balancers = {
        balancer
        for found in facts.target_groups()
        if found.suffix == named
        for balancer in found.load_balancers
    }
    if settings.load_balancer in balancers:
        yield ok(f"{settings.load_balancer} sends to {named}, which {group.name} is attached to")
    else:
        yield fault(
            f"LOAD_BALANCER is {settings.load_balancer}, but {named} hangs on "
            f"{listed(sorted(balancers)) or 'none'}: the requests that are read are not those of "
            "this group",
            f"export LOAD_BALANCER={min(balancers)}"
            if balancers
            else command("aws elbv2 create-listener")
            + ": let a listener of the load balancer forward to this target group",
        )


CHECKS = (
    Check(
        "group",
        AREA,
        "there is no group of this name in this region, or it is being deleted",
        ("autoscaling:DescribeAutoScalingGroups",),
        exists,
    ),
    Check(
        "bounds",
        AREA,
        "MinSize is MaxSize; a desired capacity at MaxSize is a warning",
        ("autoscaling:DescribeAutoScalingGroups",),
        bounds,
    ),
    Check(
        "capacity unit",
        AREA,
        "capacity is counted in weights, vCPUs or memory",
        ("autoscaling:DescribeAutoScalingGroups",),
        capacity_unit,
    ),
    Check(
        "suspended processes",
        AREA,
        f"one of {listed(sorted(NEEDED_TO_SERVE))} is; any other but "
        f"{listed(sorted(HARMLESS_WHEN_SUSPENDED))} is a warning",
        ("autoscaling:DescribeAutoScalingGroups",),
        suspended,
    ),
    Check(
        "instance refresh",
        AREA,
        "one is under way, or the newest has failed (both a warning)",
        ("autoscaling:DescribeInstanceRefreshes",),
        refresh,
    ),
    Check(
        "launches",
        AREA,
        "the newest activity has failed; fewer in service than desired is a warning",
        ("autoscaling:DescribeScalingActivities",),
        launches,
    ),
    Check(
        "target group",
        AREA,
        "LOAD_BALANCER, TARGET_GROUP and the group do not belong together",
        ("elasticloadbalancing:DescribeTargetGroups",),
        target_group,
    ),
)
