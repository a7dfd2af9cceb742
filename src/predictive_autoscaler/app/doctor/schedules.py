"""EventBridge's schedules, as far as a controller may have one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIELD = re.compile(r"(\*|\d+)(?:/(\d+))?")
_RATE = re.compile(r"rate\((\d+) (minute|hour)s?\)")
_MINUTES = {"minute": 1, "hour": 60}


@dataclass(frozen=True)
class Rhythm:
    """When a schedule calls: every so many minutes, the first so many after the full hour.

    Attributes:
        phase_minutes: None where AWS chooses it, as with rate(…).
    """

    period_minutes: int
    phase_minutes: int | None


def rhythm(schedule: str) -> Rhythm | None:
    """The rhythm of cron(… * * * ? *) or rate(…); None of anything else."""
    rate = _RATE.fullmatch(schedule)
    if rate:
        return Rhythm(int(rate[1]) * _MINUTES[rate[2]], None)
    if not (schedule.startswith("cron(") and schedule.endswith(")")):
        return None
    fields = schedule[len("cron(") : -1].split()
    if len(fields) != 6 or set(fields[1:]) - {"*", "?"}:
        return None
    minutes = fields[0]
    called = sorted({minute for part in minutes.split(",") for minute in _minutes(part)})
    if not called:
        return None
    period = 60 // len(called)
    even = list(range(called[0], 60, period))
    return Rhythm(period, called[0]) if called == even and 60 % len(called) == 0 else None


def _minutes(part: str) -> range:
    """The minutes of an hour that one part of the first field names."""
    found = _FIELD.fullmatch(part)
    if not found:
        return range(0)
    first = 0 if found[1] == "*" else int(found[1])
    if found[2]:
        return range(first, 60, max(1, int(found[2])))
    return range(60) if found[1] == "*" else range(first, first + 1)
