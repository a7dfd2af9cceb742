"""Load tests as a person runs them, with Locust as a process of its own, and what they leave."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from tests.helpers.commands import ROOT, clean_environment


def load_test(*arguments: object, seconds: float = 110) -> subprocess.CompletedProcess[str]:
    """Run `locust/run_test.sh ARGUMENTS`, whatever it ends with."""
    return subprocess.run(
        load_command(*arguments),
        cwd=ROOT,
        env=clean_environment(PYTHON=sys.executable),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def load_command(*arguments: object) -> list[str]:
    """The command line of a load test, in this environment."""
    return [sys.executable, "-m", "predictive_autoscaler.loadtest", *map(str, arguments)]


def requests_of(out: Path) -> dict[str, tuple[int, int]]:
    """Operation -> requests and failures, from the reports of a run."""
    with (out / "run_stats.csv").open(newline="") as lines:
        return {
            row["Name"]: (int(row["Request Count"]), int(row["Failure Count"]))
            for row in csv.DictReader(lines)
        }


def users_of(out: Path) -> list[tuple[float, int]]:
    """Seconds since the first row, and users, from the reports of a run."""
    with (out / "run_stats_history.csv").open(newline="") as lines:
        rows = [
            (float(row["Timestamp"]), int(row["User Count"]))
            for row in csv.DictReader(lines)
            if row["Name"] == "Aggregated"
        ]
    return [(moment - rows[0][0], users) for moment, users in rows]
