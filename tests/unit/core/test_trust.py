from __future__ import annotations

import pytest

from predictive_autoscaler.core.ledger import Fading, Ledger
from predictive_autoscaler.core.trust import ENOUGH_CHECKS, distrusted


def ledger(skill: float = 0.5, covered: float = 0.9, checks: float = ENOUGH_CHECKS) -> Ledger:
    return Ledger(
        covered=Fading(covered * checks, checks),
        error=Fading((1 - skill) * 100.0, 1e4),
        naive_error=Fading(100.0, 1e4),
    )


@pytest.mark.parametrize(
    ("skill", "covered", "before", "after"),
    [
        (0.5, 0.9, False, False),
        (-0.24, 0.9, False, False),
        (-0.26, 0.9, False, True),
        (0.5, 0.49, False, True),
        (-0.01, 0.9, True, True),
        (0.01, 0.9, True, False),
        (0.5, 0.69, True, True),
    ],
)
def test_trust_is_lost_below_one_mark_and_earned_back_above_another(
    skill: float, covered: float, before: bool, after: bool
) -> None:
    assert distrusted(ledger(skill, covered), before) == after


@pytest.mark.parametrize("before", [False, True])
def test_too_few_checks_change_nothing(before: bool) -> None:
    assert distrusted(ledger(-1.0, checks=ENOUGH_CHECKS - 1), before) == before
    assert distrusted(Ledger(), before) == before
