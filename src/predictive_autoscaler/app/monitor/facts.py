"""What is known of a group at a moment. Values only: they can be drawn, or written as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Generic, TypeVar

from predictive_autoscaler.core.types import FloatArray, GroupState, Json, utc_text
from predictive_autoscaler.core.words import utc_clock
from predictive_autoscaler.ports import MODES, Alarm, FunctionCalls, GroupControl

T = TypeVar("T")
ASG, METRICS, MODEL, LAMBDA, ALARMS = "asg", "metrics", "model", "lambda", "alarms"
COMPONENTS = (ASG, METRICS, MODEL, LAMBDA, ALARMS)
OWN_SOURCE = {
    ASG: "capacity",
    METRICS: "traffic",
    MODEL: "model",
    LAMBDA: "decisions",
    ALARMS: "alarms",
}
"""What each component is about; the other sources that it looks at add to that."""
AS_DECIDED = ("applied", "unchanged")
"""Outcomes after which the group had what was decided."""


@dataclass(frozen=True)
class Seen(Generic[T]):
    """What one source has told: the last good answer stays while newer ones fail.

    Attributes:
        value: None before the first answer.
        read_at: when `value` was read, aware UTC.
        error: why the newest try failed; empty if it did not.
        retry_at: when a failed source is asked again.
    """

    value: T | None = None
    read_at: datetime | None = None
    error: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True)
class DecisionNote:
    """A decision, in what an operator looks for first.

    Attributes:
        status: of the record; "claimed" while the run is under way.
        outcome: what came of it: applied, unchanged, observed, failed, ...
        before, after, wish: instances before, after all policies, and as the forecast calls
            for; None where nothing was decided.
        text: the decision and the reason that had the last word, or why there was none.
        troubles: what was wrong, in words.
        quantiles: of the largest demand per interval within the horizon, by level.
    """

    slot: datetime
    status: str
    mode: str
    outcome: str
    before: int | None
    after: int | None
    wish: int | None
    text: str
    rung: str | None = None
    model_id: str | None = None
    troubles: tuple[str, ...] = ()
    quantiles: Mapping[str, float] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """What came of it, where the numbers do not say that; empty where they do."""
        found = self.outcome if self.status in ("completed", "unreadable") else self.status
        return "" if found in AS_DECIDED else found

    @property
    def peak(self) -> tuple[float, float, float] | None:
        """Quantiles 0.05, 0.5 and 0.95 of the largest demand per interval within the horizon."""
        if not self.quantiles:
            return None
        low, middle, high = (self.quantiles[level] for level in ("0.05", "0.5", "0.95"))
        return low, middle, high

    @property
    def failed(self) -> bool:
        """Whether the group was not decided about, or could not be scaled."""
        return self.after is None or self.outcome in ("failed", "gone", "refused", "held", "left")


@dataclass(frozen=True)
class Traffic:
    """The newest metrics, on the source's own period. Of the tuples, one value a period.

    Attributes:
        start: of the first period.
        requests, failed: per period; what the load balancer refused counts as failed.
        response_time_seconds, cpu_percent: means over the period.
    """

    start: datetime
    period_seconds: int
    requests: tuple[float | None, ...]
    failed: tuple[float | None, ...]
    response_time_seconds: tuple[float | None, ...]
    cpu_percent: tuple[float | None, ...]

    @property
    def end(self) -> datetime:
        """When the last period ends."""
        return self.start + len(self.requests) * timedelta(seconds=self.period_seconds)


@dataclass(frozen=True)
class OutlookBin:
    """The demand to expect in one control interval, requests.

    Attributes:
        lower, median, upper: quantiles 0.05, 0.5 and 0.95.
        rung: of the ladder that answers for this interval.
    """

    start: datetime
    lower: float
    median: float
    upper: float
    rung: str


@dataclass(frozen=True)
class Outlook:
    """The hours behind and the hours ahead.

    Attributes:
        start: of the first interval behind.
        behind: assessed demand per interval; None where it is not known.
        ahead: interval by interval from the end of `behind` on.
        notes: why a rung does not answer, in words.
    """

    start: datetime
    interval_seconds: int
    behind: tuple[float | None, ...]
    ahead: tuple[OutlookBin, ...]
    notes: tuple[str, ...] = ()

    @property
    def until(self) -> datetime:
        """The end of the newest interval that is known."""
        return self.start + len(self.behind) * timedelta(seconds=self.interval_seconds)

    @property
    def by_rung(self) -> list[list[OutlookBin]]:
        """What is ahead, cut where another rung of the ladder begins to answer."""
        return [list(same) for _, same in groupby(self.ahead, key=lambda one: one.rung)]

    @property
    def reach(self) -> list[tuple[str, datetime]]:
        """Each rung that answers, with the end of the last interval for which it does."""
        length = timedelta(seconds=self.interval_seconds)
        return [(bins[-1].rung, bins[-1].start + length) for bins in self.by_rung]


@dataclass(frozen=True)
class ModelNote:
    """The published model.

    Attributes:
        model_id: None if there is none, or one that cannot be read.
        trained_until: the end of the data that it has learned from, aware UTC.
        max_age_days: of these data, from when on the controller does not use the model.
        reach_minutes: how far it looks ahead of the newest complete interval.
        fault: why the controller cannot use it; empty if it can.
    """

    group: str
    model_id: str | None
    trained_until: datetime | None
    rows: int | None
    max_age_days: float
    reach_minutes: float | None
    fault: str = ""


@dataclass(frozen=True)
class Facts:
    """All of it, as it stood at `now`.

    Attributes:
        components: which of COMPONENTS are looked at.
        function: the controller's function, if its name is known.
        settings_mode: what applies while nobody has said otherwise.
        distrusted: the controller checks the model's forecasts, and does not follow them.
    """

    now: datetime
    group: str
    components: tuple[str, ...]
    interval_seconds: int
    settings_mode: str
    function: str | None = None
    distrusted: bool = False
    capacity: Seen[GroupState] = field(default_factory=Seen)
    decisions: Seen[tuple[DecisionNote, ...]] = field(default_factory=Seen)
    traffic: Seen[Traffic] = field(default_factory=Seen)
    outlook: Seen[Outlook] = field(default_factory=Seen)
    model: Seen[ModelNote] = field(default_factory=Seen)
    alarms: Seen[tuple[Alarm, ...]] = field(default_factory=Seen)
    calls: Seen[FunctionCalls] = field(default_factory=Seen)
    control: Seen[GroupControl] = field(default_factory=Seen)
    """What operators have said."""

    @property
    def sources(self) -> dict[str, Seen[Any]]:
        """What has been asked for so far, by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: seen
            for name, seen in found.items()
            if isinstance(seen, Seen) and (seen.read_at is not None or seen.error)
        }

    @property
    def errors(self) -> dict[str, str]:
        """Why sources could not be read at the newest try, by their names."""
        return {name: seen.error for name, seen in self.sources.items() if seen.error}

    @property
    def unread(self) -> str:
        """Why none of the components has been read: the error of the first one's own source.
        Empty if one has.
        """
        own: list[Seen[Any]] = [getattr(self, OWN_SOURCE[name]) for name in self.components]
        if any(seen.read_at is not None for seen in own):
            return ""
        return own[0].error or "it has not been asked for yet"

    @property
    def never_again(self) -> Facts:
        """The same, where nothing is asked a second time."""
        ended: dict[str, Any] = {
            name: replace(seen, retry_at=None) for name, seen in self.sources.items()
        }
        return replace(self, **ended)

    @property
    def newest(self) -> DecisionNote | None:
        """The newest decision, if one is known."""
        return self.decisions.value[0] if self.decisions.value else None

    @property
    def said_mode(self) -> str | None:
        """As an operator, or the controller's falling back, has said it."""
        return self.control.value.mode if self.control.value else None

    @property
    def recorded(self) -> DecisionNote | None:
        """The newest decision whose record tells a mode."""
        notes = self.decisions.value or ()
        return next((note for note in notes if note.mode in MODES), None)

    @property
    def mode(self) -> str:
        """In force: as it was said, else by the newest record, else by the settings."""
        recorded = self.recorded.mode if self.recorded else self.settings_mode
        return self.said_mode or recorded

    @property
    def mode_words(self) -> str:
        """The mode, with whose word that is where it is not both said and acted upon."""
        recorded = self.recorded
        if self.said_mode and recorded and self.said_mode != recorded.mode:
            return (
                f"{self.mode} (the record of {self._time_of(recorded)} still has {recorded.mode})"
            )
        if self.said_mode:
            return self.mode
        if recorded is None:
            return f"{self.mode} by the settings"
        if self.control.read_at is None:
            return f"{self.mode} by the record of {self._time_of(recorded)}"
        return self.mode

    def _time_of(self, note: DecisionNote) -> str:
        return utc_clock(note.slot, self.now)

    @property
    def silent(self) -> timedelta | None:
        """The age of the newest decision, if two have failed to come since."""
        if self.newest is None:
            return None
        age = self.now - self.newest.slot
        return age if age >= timedelta(seconds=3 * self.interval_seconds) else None

    def due(self, calls: FunctionCalls) -> int:
        """How many calls there should have been in that time."""
        return (calls.end - calls.start) // timedelta(seconds=self.interval_seconds)

    def to_json(self) -> Json:
        """Plain values, times as ISO 8601; sources that nobody asked for are left out."""
        heads: Json = {
            "now": utc_text(self.now),
            "group": self.group,
            "components": list(self.components),
            "interval_seconds": self.interval_seconds,
            "mode": self.mode,
            "function": self.function,
            "model_distrusted": self.distrusted,
            "silent_seconds": self.silent.total_seconds() if self.silent else None,
        }
        return heads | {name: plain(seen) for name, seen in self.sources.items()}


def known_values(column: FloatArray) -> tuple[float | None, ...]:
    """Plain numbers; None where nothing is known, which arrays say by NaN."""
    return tuple(None if math.isnan(value) else value for value in column.tolist())


def last_known(values: Sequence[float | None]) -> float | None:
    """The newest known value. Nobody counts what does not happen, so it may be older."""
    return next((value for value in reversed(values) if value is not None), None)


def plain(value: object) -> Any:
    """A value as JSON knows it: fields become keys, sets and tuples lists, times texts."""
    if isinstance(value, datetime):
        return utc_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
