"""What of the news people are told: each matter once while it lasts, all of a tick in one message.

A matter is told when it has lasted as long as its patience, and again only after it was gone for
half an hour. That it is over is told too, if its beginning was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.app.news import Item
from predictive_autoscaler.core.types import Json, utc_from_text, utc_text

GONE_FOR = timedelta(minutes=30)
KEPT_FOR = timedelta(days=1)
"""A change that could not be told is tried for so long; later nobody can use it."""
TOLD_AT_ONCE = 50
"""Lines of one message; a thousand groups can have the same trouble."""


@dataclass(frozen=True)
class Matter:
    """Something that is or was going on.

    Attributes:
        since: when it was first seen; `seen`: last.
        told: whether people know of it.
        text: what was last said of it, or would have been.
        state: what it had come to by then.
    """

    since: datetime
    seen: datetime
    told: bool
    passing: bool
    text: str = ""
    state: str = ""

    def to_json(self) -> Json:
        """Plain values, times as ISO 8601."""
        return vars(self) | {"since": utc_text(self.since), "seen": utc_text(self.seen)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Matter:
        """Read what `to_json` wrote."""
        return cls(
            utc_from_text(content["since"]),
            utc_from_text(content["seen"]),
            bool(content["told"]),
            bool(content["passing"]),
            # Records of older versions lack these.
            str(content.get("text", "")),
            str(content.get("state", "")),
        )


Matters = dict[str, Matter]
"""By the key of their news."""


@dataclass(frozen=True)
class Bulletin:
    """What to say now, and what to remember.

    Attributes:
        text: empty if there is nothing to say.
        matters: going on, once the text has been sent; `unsent`: as long as it has not.
    """

    text: str
    matters: Matters
    unsent: Matters


def matters_of(record: Json | None) -> Matters:
    """What a record remembers; nothing where it cannot be read."""
    try:
        kept = (record or {}).get("matters", {})
        return {key: Matter.from_json(content) for key, content in kept.items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def matters_to_json(matters: Matters) -> Json:
    """For the record."""
    return {key: matter.to_json() for key, matter in matters.items()}


def bulletin(items: Iterable[Item], before: Matters, now: datetime, explained_by: str) -> Bulletin:
    """Compare the news with what is going on already.

    Args:
        explained_by: the command that shows the decisions behind it.
    """
    unsent = dict(before)
    due: dict[str, str] = {}
    for item in items:
        line = _line(item.group, item.text)
        found = unsent.get(item.key) or Matter(now, now, False, item.passing)
        told = found.told and found.state == item.state
        matter = replace(found, seen=now, told=told, text=line, state=item.state)
        unsent[item.key] = matter
        if not told and now - matter.since >= item.patience:
            due[item.key] = line
    late = {
        key: f"{matter.text} (at {utc_text(matter.seen)})"
        for key, matter in unsent.items()
        if _is_unsent_change(matter) and key not in due and now - matter.seen < KEPT_FOR
    }
    due |= late
    gone = {
        key: matter
        for key, matter in unsent.items()
        if key not in late and now - matter.seen >= GONE_FOR
    }
    over = {key: matter for key, matter in gone.items() if matter.told and not matter.passing}
    for key in gone.keys() - over.keys():
        del unsent[key]
    ended = [
        f"over since {utc_text(matter.seen)}: {matter.text or key}" for key, matter in over.items()
    ]
    parts = [_lines(list(due.values())), _lines(ended)]
    text = "\n\n".join(part for part in parts if part)
    matters = {
        key: replace(matter, told=matter.told or key in due)
        for key, matter in unsent.items()
        if key not in over
    }
    return Bulletin(f"{text}\n\nWhy: {explained_by}" if text else "", matters, unsent)


def _is_unsent_change(matter: Matter) -> bool:
    """What happened and is over is in no later tick's news."""
    return matter.passing and not matter.told and bool(matter.text)


def _line(group: str, text: str) -> str:
    return f"{group}: {text}" if group else text


def _lines(texts: Sequence[str]) -> str:
    lines = sorted(set(texts))
    more = len(lines) - TOLD_AT_ONCE
    return "\n".join([*lines[:TOLD_AT_ONCE], *([f"and {more} more"] if more > 0 else [])])
