"""The price of a missed request, moved online so that one default serves every group.

A constant price is no service level: the same price misses ten times the share on noisy
traffic. So the price is in proportion to the share of requests that we missed of late, over
hours and over days, and gives way once we have spent more than target tracking would have
spent on the same demand: hardly for a few hours' worth, so that a surge is met, and all but
wholly for a day's. With a budget of misses the price moves until the budget is met.
"""

from __future__ import annotations

import math

from predictive_autoscaler.core.ledger import Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.why import PriceGrounds, short

PRICE_OF_MISSED_SHARE = 3600.0
"""The price for each unit of it: 36 where a hundredth is missed, 3.6 where a thousandth."""
PRICE_RANGE = (3.0, 200.0)
LEAST_PRICE = 1.0
PATIENCE_HOURS = 7.0
"""So much spent beyond target tracking leaves exp(-1) of the price; twice as much, exp(-4)."""


def miss_price(ledger: Ledger, parameters: ControlParameters) -> float:
    """The price to plan with, in units of the capacity that serves one request."""
    if parameters.miss_price is not None:
        return parameters.miss_price
    if parameters.missed_budget is not None:
        return math.exp(ledger.log_budget_price)
    low, high = PRICE_RANGE
    price = PRICE_OF_MISSED_SHARE * ledger.missed_share
    return max(min(max(price, low), high) * _left(ledger), LEAST_PRICE)


def price_grounds(ledger: Ledger, parameters: ControlParameters) -> PriceGrounds:
    """What `miss_price` followed, for the record."""
    if parameters.miss_price is not None:
        return PriceGrounds()
    missed = short(ledger.missed_share)
    if parameters.missed_budget is not None:
        return PriceGrounds(missed, budget=parameters.missed_budget)
    return PriceGrounds(
        missed,
        overspent_hours=short(ledger.overspent_hours),
        left=short(_left(ledger)),
    )


def _left(ledger: Ledger) -> float:
    """Of the price, after what was spent beyond the shadow."""
    return math.exp(-((ledger.overspent_hours / PATIENCE_HOURS) ** 2))
