"""The first rung: the trained forecaster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.drivers import drivers_of
from predictive_autoscaler.core.features import FeatureTable
from predictive_autoscaler.core.types import FloatArray, Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError

NAMED = 2
"""Features that are named where many are lacking."""


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
            # All of them would be another message to people each time that one fewer is lacking.
            more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
            named = ", ".join(unknown[:NAMED])
            raise ModelError(f"the model needs {named}{more}, which the metrics lack")
        row = table.select(card.feature_names)[-1]
        answer = self._model.forecaster.answer(row)
        forecast = forecast_from_log_ratios(
            answer.paths, answer.weights, samples, table, self.rung, card.model_id
        )
        return replace(forecast, drivers=drivers_of(answer, table, card.feature_names))


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
