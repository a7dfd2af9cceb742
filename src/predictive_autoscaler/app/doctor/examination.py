"""Runs the checks one after another; none of them can stop the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from predictive_autoscaler.app.doctor.checks import CHECKS
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, Status, not_checked
from predictive_autoscaler.app.doctor.wording import told_once
from predictive_autoscaler.core.types import Json, utc_text
from predictive_autoscaler.errors import AutoscalerError


def examined(
    facts: Facts, checks: Sequence[Check] = CHECKS
) -> Iterator[tuple[Check, Sequence[Finding]]]:
    """What each check finds, as soon as the facts that it looks at are there."""
    for check in checks:
        yield check, findings_of(check, facts)


def findings_of(check: Check, facts: Facts) -> Sequence[Finding]:
    """One check's findings; what it found before a fact was missing stays."""
    found: list[Finding] = []
    try:
        for finding in check.examine(facts):
            found.append(finding)
    except AutoscalerError as error:
        found.append(not_checked(told_once(error, facts)))
    except Exception as error:  # a mistake in one check must not hide what the others find
        found.append(not_checked(f"the check itself failed: {error!r}"))
    return found


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each status."""
    counted = Counter(finding.status for finding in findings)
    return {status.value: counted[status] for status in Status}


def to_json(facts: Facts, rows: Sequence[tuple[Check, Sequence[Finding]]]) -> Json:
    """Plain values."""
    return {
        "group": facts.group_name,
        "region": facts.region,
        "at": utc_text(facts.now),
        "counts": counts([finding for _, found in rows for finding in found]),
        "findings": [
            {
                "check": check.name,
                "area": check.area,
                "status": finding.status.value,
                "text": finding.text,
                "remedy": finding.remedy,
            }
            for check, found in rows
            for finding in found
        ],
    }
