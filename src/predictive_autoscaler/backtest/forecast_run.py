"""Forecast scores of many traces, side by side: ours against those that anyone could have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec

import joblib

from predictive_autoscaler.backtest.forecast_scores import (
    HORIZONS,
    LEAST_ERRORS,
    MOST_ORIGINS,
    ForecastScores,
    score_forecasts,
)
from predictive_autoscaler.backtest.lab import OURS, LabOptions, LabTraffic
from predictive_autoscaler.backtest.own_forecasts import OwnForecasts
from predictive_autoscaler.errors import AutoscalerError, UsageError

LEAST_ORIGINS, DEFAULT_ORIGINS = 60, 120
"""MSTL takes about a tenth of a second per origin."""
NO_MSTL = "MSTL is left out: statsforecast 2.0.1 is not installed, and Python 3.13 has none."


def check_origins(origins: int) -> int:
    """`--origins`.

    Raises:
        UsageError: there would be too few to score, or far too many.
    """
    if not LEAST_ORIGINS <= origins <= MOST_ORIGINS:
        raise UsageError(
            f"--origins is {origins}; allowed is {LEAST_ORIGINS} to {MOST_ORIGINS}, since the "
            f"first {LEAST_ERRORS} only tell how wrong the others' forecasts are"
        )
    return origins


def can_mstl() -> bool:
    """Whether the library for MSTL is here."""
    return find_spec("statsforecast") is not None


def score_traffic(
    traffic: LabTraffic, options: LabOptions, origins: int, *, with_mstl: bool
) -> ForecastScores:
    """Score the forecasts of one trace from its first evaluated bin on."""
    replayed = options.of_replay(traffic.setting)
    ours = OwnForecasts(traffic.demand, traffic.first, replayed, HORIZONS)
    return score_forecasts(
        traffic.demand.requests,
        traffic.first,
        traffic.setting.interval_seconds,
        {OURS: ours},
        most_origins=origins,
        with_mstl=with_mstl,
    )


def score_traces(
    traffics: Sequence[LabTraffic],
    options: LabOptions,
    origins: int = DEFAULT_ORIGINS,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[dict[str, ForecastScores], dict[str, str]]:
    """Score every trace; one that breaks does not end the others.

    Returns:
        Scores, and what went wrong, both by trace name.
    """
    progress(f"scoring forecasts of {len(traffics)} traces")
    with_mstl = can_mstl()
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_attempt)(traffic, options, origins, with_mstl) for traffic in traffics
    )
    scores: dict[str, ForecastScores] = {}
    failed: dict[str, str] = {}
    for count, (traffic, outcome) in enumerate(zip(traffics, done, strict=True), 1):
        progress(f"{count} of {len(traffics)}: forecasts of {traffic.name} scored")
        if isinstance(outcome, str):
            failed[traffic.name] = outcome
        else:
            scores[traffic.name] = outcome
    return scores, failed


def _attempt(
    traffic: LabTraffic, options: LabOptions, origins: int, with_mstl: bool
) -> ForecastScores | str:
    try:
        return score_traffic(traffic, options, origins, with_mstl=with_mstl)
    except (AutoscalerError, ValueError, ArithmeticError) as error:
        return f"forecast scores: {error}"


def score_rows(
    scores: Mapping[str, ForecastScores], interval_minutes: int
) -> list[dict[str, str | float | int]]:
    """One row per trace, forecaster and horizon; none where it has no answer."""
    return [
        {
            "trace": trace,
            "forecaster": name,
            "horizon_minutes": horizon * interval_minutes,
            "origins": len(found.origins),
            **score.as_dict(),
        }
        for trace, found in scores.items()
        for name, column in found.scores.items()
        for horizon, score in zip(found.horizons, column, strict=True)
        if score is not None
    ]


def by_horizon(
    found: ForecastScores, interval_minutes: int
) -> dict[int, dict[str, dict[str, float] | None]]:
    """Scores by horizon in minutes, then by forecaster, as the report wants them."""
    table: dict[int, dict[str, dict[str, float] | None]] = {}
    for column, horizon in enumerate(found.horizons):
        table[horizon * interval_minutes] = {
            name: score.as_dict() if (score := scores[column]) is not None else None
            for name, scores in found.scores.items()
        }
    return table
