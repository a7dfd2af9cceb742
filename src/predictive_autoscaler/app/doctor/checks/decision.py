"""The newest decision record: how old, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from predictive_autoscaler.app.breaker import Breaker
from predictive_autoscaler.app.doctor.facts import Facts, found_or
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import aged, listed, log_of, of_group, ours
from predictive_autoscaler.app.record import SCHEMA, decision_from_json, part_of
from predictive_autoscaler.core.types import Decision, Json, Quality, Rung, utc_from_text
from predictive_autoscaler.errors import AutoscalerError, DataError

AREA = "decisions"
SILENCE = timedelta(minutes=15)
"""As long as the alarm `no-decision` waits, or three intervals."""
_BAD = frozenset({"failed", "gone", "refused"})


def newest(facts: Facts) -> Json:
    """The newest record.

    Raises:
        DataError: there is none.
    """
    return found_or(facts.record(), DataError("there is no decision record"))


def part(facts: Facts) -> Json:
    """The group's part of it.

    Raises:
        DataError: it has none.
    """
    found = part_of(newest(facts), facts.group_name)
    if not found:
        raise DataError(f"the newest record says nothing of group {facts.group_name!r}")
    return found


def _slot(record: Json) -> datetime:
    try:
        return utc_from_text(record["slot"])
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"the newest record has no slot that can be read: {error!r}") from error


def _decision(entry: Json) -> Decision | None:
    if not entry.get("decision"):
        return None
    try:
        return decision_from_json(entry["decision"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"the newest decision cannot be read: {error}") from error


def _log(facts: Facts) -> str:
    """Where to look for what the function said; its name may not be known."""
    try:
        function = facts.function()
    except AutoscalerError:
        function = None
    return log_of(function.name if function else "NAME-controller")


def last_decision(facts: Facts) -> Iterator[Finding]:
    """Whether the controller lives."""
    record = facts.record()
    see = f"{_log(facts)}, and the checks of function and schedule"
    if record is None:
        yield fault("there is no decision in the bucket: the controller has never run", see)
        return
    if record.get("schema") != SCHEMA:
        yield fault(
            f"the newest record has schema {record.get('schema')!r}, this version knows {SCHEMA}",
            "install the version that the function runs (make lambda builds both from one commit)",
        )
        return
    slot, interval = _slot(record), facts.settings().parameters.interval
    age = facts.now - slot
    text = f"the newest decision is of {record['slot']}, {aged(age)} ago"
    if age > max(SILENCE, 3 * interval):
        yield fault(f"{text}; one is due every {aged(interval)}", see)
    elif record.get("status") == "claimed" and age > interval:
        yield fault(f"{text}, and was begun but never completed", f"{see}: memory, timeout")
    elif age > 2 * interval:
        yield warning(f"{text}; one is due every {aged(interval)}", see)
    else:
        yield ok(text)


def outcome(facts: Facts) -> Iterator[Finding]:
    """What came of it for this group."""
    record = newest(facts)
    entry = part_of(record, facts.group_name)
    explain = ours("explain", record.get("slot", ""))
    if not entry:
        names = listed(list(record.get("groups", {}))[:5]) or "no group"
        yield fault(
            f"the newest record is about {names}, and says nothing of {facts.group_name!r}",
            "set ASG_NAME to one of them, or add the group to more_groups in terraform.tfvars",
        )
        return
    told = entry.get("outcome") or {}
    status, error = told.get("status"), told.get("error", "no reason given")
    if status in _BAD:
        yield fault(f"{status}: {error}", explain)
    elif status == "left":
        yield warning(f"left: {error}", "raise lambda.memory_mb to 1769, then timeout_seconds")
    elif status == "held":
        yield warning(f"held: {error}", explain)
    else:
        yield ok(f"{status}, mode {entry.get('mode')}")


def breaker(facts: Facts) -> Iterator[Finding]:
    """Whether changes are still tried."""
    found = Breaker.from_json(part(facts).get("breaker"))
    look = of_group("describe-scaling-activities", facts.group_name, "--max-items", 5)
    remedy = f"{look} tells what refuses them; it closes by itself once a change succeeds"
    if found.forbids(facts.now):
        yield fault(f"open: {found.text}", remedy)
    elif found.failures:
        yield warning(f"{found.failures} changes in a row have failed", remedy)
    else:
        yield ok("closed: no change has failed of late")


def doubts(facts: Facts) -> Iterator[Finding]:
    """What was wrong on the way to the decision, and what held scale-in."""
    entry, record = part(facts), newest(facts)
    decision = _decision(entry)
    explain = ours("explain", record.get("slot", ""))
    faults = [*(decision.faults if decision else ()), *entry.get("troubles", ())]
    for text in dict.fromkeys(faults):
        yield warning(text, explain)
    if decision is None:
        return
    if decision.rung is not Rung.FOREST:
        yield warning(
            f"the forecast is of rung {decision.rung.value!r} instead of the forest",
            "see the checks of the model and of the metrics",
        )
    if decision.present_quality not in (Quality.OK, Quality.QUIET):
        quality = decision.present_quality.name.lower()
        yield warning(
            f"the newest interval's metrics were {quality}; nothing is scaled in on them",
            "see the check of metrics",
        )
    if not faults and decision.rung is Rung.FOREST:
        held = [reason.policy for reason in decision.reasons if reason.changed]
        yield ok(f"no fault in it; policies that changed it: {listed(held) or 'none'}")


CHECKS = (
    Check(
        "last decision",
        AREA,
        f"none, or older than {aged(SILENCE)} and three intervals, or never completed; two "
        "intervals are a warning",
        ("s3:GetObject", "s3:ListBucket"),
        last_decision,
    ),
    Check(
        "outcome",
        AREA,
        f"{listed(sorted(_BAD))}, or nothing about this group; held and left are a warning",
        ("s3:GetObject", "s3:ListBucket"),
        outcome,
    ),
    Check(
        "breaker",
        AREA,
        "open; failures before that are a warning",
        ("s3:GetObject", "s3:ListBucket"),
        breaker,
    ),
    Check(
        "doubts",
        AREA,
        "a fault in the record, a forecast that is not the forest's, metrics in doubt (a warning)",
        ("s3:GetObject", "s3:ListBucket"),
        doubts,
    ),
)
