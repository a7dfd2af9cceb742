"""Samples as CSV text: what is kept of finished days, collected, and trained from."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from predictive_autoscaler.core.types import METRICS, FloatArray, Samples, utc_from_text, utc_text
from predictive_autoscaler.errors import DataError

CSV_NAMES = {
    "requests": "requests",
    "refused": "refused",
    "errors": "errors",
    "response_time_seconds": "response_time",
    "cpu_percent": "cpu_utilization",
    "in_service": "capacity",
    "healthy_hosts": "healthy_hosts",
}
"""Column names in files, by metric. Units: per bin, per bin, per bin, s, %, instances."""

_COVERAGE = "coverage"


def samples_to_csv(samples: Samples) -> str:
    """One row per bin, an empty cell where a value is absent; floats survive exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["timestamp", *(CSV_NAMES[name] for name in METRICS), _COVERAGE])
    columns = [samples.column(name).tolist() for name in (*METRICS, _COVERAGE)]
    for start, *values in zip(samples.times(), *columns, strict=True):
        writer.writerow([utc_text(start), *(_cell(value) for value in values)])
    return buffer.getvalue()


def samples_from_csv(text: str, interval_seconds: int) -> Samples:
    """Read what `samples_to_csv` wrote.

    Raises:
        DataError: another form, or rows that are not on the grid.
    """
    try:
        heading, *rows = csv.reader(io.StringIO(text))
        cells: dict[str, Sequence[str]] = dict.fromkeys(heading, ())
        cells |= zip(heading, zip(*rows, strict=True), strict=bool(rows))
        times = cells["timestamp"]
        columns = {name: _values(cells[CSV_NAMES[name]]) for name in METRICS}
        coverage = _values(cells[_COVERAGE])
        start = utc_from_text(times[0]) if times else datetime(1970, 1, 1, tzinfo=UTC)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"kept history cannot be read: {error!r}") from error
    samples = Samples.of(start, interval_seconds, columns, coverage)
    seconds = samples.start_seconds().astype("datetime64[s]")
    if [f"{moment}Z" for moment in np.datetime_as_string(seconds)] != list(times):
        raise DataError(f"kept history is not in steps of {interval_seconds} s")
    return samples


def _cell(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def _values(cells: Sequence[str]) -> FloatArray:
    return np.array([float(cell) if cell else math.nan for cell in cells], dtype=np.float64)
