"""What was decided in the last days: every record of them, in few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.pool import ThreadPool

from predictive_autoscaler.app.monitor.facts import AS_DECIDED
from predictive_autoscaler.app.monitor.watch import CLAIMED
from predictive_autoscaler.app.record import decision_of, part_of
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Decision, Json
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.ports import DecisionLog

READERS = 8
"""Records that are read at the same time."""
FIRST_READ = 48
"""Records after which a first look can be had; then twice as many, and so on."""


@dataclass(frozen=True)
class Entry:
    """A decision about one group, or that there was none.

    Attributes:
        status: of the record.
        desired: the group's desired capacity afterwards, as far as the record tells.
        wish, decided: instances as the forecast called for, and after all policies.
        lower, median, upper: quantiles 0.05, 0.5 and 0.95 of the largest demand per interval
            that was expected within the horizon.
        capacity_per_instance: requests per interval.
        miss_price: of a missed request; None where a quantile is served.
    """

    slot: datetime
    status: str
    desired: int | None = None
    wish: int | None = None
    decided: int | None = None
    lower: float | None = None
    median: float | None = None
    upper: float | None = None
    capacity_per_instance: float | None = None
    miss_price: float | None = None


class Diary:
    """Reads the records of one group's last days, each once, the newest first.

    Args:
        days: how far it looks back.

    Attributes:
        entries: what has been read so far, by slot; replaced as a whole, never changed.
        wanted: how many there are to read, all in all.
    """

    def __init__(self, log: DecisionLog, group: GroupSettings, days: int) -> None:
        self._log = log
        self._group = group.name
        self._interval = group.parameters.interval
        self._length = timedelta(days=days)
        self.entries: Mapping[datetime, Entry] = {}
        self.wanted = 0

    def follow(self, now: datetime, going_on: Callable[[], bool] = lambda: True) -> None:
        """Read what has been recorded since, and once everything.

        Args:
            going_on: asked between two parts of the work; the rest is read the next time.

        Raises:
            SourceError: some of it could not be read; what could be, is kept.
        """
        oldest = floor_to(now, self._interval) - self._length
        current = floor_to(now, self._interval)
        kept = {slot: entry for slot, entry in self.entries.items() if slot >= oldest}
        self.entries = kept
        # Older slots get no record any more; before everything was read, all are looked for.
        since = max(kept) - self._interval if kept and len(kept) >= self.wanted else oldest
        listed = self._log.slots_since(max(since, oldest))
        due = [
            slot
            for slot in reversed(listed)
            # A claimed record is completed soon, or never.
            if slot not in kept
            or (kept[slot].status == CLAIMED and slot >= current - self._interval)
        ]
        self.wanted = len(kept) + sum(slot not in kept for slot in due)
        if not due:
            return
        # Not an executor: the end of the process would wait for all that its threads have to do.
        with ThreadPool(min(READERS, len(due))) as readers:
            for part in _parts(due):
                found = readers.map(self._entry, part, chunksize=1)
                self.entries = dict(self.entries) | {entry.slot: entry for entry in found}
                if not going_on():
                    break

    def _entry(self, slot: datetime) -> Entry:
        try:
            record = self._log.load(slot)
            return entry_of(record, slot, self._group) if record else Entry(slot, "absent")
        # No JSON, something else in its place, or a value that is no number of anything.
        except (DataError, AttributeError, TypeError, ValueError):
            return Entry(slot, "unreadable")


def _parts(slots: list[datetime]) -> Iterator[list[datetime]]:
    first, size = 0, FIRST_READ
    while first < len(slots):
        yield slots[first : first + size]
        first, size = first + size, 2 * size


def entry_of(record: Json, slot: datetime, group: str) -> Entry:
    """What a record says of a group, in few words.

    Raises:
        AttributeError, TypeError, ValueError: it holds what a decision does not.
    """
    status = str(record.get("status"))
    decision = decision_of(record, group)
    if decision is None:
        absent = part_of(record, group).get("decision") is None
        return Entry(slot, status if absent else "unreadable")
    quantiles = decision.quantiles
    return Entry(
        slot=slot,
        status=status,
        desired=_desired(decision, part_of(record, group)),
        wish=decision.wish_instances,
        decided=decision.after_instances,
        lower=quantiles.get("0.05"),
        median=quantiles.get("0.5"),
        upper=quantiles.get("0.95"),
        capacity_per_instance=decision.capacity_per_instance,
        miss_price=decision.miss_price,
    )


def _desired(decision: Decision, part: Json) -> int:
    outcome = part.get("outcome")
    status = outcome.get("status") if isinstance(outcome, dict) else None
    return decision.after_instances if status in AS_DECIDED else decision.before_instances


def capacity_by_slot(entries: Iterable[Entry]) -> list[tuple[datetime, float]]:
    """What an instance carried, requests per interval, where a decision knew it; in order."""
    return sorted(
        (entry.slot, entry.capacity_per_instance)
        for entry in entries
        if entry.capacity_per_instance is not None
    )
