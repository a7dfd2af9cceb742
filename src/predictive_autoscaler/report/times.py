"""Times as a person reads them, and as a script does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from predictive_autoscaler.report.numbers import THIN


def period(times: Sequence[datetime]) -> str:
    """From when to when."""
    if len(times) == 0:
        return "no time at all"
    first, last = times[0], times[-1]
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}"
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}"


def duration(seconds: int) -> str:
    """A length of time, in minutes if they come out even."""
    if seconds % 60:
        return f"{seconds}{THIN}s"
    return f"{seconds // 60}{THIN}min"


def time_text(moment: datetime) -> str:
    """What the scripts read times from, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
