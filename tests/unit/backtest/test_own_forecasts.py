from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.backtest import own_forecasts
from predictive_autoscaler.backtest.own_forecasts import OwnForecasts, quantiles_of_bin
from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.backtest.replay import (
    Replay,
    ReplayOptions,
    lab_parameters,
    replay,
)
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.types import Bounds, FloatArray, Forecast, Rung, Samples
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.model.baselines import LOSS_QUANTILES
from predictive_autoscaler.model.train import TrainOptions

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF_HOUR = 1800
DAY = 48
FIRST = 6 * DAY
SETTING = Setting(3000.0, Bounds(1, 60), HALF_HOUR, 1)
OPTIONS = ReplayOptions(SETTING, lab_parameters(SETTING, 20.0), warm_up=timedelta(hours=1))
HORIZONS = (1, 2, 6)


def traffic() -> Samples:
    return recorded_shop(START, 11, 5, (), HALF_HOUR)


def forecasts(demand: Samples) -> OwnForecasts:
    return OwnForecasts(demand, FIRST, OPTIONS, HORIZONS)


def test_the_forest_is_trained_every_four_days_on_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int]] = []

    def noted(samples: Samples, options: TrainOptions) -> None:
        seen.append((len(samples), options.parameters.horizon_bins))

    monkeypatch.setattr(own_forecasts, "fitted", noted)
    ours = forecasts(traffic())
    for origin in (FIRST, FIRST + 4 * DAY - 1, FIRST + 4 * DAY, FIRST + 5 * DAY - 6):
        ours(origin)
    # One forest for the control step's two bins, and one for what lies beyond
    assert seen == [(FIRST, 2), (FIRST, 6), (FIRST + 4 * DAY, 2), (FIRST + 4 * DAY, 6)]


def test_nothing_looks_ahead() -> None:
    origin = FIRST + DAY
    requests = traffic().requests.copy()
    requests[origin:] = 7 * requests[origin:][::-1] + 11
    one, other = (
        forecasts(demand) for demand in (traffic(), traffic().replaced(requests=requests))
    )
    assert one(origin).tobytes() == other(origin).tobytes()
    assert one(origin + 1).tobytes() != other(origin + 1).tobytes()


def test_they_are_forecasts_of_the_demand_that_comes() -> None:
    ours, demand = forecasts(traffic()), traffic().requests
    middle = LOSS_QUANTILES.index(0.5)
    origins = range(FIRST, FIRST + DAY, 3)
    rows = np.array([ours(origin) for origin in origins])
    assert rows.shape == (len(origins), len(HORIZONS), len(LOSS_QUANTILES))
    assert (np.diff(rows, axis=2) >= 0).all()
    for column, horizon in enumerate(HORIZONS):
        came = np.array([demand[origin + horizon - 1] for origin in origins])
        last = np.array([demand[origin - 1] for origin in origins])
        error = np.abs(rows[:, column, middle] - came).sum()
        assert error < np.abs(last - came).sum()


def test_within_its_reach_they_are_what_the_control_step_decides_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a replay whose model has seen the same metrics, quantile by quantile."""
    quick = replace(OPTIONS, warm_up=timedelta(0))
    found: Replay = replay(traffic(), FIRST, quick, keep_records=True)
    recorded = found.records[0]["groups"]["replay"]["decision"]["quantiles"]

    def largest(forecast: Forecast, horizon: int) -> FloatArray:
        return np.array([forecast.quantile(level) for level in LOSS_QUANTILES])

    monkeypatch.setattr(own_forecasts, "quantiles_of_bin", largest)
    ours = forecasts(traffic())(FIRST)[0]
    for level in (0.05, 0.25, 0.5, 0.75, 0.95, 0.99):
        assert ours[LOSS_QUANTILES.index(level)] == recorded[f"{level:g}"]


def test_without_a_model_the_next_rung_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*arguments: object) -> Model | None:
        return None

    with_forest = forecasts(traffic())(FIRST)
    monkeypatch.setattr(own_forecasts, "fitted", nothing)
    without = forecasts(traffic())(FIRST)
    assert np.isfinite(without).all()
    assert not np.array_equal(with_forest, without)


def test_a_bin_has_its_own_quantiles() -> None:
    ratios = np.array([[1.0, 4.0], [2.0, 3.0], [3.0, 2.0], [4.0, 1.0]])
    weights = np.array([0.7, 0.1, 0.1, 0.1])
    forecast = Forecast(START, 10.0, ratios, weights, Rung.FOREST)
    assert quantiles_of_bin(forecast, 1).tolist() == [10, 10, 10, 20, 30, 40, 40]
    assert quantiles_of_bin(forecast, 2).tolist() == [10, 30, 40, 40, 40, 40, 40]
