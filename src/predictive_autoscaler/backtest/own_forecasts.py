"""Our own forecasts as the control step makes them, walk-forward, to be scored.

The metrics are those of a group under target tracking at 70 %, which served before us in a
replay too, so that the forecasts do not hang on what any policy of ours decided.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from predictive_autoscaler.backtest.peers import target_tracking
from predictive_autoscaler.backtest.replay import (
    FORMER_TARGET,
    HISTORY_DAYS,
    ReplayOptions,
    metrics_under,
    train_options,
)
from predictive_autoscaler.backtest.shared import fitted
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import NEGLIGIBLE_SHARE, forecast_demand
from predictive_autoscaler.core.features import DAY, FeatureParameters
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import FloatArray, Forecast, Samples
from predictive_autoscaler.model.baselines import LOSS_QUANTILES

REFIT = timedelta(days=4)


class OwnForecasts:
    """Quantiles of the bins at some horizons, for any origin; nothing looks ahead.

    Horizons within reach of the control step come from its own forest. It asks for nothing
    beyond, so the longer ones come from one more forest, trained the same way for the
    longest of them. Both are trained anew every four days.
    """

    def __init__(
        self, demand: Samples, first: int, options: ReplayOptions, horizons: tuple[int, ...]
    ) -> None:
        asked = target_tracking(demand.requests, options.setting, FORMER_TARGET)
        self._metrics = metrics_under(asked, demand, options.setting)
        self._first = first
        self._options = options
        self._horizons = horizons
        self._models: dict[tuple[int, FeatureParameters], Model | None] = {}

    def __call__(self, origin: int) -> FloatArray:
        """Shape (horizons, len(LOSS_QUANTILES)), requests per interval, from `demand[:origin]`.

        NaN where no rung of the ladder could answer.
        """
        own = self._options.parameters.features
        longer = replace(own, horizon_bins=max(*self._horizons, own.horizon_bins))
        rows = [
            self._quantiles(origin, horizon, own if horizon <= own.horizon_bins else longer)
            for horizon in self._horizons
        ]
        return np.array(rows)

    def _quantiles(self, origin: int, horizon: int, features: FeatureParameters) -> FloatArray:
        setting = self._options.setting
        window = self._metrics.window(origin - HISTORY_DAYS * setting.bins(DAY), origin)
        known = assess(window, NEGLIGIBLE_SHARE * setting.capacity_per_instance)
        model = self._model(origin, features)
        forecast = forecast_demand(window, known, model, features).forecast
        if forecast is None:
            return np.full(len(LOSS_QUANTILES), np.nan)
        return quantiles_of_bin(forecast, horizon)

    def _model(self, origin: int, features: FeatureParameters) -> Model | None:
        period = REFIT // self._metrics.interval
        fit_at = self._first + (origin - self._first) // period * period
        key = (fit_at, features)
        if key not in self._models:
            known = self._metrics.window(0, fit_at).demand_alone()
            self._models[key] = fitted(known, train_options(self._options, features))
        return self._models[key]


def quantiles_of_bin(forecast: Forecast, horizon: int) -> FloatArray:
    """The demand of one bin of the horizon, 1 being the first: (len(LOSS_QUANTILES),)."""
    ratios = np.array(forecast.ratios_at(horizon - 1, LOSS_QUANTILES))
    return forecast.level_requests * ratios
