"""What one instance carries, from a load test that goes up in steps.

Below saturation the response time hardly moves with the rate; near it, it leaps. The capacity is
the rate at which its 95th percentile crosses the latency objective, found between the last step
that kept the objective and the first that did not, on a logarithmic scale of the response time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import DataError

SETTLING_SECONDS = 12.0
"""Of each step, left out: Locust's figures are those of the last ten seconds."""
FEWEST_ROWS = 5
BLOCK_ROWS = 10
"""Rows next to each other share requests, so they are drawn together."""
DRAWS = 500
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Step:
    """A stretch of the test with the same number of users.

    Attributes:
        rates: (rows,) requests answered well in a second.
        p95_seconds: (rows,) 95th percentile of the response time.
    """

    users: int
    rates: FloatArray
    p95_seconds: FloatArray

    def __len__(self) -> int:
        return len(self.rates)

    def drawn(self, rng: np.random.Generator) -> Step:
        """As many rows, drawn in blocks with replacement (moving-block bootstrap: Kuensch, "The
        Jackknife and the Bootstrap for General Stationary Observations", 1989).
        """
        length = min(BLOCK_ROWS, len(self))
        starts = rng.integers(0, len(self) - length + 1, size=math.ceil(len(self) / length))
        rows = (starts[:, None] + np.arange(length)).ravel()[: len(self)]
        return Step(self.users, self.rates[rows], self.p95_seconds[rows])


@dataclass(frozen=True)
class Calibration:
    """What was found, in requests a second of all instances together.

    Attributes:
        rate: at which the objective is just kept; low and high: with a chance of 90 % it lies
            between them.
        kept_users, broken_users: of the last step that kept it, and the first that did not.
    """

    rate: float
    low: float
    high: float
    kept_users: int
    broken_users: int


def steps_of(
    seconds: FloatArray, users: FloatArray, rates: FloatArray, p95_seconds: FloatArray
) -> list[Step]:
    """The settled part of each step, in order; all arrays have shape (rows,)."""
    changes = np.flatnonzero(np.diff(users)) + 1
    found = []
    for rows in np.split(np.arange(len(users)), changes):
        settled = rows[seconds[rows] - seconds[rows[0]] >= SETTLING_SECONDS]
        settled = settled[(rates[settled] > 0) & (p95_seconds[settled] > 0)]
        if len(settled) >= FEWEST_ROWS:
            found.append(Step(int(users[rows[0]]), rates[settled], p95_seconds[settled]))
    return found


def calibrate(steps: Sequence[Step], objective_seconds: float, seed: int = 1) -> Calibration:
    """Find the rate at which the 95th percentile crosses the objective.

    Raises:
        DataError: the steps do not cross it; says what to run instead.
    """
    if len(steps) < 2:
        raise DataError(
            f"the test has {len(steps)} steps of {SETTLING_SECONDS + FEWEST_ROWS:g} seconds or "
            "more with the same users; at least 2 are needed, so run the scenario `step` for some "
            "minutes"
        )
    broken = _first_broken(steps, objective_seconds)
    if broken is None:
        most = max(_typical(step)[0] for step in steps)
        raise DataError(
            f"the objective of {objective_seconds:g} s was kept at every step, up to {most:.1f} "
            "requests a second; run the test with more users (--users-scale 2), or fewer instances"
        )
    if broken == 0:
        raise DataError(
            f"the objective of {objective_seconds:g} s was broken at the first step already, with "
            f"{steps[0].users} users; run the test with fewer users (--users-scale 0.5), or more "
            "instances"
        )
    rate = _crossing(steps, objective_seconds)
    assert rate is not None
    rng = np.random.default_rng(seed)
    draws = [
        _crossing([step.drawn(rng) for step in steps], objective_seconds) for _ in range(DRAWS)
    ]
    low, high = np.quantile([draw for draw in draws if draw is not None] or [rate], INTERVAL)
    return Calibration(rate, float(low), float(high), steps[broken - 1].users, steps[broken].users)


def _typical(step: Step) -> tuple[float, float]:
    """Rate and response time of a step."""
    return float(np.mean(step.rates)), float(np.median(step.p95_seconds))


def _first_broken(steps: Sequence[Step], objective_seconds: float) -> int | None:
    broken = (index for index, step in enumerate(steps) if _typical(step)[1] > objective_seconds)
    return next(broken, None)


def _crossing(steps: Sequence[Step], objective_seconds: float) -> float | None:
    """The rate at the objective, between two steps; None if they do not cross it."""
    broken = _first_broken(steps, objective_seconds)
    if not broken:
        return None
    (rate, kept), (next_rate, lost) = _typical(steps[broken - 1]), _typical(steps[broken])
    share = math.log(objective_seconds / kept) / math.log(lost / kept)
    return rate + share * (next_rate - rate)
