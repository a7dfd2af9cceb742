"""The ladder of predictors: forest, then seasonal, then last value."""

from __future__ import annotations

from typing import Protocol

from predictive_autoscaler.core.features import FeatureTable
from predictive_autoscaler.core.types import Forecast, Rung, Samples


class Predictor(Protocol):
    """Forecasts the largest demand within the horizon from what is known so far."""

    @property
    def rung(self) -> Rung:
        """Where it stands on the ladder."""
        ...

    def forecast(self, samples: Samples, table: FeatureTable) -> Forecast:
        """Forecast from the end of the newest bin.

        Args:
            samples: the serving window, newest bin last.
            table: the features of those samples, a row per bin.

        Raises:
            ModelError: this predictor cannot answer for these samples.
        """
        ...
