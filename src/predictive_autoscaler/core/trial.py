"""What observing promises, and what acting then keeps: hours and misses, side by side.

While a group is observed, somebody else scales it, and our decisions go into a supply that
exists on paper only: what is asked for serves one boot later, as real instances would. Held
beside what the group really had, that tells what acting would have saved or cost. While we
act, the same books hold what we did beside what target tracking would have done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from predictive_autoscaler.core.types import Json, utc_from_text, utc_text

HOUR_SECONDS = 3600
ENOUGH = timedelta(days=7)
"""A trial shorter than a week has not seen every day of it."""
FEWER_HOURS, FEWER_MISSED = 0.02, 0.1
"""A share by which hours or misses have to be less to be worth a change."""
AS_MANY_HOURS, AS_MANY_MISSED = 0.02, 0.0005
"""Shares of the other's hours, and of all requests, that still count as no more."""

ENOUGH_ACTING = timedelta(days=2)
"""Acting that costs visitors is not watched for a week."""
WORSE = 0.05
"""Share by which both hours and misses have to be more."""
BEYOND_CHANCE = 3.0
"""Standard deviations. A surge that nobody can foresee finds now the one, now the other with
capacity to spare, and on such traffic one of them alone is more than a twentieth of the misses."""


@dataclass(frozen=True)
class Supply:
    """Capacity that was asked for, and what of it serves.

    Attributes:
        asked: by the last decisions, oldest first, one boot back.
    """

    asked: tuple[int, ...]

    @classmethod
    def steady(cls, instances: int) -> Supply:
        """As if so many had been asked for all the time."""
        return cls((instances,))

    @property
    def serving(self) -> int:
        """An instance serves once it has been wanted for a whole boot."""
        return min(self.asked)

    def after(self, instances: int, boot_bins: int) -> Supply:
        """One decision later."""
        return Supply((*self.asked, instances)[-(boot_bins + 1) :])


@dataclass(frozen=True)
class Tally:
    """What one way of scaling took.

    Attributes:
        missed_alone: intervals that this way missed and the other did not.
    """

    instance_hours: float = 0.0
    missed_requests: float = 0.0
    missed_alone: int = 0

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.instance_hours + other.instance_hours,
            self.missed_requests + other.missed_requests,
            self.missed_alone + other.missed_alone,
        )


