from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.backtest import forecast_scores
from predictive_autoscaler.backtest.forecast_scores import (
    HORIZONS,
    LAST_VALUE,
    LEAST_ERRORS,
    MSTL,
    SEASONAL_NAIVE,
    Trace,
    last_value,
    mstl,
    score_forecasts,
    seasonal_naive,
    spread_origins,
    with_own_errors,
)
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.model.baselines import LOSS_QUANTILES

HOUR = 3600
DAY_BINS = 24
LEVELS = len(LOSS_QUANTILES)


def rhythm(days: int, seed: int = 1, noise: float = 0.05) -> FloatArray:
    """Hourly requests with a daily rhythm and noise."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * DAY_BINS)
    wave = 500 + 300 * np.sin(2 * np.pi * hours / DAY_BINS)
    values: FloatArray = wave * np.exp(rng.normal(0, noise, len(hours)))
    return values


def drawn_on(reached: list[int]) -> Any:
    """A stand-in for statsforecast that notes how much it was shown and repeats the last."""

    class Model:
        def __init__(self, **options: Any) -> None:
            self.options = options

        def forecast(self, y: FloatArray, h: int) -> dict[str, FloatArray]:
            reached.append(len(y))
            return {"mean": np.full(h, y[-1])}

    return lambda: SimpleNamespace(MSTL=Model)


def test_origins_are_spread_over_all_and_see_their_targets_come() -> None:
    origins = spread_origins(bins=1000, first=500, furthest=12, most=200)
    assert len(origins) == 200
    assert origins[0] >= 500
    assert origins[-1] <= 988
    steps = np.diff(origins)
    assert steps.min() >= 1
    assert steps.max() <= 5
    assert origins.tolist() == spread_origins(1000, 500, 12, 200).tolist()
    assert spread_origins(1000, 500, 12, 1000).tolist() == list(range(500, 989))
    assert len(spread_origins(10, 9, 12, 200)) == 0


def test_origins_fall_on_all_minutes_of_the_hour() -> None:
    """At equal distances of two hours each would fall on the first."""
    origins = spread_origins(bins=60 * 24 + 500, first=500, furthest=1, most=60)
    assert len(set((origins % 12).tolist())) == 12


def test_the_simple_forecasts_are_what_they_say() -> None:
    demand = np.arange(8 * DAY_BINS, dtype=np.float64)
    trace = Trace(demand, HOUR, (1, 2, 12))
    # An origin of 30 knows bins 0 to 29; it is about bins 30, 31 and 41
    assert last_value(trace)[30].tolist() == [29, 29, 29]
    assert seasonal_naive(trace)[30].tolist() == [6, 7, 17]
    assert seasonal_naive(trace)[170].tolist() == [2, 3, 13]
    assert trace.actual()[30].tolist() == [30, 31, 41]


def test_errors_count_once_their_bin_has_ended() -> None:
    # Given last value on a trace that grows by a tenth with every bin
    demand = 1.1 ** np.arange(80.0)
    trace = Trace(demand, HOUR, (1, 2))
    origins = np.array([LEAST_ERRORS, LEAST_ERRORS + 1, LEAST_ERRORS + 2, 70])
    quantiles = with_own_errors(trace, last_value(trace), origins)
    # Then it learns to grow, as soon as 30 errors are known: of two bins, one bin later
    assert np.isnan(quantiles[0]).all()
    assert np.isnan(quantiles[1, 1]).all()
    assert not np.isnan(quantiles[1, 0]).any()
    median = quantiles[:, :, LOSS_QUANTILES.index(0.5)]
    np.testing.assert_allclose(median[3], demand[70:72], rtol=0.02)


@pytest.mark.parametrize("cut", [150, 200, 251])
def test_nothing_looks_ahead(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_scores, "statsforecast_models", drawn_on([]))
    one, two = rhythm(14, seed=1), rhythm(14, seed=2)
    mixed = np.concatenate([one[:cut], two[cut:]])
    origins = np.arange(100, cut + 1)
    tables = []
    for demand in (one, mixed):
        trace = Trace(demand, HOUR, HORIZONS)
        points = (last_value(trace), seasonal_naive(trace), mstl(trace, origins))
        tables.append([with_own_errors(trace, table, origins) for table in points])
    for ours, theirs in zip(*tables, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_mstl_is_shown_what_is_known_and_14_days_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[int] = []
    monkeypatch.setattr(forecast_scores, "statsforecast_models", drawn_on(reached))
    demand = rhythm(20)
    points = mstl(Trace(demand, HOUR, (1, 12)), np.array([40, 48, 100, 400]))
    assert reached == [48, 100, 14 * DAY_BINS]
    assert np.isnan(points[40]).all()  # not yet two days
    assert points[100].tolist() == [demand[99], demand[99]]


def test_a_fit_that_fails_leaves_its_origin_out_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def __init__(self, **options: Any) -> None: ...

        def forecast(self, y: FloatArray, h: int) -> dict[str, FloatArray]:
            if len(y) % 2:
                raise Exception("no luck")
            return {"mean": np.full(h, y[-1])}

    monkeypatch.setattr(
        forecast_scores, "statsforecast_models", lambda: SimpleNamespace(MSTL=Model)
    )
    # Given a history of odd length at every other origin
    trace = Trace(rhythm(12), HOUR, (1,))
    points = mstl(trace, np.arange(100, 110))
    assert np.isnan(points[100:110, 0]).tolist() == [False, True] * 5
    # Then the others are scored without those origins, too
    everywhere = score_forecasts(rhythm(12), 72, HOUR, horizons=(1,), with_mstl=False)
    found = score_forecasts(rhythm(12), 72, HOUR, horizons=(1,))
    assert found.scores[MSTL][0] is not None
    assert found.scores[LAST_VALUE] != everywhere.scores[LAST_VALUE]


def test_without_its_library_mstl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(UsageError, match="lab"):
        score_forecasts(rhythm(10), 150, HOUR)
    assert MSTL not in score_forecasts(rhythm(10), 150, HOUR, with_mstl=False).scores


def test_a_better_forecast_scores_better_and_covers() -> None:
    demand = rhythm(40)

    def knows_the_rhythm(origin: int) -> FloatArray:
        bins = origin + np.array(HORIZONS) - 1
        middle = 500 + 300 * np.sin(2 * np.pi * bins / DAY_BINS)
        spread = np.exp(0.05 * np.array([-1.645, -0.674, 0.0, 0.674, 1.282, 1.645, 2.326]))
        table: FloatArray = middle[:, None] * spread[None, :]
        return table

    found = score_forecasts(
        demand, 480, HOUR, {"ours": knows_the_rhythm}, with_mstl=False, most_origins=200
    )
    assert len(found.origins) == 200 - LEAST_ERRORS
    for column in range(len(HORIZONS)):
        ours, seasonal, last = (
            found.scores[name][column] for name in ("ours", SEASONAL_NAIVE, LAST_VALUE)
        )
        assert ours is not None
        assert seasonal is not None
        assert last is not None
        assert ours.pinball < seasonal.pinball < last.pinball
        assert ours.wape < seasonal.wape < last.wape
        for score in (ours, seasonal, last):
            assert 0.8 < score.coverage < 0.98


def test_a_short_horizon_is_scored_where_there_is_an_answer() -> None:
    def two_bins(origin: int) -> FloatArray:
        quantiles = np.full((len(HORIZONS), LEVELS), np.nan)
        quantiles[:2] = 500.0
        return quantiles

    scores = score_forecasts(rhythm(20), 200, HOUR, {"ours": two_bins}, with_mstl=False).scores
    assert [score is None for score in scores["ours"]] == [False, False, True, True]
    assert None not in scores[LAST_VALUE]


def test_absent_bins_are_not_scored() -> None:
    demand = rhythm(20)
    demand[300:310] = np.nan
    scores = score_forecasts(demand, 200, HOUR, with_mstl=False).scores
    assert all(score is not None and np.isfinite(score.wape) for score in scores[LAST_VALUE])


@pytest.mark.slow  # its just-in-time compiler takes half a minute
@pytest.mark.skipif(
    importlib.util.find_spec("statsforecast") is None,
    reason="statsforecast has no wheel for this Python",
)
@pytest.mark.filterwarnings("ignore")  # of its own imports
def test_mstl_beats_last_value_on_a_daily_rhythm() -> None:
    found = score_forecasts(rhythm(17), 250, HOUR, most_origins=70, horizons=(1, 6))
    for mine, last in zip(found.scores[MSTL], found.scores[LAST_VALUE], strict=True):
        assert mine is not None
        assert last is not None
        assert mine.pinball < last.pinball
