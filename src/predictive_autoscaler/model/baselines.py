"""Forecast scores on held-back time, for the model and for what it has to beat.

Every forecast is a distribution: the baselines get the quantiles of their own residuals,
so that a good score needs a good spread too. Pinball loss (Koenker and Bassett,
"Regression Quantiles", Econometrica 46, 1978) is averaged over `LOSS_QUANTILES` and given
as a share of mean demand, and so is the absolute error of the median (WAPE).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.features import FeatureParameters, FeatureTable, following
from predictive_autoscaler.core.predictors.empirical import last_value, seasonal_naive
from predictive_autoscaler.core.types import FloatArray, Rung

Rows = NDArray[np.intp]

LOSS_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
COVERED = (0.05, 0.95)
_BASELINE_POINTS = {Rung.LAST_VALUE: last_value, Rung.SEASONAL: seasonal_naive}
BASELINES = tuple(_BASELINE_POINTS)


@dataclass(frozen=True)
class Score:
    """How good a forecast was.

    Attributes:
        wape: sum of |actual - median| over sum of actual.
        pinball: mean pinball loss over the mean actual.
        coverage: share of what came that lay between the 5 % and 95 % quantiles.
    """

    wape: float
    pinball: float
    coverage: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def score(actual: FloatArray, quantiles: FloatArray) -> Score:
    """Score forecasts.

    Args:
        actual: shape (rows,), requests per interval.
        quantiles: shape (rows, len(LOSS_QUANTILES)), the same unit.
    """
    total = max(float(actual.sum()), np.finfo(float).tiny)
    levels = np.array(LOSS_QUANTILES)
    error = actual[:, None] - quantiles
    pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=1).sum()
    median = quantiles[:, LOSS_QUANTILES.index(0.5)]
    low, high = (quantiles[:, LOSS_QUANTILES.index(level)] for level in COVERED)
    return Score(
        wape=float(np.abs(actual - median).sum() / total),
        pinball=float(pinball / total),
        coverage=float(((actual >= low) & (actual <= high)).mean()),
    )


def actual_demand(table: FeatureTable, horizon_bins: int) -> FloatArray:
    """What came: the largest demand within the horizon after each bin, shape (bins,)."""
    largest: FloatArray = following(table.filled_demand, horizon_bins).max(axis=1)
    return largest


def to_demand(log_ratios: FloatArray, table: FeatureTable, rows: Rows) -> FloatArray:
    """Log-ratios of some rows, shape (rows, levels), as requests per interval."""
    level = table.level.requests[rows][:, None]
    floor = table.level.floor_requests[rows][:, None]
    return np.maximum(np.exp(log_ratios) * (level + floor) - floor, 0.0)


def baseline_log_ratios(
    rung: Rung,
    table: FeatureTable,
    parameters: FeatureParameters,
    labels: FloatArray,
    fitted: Rows,
    rows: Rows,
) -> FloatArray | None:
    """A baseline's quantiles as log-ratios, shape (rows, levels).

    Its spread is that of its residuals on the `fitted` rows; None if it has no residuals
    or no answer for some row.

    Args:
        labels: (bins,) log-ratio of the largest demand within the horizon.
    """
    points = _BASELINE_POINTS[rung](table, parameters).max(axis=1)
    residuals = (labels - points)[fitted]
    residuals = residuals[~np.isnan(residuals)]
    if len(residuals) == 0 or np.isnan(points[rows]).any():
        return None
    spread = np.quantile(residuals, LOSS_QUANTILES)
    log_ratios: FloatArray = points[rows][:, None] + spread[None, :]
    return log_ratios
