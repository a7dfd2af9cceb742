"""The lower rungs: seasonal and last value, each with its own past errors as its spread.

They need no training. The recent past tells how far such a forecast has been off, and
those errors become the distribution. Training uses the same code for the baselines that
a model has to beat.
"""

from __future__ import annotations

import numpy as np

from predictive_autoscaler.core.features import (
    DAY,
    WEEK,
    FeatureParameters,
    FeatureTable,
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
            last = np.repeat(table.filled_demand[:, None], self._parameters.horizon_bins, axis=1)
            return table.level.log_ratio(last)
        return table.level.log_ratio(seasonal_points(table.filled_demand, self._parameters))

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


def seasonal_points(demand: FloatArray, parameters: FeatureParameters) -> FloatArray:
    """Demand in the same bins last week, else yesterday; shape (bins, horizon bins)."""
    ahead = range(1, parameters.horizon_bins + 1)

    def then(season: int) -> FloatArray:
        bins = parameters.bins(season)
        return np.column_stack([shift(demand, bins - step) for step in ahead])

    last_week = then(WEEK)
    return np.where(np.isnan(last_week), then(DAY), last_week)
