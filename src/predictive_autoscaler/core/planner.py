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
    to add:   H x + kappa * sum over the last S bins of E[R; R > x]

with R the forecast ratio of the bin. Each is least at a support point of the forecast, and
which one does not depend on the level. What there is stays while it lies between the two
answers, which spares most changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.types import Candidate, FloatArray, Forecast

ROUNDING_UP = 1.25
"""What a fraction must be worth to become one more instance: spares changes to and fro."""


@dataclass(frozen=True)
class Plan:
    """What the forecast calls for, before any policy.

    Attributes:
        instances: the wish.
        keep_instances: capacity above this is worth giving up.
        add_instances: capacity up to this is worth adding.
    """

    instances: int
    keep_instances: int
    add_instances: int
    candidates: tuple[Candidate, ...]


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
    whole_horizon = _Misses.of(forecast, first_bin=0)
    once_served = _Misses.of(forecast, first_bin=first)
    keep = whole_horizon.least_cost(served, miss_price, per_instance)
    add = once_served.least_cost(horizon, miss_price, per_instance, ROUNDING_UP)
    wish = max(add, min(before_instances, keep))

    def cost(instances: int) -> float:
        """Of keeping what there is up to this; beyond it, of adding as well."""
        kept = min(instances, before_instances)
        keeping = served * kept + miss_price * whole_horizon.missed(kept, per_instance)
        added = horizon * (instances - kept)
        spared = once_served.missed(kept, per_instance) - once_served.missed(
            instances, per_instance
        )
        return keeping + added - miss_price * spared

    candidates = tuple(
        Candidate(instances, once_served.share(instances, per_instance), cost(instances))
        for instances in range(max(0, wish - 2), wish + 3)
    )
    return Plan(wish, keep, add, candidates)


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
    misses = _Misses.of(forecast, first_bin=0)
    candidates = tuple(
        Candidate(instances, misses.share(instances, per_instance), None)
        for instances in range(max(0, wish - 2), wish + 3)
    )
    return Plan(wish, wish, wish, candidates)


@dataclass(frozen=True, eq=False)
class _Misses:
    """Demand of some bins of the horizon, thrown together: ascending ratios, and weights."""

    ratios: FloatArray
    mass: FloatArray

    @classmethod
    def of(cls, forecast: Forecast, first_bin: int) -> _Misses:
        ratios = forecast.ratios[:, first_bin:]
        weights = np.repeat(forecast.weights, ratios.shape[1])
        order = np.argsort(ratios, axis=None, kind="stable")
        ratios = ratios.ravel()[order]
        return cls(ratios, weights[order] * ratios)

    def least_cost(
        self, unit_price: float, miss_price: float, per_instance: float, rounding: float = 1.0
    ) -> int:
        """Instances at which unit_price * x + miss_price * E[R; R > x] is least.

        Of a fraction of an instance, a whole one is made where the misses that it saves
        are worth `rounding` of them.
        """
        cost = unit_price * self.ratios + miss_price * self._beyond_each()
        # The last of equal costs is the larger capacity: the safe side.
        best = len(cost) - 1 - int(np.argmin(cost[::-1]))
        loads = self.ratios[: best + 1] * per_instance
        whole = math.floor(float(loads[-1]))
        saved = float(self.mass[: best + 1][loads > whole].sum()) * per_instance
        return whole + 1 if miss_price * saved >= rounding * unit_price else whole

    def missed(self, instances: int, per_instance: float) -> float:
        """Expected misses with this capacity, in instance-intervals."""
        over = self.ratios * per_instance > instances
        return float(self.mass[over].sum()) * per_instance

    def share(self, instances: int, per_instance: float) -> float:
        """Expected misses with this capacity, as a share of the demand."""
        total = float(self.mass.sum()) * per_instance
        return self.missed(instances, per_instance) / total if total > 0 else 0.0

    def _beyond_each(self) -> FloatArray:
        """E[R; R > r] for each ascending support point r."""
        from_here = np.cumsum(self.mass[::-1])[::-1]
        return np.append(from_here[1:], 0.0)
