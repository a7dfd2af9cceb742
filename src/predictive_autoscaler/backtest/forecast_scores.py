"""How good forecasts are by horizon: ours against those that anyone could have.

Compared with last value, seasonal naive and MSTL (Bandara, Hyndman and Bergmeir, "MSTL: A
Seasonal-Trend Decomposition Algorithm for Time Series with Multiple Seasonal Patterns",
2021) as statsforecast has it. Those three give one number each, so each gets the quantiles
of its own past errors. An origin `t` knows `demand[:t]`; horizon `h` of it is bin
`t + h - 1`. Nothing looks ahead, neither the forecasts nor their errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.features import DAY, WEEK
from predictive_autoscaler.core.rolling import Rolling, shift
from predictive_autoscaler.core.timegrid import carry_forward
from predictive_autoscaler.core.types import BoolArray, FloatArray
from predictive_autoscaler.model.baselines import LOSS_QUANTILES, Score, score
from predictive_autoscaler.model.extras import statsforecast_models

Predictions = Callable[[int], FloatArray]
"""Quantiles of an origin: shape (horizons, len(LOSS_QUANTILES)), requests per interval; NaN
for a horizon without an answer."""
Origins = NDArray[np.intp]

HORIZONS = (1, 2, 6, 12)
MOST_ORIGINS = 200
LEAST_ERRORS = 30
"""So many origins only make errors; scores begin after them."""
MSTL_DAYS = 14
LAST_VALUE, SEASONAL_NAIVE, MSTL = "last value", "seasonal naive", "MSTL"
_FLOOR_SHARE = 0.01
_DRAW = 1
"""Seed of where the origins lie."""
_JUMPS = 10
"""Loess is computed at every tenth point of its window, and joined linearly between, as
Cleveland and others advise ("STL", Journal of Official Statistics 6, 1990). Computed at
every point it takes thirty times as long, and no figure changes by more than 1 %."""


@dataclass(frozen=True, eq=False)
class ForecastScores:
    """Scores by horizon.

    Attributes:
        horizons: in bins after the newest known one.
        origins: the origins that were scored, ascending.
        scores: per forecaster, one score per horizon; None where it has no answer.
    """

    horizons: tuple[int, ...]
    origins: Origins
    scores: Mapping[str, tuple[Score | None, ...]]


def score_forecasts(
    demand: FloatArray,
    first: int,
    interval_seconds: int,
    ours: Mapping[str, Predictions] | None = None,
    *,
    horizons: tuple[int, ...] = HORIZONS,
    most_origins: int = MOST_ORIGINS,
    with_mstl: bool = True,
) -> ForecastScores:
    """Score forecasts on the same origins, spread over all bins from `first` on.

    At each horizon, all that have answers there are scored on the rows that all of them
    answered.

    Args:
        demand: (bins,) requests per interval, NaN where absent.
        ours: forecasts that bring their own quantiles, by name.

    Raises:
        UsageError: statsforecast is needed and not installed.
    """
    trace = Trace(demand, interval_seconds, horizons)
    origins = spread_origins(len(demand), first, max(horizons), most_origins)
    points = {LAST_VALUE: last_value(trace), SEASONAL_NAIVE: seasonal_naive(trace)}
    if with_mstl:
        points[MSTL] = mstl(trace, origins)
    scored = origins[LEAST_ERRORS:]
    rows = {
        name: np.array([predict(origin) for origin in scored.tolist()])
        for name, predict in (ours or {}).items()
    }
    for name, table in points.items():
        rows[name] = with_own_errors(trace, table, scored)
    return ForecastScores(horizons, scored, _scores(trace, rows, scored))


class Trace:
    """Demand, and what follows from it."""

    def __init__(
        self, demand: FloatArray, interval_seconds: int, horizons: tuple[int, ...]
    ) -> None:
        self.horizons = horizons
        self.demand = demand
        self.day_bins = max(1, DAY // interval_seconds)
        self.week_bins = max(1, WEEK // interval_seconds)
        self.filled = carry_forward(demand, len(demand))
        """Absent bins given the last value before them; NaN before the first."""
        usual = shift(Rolling(self.filled).mean(self.day_bins), 1)
        self.floor = _FLOOR_SHARE * usual + np.finfo(np.float64).tiny
        """(bins,) keeps the logarithms of an origin's ratios finite."""

    def actual(self) -> FloatArray:
        """What came, shape (bins, horizons): row `t` for origin `t`, NaN past the end."""
        came = np.full((len(self.demand), len(self.horizons)), np.nan)
        for column, horizon in enumerate(self.horizons):
            later = self.demand[horizon - 1 :]
            came[: len(later), column] = later
        return came


