from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.ledger import SUPPOSED_MISSED_SHARE, Fading, Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.price import (
    LEAST_PRICE,
    PATIENCE_HOURS,
    PRICE_RANGE,
    miss_price,
    price_grounds,
)
from predictive_autoscaler.core.why import PriceGrounds

FOLLOWING = ControlParameters()


def missing(share: float, overspent_hours: float = 0.0) -> Ledger:
    memory = Fading(share, 1.0)
    return Ledger(missed_lately=memory, missed_longer=memory, overspent_hours=overspent_hours)


def test_a_fixed_price_is_taken_as_it_is() -> None:
    assert miss_price(missing(0.5, 3.0), ControlParameters(miss_price=7.5)) == 7.5


def test_the_price_of_a_new_ledger_is_that_of_the_supposed_misses() -> None:
    assert miss_price(Ledger.fresh(1000.0), FOLLOWING) == pytest.approx(10.8)
    assert miss_price(missing(SUPPOSED_MISSED_SHARE), FOLLOWING) == pytest.approx(10.8)


@given(share=st.floats(0.001, 0.02), factor=st.floats(1.0, 2.5))
def test_the_price_is_in_proportion_to_the_misses(share: float, factor: float) -> None:
    once, more = (miss_price(missing(one), FOLLOWING) for one in (share, factor * share))
    assert more == pytest.approx(factor * once)


shares = st.floats(0, 1)


@given(one=shares, other=shares)
def test_the_price_rises_with_the_share_of_misses(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert miss_price(missing(low), FOLLOWING) <= miss_price(missing(high), FOLLOWING)


@given(share=shares, hours=st.floats(0, 30), more=st.floats(0, 30))
def test_what_was_overspent_lowers_the_price_down_to_a_least_one(
    share: float, hours: float, more: float
) -> None:
    thrifty, dear, dearer = (
        miss_price(missing(share, overspent), FOLLOWING) for overspent in (0.0, hours, hours + more)
    )
    assert LEAST_PRICE <= dearer <= dear <= thrifty


def test_two_hours_spent_beyond_the_shadow_leave_the_price_alone_and_a_day_takes_it() -> None:
    def left(hours: float) -> float:
        return miss_price(missing(0.02, hours), FOLLOWING) / miss_price(missing(0.02), FOLLOWING)

    assert left(2.0) > 0.9
    assert left(PATIENCE_HOURS) == pytest.approx(math.exp(-1))
    assert left(24.0) == LEAST_PRICE / miss_price(missing(0.02), FOLLOWING)


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


@given(share=st.floats(0.001, 0.05), hours=st.floats(0, 10))
def test_the_grounds_are_those_of_the_price(share: float, hours: float) -> None:
    ledger = missing(share, hours)
    grounds = price_grounds(ledger, FOLLOWING)
    assert grounds.missed_share == pytest.approx(share, rel=1e-4)
    assert grounds.overspent_hours == pytest.approx(hours, rel=1e-4)
    assert grounds.left is not None
    expected = max(miss_price(missing(share), FOLLOWING) * grounds.left, LEAST_PRICE)
    assert miss_price(ledger, FOLLOWING) == pytest.approx(expected, rel=1e-4)


def test_the_grounds_of_a_budget_and_of_a_setting() -> None:
    ledger = missing(0.004, 3.0)
    assert price_grounds(ledger, ControlParameters(miss_price=5.0)) == PriceGrounds()
    budget = price_grounds(ledger, ControlParameters(missed_budget=0.01))
    assert budget == PriceGrounds(0.004, budget=0.01)
