"""Every port in memory: the fakes of the tests, and the world of the backtest.

A backtest calls these tens of thousands of times, so nothing is copied or serialised:
records and samples are kept as they are given.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.timegrid import merge, to_interval
from predictive_autoscaler.core.types import GroupState, Json, Samples
from predictive_autoscaler.errors import (
    AutoscalerError,
    ConflictError,
    GroupNotFoundError,
    ModelError,
    ModelNotFoundError,
    SourceError,
)
from predictive_autoscaler.ports import (
    Alarm,
    FunctionCalls,
    GroupControl,
    MetricRequest,
    MetricValue,
    ModelFiles,
    Net,
    Pointed,
)

RECORDS_LOOKBACK = timedelta(days=2)
"""A record older than this is no start for a new one; the same for all decision logs."""


class FixedClock:
    """Stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to an aware time."""
        self._now = now

    def advance(self, by: timedelta) -> None:
        """Move on (or back, if negative)."""
        self._now += by


class MemoryMetricSource:
    """Metrics that were recorded beforehand, one `Samples` for each group.

    Attributes:
        samples: by group; the step of their grid is the source's own period.
        visible_until: bins that end later have not been measured yet; None shows all.
        error: raised by every read, while set.
        reads: how many times `read` was called.
    """

    def __init__(
        self, samples: Mapping[str, Samples], visible_until: datetime | None = None
    ) -> None:
        self.samples = dict(samples)
        self.visible_until = visible_until
        self.error: AutoscalerError | None = None
        self.reads = 0

    def read(self, requests: Sequence[MetricRequest]) -> dict[str, Samples]:
        """As the port says. A coarser period than the kept one is added up.

        Raises:
            SourceError: a finer period, or a period that the kept one does not divide.
            ValueError: the request does not lie on the grid.
        """
        self.reads += 1
        if self.error is not None:
            raise self.error
        return {request.group: self._read(request) for request in requests}

    def _read(self, request: MetricRequest) -> Samples:
        period = request.period_seconds
        end = request.end
        if self.visible_until is not None:
            end = min(end, self.visible_until)
        bins = (request.end - request.start) // timedelta(seconds=period)
        kept = self.samples.get(request.group)
        if kept is None or end <= request.start:
            return Samples.empty(request.start, period, bins)
        if period % kept.interval_seconds:
            raise SourceError(
                f"metrics are kept in steps of {kept.interval_seconds} s; {period} s was asked for"
            )
        part = to_interval(kept.between(request.start, end), period)
        if len(part) == bins and part.start == request.start:
            return part
        return merge(Samples.empty(request.start, period, bins), part)


class MemoryActuator:
    """Groups that do what they are told, at once.

    Attributes:
        groups: state by name; remove one and it is gone.
        calls: every (group, instances) that was accepted, in order.
        describe_error, set_error: raised by the respective calls, while set.
    """

    def __init__(self, groups: Iterable[GroupState] = ()) -> None:
        self.groups = {state.name: state for state in groups}
        self.calls: list[tuple[str, int]] = []
        self.describe_error: AutoscalerError | None = None
        self.set_error: AutoscalerError | None = None

    def put(self, state: GroupState) -> None:
        """Make the group look like this from now on."""
        self.groups[state.name] = state

    def describe(self, groups: Sequence[str]) -> dict[str, GroupState]:
        """As the port says."""
        if self.describe_error is not None:
            raise self.describe_error
        return {name: self.groups[name] for name in groups if name in self.groups}

    def changed_by(self, group: str) -> str | None:
        """As the port says: what the group's state says."""
        if self.describe_error is not None:
            raise self.describe_error
        return self.groups[group].changed_by if group in self.groups else None

    def set_desired(self, group: str, instances: int) -> None:
        """As the port says; like AWS, it refuses what lies outside the group's bounds.

        Instances are in service at once; whoever models their boot says so by `put`.
        """
        if self.set_error is not None:
            raise self.set_error
        state = self.groups.get(group)
        if state is None:
            raise GroupNotFoundError(f"there is no group {group!r}")
        if state.bounds.clamp(instances) != instances:
            raise SourceError(
                f"capacity {instances} of group {group!r} is outside "
                f"{state.bounds.min_instances} to {state.bounds.max_instances}"
            )
        self.groups[group] = replace(
            state, desired_instances=instances, in_service_instances=instances
        )
        self.calls.append((group, instances))


