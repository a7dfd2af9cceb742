"""Whether the model is followed: judged by its forecasts against what came.

A band that has become too narrow is first widened (see `surprise`). Where that does not help,
or where repeating the last value would have been nearer, the next rung of the ladder is taken,
while the model's forecasts go on being checked, so that it can earn its place back.
"""

from __future__ import annotations

from predictive_autoscaler.core.ledger import Ledger

ENOUGH_CHECKS = 144.0
"""Half a day of five-minute intervals; fewer say little."""
NO_SKILL, SKILL = -0.25, 0.0
"""Below the first the model is left, above the second it is taken up again. A little worse in its
median than last value is no fault: decisions rest on the upper quantiles."""
LOST_COVERAGE, COVERAGE = 0.5, 0.7
"""The same of the share of intervals that the 90 % band held."""


def distrusted(ledger: Ledger, already: bool) -> bool:
    """Whether to leave the model aside, given whether it is so already."""
    skill, covered = ledger.skill, ledger.covered.share
    if skill is None or covered is None or ledger.covered.whole < ENOUGH_CHECKS:
        return already
    if already:
        return skill < SKILL or covered < COVERAGE
    return skill < NO_SKILL or covered < LOST_COVERAGE
