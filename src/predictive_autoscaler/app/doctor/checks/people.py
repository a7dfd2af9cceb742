"""Whether anybody would hear of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from predictive_autoscaler.app.alarms import of_a_policy
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import aged, command, listed
from predictive_autoscaler.ports import RINGING, UNSURE, Alarm

AREA = "people"
RUNBOOK = "docs/runbook.md"
_ENTRY = re.compile(r"See (\S+#[\w-]+)$")
"""As terraform/monitoring.tf ends the description of an alarm."""


def topic(facts: Facts) -> Iterator[Finding]:
    """The topic and its subscribers."""
    arn = facts.environment.get("SNS_TOPIC_ARN")
    if not arn:
        yield warning(
            "SNS_TOPIC_ARN is not set: troubles are told to the log alone",
            "export SNS_TOPIC_ARN=$(terraform -chdir=terraform output -raw topic_arn)",
        )
        return
    subscribe = command(
        "aws sns subscribe --topic-arn", arn, "--protocol", "email", "--notification-endpoint"
    )
    found = facts.topic()
    if found is None:
        yield fault(
            f"there is no topic {arn}",
            "set SNS_TOPIC_ARN to one that there is (terraform output topic_arn)",
        )
    elif not found.confirmed and found.pending:
        yield fault(
            f"none of {found.pending} subscribers of {arn} has confirmed: nobody is told",
            f"follow the link in AWS's mail; after three days it is void: {subscribe} ADDRESS",
        )
    elif not found.confirmed:
        yield fault(f"{arn} has no subscriber: nobody is told", f"{subscribe} ADDRESS")
    else:
        waiting = f", {found.pending} not confirmed yet" if found.pending else ""
        yield ok(f"{found.confirmed} confirmed subscribers{waiting}")


def entry_of(alarm: Alarm) -> str:
    """Where the runbook tells of an alarm: at the end of what its owner wrote about it."""
    named = _ENTRY.search(alarm.says)
    return named[1] if named else RUNBOOK


def alarms(facts: Facts) -> Iterator[Finding]:
    """Alarms that ring, that know nothing, or that are switched off."""
    found = [alarm for alarm in facts.alarms() if not of_a_policy(alarm)]
    if not found:
        yield warning(
            "no alarm is about this group, its load balancer or its function",
            "terraform apply makes them; terraform/monitoring.tf has the table",
        )
        return
    history = "aws cloudwatch describe-alarm-history --alarm-name"
    good = []
    for alarm in found:
        since = aged(facts.now - alarm.since)
        look = command(history, alarm.name)
        if alarm.state == RINGING:
            yield fault(
                f"{alarm.name} has been ringing for {since}: {alarm.says or alarm.reason}",
                f"{entry_of(alarm)} tells what to do; {look}",
            )
        elif not alarm.tells:
            yield warning(
                f"{alarm.name}: its actions are switched off, so nobody is told",
                command("aws cloudwatch enable-alarm-actions --alarm-names", alarm.name),
            )
        elif alarm.state == UNSURE:
            yield warning(
                f"{alarm.name} has had no data for {since}: {alarm.says or alarm.reason}",
                f"{look}; in the first hour this is as it should be",
            )
        else:
            good.append(alarm.name)
    if good:
        yield ok(f"{len(good)} quiet: {listed(good)}")


CHECKS = (
    Check(
        "topic",
        AREA,
        "it is gone, or nobody has confirmed a subscription; none set is a warning",
        ("sns:ListSubscriptionsByTopic",),
        topic,
    ),
    Check(
        "alarms",
        AREA,
        "one rings; without data, switched off, or none at all is a warning",
        ("cloudwatch:DescribeAlarms",),
        alarms,
    ),
)
