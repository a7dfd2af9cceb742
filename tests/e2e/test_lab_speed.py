"""What replaying costs, in processor time; `scripts/time_lab.py` tells it in full."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from predictive_autoscaler.backtest import lab
from scripts.time_lab import MOST_SECONDS, generated, seconds_by_day, seconds_by_policy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@cache
def days() -> list[tuple[float, float]]:
    """Deciding and all else, for each replayed day of ten."""
    return seconds_by_day(generated(10))


def test_one_more_day_of_decisions_costs_what_a_day_before_did() -> None:
    deciding = [one for one, _ in days()]
    assert len(deciding) >= 4
    # Before the last: the median, since the first day has no forest yet, and machines are noisy.
    assert deciding[-1] <= 2 * float(np.median(deciding[:-1]))


def test_training_grows_no_faster_than_what_there_is_to_learn_from() -> None:
    training = [rest for _, rest in days()]
    # Given four days more than at the first fit, a half more and again that
    assert training[-1] <= 3 * training[0]


def test_the_peers_take_no_time_to_speak_of() -> None:
    peers = [name for name in lab.known_policies() if name not in lab.OUR_POLICIES]
    taken = dict(seconds_by_policy(generated(14), peers))
    assert taken.keys() == set(peers)
    assert sum(taken.values()) < MOST_SECONDS / 3
