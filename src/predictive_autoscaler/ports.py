"""What the controller needs of the world, as protocols. Adapters fill them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.types import CalendarEvent, GroupState, Json, Samples
from predictive_autoscaler.errors import AutoscalerError

MODES = ("off", "observe", "full")
"""What a group may be in: left alone, watched, or scaled."""
RINGING, UNSURE = "ALARM", "INSUFFICIENT_DATA"
"""States of an alarm that is not quiet ("OK")."""


@dataclass(frozen=True)
class MetricRequest:
    """A wish for one group's metrics in [start, end), aware UTC."""

    group: str
    start: datetime
    end: datetime
    period_seconds: int


@dataclass(frozen=True)
class MetricValue:
    """One number to publish about a group, or about all of them together (None)."""

    group: str | None
    name: str
    value: float
    at: datetime
    unit: str = "None"


@dataclass(frozen=True)
class GroupControl:
    """What operators have said about a group since its settings were written."""

    mode: str | None = None
    calendar: tuple[CalendarEvent, ...] = ()


@dataclass(frozen=True)
class Net:
    """A group's own scaling policy, which scales without us.

    Attributes:
        policy: its name.
        metric: "cpu" (mean CPU of the group, percent) or "requests" (per target and minute) of
            target tracking; "other" for anything else, which is looked at and never set.
        target: what it holds the metric at; 0 where there is no such thing.
        scale_in: whether it may take capacity away, too.
    """

    policy: str
    metric: str
    target: float
    scale_in: bool


@dataclass(frozen=True)
class Alarm:
    """One of the service's alarms.

    Attributes:
        state: "OK", RINGING or UNSURE.
        since: when it came into this state, aware UTC.
        says: what its owner wrote about it.
        reason: why it is in this state, in the service's words.
        dimensions: (name, value) of all metrics that it looks at.
        tells: whether its actions are switched on.
        actions: ARNs of all that it calls when it begins to ring: topics and the like.
    """

    name: str
    state: str
    since: datetime
    says: str = ""
    reason: str = ""
    dimensions: frozenset[tuple[str, str]] = frozenset()
    tells: bool = True
    actions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FunctionCalls:
    """How the controller's function was called in [start, end), aware UTC.

    Attributes:
        longest_seconds: of the calls; None if there was none.
    """

    start: datetime
    end: datetime
    calls: int
    errors: int
    throttled: int
    longest_seconds: float | None


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class MetricSource(Protocol):
    """Reads recorded metrics."""

    def read(self, requests: Sequence[MetricRequest]) -> Mapping[str, Samples | AutoscalerError]:
        """Metrics by group, on each request's period, covering exactly [start, end); for a
        group that alone cannot be read, why.

        Several groups share a call where the service allows it.

        Raises:
            SourceError: nothing could be read.
        """
        ...


class MetricSink(Protocol):
    """Takes the controller's own metrics."""

    def publish(self, values: Sequence[MetricValue]) -> None:
        """Write all values.

        Raises:
            SourceError: they could not be written.
        """
        ...


class Actuator(Protocol):
    """Reads and changes Auto Scaling groups."""

    def describe(self, groups: Sequence[str]) -> dict[str, GroupState]:
        """The groups that exist; one that is gone is left out.

        Raises:
            SourceError: the service did not answer.
        """
        ...

    def changed_by(self, group: str) -> str | None:
        """Who changed the group's capacity last: "a person", "a scaling policy", "a schedule";
        None if that is not known. Costs a call.

        Raises:
            SourceError: the service did not answer.
        """
        ...

    def set_desired(self, group: str, instances: int) -> None:
        """Ask for this capacity.

        Raises:
            SourceError: refused or failed; GroupNotFoundError if the group is gone.
        """
        ...


class Nets(Protocol):
    """Reads and changes the target tracking policies that stand behind the controller."""

    def read(self, groups: Sequence[str]) -> Mapping[str, tuple[Net, ...] | AutoscalerError]:
        """Each group's policies on CPU and requests that are in force, or why they cannot be
        read; a group without any has (). Groups whose policies nobody knows are left out.

        Raises:
            SourceError: the service did not answer.
        """
        ...

    def set(self, group: str, net: Net) -> None:
        """Give the policy of this name this target and this say about scale-in; all else of
        it stays.

        Raises:
            SourceError: refused, failed, or there is no such policy.
        """
        ...


class ModelStore(Protocol):
    """Keeps published models, version by version."""

    def load(self, group: str) -> Model:
        """The model that `latest` points to; unchanged ones come from memory.

        Raises:
            ModelNotFoundError: none was published. ModelError: it cannot be used.
            SourceError: the store did not answer.
        """
        ...

    def load_each(self, groups: Sequence[str]) -> Iterator[tuple[str, Model | AutoscalerError]]:
        """What `load` gives or raises, for one group after the other, in this order.

        Models are made ready as they are asked for, so that they need not all be held.
        """
        ...

    def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
        """Keep a model under a new version, then move `latest` to it.

        Raises:
            SourceError: the store did not take it; `latest` is then where it was.
            ConflictError: somebody else moved `latest` at the same time, and won.
        """
        ...


