from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.surprise import (
    REMEMBERED,
    SCALES,
    Surprise,
    first_bin,
    stretched,
)
from predictive_autoscaler.core.types import Forecast, Rung

INTERVAL = 300
QUANTILES = (100.0, 120.0, 120.0, 130.0, 140.0)
"""A forecast at the levels that are remembered: median, upper, and those judged."""


def after(surprise: Surprise, values: list[float]) -> Surprise:
    for value in values:
        surprise = surprise.with_bin(QUANTILES, value, INTERVAL)
    return surprise


def forecast(ratios: list[list[float]], weights: list[float]) -> Forecast:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    return Forecast(moment, 1000.0, np.array(ratios), np.array(weights), Rung.FOREST)


def test_without_a_past_nothing_is_stretched() -> None:
    assert Surprise().scale == 1.0


def test_a_burst_of_surprises_widens_and_calm_narrows() -> None:
    usual = after(Surprise(), [100.0, 108.0, 95.0, 112.0] * 300)
    assert usual.scale == pytest.approx(1.0, abs=0.25)
    assert after(usual, [160.0] * 3).offered > 1.5
    assert after(usual, [95.0] * 12).offered < 0.8


def test_a_scale_that_would_have_done_worse_is_not_used() -> None:
    """Surprises that come singly: the wide forecast after each is wasted."""
    alone = after(Surprise(), ([100.0] * 5 + [150.0]) * 200)
    assert alone.loss_scaled > alone.loss_plain
    assert abs(alone.scale - 1.0) < 0.2 * abs(alone.offered - 1.0)


def test_a_scale_that_would_have_done_better_is_used() -> None:
    """Surprises in bursts of an hour, calm for hours between."""
    bursts = after(Surprise(), ([98.0] * 60 + [150.0] * 12) * 40 + [98.0] * 60)
    assert bursts.loss_scaled < bursts.loss_plain
    assert bursts.scale == pytest.approx(bursts.offered, rel=0.1)


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_the_scale_stays_within_its_range_and_survives_being_written(values: list[float]) -> None:
    surprise = after(Surprise(), values)
    assert SCALES[0] <= surprise.scale <= SCALES[1]
    assert Surprise.from_json(surprise.to_json()) == surprise


def test_a_forecast_without_spread_is_no_division_by_zero() -> None:
    surprise = Surprise().with_bin((0.0,) * len(REMEMBERED), 0.0, INTERVAL)
    assert 0 < surprise.scale < SCALES[1]


def test_stretching_moves_what_lies_above_each_bins_median() -> None:
    wide = stretched(forecast([[1.0, 2.0], [1.2, 1.0], [2.0, 3.0]], [0.3, 0.4, 0.3]), 2.0)
    # Medians are 1.2 and 2.0
    np.testing.assert_allclose(wide.ratios, [[1.0, 2.0], [1.2, 1.0], [2.8, 4.0]])


def test_a_scale_of_one_changes_nothing() -> None:
    plain = forecast([[1.0], [2.0]], [0.5, 0.5])
    assert stretched(plain, 1.0) is plain


def test_the_quantiles_remembered_are_those_of_the_first_bin() -> None:
    ratios = [[value / 100, 9.0] for value in range(1, 101)]
    found = first_bin(forecast(ratios, [0.01] * 100))
    assert found == pytest.approx([500, 900, 900, 970, 990], abs=11)