@dataclass(frozen=True)
class Trial:
    """Two ways of scaling the same traffic.

    Attributes:
        observing: `ours` is what would have been done, `theirs` what the group had. Else
            `ours` is what was done, `theirs` what target tracking would have.
        since: when it began; `until`: the end of the last bin in it.
        requests: all that came.
    """

    observing: bool
    since: datetime
    until: datetime
    requests: float = 0.0
    ours: Tally = field(default_factory=Tally)
    theirs: Tally = field(default_factory=Tally)

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def saved_hours(self) -> float:
        """Instance-hours that ours took less; below zero, more."""
        return self.theirs.instance_hours - self.ours.instance_hours

    @property
    def avoided_misses(self) -> float:
        """Requests that ours missed less."""
        return self.theirs.missed_requests - self.ours.missed_requests

    @property
    def worth_it(self) -> bool:
        """Whether a week or more shows ours better in one of hours and misses, and no worse
        in the other.
        """
        hours, missed = self.theirs.instance_hours, self.theirs.missed_requests
        if self.length < ENOUGH or hours <= 0:
            return False
        no_more_hours = -self.saved_hours <= AS_MANY_HOURS * hours
        no_more_missed = -self.avoided_misses <= AS_MANY_MISSED * self.requests
        fewer_hours = self.saved_hours >= FEWER_HOURS * hours
        fewer_missed = missed > 0 and self.avoided_misses >= FEWER_MISSED * missed
        return (fewer_hours and no_more_missed) or (fewer_missed and no_more_hours)

    @property
    def is_lost(self) -> bool:
        """Whether two days or more of acting took more hours than target tracking would have
        and missed more requests, too: both by more than a twentieth, and in so many more
        intervals as cannot be chance.

        Of the intervals that only one of the two missed, either is as likely to have missed each
        if they are equally good (McNemar, "Note on the sampling error of the difference between
        correlated proportions", Psychometrika 12, 1947).
        """
        if self.observing or self.length < ENOUGH_ACTING:
            return False
        more_hours = -self.saved_hours > WORSE * self.theirs.instance_hours
        more_missed = -self.avoided_misses > WORSE * self.theirs.missed_requests
        alone, others_alone = self.ours.missed_alone, self.theirs.missed_alone
        chance = math.sqrt(alone + others_alone)
        return more_hours and more_missed and alone - others_alone > BEYOND_CHANCE * chance

    def with_bin(
        self,
        ours: tuple[float, float],
        theirs: tuple[float, float],
        demand: float,
        interval_seconds: int,
    ) -> Trial:
        """Enter a bin.

        Args:
            ours, theirs: instances billed, and requests that the serving ones could take.
            demand: requests that came; 0 where unknown.
        """
        hours = interval_seconds / HOUR_SECONDS

        def tally(own: tuple[float, float], other: tuple[float, float]) -> Tally:
            missed, other_missed = demand > own[1], demand > other[1]
            alone = int(missed and not other_missed)
            return Tally(own[0] * hours, demand if missed else 0.0, alone)

        return replace(
            self,
            until=self.until + timedelta(seconds=interval_seconds),
            requests=self.requests + demand,
            ours=self.ours.plus(tally(ours, theirs)),
            theirs=self.theirs.plus(tally(theirs, ours)),
        )

    def followed_by(self, other: Trial) -> Trial:
        """Both as one; the other began where this ends."""
        return replace(
            self,
            until=other.until,
            requests=self.requests + other.requests,
            ours=self.ours.plus(other.ours),
            theirs=self.theirs.plus(other.theirs),
        )

    def to_json(self) -> Json:
        """Plain values, times as ISO 8601."""
        return vars(self) | {
            "since": utc_text(self.since),
            "until": utc_text(self.until),
            "ours": vars(self.ours),
            "theirs": vars(self.theirs),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Trial:
        """Read what `to_json` wrote."""
        return cls(
            observing=bool(content["observing"]),
            since=utc_from_text(content["since"]),
            until=utc_from_text(content["until"]),
            requests=float(content["requests"]),
            ours=Tally(**content["ours"]),
            theirs=Tally(**content["theirs"]),
        )


@dataclass(frozen=True)
class Lately:
    """The newest two to four days of a trial: months that went well must not hide that it has
    gone badly since.

    Attributes:
        newer: of less than two days.
        older: the two days before it; None in the first two days of the trial.
    """

    newer: Trial
    older: Trial | None = None

    @classmethod
    def beginning(cls, observing: bool, moment: datetime) -> Lately:
        """Nothing yet."""
        return cls(Trial(observing, moment, moment))

    @property
    def whole(self) -> Trial:
        """All of it."""
        return self.older.followed_by(self.newer) if self.older else self.newer

    def with_bin(
        self,
        ours: tuple[float, float],
        theirs: tuple[float, float],
        demand: float,
        interval_seconds: int,
    ) -> Lately:
        """Enter a bin, as into a Trial; what is too old is forgotten."""
        newer = self.newer.with_bin(ours, theirs, demand, interval_seconds)
        if newer.length < ENOUGH_ACTING:
            return Lately(newer, self.older)
        return Lately(Trial(newer.observing, newer.until, newer.until), newer)

    def to_json(self) -> Json:
        """Plain values."""
        return {"newer": self.newer.to_json(), "older": self.older and self.older.to_json()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Lately:
        """Read what `to_json` wrote."""
        older = content["older"]
        return cls(Trial.from_json(content["newer"]), older and Trial.from_json(older))
