"""Money: what an instance-hour costs, what has been spent, and a cap on it.

Burstable instances are billed extra for CPU above their baseline once their credits are used
up (Amazon EC2 User Guide, "Unlimited mode for burstable performance instances"), so an hour
costs more when it is a busy one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.core.types import Json, utc_from_text, utc_text

HOUR_SECONDS = 3600
PERIODS = ("day", "month")
_WEEK_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Prices:
    """What instances cost and what may be spent.

    Attributes:
        instance_hour_usd: of an instance that stays within its baseline.
        surplus_hour_usd: what an hour at 100 % CPU costs beyond that; 0 where nothing is
            burstable.
        baseline_cpu_percent: CPU up to which there is no surplus.
        cap_usd: what may be spent in a period; None is no cap.
        period: "day" or "month", in UTC.
    """

    instance_hour_usd: float
    surplus_hour_usd: float = 0.0
    baseline_cpu_percent: float = 0.0
    cap_usd: float | None = None
    period: str = "day"

    def hour_usd(self, cpu_percent: float) -> float:
        """An instance's hour at this CPU; an unknown one (NaN) costs no surplus."""
        if math.isnan(cpu_percent):
            return self.instance_hour_usd
        burst = max(0.0, cpu_percent - self.baseline_cpu_percent) / 100
        return self.instance_hour_usd + self.surplus_hour_usd * burst

    def period_of(self, moment: datetime) -> tuple[datetime, datetime]:
        """Begin and end of the period that holds this moment."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.period == "day":
            return midnight, midnight + timedelta(days=1)
        first = midnight.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True)
class Spending:
    """What has been spent since the period began.

    Attributes:
        since: the period's begin.
        usd: spent in it so far; it is the period of the newest bin that is known.
        hourly_usd: what an hour has cost of late, over about a week.
        known_hours: how many hours that rests on, fading likewise.
    """

    since: datetime
    usd: float = 0.0
    hourly_usd: float = 0.0
    known_hours: float = 0.0

    def with_bin(
        self, begin: datetime, interval_seconds: int, instances: float, cpu: float, prices: Prices
    ) -> Spending:
        """Enter a bin; with a new period, the sum begins anew."""
        hours = interval_seconds / HOUR_SECONDS
        usd = instances * hours * prices.hour_usd(cpu)
        since, _ = prices.period_of(begin)
        keep = math.exp(-interval_seconds / _WEEK_SECONDS)
        known = self.known_hours * keep + hours
        return Spending(
            since=since,
            usd=usd + (self.usd if since == self.since else 0.0),
            hourly_usd=(self.hourly_usd * self.known_hours * keep + usd) / known,
            known_hours=known,
        )

    def spent_usd(self, now: datetime, prices: Prices) -> float:
        """Spent in the period that holds this moment: its first bins are not known at once."""
        return self.usd if self.since == prices.period_of(now)[0] else 0.0

    def expected_usd(self, now: datetime, prices: Prices) -> float:
        """What will have been spent when the period ends, if hours cost what they did of late."""
        _, end = prices.period_of(now)
        left = max(0.0, (end - now).total_seconds() / HOUR_SECONDS)
        return self.spent_usd(now, prices) + left * self.hourly_usd

    def to_json(self) -> Json:
        """Plain values, the time as ISO 8601."""
        return vars(self) | {"since": utc_text(self.since)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Spending:
        """Read what `to_json` wrote."""
        return cls(
            since=utc_from_text(content["since"]),
            usd=float(content["usd"]),
            hourly_usd=float(content["hourly_usd"]),
            known_hours=float(content["known_hours"]),
        )
