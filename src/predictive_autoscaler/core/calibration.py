"""What one instance carries, from a load test that goes up in steps.

Below saturation the response time hardly moves with the rate; near it, it leaps. The capacity is
the rate at which its 95th percentile crosses the latency objective, found between the last step
that kept the objective and the first that did not, on a logarithmic scale of the response time.
More users mean neither fewer requests nor a shorter response time, so steps that say so, because
of chance or of a machine that stood still for a moment, are taken together.
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
FEWEST_BLOCKS = 3
DRAWS = 500
JOURNEY_SECONDS = 40.0
"""How long what a shopper does hangs together: a stretch of it counts as one observation."""
FEWEST_DEGREES = 2.0
NORMAL_95 = 1.6448536269514722


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
        length = min(BLOCK_ROWS, len(self) // FEWEST_BLOCKS)
        starts = rng.integers(0, len(self) - length + 1, size=math.ceil(len(self) / length))
        rows = (starts[:, None] + np.arange(length)).ravel()[: len(self)]
        return Step(self.users, self.rates[rows], self.p95_seconds[rows])


@dataclass(frozen=True)
class Calibration:
    """What was found, in requests a second of all instances together.

    Attributes:
        rate: at which the objective is just kept; low and high: it lies between them with a
            chance of about 90 %, the wider the shorter the steps are.
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
    levels = _levels(steps)
    broken = _first_broken(levels, objective_seconds)
    if broken is None:
        raise DataError(
            f"the objective of {objective_seconds:g} s was kept at every step, up to "
            f"{levels.rates[-1]:.1f} requests a second; run the test with more users "
            "(--users-scale 2), or fewer instances"
        )
    if broken == 0:
        raise DataError(
            f"the objective of {objective_seconds:g} s was broken at the first step already, with "
            f"{steps[0].users} users; run the test with fewer users (--users-scale 0.5), or more "
            "instances"
        )
    rate = _crossing(levels, objective_seconds)
    assert rate is not None
    rng = np.random.default_rng(seed)
    drawn = (_levels([step.drawn(rng) for step in steps]) for _ in range(DRAWS))
    crossings = [_crossing(levels, objective_seconds) for levels in drawn]
    spread = float(np.std([math.log(found) for found in crossings if found is not None] or [0.0]))
    factor = math.exp(_reach(steps[broken - 1 : broken + 1]) * spread)
    return Calibration(
        rate, rate / factor, rate * factor, steps[broken - 1].users, steps[broken].users
    )


@dataclass(frozen=True, eq=False)
class _Levels:
    """Rate and response time of each step, neither of them falling; shapes (steps,)."""

    rates: FloatArray
    p95_seconds: FloatArray


def _levels(steps: Sequence[Step]) -> _Levels:
    weights = [float(len(step)) for step in steps]
    medians = [math.log(float(np.median(step.p95_seconds))) for step in steps]
    return _Levels(
        _not_falling([float(np.mean(step.rates)) for step in steps], weights),
        np.exp(_not_falling(medians, weights)),
    )


def _not_falling(values: Sequence[float], weights: Sequence[float]) -> FloatArray:
    """The nearest numbers that never fall, by weighted squares (pool adjacent violators: Ayer et
    al., "An Empirical Distribution Function for Sampling with Incomplete Information", 1955).
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (left, left_weight, before), (right, right_weight, after) = pools[-2:]
            total = left_weight + right_weight
            mean = (left * left_weight + right * right_weight) / total
            pools[-2:] = [(mean, total, before + after)]
    return np.repeat([value for value, _, _ in pools], [count for _, _, count in pools])


def _reach(steps: Sequence[Step]) -> float:
    """Half the width of a 90 % interval, in standard deviations of the drawn crossings.

    Student's 95 % point for the few journeys that follow each other in a step (expansion:
    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5), and what the draws from
    so few are too narrow by.
    """
    observations = sum(max(len(step) / JOURNEY_SECONDS, 1.0) for step in steps)
    degrees = max(observations - len(steps), FEWEST_DEGREES)
    z = NORMAL_95
    student = z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
    return student * math.sqrt((degrees + len(steps)) / degrees)


def _first_broken(levels: _Levels, objective_seconds: float) -> int | None:
    broken = np.flatnonzero(levels.p95_seconds > objective_seconds)
    return int(broken[0]) if len(broken) else None


def _crossing(levels: _Levels, objective_seconds: float) -> float | None:
    """The rate at the objective, between two steps; None if they do not cross it."""
    broken = _first_broken(levels, objective_seconds)
    if not broken:
        return None
    rate, next_rate = levels.rates[broken - 1 : broken + 1]
    kept, lost = levels.p95_seconds[broken - 1 : broken + 1]
    share = math.log(objective_seconds / kept) / math.log(lost / kept)
    return float(rate + share * (next_rate - rate))