class MemoryNets:
    """Target tracking policies by group; none are known of a group that is not given.

    Attributes:
        nets: by group.
        calls: every (group, net) that was accepted by `set`, in order.
        reads: how many times `read` was called.
        read_error, set_error: raised by the respective calls, while set.
    """

    def __init__(self, nets: Mapping[str, Sequence[Net]] | None = None) -> None:
        self.nets = {group: tuple(found) for group, found in (nets or {}).items()}
        self.calls: list[tuple[str, Net]] = []
        self.reads = 0
        self.read_error: AutoscalerError | None = None
        self.set_error: AutoscalerError | None = None

    def read(self, groups: Sequence[str]) -> dict[str, tuple[Net, ...] | AutoscalerError]:
        """As the port says."""
        self.reads += 1
        if self.read_error is not None:
            raise self.read_error
        return {group: self.nets[group] for group in groups if group in self.nets}

    def set(self, group: str, net: Net) -> None:
        """As the port says."""
        if self.set_error is not None:
            raise self.set_error
        found = self.nets.get(group, ())
        if net.policy not in {one.policy for one in found}:
            raise SourceError(f"group {group!r} has no policy {net.policy!r}")
        self.nets[group] = tuple(net if one.policy == net.policy else one for one in found)
        self.calls.append((group, net))


class MemoryModelStore:
    """Models by group: a ModelStore and a ModelArchive. `put` takes a ready model."""

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        self._models = dict(models or {})
        self._files: dict[str, dict[str, ModelFiles]] = {}
        self._published: dict[str, Publication] = {}
        self._lock = threading.Lock()

    def put(self, group: str, model: Model) -> None:
        """Make this the group's latest model."""
        self._published.pop(group, None)
        self._models[group] = model

    def load(self, group: str) -> Model:
        """As the port says."""
        if group not in self._models:
            if group not in self._published:
                raise ModelNotFoundError(f"no model of group {group!r} has been published")
            files = self.files(group, self._published[group].version)
            self._models[group] = load_model(files.npz, files.card)
        return self._models[group]

    def load_each(self, groups: Sequence[str]) -> Iterator[tuple[str, Model | AutoscalerError]]:
        """As the port says."""
        for group in groups:
            try:
                yield group, self.load(group)
            except AutoscalerError as error:
                yield group, error

    def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
        """As the port says; what is wrong with the files shows when they are loaded."""
        seen = self.pointed(group)
        self.keep(group, version, ModelFiles(npz, card))
        before = seen.publication
        self.point(group, before.followed_by(version) if before else Publication(version), seen)

    def pointed(self, group: str) -> Pointed:
        """As the port says."""
        publication = self._published.get(group)
        return Pointed(publication, publication)

    def point(self, group: str, publication: Publication, seen: Pointed) -> None:
        """As the port says."""
        with self._lock:
            if self._published.get(group) not in (seen.mark, publication):
                raise ConflictError(f"the pointer of group {group!r} has been changed meanwhile")
            self._published[group] = publication
            self._models.pop(group, None)

    def versions(self, group: str, *, whole: bool = True) -> list[str]:
        """As the port says; all of them are whole."""
        return sorted(self._files.get(group, {}), reverse=True)

    def files(self, group: str, version: str) -> ModelFiles:
        """As the port says."""
        try:
            return self._files[group][version]
        except KeyError:
            raise ModelError(f"there is no version {version!r} of group {group!r}") from None

    def keep(self, group: str, version: str, files: ModelFiles) -> None:
        """As the port says."""
        kept = self._files.setdefault(group, {})
        present = kept.get(version, files)
        if (present.npz, present.card) != (files.npz, files.card):
            raise SourceError(f"version {version!r} of group {group!r} exists with other content")
        kept[version] = files if files.verdict is not None else present

    def forget(self, group: str, version: str) -> None:
        """As the port says."""
        self._files.get(group, {}).pop(version, None)


