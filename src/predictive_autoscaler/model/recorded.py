"""Reading recorded metrics from a CSV file that a person has made, with patience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from predictive_autoscaler.core.csv_text import CSV_NAMES
from predictive_autoscaler.core.timegrid import interpolated, to_interval
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.files import unreadable

STEPS_MINUTES = (1, 5, 10, 15, 30, 60)
"""Bin lengths that a file may have."""
REQUIRED = ("timestamp", "requests")
OPTIONAL = tuple(name for name in CSV_NAMES.values() if name not in REQUIRED)
_IGNORED = ("coverage",)
_MANY_DAYS = 3650
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_WANTED = "write a first line 'timestamp,requests' and below it such as 2026-11-20 08:05:00,1234"


@dataclass(frozen=True)
class Recording:
    """A file's metrics on its own grid, and what was noticed on the way.

    Attributes:
        absent_rows: bins of the grid that the file has no row for.
    """

    samples: Samples
    absent_rows: int


def read_recording(path: Path) -> Recording:
    """Read `timestamp,requests[,response_time,cpu_utilization,capacity,refused,errors]`.

    Times without a zone are UTC. Rows may be absent, but must be in order, without
    duplicates, and on one grid.

    Raises:
        DataError: says what was found, in which line, and what is needed.
    """
    frame = _load(path)
    _check_columns(path, frame.columns.tolist())
    times = _times(path, frame["timestamp"])
    columns = {
        metric: _numbers(path, frame[name])
        for metric, name in CSV_NAMES.items()
        if name in frame.columns
    }
    return _on_grid(path, times, columns)


def at_interval(samples: Samples, interval_seconds: int) -> Samples:
    """Put a recording on the control interval's grid, by adding up or by interpolating."""
    if samples.interval_seconds > interval_seconds:
        return interpolated(samples, interval_seconds)
    return to_interval(samples, interval_seconds)


def _load(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, skipinitialspace=True)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DataError(f"{path}: {unreadable(error, 'CSV')}") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty; {_WANTED}") from None
    except (OSError, ValueError, pd.errors.ParserError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {_one_line(error)}") from error
    frame.columns = frame.columns.astype(str).str.strip()
    for sign, name in _OTHER_SEPARATORS.items():
        if len(frame.columns) == 1 and sign in frame.columns[0]:
            raise DataError(f"{path}: its columns are separated by {name}; {_WANTED}")
    if frame.empty:
        raise DataError(f"{path}: no rows; at least 24 hours of metrics are needed")
    return frame


def _check_columns(path: Path, found: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in found]
    unknown = [name for name in found if name not in (*REQUIRED, *OPTIONAL, *_IGNORED)]
    if missing or unknown:
        problem = (
            f"column {missing[0]!r} is missing" if missing else f"unknown column {unknown[0]!r}"
        )
        raise DataError(
            f"{path}: {problem}; found {', '.join(map(str, found))}; needed are "
            f"{', '.join(REQUIRED)}, optional are {', '.join(OPTIONAL)}"
        )


def _times(path: Path, column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    parsed = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    bad = np.flatnonzero(parsed.isna().to_numpy())
    if len(bad):
        raise DataError(
            f"{path}: line {bad[0] + 2}: {str(column.iloc[bad[0]])!r} is no time; "
            "write it as 2026-11-20 08:05:00 (UTC) or with a zone"
        )
    seconds = parsed.astype("datetime64[s, UTC]").astype(np.int64).to_numpy()
    steps = np.diff(seconds)
    wrong = np.flatnonzero(steps <= 0)
    if len(wrong):
        what = "appears twice" if steps[wrong[0]] == 0 else "is earlier than the line before"
        raise DataError(
            f"{path}: line {wrong[0] + 3}: {column.iloc[wrong[0] + 1]} {what}; "
            "rows must be in order of time, each time once"
        )
    return np.asarray(seconds, dtype=np.int64)


def _numbers(path: Path, column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    unreadable = np.isnan(numbers) & column.notna().to_numpy()
    wrong = np.flatnonzero(unreadable | (numbers < 0) | np.isinf(numbers))
    if len(wrong):
        raise DataError(
            f"{path}: line {wrong[0] + 2}: {column.name} is {str(column.iloc[wrong[0]])!r}; "
            "a number of at least 0, or nothing, is needed"
        )
    return numbers


def _on_grid(
    path: Path,
    seconds: np.ndarray[tuple[int], np.dtype[np.int64]],
    columns: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
) -> Recording:
    allowed = ", ".join(map(str, STEPS_MINUTES))
    if len(seconds) < 2:
        raise DataError(f"{path}: one row; at least 24 hours of metrics are needed")
    # The commonest distance is the step; its multiples are gaps.
    distances, counts = np.unique(np.diff(seconds), return_counts=True)
    step = int(distances[np.argmax(counts)])
    if step not in [60 * minutes for minutes in STEPS_MINUTES]:
        raise DataError(f"{path}: rows are {step / 60:g} minutes apart; allowed are {allowed}")
    off = np.flatnonzero((seconds - seconds[0]) % step)
    if len(off):
        raise DataError(
            f"{path}: line {off[0] + 2}: the row is not on the grid of {step // 60} minutes "
            "that the others are on"
        )
    bins = int((seconds[-1] - seconds[0]) // step) + 1
    if bins * step > _MANY_DAYS * 86400:
        raise DataError(f"{path}: spans {bins * step / 86400:.0f} days; at most {_MANY_DAYS}")
    position = (seconds - seconds[0]) // step
    gridded = {}
    for name, column in columns.items():
        gridded[name] = np.full(bins, np.nan)
        gridded[name][position] = column
    start = pd.Timestamp(int(seconds[0]), unit="s", tz="UTC").to_pydatetime()
    return Recording(Samples.of(start, step, gridded), bins - len(seconds))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
