"""The figures that are promised: of the Lambda beside the ordinary design, and of many groups."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.core.types import Json

pytestmark = pytest.mark.slow
SCRIPTS = Path(__file__).parents[2] / "scripts"


def figures_of(script: str, folder: Path, *options: str) -> Any:
    path = folder / "figures.json"
    command = [sys.executable, str(SCRIPTS / script), "--json", str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(path.read_text())


def test_the_same_decision_takes_a_fraction_of_the_ordinary_design(tmp_path: Path) -> None:
    rows: list[Json] = figures_of("bench_lambda.py", tmp_path, "--repeats", "1")
    ours, ordinary, ours_on_aws, ordinary_on_aws = rows
    assert ours["decisions"] == ordinary["decisions"]
    assert ours_on_aws["decisions"] == ordinary_on_aws["decisions"]
    assert ours["cold_cpu_seconds"] <= ordinary["cold_cpu_seconds"] / 4
    assert ours["cold_peak_megabytes"] <= ordinary["cold_peak_megabytes"] / 3
    # boto3, which both need, takes most of ours.
    assert ours_on_aws["cold_cpu_seconds"] <= ordinary_on_aws["cold_cpu_seconds"] / 2
    assert ours_on_aws["cold_peak_megabytes"] <= ordinary_on_aws["cold_peak_megabytes"] / 3


def test_a_thousand_groups_in_one_tick(tmp_path: Path) -> None:
    options = ("--groups", "100", "1000", "--ticks", "2", "--cache-mb", "0")
    hundred, thousand = figures_of("bench_fleet.py", tmp_path, *options)
    assert thousand["peak_megabytes"] <= 512
    tick = thousand["ticks"][1]
    assert tick["cpu_seconds"] <= 60
    assert tick["metric_reads"] <= 20
    assert tick["forest"] == 1000
    assert sum(Counter(tick["outcomes"]).values()) == 1000
    assert set(tick["outcomes"]) <= {"applied", "unchanged"}
    assert tick["cpu_seconds"] / 1000 <= 1.5 * hundred["ticks"][1]["cpu_seconds"] / 100
