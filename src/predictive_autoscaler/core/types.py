"""The values that travel through the controller. Frozen, with units in their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.why import Alternative, Drivers, LastWeek, Limit, PriceGrounds

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

METRICS = (
    "requests",
    "refused",
    "errors",
    "response_time_seconds",
    "cpu_percent",
    "in_service",
    "healthy_hosts",
)
"""The metric columns of `Samples`, in their written order."""

SUMMED_METRICS = frozenset({"requests", "refused", "errors"})
"""Counts, which add up over time. The others are averages or levels."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Recorded metrics of one group on an even time grid.

    Every array has shape (bins,); NaN says that the source had no value. Counts
    (`requests`, `refused`, `errors`) are per bin, `response_time_seconds` and `cpu_percent`
    are means over the bin, `in_service` and `healthy_hosts` are mean numbers of instances
    (by the group's and by the load balancer's account). `coverage` is the share of the
    source's own periods within the bin that had a request count (1.0 where its period is
    the bin).
    """

    start: datetime
    interval_seconds: int
    requests: FloatArray
    refused: FloatArray
    errors: FloatArray
    response_time_seconds: FloatArray
    cpu_percent: FloatArray
    in_service: FloatArray
    healthy_hosts: FloatArray
    coverage: FloatArray

    @classmethod
    def of(
        cls,
        start: datetime,
        interval_seconds: int,
        columns: Mapping[str, FloatArray],
        coverage: FloatArray | None = None,
    ) -> Samples:
        """Make samples from those columns that exist; the others are all NaN.

        Raises:
            ValueError: the columns differ in length, or `start` has no time zone.
        """
        if start.tzinfo is None:
            raise ValueError(f"start must be an aware time, got {start!r}")
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1:
            raise ValueError(f"columns differ in length: {sorted(lengths)}")
        bins = lengths.pop()
        filled = {
            name: np.asarray(columns[name], dtype=np.float64)
            if name in columns
            else np.full(bins, np.nan)
            for name in METRICS
        }
        if coverage is None:
            coverage = np.where(np.isnan(filled["requests"]), 0.0, 1.0)
        return cls(start.astimezone(UTC), interval_seconds, coverage=coverage, **filled)

    @classmethod
    def empty(cls, start: datetime, interval_seconds: int, bins: int) -> Samples:
        """Make samples in which every value is absent."""
        return cls.of(start, interval_seconds, {"requests": np.full(bins, np.nan)})

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.interval_seconds)

    @property
    def end(self) -> datetime:
        """When the last bin ends."""
        return self.start + len(self) * self.interval

    @property
    def came(self) -> FloatArray:
        """Requests, and those that the load balancer refused, per bin; NaN where the former are."""
        return self.requests + np.nan_to_num(self.refused)

    @property
    def failed(self) -> FloatArray:
        """Requests refused, or answered with a 5xx, per bin; NaN where neither is known."""
        absent = np.isnan(self.errors) & np.isnan(self.refused)
        known = np.nan_to_num(self.errors) + np.nan_to_num(self.refused)
        return np.where(absent, np.nan, known)

    def time_of(self, index: int) -> datetime:
        """When bin `index` starts."""
        return self.start + index * self.interval

    def times(self) -> Iterator[datetime]:
        """When each bin starts."""
        return (self.time_of(index) for index in range(len(self)))

    def start_seconds(self) -> NDArray[np.int64]:
        """Starts of the bins in seconds since 1970 UTC, shape (bins,)."""
        first = int(self.start.timestamp())
        return first + self.interval_seconds * np.arange(len(self), dtype=np.int64)

    def column(self, name: str) -> FloatArray:
        """The array of one of `METRICS`."""
        array: FloatArray = getattr(self, name)
        return array

    def columns(self) -> dict[str, FloatArray]:
        """All metric arrays by name, in written order."""
        return {name: self.column(name) for name in METRICS}

    def window(self, first: int, last: int) -> Samples:
        """Bins `first` (included) to `last` (excluded), clipped to what there is."""
        first, last = max(first, 0), min(last, len(self))
        cut = slice(first, max(first, last))
        return Samples(
            self.time_of(first),
            self.interval_seconds,
            coverage=self.coverage[cut],
            **{name: array[cut] for name, array in self.columns().items()},
        )

    def between(self, start: datetime, end: datetime) -> Samples:
        """The bins that lie wholly within [start, end)."""
        first = -((self.start - start) // self.interval)
        last = (end - self.start) // self.interval
        return self.window(first, last)

    def latest(self, bins: int) -> Samples:
        """The newest `bins` bins (all, if there are fewer)."""
        return self.window(len(self) - bins, len(self))

    def demand_alone(self) -> Samples:
        """All that came, without what tells of the capacity that met it."""
        return Samples.of(self.start, self.interval_seconds, {"requests": self.came})

    def replaced(self, **columns: FloatArray) -> Samples:
        """A copy with some arrays exchanged."""
        return dataclasses.replace(self, **columns)  # type: ignore[arg-type]


class Quality(IntEnum):
    """What a bin's request count can be trusted for."""

    OK = 0
    QUIET = 1
    """Absent because nobody came: other metrics are there and traffic had faded."""
    CENSORED = 2
    """Overloaded or failing: the count is a lower bound of the demand."""
    PARTIAL = 3
    """Some minutes within a busy bin are absent: a lower bound."""
    MISSING = 4
    """Absent, and nothing says that this is quiet."""
    GLITCH = 5
    """Zero in the midst of traffic: not believed."""


class Rung(Enum):
    """The predictors, best first; a fault drops the controller to the next."""

    FOREST = "forest"
    SEASONAL = "seasonal"
    LAST_VALUE = "last value"


