"""The serving windows of all groups, kept small between the ticks of a warm function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.types import METRICS, FloatArray, Samples

FEW = 20
"""As many windows are not worth the time of packing."""
_COVERAGE = "coverage"


@dataclass(frozen=True, eq=False)
class _Packed:
    """Samples with each column in the fewest bytes that hold it exactly.

    A column that is one value throughout (mostly: absent) is kept as that value.
    """

    start: datetime
    interval_seconds: int
    bins: int
    columns: dict[str, NDArray[np.floating] | float]

    @classmethod
    def of(cls, samples: Samples) -> _Packed:
        columns = samples.columns() | {_COVERAGE: samples.coverage}
        packed = {name: _smallest(array) for name, array in columns.items()}
        return cls(samples.start, samples.interval_seconds, len(samples), packed)

    def unpacked(self) -> Samples:
        columns = {name: self._column(name) for name in (*METRICS, _COVERAGE)}
        coverage = columns.pop(_COVERAGE)
        return Samples.of(self.start, self.interval_seconds, columns, coverage)

    @property
    def end(self) -> datetime:
        return self.start + self.bins * timedelta(seconds=self.interval_seconds)

    @property
    def size_bytes(self) -> int:
        return sum(
            column.nbytes for column in self.columns.values() if isinstance(column, np.ndarray)
        )

    def _column(self, name: str) -> FloatArray:
        column = self.columns[name]
        if isinstance(column, float):
            return np.full(self.bins, column)
        return column.astype(np.float64)


def _smallest(array: FloatArray) -> NDArray[np.floating] | float:
    if len(array) and (np.isnan(array).all() or (array == array[0]).all()):
        return float(array[0])
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    # Counts mostly fit; averages mostly do not.
    return narrow if np.array_equal(narrow, array, equal_nan=True) else array


class Windows:
    """A window for each group; what comes out is what was put in, bit for bit.

    A few are kept as they are; from there on they are packed, to half the size or less, for a
    third of a millisecond each time.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Samples | _Packed] = {}

    def get(self, group: str) -> Samples | None:
        """The group's window, if it has one."""
        kept = self._kept.get(group)
        return kept.unpacked() if isinstance(kept, _Packed) else kept

    def end(self, group: str) -> datetime | None:
        """When the group's window ends."""
        kept = self._kept.get(group)
        return None if kept is None else kept.end

    def put(self, group: str, window: Samples) -> None:
        """Keep this window in place of the former one."""
        few = len(self._kept) < FEW
        self._kept[group] = window if few else _Packed.of(window)

    def keep_only(self, groups: Iterable[str]) -> None:
        """Forget the windows of all other groups."""
        wanted = set(groups)
        self._kept = {name: kept for name, kept in self._kept.items() if name in wanted}

    @property
    def size_bytes(self) -> int:
        """Memory that the windows take."""
        return sum(_size(kept) for kept in self._kept.values())


def _size(kept: Samples | _Packed) -> int:
    if isinstance(kept, _Packed):
        return kept.size_bytes
    return kept.coverage.nbytes + sum(column.nbytes for column in kept.columns().values())
