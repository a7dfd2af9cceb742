"""What the forecast calls for: the capacity that costs least.

An instance-interval has the price 1. A request missed costs the miss price kappa times
the share of an instance-interval that would have served it; all requests of an interval
count as missed when demand exceeds capacity. That is the newsvendor problem (Arrow, Harris
and Marschak, "Optimal Inventory Policy", Econometrica 19, 1951) with a lump-sum penalty.

Keeping and adding capacity are two questions, because an instance takes time to boot. Let
the horizon have H bins, of which new capacity can serve the last S. Giving up capacity
saves what it is billed for S bins and leaves all H bins without it; adding capacity is
billed for H bins and serves S of them. In units of the recent level, capacity x costs

    to keep:  S x + kappa * sum over all H bins of E[R; R > x]
    to add:   (H + d) x + kappa * sum over the last S bins of E[R; R > x]

with R the forecast ratio of the bin and d a small price of change. Each is least at a support
point of the forecast, and which one does not depend on the level. What there is stays while it
lies between the two answers, which spares most changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.types import Candidate, FloatArray, Forecast
from predictive_autoscaler.core.why import Alternative, short

CHANGE_PRICE = 0.25
"""Of adding an instance, in instance-intervals: spares changes to and fro."""
PRICES_AN_OCTAVE, OCTAVES = 8, 3
"""Other prices that are tried to say what it would have taken."""


@dataclass(frozen=True)
class Plan:
    """What the forecast calls for, before any policy.

    Attributes:
        instances: the wish.
        keep_instances: capacity above this is worth giving up.
        add_instances: capacity up to this is worth adding.
        otherwise: what it would have taken to call for at least so many, or for fewer (False).
    """

    instances: int
    keep_instances: int
    add_instances: int
    candidates: tuple[Candidate, ...]
    otherwise: Callable[[int, bool], Alternative] = field(repr=False, compare=False)


def plan_capacity(
    forecast: Forecast,
    capacity_per_instance: float,
    miss_price: float,
    before_instances: int,
    first_served_bin: int,
) -> Plan:
    """Choose the capacity of least expected cost.

    More demand (a higher level) never yields fewer instances, nor does a higher price of
    a miss: the chosen support points are independent of the level and rise with the price,
    and the last instance of a fraction is taken once the misses it saves are worth it.

    Args:
        forecast: joint distribution of demand in the bins of the horizon.
        capacity_per_instance: demand per interval that one instance carries.
        miss_price: kappa.
        before_instances: what there is now.
        first_served_bin: of the horizon, the first bin that new capacity can serve.
    """
    horizon = forecast.horizon_bins
    first = min(first_served_bin, horizon - 1)
    served = horizon - first
    per_instance = forecast.level_requests / capacity_per_instance
    whole_horizon = _Misses.of(forecast, 0, per_instance)
    once_served = _Misses.of(forecast, first, per_instance)
    price_of_adding = horizon + CHANGE_PRICE
    keeping_pays = _Question(whole_horizon, served)
    adding_pays = _Question(once_served, price_of_adding)
    keep, add = keeping_pays.least_cost(miss_price), adding_pays.least_cost(miss_price)
    wish = max(add, min(before_instances, keep))

    def cost(instances: int) -> float:
        """Of keeping what there is up to this; beyond it, of adding as well."""
        kept = min(instances, before_instances)
        keeping = served * kept + miss_price * whole_horizon.missed(kept)
        added = price_of_adding * (instances - kept)
        spared = once_served.missed(kept) - once_served.missed(instances)
        return keeping + added - miss_price * spared

    candidates = tuple(
        Candidate(instances, once_served.share(instances), cost(instances))
        for instances in range(max(0, wish - 2), wish + 3)
    )

    def otherwise(instances: int, more: bool) -> Alternative:
        first_enough = instances if more else instances + 1
        # What there is stays while keeping it pays, so both questions can call for as many.
        asked = [adding_pays, *([keeping_pays] if before_instances >= first_enough else [])]
        factor = min(question.demand_factor(first_enough, miss_price) for question in asked)

        def does_it(price: float) -> bool:
            return any(one.least_cost(price) >= first_enough for one in asked) == more

        done = (wish >= first_enough) == more
        other_price = None if done else _nearest_price(miss_price, more, does_it)
        return Alternative(
            instances,
            demand_factor=short(factor) if math.isfinite(factor) else None,
            miss_price=None if other_price is None else short(other_price),
        )

    return Plan(wish, keep, add, candidates, otherwise)


def plan_quantile(forecast: Forecast, capacity_per_instance: float, quantile: float) -> Plan:
    """Serve a quantile of the largest demand within the horizon: no price has a say.

    The classic quantile scaler (Rzadca and others, "Autopilot", EuroSys 2020, have it for
    past demand). What is kept and what is added are the same, so capacity follows the
    forecast up and down.

    Args:
        quantile: chance that the largest demand within the horizon is not exceeded.
    """
    per_instance = forecast.level_requests / capacity_per_instance
    wish = instances_for(forecast.quantile(quantile), capacity_per_instance)
    misses = _Misses.of(forecast, 0, per_instance)
    candidates = tuple(
        Candidate(instances, misses.share(instances), None)
        for instances in range(max(0, wish - 2), wish + 3)
    )

    def otherwise(instances: int, more: bool) -> Alternative:
        enough = (instances - 1 if more else instances) * capacity_per_instance
        peak = forecast.quantile(quantile)
        level = forecast.probability_within(enough)
        return Alternative(
            instances,
            demand_factor=short(enough / peak) if peak > 0 else None,
            quantile=short(level) if (wish > enough / capacity_per_instance) != more else None,
        )

    return Plan(wish, wish, wish, candidates, otherwise)


def _nearest_price(price: float, more: bool, does_it: Callable[[float], bool]) -> float | None:
    """Of the prices above (or below), the nearest that does it; more of it does it all the more."""
    sign = 1 if more else -1
    ladder = [
        price * 2 ** (sign * n / PRICES_AN_OCTAVE) for n in range(PRICES_AN_OCTAVE * OCTAVES + 1)
    ]
    first, last = 0, len(ladder) - 1
    if not does_it(ladder[last]):
        return None
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (first, middle) if does_it(ladder[middle]) else (middle, last)
    return ladder[last]


@dataclass(frozen=True, eq=False)
class _Question:
    """Up to which capacity it pays: to keep it, or to add it.

    Attributes:
        unit_price: of an instance, in instance-intervals.
    """

    misses: _Misses
    unit_price: float

    def least_cost(self, miss_price: float) -> int:
        """Instances at which unit_price * x + miss_price * E[R; R > x] is least.

        Of a fraction of an instance, a whole one is made where the misses that it saves
        are worth it.
        """
        best, per_instance = self._best(miss_price), self.misses.per_instance
        loads = self.misses.loads[: best + 1]
        whole = math.floor(float(loads[-1]))
        saved = float(self.misses.mass[: best + 1][loads > whole].sum()) * per_instance
        return whole + 1 if miss_price * saved >= self.unit_price else whole

    def demand_factor(self, instances: int, miss_price: float) -> float:
        """On all demand: `least_cost` is at least so many from there on, and less below.

        Either whole instances are full, or a fraction of the last one is worth a whole; a
        factor moves neither the best support point nor what lies above another.
        """
        best = self._best(miss_price)
        loads, mass = self.misses.loads[: best + 1], self.misses.mass[: best + 1]
        if loads[-1] <= 0:
            return math.inf
        # From each support point on up, what the last instance would save.
        saved = np.cumsum(mass[::-1])[::-1] * self.misses.per_instance
        with np.errstate(divide="ignore", invalid="ignore"):
            begun = np.where(loads > 0, (instances - 1) / loads, math.inf)
            worth = self.unit_price / (miss_price * saved)
        fraction = float(np.maximum(begun, worth).min())
        return min(instances / float(loads[-1]), fraction)

    def _best(self, miss_price: float) -> int:
        """The support point of least cost; the last of equal ones, which is the safe side."""
        cost = self.unit_price * self.misses.ratios + miss_price * self.misses.beyond_each
        return len(cost) - 1 - int(np.argmin(cost[::-1]))


@dataclass(frozen=True, eq=False)
class _Misses:
    """Demand of some bins of the horizon, thrown together: ascending ratios, and weights.

    Attributes:
        per_instance: the recent level, in what an instance carries.
    """

    ratios: FloatArray
    mass: FloatArray
    per_instance: float

    @classmethod
    def of(cls, forecast: Forecast, first_bin: int, per_instance: float) -> _Misses:
        ratios = forecast.ratios[:, first_bin:]
        weights = np.repeat(forecast.weights, ratios.shape[1])
        order = np.argsort(ratios, axis=None, kind="stable")
        ratios = ratios.ravel()[order]
        return cls(ratios, weights[order] * ratios, per_instance)

    def missed(self, instances: int) -> float:
        """Expected misses with this capacity, in instance-intervals."""
        first_over = int(self.loads.searchsorted(instances, side="right"))
        return float(self._from_each[first_over]) * self.per_instance

    def share(self, instances: int) -> float:
        """Expected misses with this capacity, as a share of the demand."""
        total = float(self._from_each[0]) * self.per_instance
        return self.missed(instances) / total if total > 0 else 0.0

    @cached_property
    def loads(self) -> FloatArray:
        """The support points in instances."""
        return self.ratios * self.per_instance

    @cached_property
    def _from_each(self) -> FloatArray:
        """E[R; R >= r] for each ascending support point r, and 0 beyond the last."""
        return np.append(np.cumsum(self.mass[::-1])[::-1], 0.0)

    @property
    def beyond_each(self) -> FloatArray:
        """E[R; R > r] for each ascending support point r."""
        return self._from_each[1:]
