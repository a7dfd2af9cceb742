"""Finished days of metrics, a compressed CSV file each."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from predictive_autoscaler.adapters.objects import ObjectStore
from predictive_autoscaler.adapters.stores.followed import read_each
from predictive_autoscaler.adapters.stores.keys import (
    HISTORY_SUFFIX,
    history_key,
    history_prefix,
)
from predictive_autoscaler.core.csv_text import samples_from_csv, samples_to_csv
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import AutoscalerError, DataError

_DAY = timedelta(days=1)


class StoredHistory:
    """A HistoryStore over objects."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def load(self, group: str, days: Sequence[date], interval_seconds: int) -> dict[date, Samples]:
        """As the port says. A file that cannot be read, or does not hold just its day on this
        grid, counts as absent: the day is then read from the metrics again.
        """
        found = read_each(lambda day: self._objects.get(history_key(group, day)), days)
        kept = {}
        for day, file in zip(days, found, strict=True):
            if isinstance(file, AutoscalerError):
                raise file
            samples = file and _finished_day(file.data, day, interval_seconds)
            if samples:
                kept[day] = samples
        return kept

    def save(self, group: str, day: date, samples: Samples) -> None:
        """As the port says. The same samples give the same bytes."""
        packed = gzip.compress(samples_to_csv(samples).encode(), compresslevel=6, mtime=0)
        self._objects.put(history_key(group, day), packed)

    def days(self, group: str) -> list[date]:
        """As the port says; files that are not named after a day are left out."""
        prefix = history_prefix(group)
        names = (key.removeprefix(prefix) for key in self._objects.keys(prefix))
        found = (_date(name.removesuffix(HISTORY_SUFFIX)) for name in names)
        return [day for day in found if day is not None]


def _finished_day(data: bytes, day: date, interval_seconds: int) -> Samples | None:
    try:
        samples = samples_from_csv(gzip.decompress(data).decode(), interval_seconds)
    except (DataError, OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None
    midnight = datetime.combine(day, time(), UTC)
    return samples if (samples.start, samples.end) == (midnight, midnight + _DAY) else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
