"""What a decision keeps so that it can be explained later, from its record alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SHORT_DIGITS = 5


def short(value: float) -> float:
    """Rounded to five significant digits, so that many records of many groups stay small."""
    return float(f"{value:.{SHORT_DIGITS}g}")


@dataclass(frozen=True)
class Driver:
    """How far one family of features moved a forecast.

    Attributes:
        family: a key of `core.drivers.FAMILIES`.
        moved: logarithm of the factor that it put on the forecast peak.
        observed: what stood behind it, in the unit of the family; see `core.drivers`.
    """

    family: str
    moved: float
    observed: float | None = None


@dataclass(frozen=True)
class Drivers:
    """From the recent level to the middle that a model forecast: factors, as logarithms.

    middle + floor = (level + floor) * exp(usual + the families' + others), where the floor, a
    hundredth of the day's mean, only matters to a group that is almost idle.

    Attributes:
        level_requests: per interval, of the last quarter of an hour.
        usual: what the model expects when it is told nothing: its mean in training.
        families: those that moved the most, the strongest first.
        others: all other families together.
        middle_requests: the mean forecast of the peak (of its logarithm), per interval.
    """

    level_requests: float
    usual: float
    families: tuple[Driver, ...]
    others: float
    middle_requests: float


@dataclass(frozen=True)
class PriceGrounds:
    """Why a missed request had its price. None of all this: the price is a setting.

    Attributes:
        missed_share: of the requests, what was missed of late.
        budget: the share that may be missed, where a budget moves the price.
        overspent_hours: what was spent beyond target tracking, in hours of its usual spending;
            None where that has no say.
        left: the share of the price that this has left.
    """

    missed_share: float | None = None
    budget: float | None = None
    overspent_hours: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class Limit:
    """A policy that keeps capacity from being one more, or one fewer, than was decided.

    Attributes:
        policy: its name.
        text: what it says for itself.
        least_instances, most_instances: what it keeps; one of the two is None.
        until: when it lets go by itself, where that is known.
    """

    policy: str
    text: str
    least_instances: int | None = None
    most_instances: int | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Alternative:
    """What it would have taken for the forecast to call for another capacity.

    Attributes:
        instances: one more, or one fewer, than was decided.
        demand_factor: on all demand, past and forecast. One more is called for from here on;
            one fewer below here. None: no demand does it.
        miss_price: of prices an eighth of an octave apart, up to eight times as high and as
            low, the nearest that does it; None: none of them, or the present one does.
        quantile: the same for a quantile that is served: above it one more, up to it one fewer.
    """

    instances: int
    demand_factor: float | None = None
    miss_price: float | None = None
    quantile: float | None = None


@dataclass(frozen=True)
class LastWeek:
    """The same time a week ago, from the metrics; None where nothing is known.

    Attributes:
        requests: demand of the interval that ended then.
        peak_requests: the largest demand of an interval within the horizon that followed.
        in_service: instances.
    """

    requests: float | None
    peak_requests: float | None
    in_service: float | None
