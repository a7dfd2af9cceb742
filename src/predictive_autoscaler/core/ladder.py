"""Down the ladder: the best predictor that can answer does, and every fall is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from predictive_autoscaler.core.features import FeatureParameters, FeatureTable
from predictive_autoscaler.core.predictors import Predictor
from predictive_autoscaler.core.predictors.empirical import EmpiricalPredictor
from predictive_autoscaler.core.types import Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError


@dataclass(frozen=True, eq=False)
class LadderResult:
    """The forecast, if any rung had one, and why the rungs above it had none."""

    forecast: Forecast | None
    faults: tuple[str, ...]


def untrained_predictors(parameters: FeatureParameters) -> list[Predictor]:
    """The rungs below the forest, best first."""
    return [
        EmpiricalPredictor(Rung.SEASONAL, parameters),
        EmpiricalPredictor(Rung.LAST_VALUE, parameters),
    ]


def climb_down(
    predictors: Sequence[Predictor], samples: Samples, table: FeatureTable
) -> LadderResult:
    """Ask each predictor in turn until one answers."""
    faults: list[str] = []
    for predictor in predictors:
        try:
            return LadderResult(predictor.forecast(samples, table), tuple(faults))
        except ModelError as error:
            faults.append(f"{predictor.rung.value}: {error}")
    return LadderResult(None, tuple(faults))
