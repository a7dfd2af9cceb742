"""The one feature builder, for training and for serving.

Row `t` describes what is known when bin `t` has ended; it never looks at a later bin.
Demand enters only as the logarithm of a ratio to the recent level, so a group that
doubles looks the same as before, and a forest, which cannot extrapolate, need not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.rolling import Newest, Rolling, Trailing
from predictive_autoscaler.core.timegrid import carry_forward
from predictive_autoscaler.core.types import BoolArray, FloatArray, Samples

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY

FILL_SECONDS = HOUR
"""Gaps up to this long are filled with the last value before them."""
LOOKBACK_SECONDS = WEEK + DAY + FILL_SECONDS
"""No feature looks further back than this."""

_LEVEL = HOUR // 4
_LAGS_IN_BINS = (0, 1, 2, 3, 4, 5, 6, 9, 12, 18, 24)
_MEANS = (HOUR // 2, HOUR, 2 * HOUR, 6 * HOUR, DAY, WEEK)
_MAXIMA = (HOUR // 2, HOUR, 3 * HOUR, 12 * HOUR, DAY)
_SPREADS = (HOUR // 2, HOUR, 3 * HOUR, DAY)
_AROUND = HOUR // 2
_FLOOR_SHARE = 0.01
_MOST_LOG_RATIO = 20.0
"""Beyond a factor of some hundred millions, a ratio says no more than that."""
_DAILY_HARMONICS = 3
_WEEKLY_HARMONICS = 2


@dataclass(frozen=True)
class FeatureParameters:
    """What the columns depend on; written into the model's card.

    Attributes:
        interval_seconds: length of a bin; must divide a day.
        horizon_bins: how many bins ahead the model looks.
        timezone: IANA name of the zone in which people live by hour and weekday.
    """

    interval_seconds: int = 300
    horizon_bins: int = 2
    timezone: str = "UTC"

    def bins(self, seconds: int) -> int:
        return max(1, seconds // self.interval_seconds)

    @property
    def fill_bins(self) -> int:
        return self.bins(FILL_SECONDS)

    @property
    def lookback_bins(self) -> int:
        return self.bins(LOOKBACK_SECONDS)


@dataclass(frozen=True, eq=False)
class Level:
    """The recent level that ratios refer to, and the floor that keeps logs finite.

    Both in requests per interval, shape (bins,); NaN where nothing recent is known.
    """

    requests: FloatArray
    floor_requests: FloatArray

    def log_ratio(self, demand: FloatArray) -> FloatArray:
        """log((demand + floor) / (level + floor)), the model's scale.

        Args:
            demand: shape (bins,) or (bins, k).
        """
        shape = (-1,) + (1,) * (demand.ndim - 1)
        floor, level = self.floor_requests.reshape(shape), self.requests.reshape(shape)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio: FloatArray = np.log((demand + floor) / (level + floor))
        return np.clip(ratio, -_MOST_LOG_RATIO, _MOST_LOG_RATIO)


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of every bin: `values` has shape (bins, columns), `names` one per column.

    `usable` (bins,) tells the rows that may be forecast from. `absent` names the columns
    left out because the source has no such metric.
    """

    names: tuple[str, ...]
    values: FloatArray
    usable: BoolArray
    level: Level
    filled_demand: FloatArray
    absent: tuple[str, ...] = ()

    def select(self, names: tuple[str, ...]) -> FloatArray:
        """The columns of a trained model, in its order.

        Raises:
            KeyError: a column that the model knows is not here.
        """
        position = {name: column for column, name in enumerate(self.names)}
        return self.values[:, [position[name] for name in names]]


def build_features(
    samples: Samples, demand: FloatArray, parameters: FeatureParameters
) -> FeatureTable:
    """Compute all features of all bins.

    Args:
        samples: metrics on the control interval's grid; latency and CPU are read.
        demand: assessed demand per bin, shape (bins,), NaN where unknown.
        parameters: what the columns depend on.
    """
    filled = carry_forward(demand, parameters.fill_bins)
    level, columns = _columns(samples, filled, parameters, Rolling)
    absent = tuple(name for name, column in columns.items() if np.isnan(column).all())
    names = tuple(name for name in columns if name not in absent)
    usable = ~np.isnan(level.requests) & ~np.isnan(filled)
    return FeatureTable(names, _stacked(columns, names), usable, level, filled, absent)


