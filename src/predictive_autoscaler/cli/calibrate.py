"""`calibrate`: what one instance carries, from a load test in steps, and into the settings."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from predictive_autoscaler.app.settings_file import with_setting
from predictive_autoscaler.cli.console import AsJson, Seed, out, print_json
from predictive_autoscaler.core.calibration import Calibration, steps_of
from predictive_autoscaler.core.calibration import calibrate as calibrated
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import DataError, UsageError
from predictive_autoscaler.files import unreadable
from predictive_autoscaler.folders import check_writable

CAPACITY = "AUTOSCALER_CAPACITY_PER_INSTANCE"
AGGREGATED = "Aggregated"
EPILOG = (
    "Example: drive the shop behind one instance in steps, then write what it carries.\n\n"
    "locust/run_test.sh --scenario step --host URL --out out\n\n"
    "predictive-autoscaler calibrate out/run_stats_history.csv --settings my.env"
)


def calibrate(
    history: Annotated[
        Path, typer.Argument(help="Locust's run_stats_history.csv of a run of the scenario step.")
    ],
    objective: Annotated[
        float,
        typer.Option(
            "--objective-seconds",
            min=0.001,
            max=60,
            help="The 95th percentile of the response time that must be kept, seconds.",
        ),
    ] = 1.0,
    instances: Annotated[
        int, typer.Option(min=1, max=1000, help="Instances that served during the test.")
    ] = 1,
    interval_minutes: Annotated[
        int, typer.Option(min=1, max=60, help="The controller's control interval.")
    ] = 5,
    speed: Annotated[
        float,
        typer.Option(min=1, max=120, help="Of a rehearsal's clock; 1 is real time."),
    ] = 1,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help="Write it into this file: KEY=VALUE lines, or many groups as JSON (then --group "
            "says whose). Made if there is none.",
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="The group in a JSON file of many that it is for.")
    ] = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Find the capacity of one instance from a load test.

    All decisions stand on that number. It is the rate of requests at which the 95th
    percentile of the response time crosses the latency objective, with an interval that
    holds it with a chance of 90 %.
    """
    if group is not None and settings is None:
        raise UsageError("--group says whose number it is in --settings FILE; give both")
    found = calibrated(steps_of(*_rows(history)), objective, seed)
    factor = interval_minutes * 60 / speed / instances
    capacity = float(f"{found.rate * factor:.4g}")
    if settings is not None:
        _write(settings, capacity, group)
    facts = _facts(found, factor, capacity) | {"settings": settings and str(settings)}
    if as_json:
        print_json(facts)
    else:
        _print(facts, interval_minutes, objective)


def _rows(path: Path) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Seconds, users, rate and 95th percentile of the whole test, second by second.

    Raises:
        DataError: the file cannot be read, or is another one.
    """
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if row.get("Name") == AGGREGATED]
        numbers = [
            (
                float(row["Timestamp"]),
                float(row["User Count"]),
                float(row["Requests/s"]) - float(row["Failures/s"]),
                _seconds(row["95%"]),
            )
            for row in rows
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {unreadable(error, 'a table')}") from None
    except KeyError as error:
        raise DataError(
            f"{path}: this is not Locust's run_stats_history.csv: it has no column {error}"
        ) from error
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: this is not Locust's run_stats_history.csv: {error}") from error
    if not numbers:
        raise DataError(f"{path}: there are no rows named {AGGREGATED}, as Locust writes them")
    seconds, users, rates, p95 = (np.array(column) for column in zip(*numbers, strict=True))
    return seconds, users, rates, p95


def _seconds(text: str) -> float:
    return float("nan") if text == "N/A" else float(text) / 1000


def _facts(found: Calibration, factor: float, capacity: float) -> dict[str, Any]:
    return {
        "capacity_per_instance": capacity,
        "low": found.low * factor,
        "high": found.high * factor,
        "requests_per_second": found.rate,
        "kept_users": found.kept_users,
        "broken_users": found.broken_users,
    }


def _print(facts: dict[str, Any], interval_minutes: int, objective: float) -> None:
    out.print(
        f"One instance carries {facts['capacity_per_instance']:,.4g} requests per "
        f"{interval_minutes} minutes with a 95th percentile of {objective:g} s "
        f"(90 % interval: {facts['low']:,.4g} to {facts['high']:,.4g}).",
        highlight=False,
    )
    out.print(
        f"The objective was kept with {facts['kept_users']} users and broken with "
        f"{facts['broken_users']}.",
        highlight=False,
    )
    if facts["settings"]:
        out.print(f"{CAPACITY} is written to {facts['settings']}.", highlight=False)
    else:
        out.print(f"{CAPACITY}={facts['capacity_per_instance']:g}", highlight=False)


def _write(path: Path, capacity: float, group: str | None) -> None:
    check_writable(path.parent, "--settings")
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    text = with_setting(path, before, CAPACITY, capacity, group)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
