"""A circuit breaker: after several failed changes in a row, none is tried for a while.

What refuses every change (a quota, a permission, a broken launch template) is not helped by
one more attempt every five minutes, and people should hear of it once, not every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.core.types import Json, utc_from_text, utc_text

MOST_FAILURES = 3
PAUSE = timedelta(minutes=30)


@dataclass(frozen=True)
class Breaker:
    """How the last attempts to change a group went.

    Attributes:
        failures: in a row.
        open_until: no attempt before then.
    """

    failures: int = 0
    open_until: datetime | None = None

    def forbids(self, now: datetime) -> bool:
        """Whether to leave the group alone now."""
        return self.open_until is not None and now < self.open_until

    def after(self, *, failed: bool, now: datetime) -> Breaker:
        """One attempt later. After a pause a single failure is enough for the next one."""
        if not failed:
            return Breaker()
        failures = self.failures + 1
        return Breaker(failures, now + PAUSE if failures >= MOST_FAILURES else None)

    @property
    def text(self) -> str:
        """Why a change was not tried."""
        until = utc_text(self.open_until) if self.open_until else "?"
        return f"{self.failures} changes in a row have failed; none is tried until {until}"

    def to_json(self) -> Json:
        """Plain values, the time as ISO 8601."""
        until = self.open_until and utc_text(self.open_until)
        return {"failures": self.failures, "open_until": until}

    @classmethod
    def from_json(cls, content: Any) -> Breaker:
        """Read what `to_json` wrote; anything else is a closed breaker."""
        try:
            until = content["open_until"]
            return cls(int(content["failures"]), utc_from_text(until) if until else None)
        except (KeyError, TypeError, ValueError):
            return cls()