def spread_origins(bins: int, first: int, furthest: int, most: int) -> Origins:
    """Origins whose horizons all lie within the trace: one from each of as many equal parts.

    Where in its part is drawn, the same each time: at equal distances all of them could fall on
    the same minute of the hour, which has a traffic of its own.
    """
    last = bins - furthest
    count = min(most, max(last - first + 1, 0))
    parts = np.linspace(first, last + 1, count + 1).astype(np.intp)
    draw = np.random.default_rng(_DRAW)
    return draw.integers(parts[:-1], parts[1:], dtype=np.intp)


def last_value(trace: Trace) -> FloatArray:
    """As now: shape (bins, horizons)."""
    return np.repeat(shift(trace.filled, 1)[:, None], len(trace.horizons), axis=1)


def seasonal_naive(trace: Trace) -> FloatArray:
    """As in the same bin last week, else yesterday: shape (bins, horizons)."""

    def then(season: int) -> FloatArray:
        return np.column_stack(
            [shift(trace.filled, season - horizon + 1) for horizon in trace.horizons]
        )

    last_week = then(trace.week_bins)
    return np.where(np.isnan(last_week), then(trace.day_bins), last_week)


def mstl(trace: Trace, origins: Origins) -> FloatArray:
    """MSTL fitted anew at each origin on up to 14 days: (bins, horizons), NaN elsewhere.

    Raises:
        UsageError: statsforecast is not installed.
    """
    models = statsforecast_models()
    points = np.full((len(trace.demand), len(trace.horizons)), np.nan)
    steps = np.array(trace.horizons) - 1
    for origin in origins.tolist():
        known = trace.filled[max(0, origin - MSTL_DAYS * trace.day_bins) : origin]
        path = _mstl_path(models, known[~np.isnan(known)], trace, max(trace.horizons))
        if path is not None:
            points[origin] = np.maximum(path[steps], 0.0)
    return points


def _mstl_path(models: Any, known: FloatArray, trace: Trace, bins: int) -> FloatArray | None:
    """The next `bins` bins; None if there is too little or it cannot be fitted."""
    seasons = [size for size in (trace.day_bins, trace.week_bins) if len(known) >= 2 * size]
    if not seasons:
        return None
    jump = max(1, trace.day_bins // _JUMPS)
    model = models.MSTL(
        season_length=seasons,
        # The trend's window is one and a half times as wide as the season, and more.
        stl_kwargs={"low_pass_jump": jump, "trend_jump": max(1, 3 * jump // 2)},
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path: FloatArray = np.asarray(model.forecast(y=known, h=bins)["mean"], np.float64)
    except Exception:  # statsforecast raises bare ones, for a constant series for example
        return None
    return path if np.isfinite(path).all() else None


def with_own_errors(trace: Trace, points: FloatArray, origins: Origins) -> FloatArray:
    """Points widened by the quantiles of the errors known by then.

    Errors are log-ratios. An origin knows those whose bin had ended; the newest ones count,
    a week of them where there is one for every bin.

    Args:
        points: (bins, horizons), NaN where there is no forecast.

    Returns:
        (origins, horizons, len(LOSS_QUANTILES)) requests per interval; NaN without a
        forecast or with fewer than `LEAST_ERRORS` errors.
    """
    floor = trace.floor[:, None]
    with np.errstate(invalid="ignore"):
        errors = np.log((trace.actual() + floor) / (points + floor))
    result = np.full((len(origins), len(trace.horizons), len(LOSS_QUANTILES)), np.nan)
    for column, horizon in enumerate(trace.horizons):
        made = np.flatnonzero(~np.isnan(errors[:, column]))
        for row, origin in enumerate(origins.tolist()):
            # Bin `origin - 1` is the newest known, the target of origin `origin - horizon`.
            known = made[: np.searchsorted(made, origin - horizon, side="right")]
            if len(known) < LEAST_ERRORS:
                continue
            past = errors[known[-trace.week_bins :], column]
            base = trace.floor[origin]
            ratio = np.exp(np.quantile(past, LOSS_QUANTILES))
            widened = (points[origin, column] + base) * ratio - base
            result[row, column] = np.maximum(widened, 0.0)
    return result


def _scores(
    trace: Trace, rows: Mapping[str, FloatArray], origins: Origins
) -> dict[str, tuple[Score | None, ...]]:
    actual = trace.actual()[origins]
    answered: dict[str, BoolArray] = {
        name: np.asarray(np.isfinite(table).all(axis=2)) for name, table in rows.items()
    }
    scores: dict[str, list[Score | None]] = {name: [] for name in rows}
    for column in range(len(trace.horizons)):
        able = [name for name in rows if answered[name][:, column].any()]
        common = ~np.isnan(actual[:, column])
        for name in able:
            common &= answered[name][:, column]
        for name, table in rows.items():
            fair = name in able and common.any()
            found = score(actual[common, column], table[common, column]) if fair else None
            scores[name].append(found)
    return {name: tuple(found) for name, found in scores.items()}
