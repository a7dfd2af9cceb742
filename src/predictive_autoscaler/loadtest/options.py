"""The options of a load test. Locust's own parser gets those of the scenario as well."""

from __future__ import annotations

import math
import os
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any

from predictive_autoscaler.core.workloads import USER_PATTERNS
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.loadtest.scenarios import (
    MANUAL,
    REPLAY,
    REPLAY_SECONDS,
    SCENARIOS,
    chosen_pattern,
)

CHANNEL = "default-channel"
KEY_OPERATIONS = "products,product,checkoutComplete"
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def seconds_from(text: str) -> float:
    """Read a duration such as 90, 60s, 5m or 1h30m, in seconds."""
    match = _DURATION.fullmatch(text.strip())
    parts = match.groups() if match else (None, None, None)
    seconds = sum(int(part) * unit for part, unit in zip(parts, (3600, 60, 1), strict=True) if part)
    if not 5 <= seconds <= 7 * 86400:
        raise ArgumentTypeError(f"{text!r} is not a duration from 5s to 168h, such as 60s or 1h30m")
    return float(seconds)


def number(lowest: float, highest: float) -> Callable[[str], float]:
    """Read a number from one value to another, both included."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            raise ArgumentTypeError(f"{text!r} is not a number from {lowest:g} to {highest:g}")
        return value

    return read


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Read a whole number from one value to another, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"\d+", text) or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return read


def _scenario(text: str) -> str:
    if text not in SCENARIOS:
        raise ArgumentTypeError(f"{text!r} is none of {', '.join(SCENARIOS)}")
    return text


def add_scenario_options(group: Any) -> None:
    """Add what decides the load and the verdict, to a group of either parser."""
    group.add_argument(
        "--scenario",
        type=_scenario,
        default=os.environ.get("SCENARIO") or "baseline",
        metavar="NAME",
        help=f"one of {', '.join(SCENARIOS)} (default: the environment variable SCENARIO, or else "
        "baseline)",
    )
    group.add_argument(
        "--duration",
        type=seconds_from,
        default=None,
        metavar="TIME",
        help="length of the run, such as 60s or 10m; the scenario's whole course is compressed or "
        "stretched to it, so that a short run has the same peak (default: the scenario's own)",
    )
    group.add_argument(
        "--users-scale",
        type=number(0.01, 100),
        default=1.0,
        metavar="FACTOR",
        help="multiplies the scenario's users, 0.01 to 100 (default: 1)",
    )
    group.add_argument(
        "--think-scale",
        type=number(0, 10),
        default=1.0,
        metavar="FACTOR",
        help="multiplies the shoppers' pauses of 1 to 5 s, 0 to 10 (default: 1)",
    )
    group.add_argument(
        "--seed",
        type=whole(0, 2**31),
        default=None,
        metavar="N",
        help="of the shoppers' choices and pauses, 0 to 2147483648; the answers still decide who "
        "asks when (default: another one each time)",
    )
    group.add_argument(
        "--channel",
        default=CHANNEL,
        metavar="SLUG",
        help="channel of the shop (default: %(default)s)",
    )
    group.add_argument(
        "--insecure", action="store_true", help="accept any TLS certificate of the host"
    )
    _add_replay_options(group)
    _add_gate_options(group)


def _add_replay_options(group: Any) -> None:
    group.add_argument(
        "--trace",
        default=None,
        metavar="FILE",
        help=f"for {REPLAY}: CSV file with the columns timestamp and requests; a run takes "
        f"{REPLAY_SECONDS / 60:g} minutes unless --duration says otherwise",
    )
    group.add_argument(
        "--trace-skip-hours",
        type=number(0, 1e6),
        default=0.0,
        metavar="HOURS",
        help=f"for {REPLAY}: leave out the first hours of the file (default: 0)",
    )
    group.add_argument(
        "--trace-hours",
        type=number(0.1, 1e6),
        default=24.0,
        metavar="HOURS",
        help=f"for {REPLAY}: hours of the file that are replayed (default: 24)",
    )
    group.add_argument(
        "--peak-users",
        type=number(1, 100_000),
        default=150.0,
        metavar="USERS",
        help=f"for {REPLAY}: users at the largest bin, 1 to 100000 (default: 150)",
    )


def _add_gate_options(group: Any) -> None:
    group.add_argument(
        "--max-errors-percent",
        type=number(0, 100),
        default=1.0,
        metavar="PERCENT",
        help="gate: most failed requests, 0 to 100 percent (default: 1)",
    )
    group.add_argument(
        "--max-p95-seconds",
        type=number(0.001, 3600),
        default=5.0,
        metavar="SECONDS",
        help="gate: largest 95th percentile of the response time (default: 5)",
    )
    group.add_argument(
        "--key-operations",
        default=KEY_OPERATIONS,
        metavar="NAMES",
        help="gate: operations that must have succeeded, with commas; '' for none "
        "(default: %(default)s)",
    )


def check(options: Namespace) -> None:
    """Refuse options that do not fit together.

    Raises:
        UsageError: names the options.
        DataError: the recording cannot be used.
    """
    if options.scenario == REPLAY and not options.trace:
        raise UsageError(f"--scenario {REPLAY} needs --trace FILE, a CSV file to replay")
    if options.scenario != REPLAY and options.trace:
        raise UsageError(f"--trace {options.trace} is for --scenario {REPLAY} only")
    if options.scenario != MANUAL:
        chosen_pattern(options)


def table_of_scenarios() -> str:
    """One line for each scenario, for the help."""
    lines = [
        f"  {name:<11} {pattern.duration_seconds / 60:4.0f} min  {pattern.summary}"
        for name, pattern in USER_PATTERNS.items()
    ]
    lines += [
        f"  {REPLAY:<11} {REPLAY_SECONDS / 60:4.0f} min  follows --trace, at most --peak-users",
        f"  {MANUAL:<11}    -      users as set in the web UI (with --web-ui)",
    ]
    return "\n".join(lines)
