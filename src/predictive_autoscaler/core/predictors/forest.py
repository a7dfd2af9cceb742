"""The first rung: the trained quantile forest."""

from __future__ import annotations

import numpy as np

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.features import FeatureTable
from predictive_autoscaler.core.types import FloatArray, Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError


class ForestPredictor:
    """Asks a published model. Its labels are log-ratios of demand to the recent level."""

    rung = Rung.FOREST

    def __init__(self, model: Model) -> None:
        self._model = model

    def forecast(self, samples: Samples, table: FeatureTable) -> Forecast:
        card = self._model.card
        if not table.usable[-1]:
            raise ModelError("the newest bins are absent, so there is no level to start from")
        unknown = sorted(set(card.feature_names) - set(table.names))
        if unknown:
            raise ModelError(f"the model needs {', '.join(unknown)}, which the metrics lack")
        row = table.select(card.feature_names)[-1]
        forest = self._model.forest
        members, weights = forest.distribution(row)
        median = median_label(forest.labels[members], weights)
        return forecast_from_log_ratios(
            stretch_upper_tail(forest.paths[members], median, card.tail_scale),
            weights,
            samples,
            table,
            self.rung,
            card.model_id,
        )


def median_label(labels: FloatArray, weights: FloatArray) -> float:
    """The weighted median of ascending labels (k,)."""
    return float(labels[int(np.searchsorted(np.cumsum(weights), 0.5))])


def stretch_upper_tail(log_ratios: FloatArray, median: float, scale: float) -> FloatArray:
    """Scale what lies above the median: by how far it does. Any shape."""
    above = log_ratios > median
    return np.where(above, median + scale * (log_ratios - median), log_ratios)


def forecast_from_log_ratios(
    paths: FloatArray,
    weights: FloatArray,
    samples: Samples,
    table: FeatureTable,
    rung: Rung,
    model_id: str | None = None,
) -> Forecast:
    """Turn log-ratios, shape (k, horizon bins), with their weights (k,) into a forecast."""
    level = float(table.level.requests[-1])
    floor = float(table.level.floor_requests[-1])
    # The log-ratio is log((demand + floor) / (level + floor)).
    scale = level + floor
    return Forecast(
        made_for=samples.end,
        level_requests=scale,
        ratios=np.maximum(np.exp(paths) - floor / scale, 0.0),
        weights=weights,
        rung=rung,
        model_id=model_id,
    )
