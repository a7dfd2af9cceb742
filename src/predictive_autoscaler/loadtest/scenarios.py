"""The scenarios by name, and the recording that the last of them follows."""

from __future__ import annotations

import csv
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.core.workloads import USER_PATTERNS, UserPattern, replayed
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.files import unreadable

REPLAY = "replay"
MANUAL = "manual"
SCENARIOS = (*USER_PATTERNS, REPLAY, MANUAL)
REPLAY_SECONDS = 1800.0


def chosen_pattern(options: Namespace) -> UserPattern:
    """The course of users of a scenario other than `manual`.

    Raises:
        DataError: the recording to replay cannot be used.
    """
    if options.scenario != REPLAY:
        return USER_PATTERNS[options.scenario]
    seconds, requests = read_trace(
        Path(options.trace), options.trace_skip_hours, options.trace_hours
    )
    return replayed(seconds, requests, options.peak_users, REPLAY_SECONDS)


def read_trace(path: Path, skip_hours: float, hours: float) -> tuple[FloatArray, FloatArray]:
    """Read a part of a CSV file with the columns `timestamp` and `requests`.

    Returns:
        Starts of the bins in seconds, and the requests in each.

    Raises:
        DataError: says what is wrong, and where.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [_row(path, number, row) for number, row in enumerate(csv.DictReader(lines), 2)]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--trace {path}: {unreadable(error, 'CSV')}") from None
    if not rows:
        raise DataError(f"--trace {path}: has no rows")
    seconds, requests = (np.array(column) for column in zip(*rows, strict=True))
    if not (np.diff(seconds) > 0).all():
        raise DataError(f"--trace {path}: the times are not in increasing order")
    since = (seconds - seconds[0]) / 3600
    kept = (since >= skip_hours) & (since <= skip_hours + hours)
    if kept.sum() < 2 or not requests[kept].max() > 0:
        raise DataError(
            f"--trace {path}: no traffic in the {hours:g} hours after the first {skip_hours:g}; "
            f"it covers {since[-1]:.1f} hours"
        )
    return seconds[kept], requests[kept]


def _row(path: Path, number: int, row: dict[str, str | None]) -> tuple[float, float]:
    try:
        moment = datetime.fromisoformat(row["timestamp"] or "")
        requests = float(row["requests"] or "nan")
        if not 0 <= requests < float("inf"):
            raise ValueError(f"requests is {row['requests']!r}")
    except KeyError as error:
        raise DataError(f"--trace {path}: there is no column {error}") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"--trace {path}, line {number}: {error}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp(), requests
