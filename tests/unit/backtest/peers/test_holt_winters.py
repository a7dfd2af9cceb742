from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from predictive_autoscaler.backtest.peers import holt_winters
from predictive_autoscaler.backtest.peers.holt_winters import (
    HISTORY_DAYS,
    HoltWinters,
    fit,
    smoothed_ahead,
)
from predictive_autoscaler.backtest.peers.seasonal import seasonal_ahead
from predictive_autoscaler.core.types import FloatArray
from tests.unit.backtest.peers.contexts import context

SEASON = 24


def rhythm(days: int, seed: int = 1) -> FloatArray:
    """Hourly requests with a daily rhythm, a wandering level and noise."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * SEASON)
    level = 500 + np.cumsum(rng.normal(0, 6, len(hours)))
    wave = 200 * np.sin(2 * np.pi * hours / SEASON)
    values: FloatArray = level + wave + rng.normal(0, 15, len(hours))
    return values


def test_the_filter_goes_on_as_statsmodels_would() -> None:
    # Given a fit on twelve days, and two more filtered forward bin by bin
    demand = rhythm(14)
    known = demand[: 12 * SEASON]
    state = fit(known, SEASON)
    assert state is not None
    mine = []
    for requests in demand[len(known) :].tolist():
        mine.append(state.ahead(1))
        state.learn(requests)
    # Then those are the one-step forecasts of statsmodels with the same weights
    first = ExponentialSmoothing(
        known, seasonal="add", seasonal_periods=SEASON, initialization_method="heuristic"
    ).fit()
    whole = ExponentialSmoothing(
        demand,
        seasonal="add",
        seasonal_periods=SEASON,
        initialization_method="known",
        initial_level=first.params["initial_level"],
        initial_seasonal=first.params["initial_seasons"],
    ).fit(
        smoothing_level=first.params["smoothing_level"],
        smoothing_seasonal=first.params["smoothing_seasonal"],
        optimized=False,
    )
    np.testing.assert_allclose(mine, whole.fittedvalues[len(known) :], rtol=1e-9)


def test_it_looks_for_the_largest_of_the_bins_ahead() -> None:
    state = holt_winters.Smoothing(0.1, 0.1, 100.0, [5.0, -5.0, 20.0], position=1)
    assert [state.ahead(bins) for bins in (1, 2, 3)] == [95.0, 120.0, 120.0]


def test_a_clean_rhythm_is_foreseen() -> None:
    hours = np.arange(8 * SEASON)
    demand = 500 + 300 * np.sin(2 * np.pi * hours / SEASON)
    given = context(demand, first=6 * SEASON, interval_seconds=3600)
    coming = np.maximum(demand[6 * SEASON :], np.append(demand[6 * SEASON + 1 :], 0.0))
    np.testing.assert_allclose(smoothed_ahead(given)[:-1], coming[:-1], rtol=0.02)


def test_it_is_refitted_every_day_on_14_days_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []

    def noted(history: FloatArray, season_bins: int) -> None:
        lengths.append((len(history), season_bins))

    monkeypatch.setattr(holt_winters, "fit", noted)
    smoothed_ahead(context(rhythm(17), first=13 * SEASON, interval_seconds=3600))
    most = HISTORY_DAYS * SEASON
    assert lengths == [(13 * SEASON, SEASON), (most, SEASON), (most, SEASON), (most, SEASON)]


def test_a_fit_that_fails_falls_back_to_the_season(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr(
        holt_winters, "holtwinters_module", lambda: SimpleNamespace(ExponentialSmoothing=broken)
    )
    given = context(rhythm(4), first=3 * SEASON, interval_seconds=3600)
    np.testing.assert_array_equal(smoothed_ahead(given), seasonal_ahead(given)[3 * SEASON :])


def test_under_two_days_there_is_no_fit() -> None:
    assert fit(rhythm(1), SEASON) is None


def test_what_is_not_finite_is_no_fit() -> None:
    demand = rhythm(3)
    demand[5] = np.inf
    assert fit(demand, SEASON) is None


def test_never_below_what_the_present_demand_takes() -> None:
    demand = rhythm(4)
    demand[-5:] = 3000.0
    asked = HoltWinters().asked(context(demand, first=3 * SEASON, interval_seconds=3600))
    assert (asked[-4:] >= 30 / 0.8).all()
