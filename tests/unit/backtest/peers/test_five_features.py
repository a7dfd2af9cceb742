from __future__ import annotations

from dataclasses import replace

import numpy as np

from predictive_autoscaler.backtest.peers import target_tracking
from predictive_autoscaler.backtest.peers.five_features import FiveFeatureForest, seen_before
from tests.unit.backtest.peers.contexts import context, days_of

SMALL = FiveFeatureForest(trees=10)


def test_it_is_shown_the_bin_before_and_the_clock() -> None:
    # Given Monday at 23:55, and 250 requests on five instances of 100
    given = context([250.0, 400.0, 100.0], start=context([]).start.replace(hour=23, minute=55))
    rows = seen_before(given, np.array([5.0, 5.0, 5.0]))
    assert np.isnan(rows[0, :3]).all()
    assert rows[1, [0, 2]].tolist() == [250.0, 35.0]
    assert rows[2, 0] == 400.0
    assert rows[2, 1] > rows[1, 1] > 0
    assert rows[:, 3].tolist() == [23.0, 0.0, 0.0]
    assert rows[:, 4].tolist() == [0.0, 1.0, 1.0]


def test_it_imitates_the_scaler_of_the_past() -> None:
    levels = days_of(300.0, 600.0, 300.0, 600.0, 300.0, 600.0)
    given = context(levels, first=4 * 288)
    teacher = target_tracking(levels, given.setting, 0.7)[given.first :]
    asked = SMALL.asked(given)
    assert np.mean(asked == teacher) > 0.95


def test_it_cannot_ask_for_more_than_it_has_seen() -> None:
    # Given a load that triples after everything that it learned from
    levels = days_of(300.0, 400.0, 300.0, 400.0, 1200.0)
    asked = SMALL.asked(context(levels, first=4 * 288))
    assert asked.max() == 6


def test_the_seed_makes_the_forest() -> None:
    rng = np.random.default_rng(1)
    given = context(rng.uniform(0, 3000, 4 * 288), first=3 * 288)
    other = replace(given, seed=2)
    assert not np.array_equal(SMALL.asked(given), SMALL.asked(other))


def test_with_nothing_learned_the_old_scaler_is_still_there() -> None:
    given = context([350.0, np.nan, 350.0, 700.0, 700.0], first=0)
    teacher = target_tracking(given.demand, given.setting, 0.7)
    assert SMALL.asked(given).tolist() == teacher.tolist()