def newest_features(
    samples: Samples,
    demand: FloatArray,
    parameters: FeatureParameters,
    needed: Collection[str],
) -> FeatureTable | None:
    """The last row alone of what `build_features` makes, with the same bits.

    Whether a column is absent takes the whole table to tell, so there is no answer (None)
    if one of the `needed` columns, or the level, is not known in the newest bin.
    """
    if len(samples) == 0:
        return None
    filled = carry_forward(demand, parameters.fill_bins)
    level, columns = _columns(samples, filled, parameters, Newest)
    known = [name for name, column in columns.items() if not np.isnan(column[0])]
    usable = ~np.isnan(level.requests) & ~np.isnan(filled[-1:])
    if not usable[0] or not set(needed) <= set(known):
        return None
    names = tuple(known)
    return FeatureTable(names, _stacked(columns, names), usable, level, filled[-1:])


def column_names(parameters: FeatureParameters) -> tuple[str, ...]:
    """All columns that can be computed, whether or not a source has the metrics for them."""
    samples = Samples.empty(datetime.fromtimestamp(0, UTC), parameters.interval_seconds, 1)
    _, columns = _columns(samples, samples.requests, parameters, Rolling)
    return tuple(columns)


def _columns(
    samples: Samples,
    filled: FloatArray,
    parameters: FeatureParameters,
    trailing: Callable[[FloatArray], Trailing],
) -> tuple[Level, dict[str, FloatArray]]:
    rolling = trailing(filled)
    level = _level(rolling, parameters)
    columns = {
        **_recent(rolling, level, parameters),
        **_seasonal(rolling, level, parameters),
        **_calendar(samples.latest(len(level.requests)), parameters),
        **_health(samples, parameters, trailing),
    }
    return level, columns


def _stacked(columns: dict[str, FloatArray], names: tuple[str, ...]) -> FloatArray:
    # A ratio that is not known says "as now"; float32 is what the trees compare with.
    values = np.nan_to_num(np.column_stack([columns[name] for name in names]), nan=0.0)
    return values.astype(np.float32).astype(np.float64)


def demand_columns(names: tuple[str, ...]) -> NDArray[np.int16]:
    """Positions of the columns that are log-ratios or spreads of demand, and so linear in it."""
    demand = ("requests_", "level_")
    return np.flatnonzero([name.startswith(demand) for name in names]).astype(np.int16)


def following(values: FloatArray, horizon_bins: int) -> FloatArray:
    """The values of the bins after each bin, shape (bins, horizon_bins); NaN past the end."""
    ahead = np.full((len(values), horizon_bins), np.nan)
    for step in range(1, horizon_bins + 1):
        ahead[: max(len(values) - step, 0), step - 1] = values[step:]
    return ahead


def _level(rolling: Trailing, parameters: FeatureParameters, ago: int = 0) -> Level:
    # The smallest normal float keeps an all-quiet group at a ratio of one.
    tiny = np.finfo(np.float64).tiny
    floor = _FLOOR_SHARE * rolling.mean(parameters.bins(DAY), ago) + tiny
    return Level(rolling.mean(parameters.bins(_LEVEL), ago), floor)


def _recent(
    rolling: Trailing, level: Level, parameters: FeatureParameters
) -> dict[str, FloatArray]:
    columns = {f"requests_lag_{lag}": level.log_ratio(rolling.value(lag)) for lag in _LAGS_IN_BINS}
    for seconds in _MEANS:
        columns[f"requests_mean_{_span(seconds)}"] = level.log_ratio(
            rolling.mean(parameters.bins(seconds))
        )
    for seconds in _MAXIMA:
        columns[f"requests_max_{_span(seconds)}"] = level.log_ratio(
            rolling.maximum(parameters.bins(seconds))
        )
    for seconds in _SPREADS:
        bins = max(2, parameters.bins(seconds))
        spread = rolling.spread(bins) / (rolling.mean(bins) + level.floor_requests)
        columns[f"requests_spread_{_span(seconds)}"] = spread
    columns["level_against_week"] = -columns["requests_mean_7d"]
    del columns["requests_mean_7d"]
    return columns


