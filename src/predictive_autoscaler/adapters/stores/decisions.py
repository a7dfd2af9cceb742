"""Decision records, one object per slot. Creating it is the lease on that slot."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import takewhile

from predictive_autoscaler.adapters.objects import ObjectStore
from predictive_autoscaler.adapters.stores.keys import DECISIONS, decision_key, decision_slot
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import DataError

LOOKBACK = timedelta(days=2)
"""A record older than this is no start for a new one."""


class StoredDecisions:
    """A DecisionLog over objects.

    Args:
        interval: between slots; the record of the previous slot is looked for first. None where
            nobody knows it: then all that is listed is real.
    """

    def __init__(self, objects: ObjectStore, interval: timedelta | None) -> None:
        self._objects = objects
        self._interval = interval

    def newest_before(self, slot: datetime) -> Json | None:
        """As the port says. Records that cannot be read are passed over.

        One GET where the previous slot is known and has a record; a listing otherwise.
        """
        if self._interval is not None:
            previous = self._readable(decision_key(slot - self._interval))
            if previous is not None:
                return previous
        listed = self._objects.keys(DECISIONS, after=decision_key(slot - LOOKBACK))
        earlier = list(takewhile(decision_key(slot).__gt__, listed))
        return next(filter(None, map(self._readable, reversed(earlier))), None)

    def load(self, slot: datetime) -> Json | None:
        """As the port says.

        Raises:
            DataError: the record cannot be read.
        """
        return self._load(decision_key(slot))

    def slots_since(self, start: datetime) -> list[datetime]:
        """As the port says: one listing, a thousand slots a call."""
        listed = self._objects.keys(DECISIONS, after=decision_key(start - timedelta(seconds=1)))
        return [slot for slot in map(decision_slot, listed) if slot and slot >= start]

    def claim(self, slot: datetime, record: Json) -> bool:
        """As the port says.

        If the answer to our own write got lost, the client's second try finds the slot
        taken: a record with our run's id in it is ours nevertheless.
        """
        if self._objects.put(decision_key(slot), _to_bytes(record), if_absent=True):
            return True
        run = record.get("run")
        if run is None:
            return False
        present = self._readable(decision_key(slot))
        return present is not None and present.get("run") == run

    def complete(self, slot: datetime, record: Json) -> None:
        """As the port says."""
        self._objects.put(decision_key(slot), _to_bytes(record))

    def _load(self, key: str) -> Json | None:
        found = self._objects.get(key)
        if found is None:
            return None
        try:
            record = json.loads(found.data)
        except ValueError as error:
            raise DataError(f"{key} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise DataError(f"{key} holds no record")
        return record

    def _readable(self, key: str) -> Json | None:
        try:
            return self._load(key)
        except DataError:
            return None


def _to_bytes(record: Json) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
