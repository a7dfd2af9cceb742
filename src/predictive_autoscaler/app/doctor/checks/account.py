"""Who asks, whether the clocks agree, and who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from predictive_autoscaler.app.doctor.facts import Facts, Look
from predictive_autoscaler.app.doctor.findings import (
    Check,
    Finding,
    fault,
    not_checked,
    ok,
    warning,
)
from predictive_autoscaler.app.doctor.wording import listed, told_once
from predictive_autoscaler.core.surroundings import Simulated
from predictive_autoscaler.errors import AccessDeniedError, AutoscalerError, DataError, ModelError

AREA = "account"
CLOCK_WARNING_SECONDS = 30.0
CLOCK_FAULT_SECONDS = 300.0
"""AWS refuses requests that were signed so long ago."""
_READ_OF_RECORD = "s3:GetObject on decisions"
_READS: Mapping[str, Callable[[Facts], object]] = {
    "autoscaling:DescribeAutoScalingGroups": lambda facts: facts.group(),
    "autoscaling:DescribePolicies": lambda facts: facts.nets(),
    "autoscaling:DescribeScalingActivities": lambda facts: facts.activities(),
    "cloudwatch:GetMetricData": lambda facts: facts.metrics(),
    "s3:ListBucket": lambda facts: facts.bucket(),
    "s3:GetObject on models": lambda facts: facts.card(),
    _READ_OF_RECORD: lambda facts: facts.record(),
    "s3:GetObject on control": lambda facts: facts.control(),
}
"""What every command reads, and the fact that tries it."""


def credentials(facts: Facts) -> Iterator[Finding]:
    """Whose credentials these are."""
    try:
        caller = facts.caller()
    except AutoscalerError as error:
        yield fault(
            f"AWS does not say who is asking: {error}",
            "aws sts get-caller-identity has to work first: aws sso login, or set AWS_PROFILE and "
            "AWS_REGION, or mend the network",
        )
        return
    yield ok(f"{caller.arn} in account {caller.account}, region {facts.region or 'of the profile'}")


def clock(facts: Facts) -> Iterator[Finding]:
    """This computer's clock against AWS's."""
    ahead = facts.clock().ahead_seconds
    text = (
        f"this computer's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} AWS's"
    )
    remedy = "set the clock: sudo timedatectl set-ntp true"
    if abs(ahead) >= CLOCK_FAULT_SECONDS:
        yield fault(f"{text}; AWS refuses requests from {CLOCK_FAULT_SECONDS:.0f} s on", remedy)
    elif abs(ahead) >= CLOCK_WARNING_SECONDS:
        yield warning(f"{text}, so ages below are off by as much", remedy)
    else:
        yield ok(text)


def reads(facts: Facts) -> Iterator[Finding]:
    """Every read is really tried; an object that is not there has been read as well."""
    allowed, unknown = [], []
    for action, read in _READS.items():
        try:
            answer = read(facts)
        except AccessDeniedError as error:
            yield fault(
                f"{action} is refused: {error}",
                f"let this role or user do {action.split(' ')[0]} (docs/doctor.md lists all)",
            )
        except AutoscalerError as error:
            if _was_answered(error):
                allowed.append(action)
            else:
                unknown.append(f"{action} ({told_once(error, facts)})")
        else:
            if answer is None and action == _READ_OF_RECORD:
                unknown.append(f"{action} (there is none to read)")
            else:
                allowed.append(action)
    if unknown:
        yield not_checked(f"no answer that would tell: {'; '.join(unknown)}")
    if allowed:
        yield ok(f"tried and allowed: {listed(allowed)}")


def _was_answered(error: AutoscalerError) -> bool:
    """Whether it could be read, and only its content is wrong, or it is not there."""
    return isinstance(error, DataError | ModelError)


def own_writes(facts: Facts) -> Iterator[Finding]:
    """What `mode` and `train --publish` would write."""
    yield from _simulated(
        facts.own_rights,
        lambda found: warning(
            f"{found.principal} may not do {_rights(found)}: `mode`, `train --publish` or "
            "`rollback` would be refused",
            "allow these actions, if this user is to hand groups over or publish models",
        ),
    )


def role_rights(facts: Facts) -> Iterator[Finding]:
    """What the function's role may do."""
    yield from _simulated(
        facts.role_rights,
        lambda found: fault(
            f"the function's role {found.principal} may not do {_rights(found)}",
            "terraform apply puts the role's policy back; without Terraform, allow these actions "
            "as terraform/iam.tf does",
        ),
    )


def _simulated(
    look: Look[Simulated], complain: Callable[[Simulated], Finding]
) -> Iterator[Finding]:
    try:
        found = look()
    except AutoscalerError as error:
        yield not_checked(
            f"writes are not tried, since they would change something, and they could not be "
            f"simulated: {error}"
        )
        return
    if found.denied:
        yield complain(found)
    else:
        actions = sorted({right.action for right in found.allowed})
        yield ok(f"{found.principal} may do {listed(actions)}, as IAM's simulation says")


def _rights(found: Simulated) -> str:
    return listed(
        right.action if right.resource == "*" else f"{right.action} on {right.resource}"
        for right in found.denied
    )


CHECKS = (
    Check(
        "credentials",
        AREA,
        "AWS does not say who is asking",
        ("sts:GetCallerIdentity",),
        credentials,
    ),
    Check(
        "clock",
        AREA,
        f"{CLOCK_FAULT_SECONDS:.0f} s off AWS's; from {CLOCK_WARNING_SECONDS:.0f} s on a warning",
        ("sts:GetCallerIdentity",),
        clock,
    ),
    Check(
        "reads",
        AREA,
        "one of the reads that every command makes is refused",
        (
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribePolicies",
            "autoscaling:DescribeScalingActivities",
            "cloudwatch:GetMetricData",
            "s3:GetObject",
            "s3:ListBucket",
            "kms:Decrypt",
        ),
        reads,
    ),
    Check(
        "own writes",
        AREA,
        "IAM's simulation says that `mode`, `train --publish` or `rollback` would be refused (a "
        "warning)",
        ("iam:SimulatePrincipalPolicy",),
        own_writes,
    ),
    Check(
        "role",
        AREA,
        "IAM's simulation says that the function may not do what a tick does",
        ("iam:SimulatePrincipalPolicy",),
        role_rights,
    ),
)
