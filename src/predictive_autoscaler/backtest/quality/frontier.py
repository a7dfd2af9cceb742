"""What the best constant price of a miss would have cost, found with hindsight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from predictive_autoscaler.backtest.quality.figures import Figure

_LEAST_SHARE = 1e-5
"""Missed shares are compared by their logarithm; below this they count as none."""


@dataclass(frozen=True)
class FrontierCost:
    """The cost at which the best constant price misses a given share.

    Attributes:
        within: False if every price of the grid misses more, or every one less; the cost
            is then that of the nearest one.
    """

    cost: float
    within: bool


def cost_at(missed: float, priced: Iterable[Figure]) -> FrontierCost | None:
    """Interpolate along the frontier, linearly in the logarithm of the missed share.

    The curve of cost over missed share is convex, so a chord in the plain share would lie
    far above it between distant prices, and flatter whom it is held against.

    Args:
        missed: the share to read the cost at.
        priced: the figures at constant prices; those that another beats do not count.
    """
    given = list(priced)
    best = [one for one in given if not any(other.beats(one) for other in given)]
    # The dearest first, so that of points that count as equal the cheapest stays.
    by_cost = sorted(best, key=lambda one: -one.cost)
    points = sorted({_scale(one.missed): one.cost for one in by_cost}.items())
    if not points:
        return None
    x = _scale(missed)
    if not points[0][0] <= x <= points[-1][0]:
        nearest = points[0] if x < points[0][0] else points[-1]
        return FrontierCost(nearest[1], within=False)
    for (left, dear), (right, cheap) in pairwise(points):
        if left <= x <= right:
            return FrontierCost(dear + (cheap - dear) * (x - left) / (right - left), within=True)
    return FrontierCost(points[0][1], within=True)


def _scale(missed: float) -> float:
    return math.log(max(missed, _LEAST_SHARE))