def _seasonal(
    rolling: Trailing, level: Level, parameters: FeatureParameters
) -> dict[str, FloatArray]:
    """What followed at this time of day yesterday and last week, and what was around it."""
    columns = {}
    for name, seconds in (("yesterday", DAY), ("last_week", WEEK)):
        season = parameters.bins(seconds)
        horizon, around = parameters.horizon_bins, parameters.bins(_AROUND)
        # A trailing window as it was season - k bins ago ends k bins after "then".
        then_max = rolling.maximum(horizon, season - horizon)
        then_level = _level(rolling, parameters, season)
        around_max = rolling.maximum(2 * around, season - around)
        around_mean = rolling.mean(2 * around, season - around)
        columns[f"requests_{name}"] = level.log_ratio(rolling.value(season - 1))
        columns[f"requests_max_{name}"] = level.log_ratio(then_max)
        columns[f"requests_growth_{name}"] = then_level.log_ratio(then_max)
        columns[f"requests_around_{name}"] = level.log_ratio(around_mean)
        columns[f"requests_max_around_{name}"] = level.log_ratio(around_max)
    return columns


def _calendar(samples: Samples, parameters: FeatureParameters) -> dict[str, FloatArray]:
    seconds = _local_seconds(samples, ZoneInfo(parameters.timezone))
    of_day, of_week = seconds % DAY, (seconds + 3 * DAY) % WEEK  # 1970 began on a Thursday
    columns = {
        "hour": of_day / HOUR,
        "weekday": np.floor(of_week / DAY),
        "minute_of_hour": of_day % HOUR / 60,
    }
    for name, phase, harmonics in (
        ("daily", of_day / DAY, _DAILY_HARMONICS),
        ("weekly", of_week / WEEK, _WEEKLY_HARMONICS),
    ):
        for harmonic in range(1, harmonics + 1):
            angle = 2 * np.pi * harmonic * phase
            columns[f"{name}_sin_{harmonic}"] = np.sin(angle)
            columns[f"{name}_cos_{harmonic}"] = np.cos(angle)
    return columns


def _local_seconds(samples: Samples, zone: ZoneInfo) -> FloatArray:
    """Wall-clock seconds since 1970 of each bin's start, shape (bins,).

    The offset is looked up once an hour, since zones change on full hours of UTC or, in
    the few that do not, within one.
    """
    starts = samples.start_seconds()
    hours, position = np.unique(starts // HOUR, return_inverse=True)
    offsets = np.array([float(_offset_seconds(hour, zone)) for hour in hours.tolist()])
    local: FloatArray = starts + offsets[position]
    return local


@lru_cache(maxsize=4096)
def _offset_seconds(hour: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(hour * HOUR, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _health(
    samples: Samples, parameters: FeatureParameters, trailing: Callable[[FloatArray], Trailing]
) -> dict[str, FloatArray]:
    responses = trailing(carry_forward(samples.response_time_seconds, parameters.fill_bins))
    response, usual = responses.value(0), responses.mean(parameters.bins(DAY))
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where((response > 0) & (usual > 0), np.log(response / usual), np.nan)
    change[np.isnan(response)] = np.nan
    cpus = trailing(carry_forward(samples.cpu_percent, parameters.fill_bins))
    cpu, usual_cpu = cpus.value(0), cpus.mean(parameters.bins(DAY))
    return {
        "response_time": change,
        "cpu_utilization": np.where(np.isnan(cpu), usual_cpu, cpu),
    }


def _span(seconds: int) -> str:
    for unit, size in (("d", DAY), ("h", HOUR)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds // 60}m"