class MemoryDecisionLog:
    """Records by slot, kept as they are given: whoever changes one later changes it here too.

    Args:
        keep: how many of the newest records to keep; all by default.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._records: dict[datetime, Json] = {}
        self._slots: list[datetime] = []
        self._lock = threading.Lock()

    def newest_before(self, slot: datetime) -> Json | None:
        """As the port says."""
        position = bisect_left(self._slots, slot)
        if position == 0 or self._slots[position - 1] <= slot - RECORDS_LOOKBACK:
            return None
        return self._records[self._slots[position - 1]]

    def load(self, slot: datetime) -> Json | None:
        """As the port says."""
        return self._records.get(slot)

    def slots_since(self, start: datetime) -> list[datetime]:
        """As the port says."""
        with self._lock:
            return self._slots[bisect_left(self._slots, start) :]

    def claim(self, slot: datetime, record: Json) -> bool:
        """As the port says; of several threads one wins."""
        with self._lock:
            if slot in self._records:
                return False
            self._write(slot, record)
            return True

    def complete(self, slot: datetime, record: Json) -> None:
        """As the port says."""
        with self._lock:
            self._write(slot, record)

    def _write(self, slot: datetime, record: Json) -> None:
        if slot not in self._records:
            insort(self._slots, slot)
        self._records[slot] = record
        if self._keep is not None and len(self._slots) > self._keep:
            del self._records[self._slots.pop(0)]


class MemoryControlStore:
    """What operators have said, by group."""

    def __init__(self, controls: Mapping[str, GroupControl] | None = None) -> None:
        self._controls = dict(controls or {})

    def load_each(self, groups: Sequence[str]) -> dict[str, GroupControl | AutoscalerError]:
        """As the port says; nothing said gives the defaults."""
        return {group: self._controls.get(group, _NOTHING_SAID) for group in groups}

    def save(
        self, group: str, control: GroupControl, *, instead_of: GroupControl | None = None
    ) -> None:
        """As the port says."""
        if instead_of is not None and self._controls.get(group, _NOTHING_SAID) != instead_of:
            raise SourceError(f"what is said of {group!r} has been changed by somebody else")
        self._controls[group] = control

    def save_over_unreadable(self, group: str, control: GroupControl) -> str:
        """As the port says; what is kept here can always be read."""
        raise SourceError(f"what is said of {group!r} can be read")


_NOTHING_SAID = GroupControl()


class MemoryHistoryStore:
    """Finished days by group."""

    def __init__(self) -> None:
        self._days: dict[str, dict[date, Samples]] = {}

    def load(self, group: str, days: Sequence[date], interval_seconds: int) -> dict[date, Samples]:
        """As the port says."""
        kept = self._days.get(group, {})
        return {
            day: kept[day]
            for day in days
            if day in kept and kept[day].interval_seconds == interval_seconds
        }

    def save(self, group: str, day: date, samples: Samples) -> None:
        """As the port says."""
        self._days.setdefault(group, {})[day] = samples

    def days(self, group: str) -> list[date]:
        """As the port says."""
        return sorted(self._days.get(group, {}))


class MemorySink:
    """Keeps what was published in `values`."""

    def __init__(self) -> None:
        self.values: list[MetricValue] = []

    def publish(self, values: Sequence[MetricValue]) -> None:
        """As the port says."""
        self.values.extend(values)


class MemoryNotifier:
    """Keeps what was told in `messages`, as (subject, text).

    Attributes:
        error: raised instead, while set.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.error: AutoscalerError | None = None

    def notify(self, subject: str, text: str) -> None:
        """As the port says."""
        if self.error is not None:
            raise self.error
        self.messages.append((subject, text))


class MemoryAlarms:
    """Alarms that stand as they are put here.

    Attributes:
        error: raised by every read, while set.
        reads: how many times `read` was called.
    """

    def __init__(self, alarms: Iterable[Alarm] = ()) -> None:
        self.alarms = tuple(alarms)
        self.error: AutoscalerError | None = None
        self.reads = 0

    def read(self, prefix: str | None) -> tuple[Alarm, ...]:
        """As the port says."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        found = (one for one in self.alarms if one.name.startswith(prefix or ""))
        return tuple(sorted(found, key=lambda one: one.name))


class MemoryFunctionCalls:
    """Calls by function; each is (time, seconds that it took, whether it failed).

    Attributes:
        error: raised by every read, while set.
        reads: how many times `read` was called.
    """

    def __init__(
        self, calls: Mapping[str, Sequence[tuple[datetime, float, bool]]] | None = None
    ) -> None:
        self.calls = dict(calls or {})
        self.error: AutoscalerError | None = None
        self.reads = 0

    def read(self, function: str, start: datetime, end: datetime) -> FunctionCalls:
        """As the port says; nothing is throttled here."""
        self.reads += 1
        if self.error is not None:
            raise self.error
        made = [call for call in self.calls.get(function, ()) if start <= call[0] < end]
        longest = max((seconds for _, seconds, _ in made), default=None)
        return FunctionCalls(start, end, len(made), sum(bad for *_, bad in made), 0, longest)
