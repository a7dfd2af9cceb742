from __future__ import annotations

import pytest

from predictive_autoscaler.core.ledger import Fading, Ledger
from predictive_autoscaler.core.trust import ENOUGH_CHECKS, distrusted


def ledger(covered: float, checks: float = ENOUGH_CHECKS) -> Ledger:
    return Ledger(covered=Fading(covered * checks, checks))


@pytest.mark.parametrize(
    ("covered", "before", "after"),
    [
        (0.9, False, False),
        (0.51, False, False),
        (0.49, False, True),
        (0.69, True, True),
        (0.71, True, False),
    ],
)
def test_trust_is_lost_below_one_mark_and_earned_back_above_another(
    covered: float, before: bool, after: bool
) -> None:
    assert distrusted(ledger(covered), before) == after


@pytest.mark.parametrize("before", [False, True])
def test_too_few_checks_change_nothing(before: bool) -> None:
    assert distrusted(ledger(0.0, checks=ENOUGH_CHECKS - 1), before) == before
    assert distrusted(Ledger(), before) == before
