"""What is to be expected of the next hours, and by whose word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from predictive_autoscaler.app.monitor.facts import Outlook, OutlookBin, known_values
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import DISTRUST, NEGLIGIBLE_SHARE, forecast_demand
from predictive_autoscaler.core.features import build_features
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.predictors.empirical import EmpiricalPredictor
from predictive_autoscaler.core.quality import AssessedDemand, assess
from predictive_autoscaler.core.state import BAND
from predictive_autoscaler.core.surprise import stretched
from predictive_autoscaler.core.types import Forecast, Rung, Samples
from predictive_autoscaler.errors import ModelError

LEVELS = (BAND[0], 0.5, BAND[1])


def outlook(
    samples: Samples,
    model: Model | None,
    parameters: ControlParameters,
    *,
    capacity_per_instance: float | None = None,
    surprise_scale: float = 1.0,
    distrusted: bool = False,
    behind: timedelta,
    ahead: timedelta,
) -> Outlook:
    """The demand of the hours behind, and what is forecast for those ahead.

    The first intervals are forecast as the controller does it, with its model, its ladder and
    its widening after surprises. That reaches no farther than capacity takes to serve; what
    comes after is the seasonal rung's, with the errors that it has made so far ahead.

    Args:
        samples: the serving window, newest bin last.
        model: None where the controller can use none.
        capacity_per_instance: requests per interval, as the newest record has it.
        surprise_scale, distrusted: of the newest record's state.

    Returns:
        As far as a rung answers; `ahead` is empty where none does.
    """
    capacity = capacity_per_instance or parameters.capacity_per_instance
    rough = capacity or parameters.default_capacity_per_instance
    demand = assess(samples, NEGLIGIBLE_SHARE * rough)
    set_aside = distrusted and model is not None
    near = forecast_demand(samples, demand, None if set_aside else model, parameters.features)
    notes = [*([DISTRUST] if set_aside else []), *near.faults]
    bins: list[OutlookBin] = []
    if near.forecast is not None:
        scale = 1.0 if set_aside else surprise_scale
        bins += _bins(stretched(near.forecast, scale), samples.interval)
    try:
        far = _seasonal(samples, demand, parameters, ahead)
        bins += list(_bins(far, samples.interval))[len(bins) :]
    except ModelError as error:
        notes.append(f"beyond the next {len(bins)} intervals: {error}")
    known = demand.requests[-max(1, behind // samples.interval) :]
    return Outlook(
        start=samples.end - len(known) * samples.interval,
        interval_seconds=samples.interval_seconds,
        behind=known_values(known),
        ahead=tuple(bins),
        notes=tuple(notes),
    )


def _seasonal(
    samples: Samples, demand: AssessedDemand, parameters: ControlParameters, ahead: timedelta
) -> Forecast:
    bins = max(1, ahead // samples.interval)
    features = replace(parameters.features, horizon_bins=bins)
    table = build_features(samples, demand.requests, features)
    return EmpiricalPredictor(Rung.SEASONAL, features).forecast(samples, table)


def _bins(forecast: Forecast, interval: timedelta) -> Iterator[OutlookBin]:
    for index in range(forecast.horizon_bins):
        lower, median, upper = forecast.ratios_at(index, LEVELS)
        level = forecast.level_requests
        yield OutlookBin(
            start=forecast.made_for + index * interval,
            lower=level * lower,
            median=level * median,
            upper=level * upper,
            rung=forecast.rung.value,
        )
