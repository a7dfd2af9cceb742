"""The mode, and everything else that may scale the group."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_autoscaler.app.doctor.checks.group import existing
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import listed, of_group, ours
from predictive_autoscaler.app.handover import (
    FULL,
    NOTHING_BEHIND,
    OBSERVE,
    Targets,
    amiss,
    described,
    others_in,
)
from predictive_autoscaler.app.modes import mode_in_force
from predictive_autoscaler.app.record import capacity_of, part_of
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import AutoscalerError, DataError, SettingsError
from predictive_autoscaler.ports import GroupControl

AREA = "mode"
PREDICTIVE = "PredictiveScaling"


def _record(facts: Facts) -> Json | None:
    """What the newest record says is a help here, and no more."""
    try:
        return facts.record()
    except AutoscalerError:
        return None


def present_mode(facts: Facts) -> str:
    """off, observe or full. Raises AutoscalerError where what was said cannot be read."""
    return mode_in_force(facts.control(), _record(facts), facts.settings())


def _held(facts: Facts) -> str:
    """What the controller holds on to where what was said cannot be read."""
    record = _record(facts)
    try:
        return mode_in_force(GroupControl(), record, facts.settings())
    except SettingsError:
        return str(part_of(record, facts.group_name).get("mode", OBSERVE))


def control(facts: Facts) -> Iterator[Finding]:
    """What operators have said: mode and calendar."""
    try:
        said = facts.control()
    except DataError as error:
        held = _held(facts)
        yield fault(
            f"what operators have said cannot be read: {error}; the mode stays {held}",
            f"mend the file; or write it anew, without its calendar, whose bytes are kept beside "
            f"it: {ours('mode', facts.group_name, held)}",
        )
        return
    mode = present_mode(facts)
    high = existing(facts).bounds.max_instances
    coming = [event for event in said.calendar if event.end > facts.now]
    for event in coming:
        if event.min_instances > high:
            yield warning(
                f"{event.name!r} is announced with {event.min_instances} instances, but MaxSize "
                f"is {high}",
                of_group(
                    "update-auto-scaling-group",
                    facts.group_name,
                    "--max-size",
                    event.min_instances,
                ),
            )
    told = "said by operators" if said.mode else "by the settings"
    yield ok(f"{mode}, {told}; {len(coming)} announced events to come")


def policies(facts: Facts) -> Iterator[Finding]:
    """The group's own target tracking against the mode, by the code of the hand-over."""
    mode, nets, settings = present_mode(facts), facts.nets(), facts.settings()
    group = facts.group_name
    targets = Targets.of(settings.parameters, capacity_of(_record(facts), group))
    wrong = amiss(mode, nets, targets)
    for change in wrong:
        yield fault(f"mode {mode} does not agree with {change.in_words}", ours("mode", group, mode))
    beside = others_in(nets) if mode == FULL else None
    if beside:
        first = next(net.policy for net in nets if net.metric == "other")
        yield fault(
            f"in mode full, {beside}", of_group("delete-policy", group, "--policy-name", first)
        )
    if not nets:
        yield warning(
            NOTHING_BEHIND if mode == FULL else f"in mode {mode} nothing scales the group",
            "terraform apply makes the two target tracking policies of the group",
        )
    elif not wrong and not beside:
        told = listed(f"{net.policy} at {described(net)}" for net in nets if net.target)
        yield ok(f"as mode {mode} has them: {told or listed(net.policy for net in nets)}")


def others(facts: Facts) -> Iterator[Finding]:
    """AWS's own predictive scaling, and actions by the clock."""
    mode, group = present_mode(facts), facts.group_name
    predictive = [one for one in facts.policies() if one.kind == PREDICTIVE and one.acts]
    actions = facts.scheduled_actions()
    found = [
        (
            f"AWS's predictive scaling policy {policy.name!r} sets capacity, too",
            of_group("delete-policy", group, "--policy-name", policy.name)
            + ", or its mode to ForecastOnly",
        )
        for policy in predictive
    ] + [
        (
            f"scheduled action {action.name!r} ({action.when}) sets capacity or bounds, too",
            of_group("delete-scheduled-action", group, "--scheduled-action-name", action.name)
            + ", and put the event into the calendar of control/GROUP.json",
        )
        for action in actions
    ]
    for text, remedy in found:
        say = fault if mode == FULL else warning
        yield say(f"{text}; mode {mode}", remedy)
    if not found:
        yield ok("no predictive scaling that acts, and no scheduled action")


CHECKS = (
    Check(
        "mode",
        AREA,
        "control/GROUP.json cannot be read; an announced event above MaxSize is a warning",
        ("s3:GetObject", "s3:ListBucket"),
        control,
    ),
    Check(
        "policies",
        AREA,
        "the group's policies are not as the mode has them, or another may scale in beside mode "
        "full; none at all is a warning",
        ("autoscaling:DescribePolicies",),
        policies,
    ),
    Check(
        "other hands",
        AREA,
        "predictive scaling or scheduled actions beside mode full; in other modes a warning",
        ("autoscaling:DescribePolicies", "autoscaling:DescribeScheduledActions"),
        others,
    ),
)
