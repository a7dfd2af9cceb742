"""What was spent, missed and forecast of late: fading sums, updated bin by bin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from predictive_autoscaler.core.types import Json

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
SHORT_MEMORY_SECONDS = 6 * HOUR_SECONDS
LONG_MEMORY_SECONDS = 2 * DAY_SECONDS
"""Time constants with which misses, and checks of the forecast, are forgotten."""
SUPPOSED_MISSED_SHARE = 0.003
"""Missed of late, as a new ledger has it: between smooth traffic and noisy."""
PRIOR_INSTANCE_INTERVALS = 500.0
"""How much demand at just that share the short memory begins with; the long, four times."""
SHADOW_CEILING = 0.99
"""Share of the shadow's hours that may be spent: below one, to be no dearer with what is owed."""
MOST_OVERSPENT_HOURS = 21.0
"""At the most remembered: the price is at its least long before, and must find back from there."""
BUDGET_GAIN_PER_HOUR = 1.2
BUDGET_AIM = 0.9
"""The price aims a little below the budget, since it learns of misses too late."""
BUDGET_START_PRICE = 10.0
BUDGET_PRICES = (1.0, 200.0)


@dataclass(frozen=True)
class Fading:
    """A sum that forgets, and the matching sum of what it is a share of."""

    part: float = 0.0
    whole: float = 0.0

    def with_bin(self, part: float, whole: float, keep: float) -> Fading:
        """One bin later; `keep` is what is left of the past after it."""
        return Fading(self.part * keep + part, self.whole * keep + whole)

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole > 0 else None


@dataclass(frozen=True)
class Ledger:
    """The controller's own account, and what it makes of the price of a miss.

    Attributes:
        missed_lately, missed_longer: missed of all requests, with short and long memory.
        shadow: instances that the shadow was billed, per bin.
        overspent_hours: what we spent beyond the shadow's ceiling, in hours of its usual
            spending; less what we saved since, and never below 0.
        log_budget_price: logarithm of the price that a budget of misses has led to.
        covered: forecasts whose band held what came, of those checked.
        error: absolute error of the median forecast, of actual demand.
    """

    missed_lately: Fading = Fading()
    missed_longer: Fading = Fading()
    shadow: Fading = Fading()
    overspent_hours: float = 0.0
    log_budget_price: float = math.log(BUDGET_START_PRICE)
    covered: Fading = Fading()
    error: Fading = Fading()

    @classmethod
    def fresh(cls, capacity_per_instance: float) -> Ledger:
        """A ledger that begins at the supposed share of misses, and lets go of it slowly."""
        prior = PRIOR_INSTANCE_INTERVALS * capacity_per_instance
        return cls(
            missed_lately=Fading(SUPPOSED_MISSED_SHARE * prior, prior),
            missed_longer=Fading(4 * SUPPOSED_MISSED_SHARE * prior, 4 * prior),
        )

    @property
    def missed_share(self) -> float:
        """Missed of late: the mean of both memories."""
        return 0.5 * ((self.missed_lately.share or 0.0) + (self.missed_longer.share or 0.0))

    def with_bin(
        self,
        billed: float,
        shadow: float,
        missed: float,
        demand: float,
        interval_seconds: int,
        budget: float | None,
    ) -> Ledger:
        """Enter one bin: instances billed to us and to the shadow, requests missed and all."""
        short, long, day = (
            math.exp(-interval_seconds / memory)
            for memory in (SHORT_MEMORY_SECONDS, LONG_MEMORY_SECONDS, DAY_SECONDS)
        )
        hours = interval_seconds / HOUR_SECONDS
        longer = self.missed_longer.with_bin(missed, demand, long)
        usual = self.shadow.with_bin(shadow, 1.0, day)
        overspent, log_price = self.overspent_hours, self.log_budget_price
        if usual.share:
            overspent += hours * (billed - SHADOW_CEILING * shadow) / usual.share
        usual_demand = longer.whole * (1 - long)
        if budget is not None and usual_demand > 0:
            over_budget = (missed - BUDGET_AIM * budget * demand) / usual_demand
            log_price += BUDGET_GAIN_PER_HOUR * hours * over_budget
        least, most = map(math.log, BUDGET_PRICES)
        return replace(
            self,
            missed_lately=self.missed_lately.with_bin(missed, demand, short),
            missed_longer=longer,
            shadow=usual,
            overspent_hours=min(max(overspent, 0.0), MOST_OVERSPENT_HOURS),
            log_budget_price=min(max(log_price, least), most),
        )

    def with_checked(
        self,
        *,
        inside: bool,
        error: float,
        actual: float,
        interval_seconds: int,
    ) -> Ledger:
        """Enter one forecast whose horizon has passed."""
        keep = math.exp(-interval_seconds / LONG_MEMORY_SECONDS)
        return replace(
            self,
            covered=self.covered.with_bin(float(inside), 1.0, keep),
            error=self.error.with_bin(error, actual, keep),
        )

    def to_json(self) -> Json:
        """Plain numbers; pairs for fading sums."""
        return {
            name: [value.part, value.whole] if isinstance(value, Fading) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Ledger:
        """Read what `to_json` wrote."""
        values: dict[str, Any] = {
            name: Fading(*map(float, value)) if isinstance(value, list) else float(value)
            for name, value in content.items()
        }
        return cls(**values)
