"""What people are told of: troubles that the tick before did not have."""

from __future__ import annotations

from collections.abc import Iterable

from predictive_autoscaler.app.record import part_of
from predictive_autoscaler.core.types import Json

TOLD_AT_ONCE = 50
"""Lines of one message; a thousand groups can have the same trouble."""


def troubles(record: Json | None) -> set[str]:
    """What is wrong, group by group, in words that do not change from tick to tick."""
    found = set()
    groups = (record or {}).get("groups")
    for name in groups if isinstance(groups, dict) else ():
        entry = part_of(record, name)
        outcome = entry.get("outcome") or {}
        if outcome.get("status") in ("failed", "gone", "held", "left", "refused"):
            found.add(f"{name}: {outcome['status']}: {outcome.get('error', '')}")
        faults = (entry.get("decision") or {}).get("faults", ())
        found |= {f"{name}: {fault}" for fault in (*faults, *entry.get("troubles", ()))}
    return found


def notices(record: Json) -> str:
    """What people are to be told although nothing is wrong, a line each; empty if nothing."""
    return _lines(
        f"{name}: {notice}"
        for name, entry in record.get("groups", {}).items()
        for notice in entry.get("notices", ())
    )


def new_troubles(record: Json, previous: Json | None) -> str:
    """Troubles that the previous record did not have, a line each; empty if none."""
    return _lines(troubles(record) - troubles(previous))


def _lines(texts: Iterable[str]) -> str:
    lines = sorted(texts)
    more = len(lines) - TOLD_AT_ONCE
    return "\n".join([*lines[:TOLD_AT_ONCE], *([f"and {more} more"] if more > 0 else [])])
