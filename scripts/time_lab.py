"""Measure how long the lab takes: every policy on one generated trace, and one more day.

    python scripts/time_lab.py --days 14

Seconds are processor time on one core, so that a busy machine changes them little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import numpy as np

from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.backtest import lab, replay
from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.core.types import Bounds, Json
from predictive_autoscaler.core.workloads import recorded_shop

MOST_SECONDS = 90.0
START = datetime(2026, 3, 2, tzinfo=UTC)


def generated(days: int) -> lab.LabTraffic:
    """A generated shop in the lab's world."""
    demand = recorded_shop(START, days, 1, ())
    first = replay.default_first(demand, None)
    peak = float(np.quantile(demand.requests[first:], lab.PEAK_QUANTILE))
    setting = Setting(peak / lab.INSTANCES_AT_PEAK, Bounds(1, 60))
    return lab.LabTraffic(f"{days} days of the shop", demand, first, setting)


def seconds_by_policy(
    traffic: lab.LabTraffic, policies: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """What the lab replays in one go, and the processor seconds that it takes on the trace."""
    for chosen in lab.in_goes(policies):
        begun = time.process_time()
        lab.run_policies(traffic, chosen, lab.LabOptions())
        yield ", ".join(chosen), time.process_time() - begun


@contextmanager
def stopwatch() -> Iterator[list[tuple[float, float]]]:
    """Notes, for each decision of a replay, the processor time when it began and ended."""
    stamps: list[tuple[float, float]] = []

    class Watched(Controller):
        def run_once(self, *given: Any, **options: Any) -> Json:
            begun = time.process_time()
            record = super().run_once(*given, **options)
            stamps.append((begun, time.process_time()))
            return record

    with patch.object(replay, "Controller", Watched):
        yield stamps


def seconds_by_day(traffic: lab.LabTraffic) -> list[tuple[float, float]]:
    """Of each whole replayed day: processor seconds of its decisions, and of all else.

    All else is the training and the simulated world.
    """
    day = 86400 // traffic.setting.interval_seconds
    with stopwatch() as stamps:
        lab.run_policy(traffic, lab.OURS, lab.LabOptions())
    days = []
    for begin in range(0, len(stamps) - day, day):
        within = stamps[begin : begin + day]
        deciding = sum(end - start for start, end in within)
        days.append((deciding, stamps[begin + day][0] - within[0][0] - deciding))
    return days


def main(arguments: list[str] | None = None) -> None:
    """Print both measurements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--days", type=int, default=14, help="length of the trace, at least 8")
    days: int = parser.parse_args(arguments).days
    if days < 8:
        parser.error(f"--days is {days}; at least 8, or there is no whole evaluated day")
    traffic = generated(days)
    total = 0.0
    for policy, seconds in seconds_by_policy(traffic, lab.known_policies()):
        total += seconds
        print(f"{policy:56} {seconds:7.2f} s", flush=True)
    verdict = "met" if total <= MOST_SECONDS else "not met"
    print(f"{'all':56} {total:7.2f} s, at most {MOST_SECONDS:.0f}: {verdict}")
    by_day = seconds_by_day(traffic)
    for number, (deciding, rest) in enumerate(by_day, 1):
        print(f"day {number}: deciding {deciding:.2f} s, training and the rest {rest:.2f} s")
    usual = float(np.median([sum(one) for one in by_day[:-1]]))
    print(f"the last day costs {sum(by_day[-1]) / usual:.2f} times the median of the days before")


if __name__ == "__main__":
    main()