def weighted_quantiles(
    values: FloatArray, weights: FloatArray, levels: Sequence[float]
) -> FloatArray:
    """The smallest values whose cumulative weight reaches each level's share of all weight.

    Args:
        values, weights: shape (k,), in any order.
        levels: within [0, 1].

    Returns:
        One of the values per level.
    """
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    reached = np.searchsorted(cumulative, np.multiply(levels, cumulative[-1]))
    chosen: FloatArray = values[order[np.minimum(reached, len(order) - 1)]]
    return chosen


@dataclass(frozen=True, eq=False)
class Forecast:
    """Demand in each bin of the horizon, as a joint distribution.

    The demand of a bin is `level_requests` (per interval) times a ratio. `ratios` has shape
    (k, horizon bins): each row is one way that things may go, with the probability in
    `weights` (k,), which sum to 1.
    """

    made_for: datetime
    level_requests: float
    ratios: FloatArray
    weights: FloatArray
    rung: Rung
    model_id: str | None = None
    drivers: Drivers | None = None
    """What moved it, where a model made it."""

    @property
    def horizon_bins(self) -> int:
        return int(self.ratios.shape[1])

    @cached_property
    def _largest(self) -> tuple[FloatArray, FloatArray]:
        """Largest ratio of each row, ascending, with the cumulative weights."""
        largest = self.ratios.max(axis=1)
        order = np.argsort(largest, kind="stable")
        return largest[order], np.cumsum(self.weights[order])

    def ratios_at(self, index: int, levels: Sequence[float]) -> list[float]:
        """Quantiles of the ratio of one bin of the horizon, one per level."""
        values: list[float] = weighted_quantiles(
            self.ratios[:, index], self.weights, levels
        ).tolist()
        return values

    def quantile(self, probability: float) -> float:
        """Largest demand per interval within the horizon, not exceeded so probably."""
        largest, cumulative = self._largest
        index = int(np.searchsorted(cumulative, probability * cumulative[-1], side="left"))
        return self.level_requests * float(largest[min(index, len(largest) - 1)])

    def probability_within(self, demand_requests: float) -> float:
        """How probably no interval within the horizon has more than this demand."""
        largest, cumulative = self._largest
        index = int(np.searchsorted(largest * self.level_requests, demand_requests, side="right"))
        return float(cumulative[index - 1] / cumulative[-1]) if index else 0.0


@dataclass(frozen=True)
class Bounds:
    """The group's own limits."""

    min_instances: int
    max_instances: int

    def clamp(self, instances: int) -> int:
        return max(self.min_instances, min(instances, self.max_instances))


HARMLESS_WHEN_SUSPENDED = frozenset({"AZRebalance", "ScheduledActions", "InstanceRefresh"})
"""Suspended processes that do not make it risky to let instances go. All others do: what is
let go might not come back, might not serve, or would not be missed by the safety net."""


@dataclass(frozen=True)
class GroupState:
    """What the Auto Scaling group looks like at the moment of deciding."""

    name: str
    desired_instances: int
    in_service_instances: int
    bounds: Bounds
    blocked_by: str | None = None
    """Why the group must not be scaled in just now (a refresh, suspended processes)."""
    changed_by: str | None = None
    """Who changed the capacity last, if it was not us and is known: "a person", say."""


@dataclass(frozen=True)
class CalendarEvent:
    """An announced event: at least so many instances in [start, end)."""

    name: str
    start: datetime
    end: datetime
    min_instances: int


@dataclass(frozen=True)
class Reason:
    """One policy's say: what it made of the capacity and why, for a person to read."""

    policy: str
    before_instances: int
    after_instances: int
    text: str

    @property
    def changed(self) -> bool:
        return self.before_instances != self.after_instances


@dataclass(frozen=True)
class Candidate:
    """One capacity that the planner weighed.

    Attributes:
        expected_missed_share: of the requests in the bins that new capacity would serve; of
            those of the whole horizon, where a quantile is served.
        cost: in instance-intervals, of having it rather than none until the next chance;
            None where a quantile is served, since nothing has a price then.
    """

    instances: int
    expected_missed_share: float
    cost: float | None


@dataclass(frozen=True)
class Decision:
    """What one group should have, and everything needed to explain it later."""

    group: str
    slot: datetime
    rung: Rung
    model_id: str | None
    present_demand_requests: float
    present_quality: Quality
    capacity_per_instance: float
    miss_price: float | None
    """None where a quantile of the forecast is served instead."""
    quantiles: Mapping[str, float]
    candidates: tuple[Candidate, ...]
    wish_instances: int
    """What the forecast calls for, before any policy."""
    floor_instances: int
    """What the present demand needs at full use of each instance."""
    before_instances: int
    after_instances: int
    reasons: tuple[Reason, ...]
    faults: tuple[str, ...] = ()
    recent_quality: Mapping[str, str] = field(default_factory=dict)
    served_quantile: float | None = None
    spending: Mapping[str, float | str] | None = None
    """Money of this period: spent, expected by its end, and the cap if there is one."""
    drivers: Drivers | None = None
    limits: tuple[Limit, ...] = ()
    """Policies that keep it from one more or one fewer, in the order in which they run."""
    one_more: Alternative | None = None
    one_fewer: Alternative | None = None
    """What the forecast would have had to be. None: there was none, or there is no fewer."""
    last_week: LastWeek | None = None
    price_grounds: PriceGrounds | None = None
    """None where a quantile is served."""

    @property
    def changes(self) -> bool:
        return self.before_instances != self.after_instances


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC to the second, with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_from_text(text: str) -> datetime:
    """Read an aware ISO 8601 time.

    Raises:
        ValueError: not a time, or one without a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time needs its zone, for example {text}Z")
    return moment.astimezone(UTC)


Json = dict[str, Any]
