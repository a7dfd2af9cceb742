"""Whether a load test passed: few errors, fast enough, and what matters did run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """How often an operation ran, and how often it failed."""

    requests: int
    failures: int


@dataclass(frozen=True)
class Limits:
    """What a run has to keep.

    Attributes:
        errors_percent: most failures, in percent of all requests.
        p95_seconds: largest 95th percentile of the response time.
        key_operations: each of them must have succeeded at least once.
    """

    errors_percent: float
    p95_seconds: float
    key_operations: tuple[str, ...]


def limits_of(options: Namespace) -> Limits:
    """The limits that the options say."""
    names = tuple(name.strip() for name in options.key_operations.split(",") if name.strip())
    return Limits(options.max_errors_percent, options.max_p95_seconds, names)


def judge(limits: Limits, operations: Mapping[str, Operation], p95_seconds: float) -> list[str]:
    """Why the run failed; nothing if it passed."""
    requests = sum(one.requests for one in operations.values())
    failures = sum(one.failures for one in operations.values())
    if not requests:
        return ["no request was sent"]
    reasons = []
    percent = 100 * failures / requests
    if percent > limits.errors_percent:
        reasons.append(
            f"{failures} of {requests} requests failed, {percent:.2f} %; "
            f"allowed are {limits.errors_percent:g} % (--max-errors-percent)"
        )
    if p95_seconds > limits.p95_seconds:
        reasons.append(
            f"the 95th percentile of the response time is {p95_seconds:.2f} s; "
            f"allowed are {limits.p95_seconds:g} s (--max-p95-seconds)"
        )
    for name in limits.key_operations:
        one = operations.get(name, Operation(0, 0))
        if one.requests <= one.failures:
            short = "" if one.requests else "; was the run too short for one?"
            reasons.append(
                f"{name} never succeeded, in {one.requests} calls (--key-operations){short}"
            )
    return reasons
