"""Does mode `full` keep what mode `observe` promised? Replay the last days of traces both ways.

    python scripts/check_promise.py TRACE.csv ... [--days 30]

For each trace: instance-hours and missed requests that observing said the controller would have
taken, and those that it then took over the same days. A trace shorter than asked for is observed
from its seventh day on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from predictive_autoscaler.backtest import lab
from predictive_autoscaler.backtest.promise import Promise, check_promise
from predictive_autoscaler.errors import AutoscalerError

LEARNED_DAYS = 6


def checked(path: Path, days: int) -> Promise:
    """One trace in the lab's world."""
    options = lab.LabOptions()
    traffic = lab.load_traffic(path, options, None)
    bins_a_day = 86_400 // options.interval_seconds
    first = max(len(traffic.demand) - days * bins_a_day, LEARNED_DAYS * bins_a_day)
    return check_promise(traffic.demand, first, options.of_replay(traffic.setting))


def row(path: Path, promise: Promise) -> list[str]:
    """What the table says of a trace."""
    promised, done = promise.observed.ours, promise.acted.ours
    return [
        path.stem,
        f"{promise.acted.length.total_seconds() / 86_400:.1f}",
        f"{promised.instance_hours:,.0f}",
        f"{done.instance_hours:,.0f}",
        f"{promise.hours_ratio - 1:+.2%}",
        f"{promised.missed_requests:,.0f}",
        f"{done.missed_requests:,.0f}",
        f"{promise.missed_ratio - 1:+.2%}",
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; exit code 1 if a trace could not be replayed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", nargs="+", type=Path, help="CSV files of time and requests")
    parser.add_argument("--days", type=int, default=30, help="the last so many; 30 by default")
    given = parser.parse_args(words)
    if given.days < 1:
        parser.error(f"--days is {given.days}; it must be 1 or more")
    table = Table("trace", "days", "hours promised", "taken", "", "missed promised", "missed", "")
    failed = 0
    for path in given.traces:
        print(f"{path.stem}: observing, then scaling, up to {given.days} days", file=sys.stderr)
        try:
            table.add_row(*row(path, checked(path, given.days)))
        except (AutoscalerError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed += 1
    Console().print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
