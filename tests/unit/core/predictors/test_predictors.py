from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.features import (
    FeatureParameters,
    FeatureTable,
    build_features,
    following,
)
from predictive_autoscaler.core.ladder import climb_down, untrained_predictors
from predictive_autoscaler.core.predictors.empirical import (
    MIN_ERRORS,
    EmpiricalPredictor,
    seasonal_at_todays_level,
    seasonal_naive,
)
from predictive_autoscaler.core.predictors.forest import (
    ForestPredictor,
    forecast_from_log_ratios,
)
from predictive_autoscaler.core.types import Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError
from tests.unit.core.builders import INTERVAL, metrics, shop, small_model

PARAMETERS = FeatureParameters(INTERVAL, horizon_bins=2)
DAY = 96


def table_of(samples: Samples) -> FeatureTable:
    return build_features(samples, samples.requests, PARAMETERS)


def forecast(rung: Rung, samples: Samples) -> Forecast:
    return EmpiricalPredictor(rung, PARAMETERS).forecast(samples, table_of(samples))


def test_seasonal_naive_repeats_last_week_else_yesterday() -> None:
    samples = metrics(np.arange(9.0 * DAY) + 100.0, INTERVAL)
    table = table_of(samples)
    points = seasonal_naive(table, PARAMETERS)
    # As demand again, out of log-ratios to the level
    scale = (table.level.requests + table.level.floor_requests)[:, None]
    demand = np.exp(points) * scale - table.level.floor_requests[:, None]
    last = len(samples) - 1
    assert demand[-1] == pytest.approx([last + 101.0 - 7 * DAY, last + 102.0 - 7 * DAY])
    assert demand[2 * DAY] == pytest.approx([DAY + 101.0, DAY + 102.0])
    assert np.isnan(points[DAY // 2]).all()


def test_the_seasonal_rung_goes_up_and_down_as_last_week_from_todays_level() -> None:
    """A group that has doubled since is forecast to do the same at twice the height."""
    week = np.tile(shop(days=1).requests, 7)
    doubled = np.concatenate([week, 2 * week])
    table = table_of(metrics(doubled, INTERVAL))
    points = seasonal_at_todays_level(table, PARAMETERS)
    steady = table_of(metrics(np.concatenate([week, week]), INTERVAL))
    came = steady.level.log_ratio(following(steady.filled_demand, 2))
    # Two days after the jump the level and its floor have settled
    settled = slice(9 * DAY, -2)
    assert points[settled] == pytest.approx(came[settled], abs=1e-9)


@pytest.mark.parametrize("rung", [Rung.SEASONAL, Rung.LAST_VALUE])
def test_a_forecast_that_was_always_right_is_sure_of_itself(rung: Rung) -> None:
    samples = metrics(np.full(3 * DAY, 500.0), INTERVAL)
    found = forecast(rung, samples)
    assert [found.quantile(q) for q in (0.01, 0.99)] == pytest.approx([500.0, 500.0])
    assert (found.rung, found.model_id, found.made_for) == (rung, None, samples.end)


def test_the_spread_of_a_forecast_is_that_of_its_own_past_errors() -> None:
    # Given traffic that is 1000 or 2000 by the toss of a coin
    rng = np.random.default_rng(4)
    coins = np.where(rng.uniform(size=6 * DAY) < 0.5, 1000.0, 2000.0)
    coins[-1] = 1000.0
    found = forecast(Rung.LAST_VALUE, metrics(coins, INTERVAL))
    # Then it has seen it halve and double, with about the right odds: of four ways for two bins
    # after a 1000, three contain a 2000
    assert found.quantile(0.99) > 1900.0
    assert found.ratios.shape[1] == 2
    assert found.weights.sum() == pytest.approx(1.0)


def test_of_a_group_without_a_past_wide_errors_are_assumed() -> None:
    found = forecast(Rung.LAST_VALUE, metrics(np.full(MIN_ERRORS // 2, 500.0), INTERVAL))
    assert found.quantile(0.05) < 400.0
    assert found.quantile(0.95) > 800.0


def test_seasonal_needs_a_day() -> None:
    with pytest.raises(ModelError, match="no day of history"):
        forecast(Rung.SEASONAL, metrics(np.full(DAY // 2, 500.0), INTERVAL))


@pytest.mark.parametrize("rung", [Rung.SEASONAL, Rung.LAST_VALUE])
def test_without_a_recent_level_there_is_no_forecast(rung: Rung) -> None:
    requests = np.full(2 * DAY, 500.0)
    requests[-8:] = np.nan
    with pytest.raises(ModelError, match="no level to start from"):
        forecast(rung, metrics(requests, INTERVAL))


def test_the_forest_is_no_empirical_rung() -> None:
    with pytest.raises(ValueError, match="not an empirical rung"):
        EmpiricalPredictor(Rung.FOREST, PARAMETERS)


def test_a_group_without_traffic_is_forecast_to_have_none() -> None:
    found = forecast(Rung.LAST_VALUE, metrics(np.zeros(2 * DAY), INTERVAL))
    assert found.quantile(0.99) == 0.0


def test_log_ratios_become_demand_again() -> None:
    # Given what really came, as log-ratios to the level
    samples = shop()
    table = table_of(samples)
    wanted = np.array([[1234.0, 5678.0]])
    level, floor = table.level.requests[-1], table.level.floor_requests[-1]
    log_ratios = np.log((wanted + floor) / (level + floor))
    found = forecast_from_log_ratios(log_ratios, np.ones(1), samples, table, Rung.FOREST)
    np.testing.assert_allclose(found.level_requests * found.ratios, wanted)


def test_the_forest_forecasts_better_than_it_would_by_chance() -> None:
    # Given the morning of the day after its training ended
    samples = shop().window(0, 9 * DAY + 32)
    found = ForestPredictor(small_model()).forecast(samples, table_of(samples))
    came = shop().requests[9 * DAY + 32 : 9 * DAY + 34].max()
    assert found.quantile(0.001) * 0.9 <= came <= found.quantile(0.999) * 1.1
    assert found.rung is Rung.FOREST
    assert found.model_id == small_model().card.model_id


def test_a_model_that_needs_what_the_metrics_lack_says_what() -> None:
    samples = shop()
    blind = samples.replaced(response_time_seconds=np.full(len(samples), np.nan))
    with pytest.raises(ModelError, match="needs response_time, which the metrics lack"):
        ForestPredictor(small_model()).forecast(blind, table_of(blind))


def test_the_ladder_takes_the_first_that_answers_and_tells_of_the_others() -> None:
    samples = metrics(np.full(DAY // 2, 500.0), INTERVAL)
    found = climb_down(untrained_predictors(PARAMETERS), samples, table_of(samples))
    assert found.forecast is not None
    assert found.forecast.rung is Rung.LAST_VALUE
    assert found.faults == ("seasonal: there is no day of history to repeat",)


def test_a_ladder_without_any_answer_has_all_the_faults() -> None:
    samples = metrics(np.full(DAY, np.nan), INTERVAL)
    samples.requests[0] = 500.0
    found = climb_down(untrained_predictors(PARAMETERS), samples, table_of(samples))
    assert found.forecast is None
    assert [fault.split(":")[0] for fault in found.faults] == ["seasonal", "last value"]
