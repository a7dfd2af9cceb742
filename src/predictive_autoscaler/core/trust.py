"""Whether the model is followed: judged by its forecasts against what came.

A band that has become too narrow is first widened (see `surprise`). Where that does not help,
because demand is somewhere else altogether, the next rung of the ladder is taken, while the
model's forecasts go on being checked, so that it can earn its place back.

The median's error against last value's would not do as a measure: where traffic is flat between
surges it condemns models that decide well, since decisions rest on the upper quantiles.
"""

from __future__ import annotations

from predictive_autoscaler.core.ledger import Ledger

ENOUGH_CHECKS = 144.0
"""Half a day of five-minute intervals; fewer say little."""
LOST_COVERAGE, COVERAGE = 0.5, 0.7
"""Shares of intervals that the 90 % band held: below the first the model is left, above the
second it is taken up again."""


def distrusted(ledger: Ledger, already: bool) -> bool:
    """Whether to leave the model aside, given whether it is so already."""
    covered = ledger.covered.share
    if covered is None or ledger.covered.whole < ENOUGH_CHECKS:
        return already
    return covered < (COVERAGE if already else LOST_COVERAGE)
