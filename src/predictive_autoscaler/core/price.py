"""The price of a missed request, moved online so that one default serves every group.

A constant price is no service level: the same price misses ten times the share on noisy
traffic. So the price follows the share of requests that we missed of late, over hours and
over days, and gives way while we spend more than target tracking would have spent on the
same demand. With a budget of misses it moves until the budget is met.
"""

from __future__ import annotations

import math

from predictive_autoscaler.core.ledger import AIMED_MISSED_SHARE, START_PRICE, Ledger
from predictive_autoscaler.core.parameters import ControlParameters

PRICE_RANGE = (3.0, 200.0)
LEAST_PRICE = 1.0
STEEPNESS = 1.5
"""How the price answers to misses: twice the aimed share makes it nearly three times as high."""


def miss_price(ledger: Ledger, parameters: ControlParameters) -> float:
    """The price to plan with, in units of the capacity that serves one request."""
    if parameters.miss_price is not None:
        return parameters.miss_price
    if parameters.missed_budget is not None:
        return math.exp(ledger.log_budget_price)
    low, high = PRICE_RANGE
    price = START_PRICE * math.pow(ledger.missed_share / AIMED_MISSED_SHARE, STEEPNESS)
    return max(min(max(price, low), high) * math.exp(-ledger.restraint), LEAST_PRICE)