@dataclass(frozen=True, eq=False)
class Pointed:
    """What a group's pointer says, as it was read.

    Attributes:
        publication: None if there is no pointer, or one that cannot be read.
        mark: what the store knows the read pointer by.
        fault: why it cannot be read.
    """

    publication: Publication | None
    mark: object = None
    fault: str = ""


@dataclass(frozen=True)
class ModelFiles:
    """The bytes of one version, as they were published."""

    npz: bytes
    card: str
    verdict: str | None = None


class ModelArchive(Protocol):
    """The versions behind a ModelStore, for those who publish, go back and tidy up."""

    def pointed(self, group: str) -> Pointed:
        """What the group's pointer says now. Raises SourceError."""
        ...

    def point(self, group: str, publication: Publication, seen: Pointed) -> None:
        """Move the pointer, if it is still the one that was seen.

        Raises:
            ConflictError: it is not; theirs stays. SourceError: the store did not answer.
        """
        ...

    def versions(self, group: str, *, whole: bool = True) -> list[str]:
        """All versions, the newest (by name) first.

        Args:
            whole: leave out those of which only some files are there.

        Raises:
            SourceError: they could not be listed.
        """
        ...

    def files(self, group: str, version: str) -> ModelFiles:
        """The bytes of a version.

        Raises:
            ModelError: it is not there, or not whole. SourceError: the store did not answer.
        """
        ...

    def keep(self, group: str, version: str, files: ModelFiles) -> None:
        """Keep a version; nobody uses it before the pointer says so.

        Raises:
            SourceError: the store did not take it, or has this version with other bytes.
        """
        ...

    def forget(self, group: str, version: str) -> None:
        """Remove a version's files, the card first, so that what is left is no version.

        Raises:
            SourceError: not all could be removed.
        """
        ...


class DecisionLog(Protocol):
    """Keeps one record per slot. Creating it is the lease on that slot."""

    def newest_before(self, slot: datetime) -> Json | None:
        """The newest readable record of an earlier slot within the last days, if any."""
        ...

    def load(self, slot: datetime) -> Json | None:
        """The record of one slot, if there is one.

        Raises:
            DataError: it cannot be read. SourceError: the store did not answer.
        """
        ...

    def slots_since(self, start: datetime) -> list[datetime]:
        """The slots from `start` on of which there is a record, in order.

        Raises:
            SourceError: the store did not answer.
        """
        ...

    def claim(self, slot: datetime, record: Json) -> bool:
        """Create the slot's record; False if the slot is taken."""
        ...

    def complete(self, slot: datetime, record: Json) -> None:
        """Replace the record that this run has claimed."""
        ...


class ControlStore(Protocol):
    """What operators set at run time: mode and calendar."""

    def load_each(self, groups: Sequence[str]) -> Mapping[str, GroupControl | AutoscalerError]:
        """For every group what was said, the defaults if nothing was, or why it cannot be read.

        Raises:
            SourceError: the store did not answer.
        """
        ...

    def save(
        self, group: str, control: GroupControl, *, instead_of: GroupControl | None = None
    ) -> None:
        """Replace what was said.

        Args:
            instead_of: what was read before; if somebody has said something else since,
                nothing is written, so that no edit of theirs is lost.

        Raises:
            SourceError: it was not written.
        """
        ...

    def save_over_unreadable(self, group: str, control: GroupControl) -> str:
        """Replace what was said and cannot be read; its bytes are kept.

        Returns:
            Where the bytes of before are.

        Raises:
            SourceError: it was not written, since it can be read by now, has been changed by
                somebody else, or the store failed.
        """
        ...


class HistoryStore(Protocol):
    """Keeps finished days of metrics, since CloudWatch forgets minutes after 15 days."""

    def load(self, group: str, days: Sequence[date], interval_seconds: int) -> dict[date, Samples]:
        """Those of the days that are kept on this grid."""
        ...

    def save(self, group: str, day: date, samples: Samples) -> None:
        """Keep one finished day."""
        ...

    def days(self, group: str) -> list[date]:
        """All days that are kept, in order."""
        ...


class Notifier(Protocol):
    """Tells people."""

    def notify(self, subject: str, text: str) -> None:
        """Send one message. Raises SourceError if it could not be sent."""
        ...


class AlarmSource(Protocol):
    """Reads alarms."""

    def read(self, prefix: str | None) -> tuple[Alarm, ...]:
        """All alarms whose names begin so, or all there are, by name.

        Raises:
            SourceError: the service did not answer.
        """
        ...


class FunctionCallSource(Protocol):
    """Reads how functions were called."""

    def read(self, function: str, start: datetime, end: datetime) -> FunctionCalls:
        """The calls of a function in [start, end); one that nobody has called has none.

        Raises:
            SourceError: the service did not answer.
        """
        ...


@dataclass(frozen=True)
class Ports:
    """Everything that a controller is plugged into."""

    clock: Clock
    metrics: MetricSource
    actuator: Actuator
    nets: Nets
    models: ModelStore
    decisions: DecisionLog
    controls: ControlStore
    history: HistoryStore
    sink: MetricSink
    notifier: Notifier
