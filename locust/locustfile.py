"""The load test, for `locust -f locust/locustfile.py`; locust/run_test.sh does the rest around it.

`--scenario` (or the environment variable SCENARIO) chooses how many shoppers there are over time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# Where the project is not installed, as on a machine that only makes load.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from locust import events
from locust.runners import WorkerRunner
from locust.stats import (
    get_error_report_summary,
    get_percentile_stats_summary,
    get_stats_summary,
)
from scenarios import Shopper
from traffic_patterns import ScenarioShape

from predictive_autoscaler.loadtest.gate import Operation, judge, limits_of
from predictive_autoscaler.loadtest.options import add_scenario_options, check
from predictive_autoscaler.loadtest.scenarios import MANUAL

__all__ = ["ScenarioShape", "Shopper"]


def options(parser: Any) -> None:
    """Let Locust know our options."""
    add_scenario_options(parser.add_argument_group("Scenario options"))


def begin(environment: Any, **_: object) -> None:
    """Refuse what cannot be run, before any load; by hand means without a shape."""
    check(environment.parsed_options)
    if not isinstance(environment.runner, WorkerRunner):
        # Until the gate says otherwise: a run that breaks off has not passed it.
        environment.process_exit_code = 1
    if environment.parsed_options.scenario == MANUAL:
        environment.shape_class = None


def end(environment: Any, **_: object) -> None:
    """Judge the run, and say so with the exit code. A worker has nothing to judge."""
    if isinstance(environment.runner, WorkerRunner):
        return
    tell(environment.stats)
    operations = {
        entry.name: Operation(entry.num_requests, entry.num_failures)
        for entry in environment.stats.entries.values()
    }
    p95 = environment.stats.total.get_response_time_percentile(0.95) or 0
    reasons = judge(limits_of(environment.parsed_options), operations, p95 / 1000)
    reasons += [
        f"{entry['count']} times the scenario itself broke: {entry['msg']}"
        for entry in environment.runner.exceptions.values()
    ]
    for reason in reasons:
        print(f"gate: failed: {reason}", flush=True)
    if not reasons:
        print("gate: passed", flush=True)
    environment.process_exit_code = 1 if reasons else 0


def tell(stats: Any) -> None:
    """Print Locust's summary; at its usual level, each change of users would be logged as well."""
    lines = [*get_stats_summary(stats, False), *get_percentile_stats_summary(stats)]
    if stats.errors:
        lines += get_error_report_summary(stats)
    print("\n".join(lines), flush=True)


events.init_command_line_parser.add_listener(options)
events.init.add_listener(begin)
events.quitting.add_listener(end)
