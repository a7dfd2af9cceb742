"""The lower rungs: seasonal and last value, each with its own past errors as its spread.

They need no training. The recent past tells how far such a forecast has been off, and
those errors become the distribution. The seasonal rung repeats how traffic went on from
here a week or a day ago, at today's level; `seasonal_naive` and `last_value` are also the
baselines that a trained model has to beat.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from predictive_autoscaler.core.features import (
    DAY,
    WEEK,
    FeatureParameters,
    FeatureTable,
    Level,
    following,
)
from predictive_autoscaler.core.predictors.forest import forecast_from_log_ratios
from predictive_autoscaler.core.rolling import shift
from predictive_autoscaler.core.types import FloatArray, Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError

MIN_ERRORS = 12
"""With fewer known errors, `PRIOR_ERRORS` join them."""
PRIOR_ERRORS = np.linspace(-0.5, 0.7, 13)
"""Log-ratio errors to expect of an unknown group: from 40 % below to twice as much."""
_ERROR_SECONDS = WEEK


class EmpiricalPredictor:
    """A point forecast and the distribution of its own past errors."""

    def __init__(self, rung: Rung, parameters: FeatureParameters) -> None:
        if rung not in (Rung.SEASONAL, Rung.LAST_VALUE):
            raise ValueError(f"{rung} is not an empirical rung")
        self.rung = rung
        self._parameters = parameters

    def points(self, table: FeatureTable) -> FloatArray:
        """Log-ratios forecast after each bin, (bins, horizon bins); NaN: no answer."""
        if self.rung is Rung.LAST_VALUE:
            return last_value(table, self._parameters)
        return seasonal_at_todays_level(table, self._parameters)

    def forecast(self, samples: Samples, table: FeatureTable) -> Forecast:
        if not table.usable[-1]:
            raise ModelError("the newest bins are absent, so there is no level to start from")
        points = self.points(table)
        if np.isnan(points[-1]).any():
            raise ModelError("there is no day of history to repeat")
        horizon = self._parameters.horizon_bins
        came = table.level.log_ratio(following(table.filled_demand, horizon))
        errors = (came - points)[-self._parameters.bins(_ERROR_SECONDS) :]
        errors = errors[~np.isnan(errors).any(axis=1)]
        if len(errors) < MIN_ERRORS:
            prior = np.repeat(PRIOR_ERRORS[:, None], horizon, axis=1)
            errors = np.concatenate([errors, prior])
        weights = np.full(len(errors), 1.0 / len(errors))
        return forecast_from_log_ratios(points[-1] + errors, weights, samples, table, self.rung)


def last_value(table: FeatureTable, parameters: FeatureParameters) -> FloatArray:
    """As now: log-ratios to the level, shape (bins, horizon bins)."""
    last = np.repeat(table.filled_demand[:, None], parameters.horizon_bins, axis=1)
    return table.level.log_ratio(last)


def seasonal_naive(table: FeatureTable, parameters: FeatureParameters) -> FloatArray:
    """Exactly as last week, else as yesterday: log-ratios, shape (bins, horizon bins)."""
    return table.level.log_ratio(
        _by_season(parameters, lambda bins: _then(table, parameters, bins))
    )


def seasonal_at_todays_level(table: FeatureTable, parameters: FeatureParameters) -> FloatArray:
    """Up and down as last week, else as yesterday, from today's level; same shape."""

    def change(bins: int) -> FloatArray:
        level = Level(shift(table.level.requests, bins), shift(table.level.floor_requests, bins))
        return level.log_ratio(_then(table, parameters, bins))

    scaled = _by_season(parameters, change)
    # With just a day of data, the level of a day ago is not known yet.
    return np.where(np.isnan(scaled), seasonal_naive(table, parameters), scaled)


def _then(table: FeatureTable, parameters: FeatureParameters, season_bins: int) -> FloatArray:
    """Demand in the same bins a season ago, shape (bins, horizon bins)."""
    ahead = range(1, parameters.horizon_bins + 1)
    return np.column_stack([shift(table.filled_demand, season_bins - step) for step in ahead])


def _by_season(parameters: FeatureParameters, answer: Callable[[int], FloatArray]) -> FloatArray:
    """The answer of last week where it has one, else that of yesterday."""
    last_week = answer(parameters.bins(WEEK))
    return np.where(np.isnan(last_week), answer(parameters.bins(DAY)), last_week)
