"""What a run cost by the day: in instance-hours and, with a price, in money."""

from __future__ import annotations

from dataclasses import dataclass

from predictive_autoscaler.core.scoring import ScalingScore

MONTH_DAYS = 30


@dataclass(frozen=True)
class Outlay:
    """One way to have run a group, and what came of it.

    Attributes:
        days: how long it ran.
        hour_price: USD per instance-hour; None leaves money out.
        present: whether this is how the group is set now.
    """

    name: str
    score: ScalingScore
    days: float
    hour_price: float | None = None
    present: bool = False

    @property
    def hours_per_day(self) -> float:
        return self.score.instance_hours / self.days

    @property
    def usd_per_day(self) -> float | None:
        return None if self.hour_price is None else self.hours_per_day * self.hour_price

    @property
    def usd_per_month(self) -> float | None:
        """Of 30 days."""
        return None if self.usd_per_day is None else MONTH_DAYS * self.usd_per_day


@dataclass(frozen=True)
class Difference:
    """One outlay against another: what it takes more (above 0) or less."""

    hours_per_day: float
    usd_per_day: float | None
    usd_per_month: float | None
    missed_share: float
    actions: int


def difference(one: Outlay, against: Outlay) -> Difference:
    """How far one lies above the other; money only where both have a price."""
    return Difference(
        hours_per_day=one.hours_per_day - against.hours_per_day,
        usd_per_day=_minus(one.usd_per_day, against.usd_per_day),
        usd_per_month=_minus(one.usd_per_month, against.usd_per_month),
        missed_share=one.score.missed_share - against.score.missed_share,
        actions=one.score.actions - against.score.actions,
    )


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
