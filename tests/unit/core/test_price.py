from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.ledger import AIMED_MISSED_SHARE, START_PRICE, Fading, Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.price import LEAST_PRICE, PRICE_RANGE, miss_price

FOLLOWING = ControlParameters()


def missing(share: float, restraint: float = 0.0) -> Ledger:
    memory = Fading(share, 1.0)
    return Ledger(missed_lately=memory, missed_longer=memory, restraint=restraint)


def test_a_fixed_price_is_taken_as_it_is() -> None:
    assert miss_price(missing(0.5, 3.0), ControlParameters(miss_price=7.5)) == 7.5


def test_the_price_begins_in_the_middle() -> None:
    fresh = replace(Ledger.fresh(1000.0), restraint=0.0)
    assert miss_price(fresh, FOLLOWING) == pytest.approx(START_PRICE)
    assert miss_price(missing(AIMED_MISSED_SHARE), FOLLOWING) == pytest.approx(START_PRICE)


shares = st.floats(0, 1)


@given(one=shares, other=shares)
def test_the_price_rises_with_the_share_of_misses(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert miss_price(missing(low), FOLLOWING) <= miss_price(missing(high), FOLLOWING)


@given(share=shares, restraint=st.floats(0, 10))
def test_restraint_lowers_the_price_down_to_a_least_one(share: float, restraint: float) -> None:
    restrained = miss_price(missing(share, restraint), FOLLOWING)
    assert LEAST_PRICE <= restrained <= miss_price(missing(share), FOLLOWING)


def test_the_price_stays_within_its_range() -> None:
    low, high = PRICE_RANGE
    assert miss_price(missing(0.0), FOLLOWING) == low
    assert miss_price(missing(1.0), FOLLOWING) == high


def test_with_a_budget_the_price_is_where_the_budget_led_it() -> None:
    # And neither the aimed share nor the shadow's hours have a say
    ledger = replace(missing(1.0, 5.0), log_budget_price=math.log(33.0))
    budget = ControlParameters(missed_budget=0.01)
    assert miss_price(ledger, budget) == pytest.approx(33.0)


def test_a_fixed_price_goes_before_a_budget() -> None:
    both = ControlParameters(miss_price=3.0, missed_budget=0.01)
    assert miss_price(Ledger(), both) == 3.0
