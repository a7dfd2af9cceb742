from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from predictive_autoscaler.core.planner import (
    CHANGE_PRICE,
    OCTAVES,
    PRICES_AN_OCTAVE,
    plan_capacity,
    plan_quantile,
)
from predictive_autoscaler.core.types import Forecast, Rung
from tests.unit.core.builders import MONDAY

# Quarters as ratios, powers of two as numbers of rows, whole levels and halves as prices: all sums
# and products are exact in floats, so that ties are ties and the reference may use fractions.
shapes = st.tuples(st.sampled_from([1, 2, 8, 16]), st.integers(1, 3))
quarters = hnp.arrays(np.int64, shapes, elements=st.integers(0, 24), fill=st.nothing())
rows = quarters.map(lambda numbers: (numbers / 4).tolist())
levels = st.integers(0, 9).map(float)
prices = st.integers(0, 24).map(lambda n: n / 2)
befores = st.integers(0, 40)
firsts = st.integers(0, 3)


def forecast_of(ratios: list[list[float]], level: float) -> Forecast:
    weights = np.full(len(ratios), 1.0 / len(ratios))
    return Forecast(MONDAY, level, np.array(ratios), weights, Rung.FOREST)


def least_cost(
    ratios: list[list[float]], first: int, unit: float, price: float, level: float
) -> int:
    """The documented rule by brute force: the cheapest support point, as instances.

    In whole numbers: demand in quarters of the level, costs in eighths per row.
    """
    demands = [round(4 * ratio) for row in ratios for ratio in row[first:]]

    def cost(capacity: int) -> float:
        missed = sum(demand for demand in demands if demand > capacity)
        return 2 * len(ratios) * unit * capacity + 2 * price * missed

    best = min(sorted(set(demands), reverse=True), key=cost)  # of equal costs, the larger
    whole = int(best * level // 4)
    # Of the demand that is worth serving, what the last instance alone would carry.
    last = sum(d for d in demands if d <= best and d * level > 4 * whole)
    saved = price * last * level
    return whole + 1 if saved >= unit * 4 * len(ratios) else whole


@given(ratios=rows, level=levels, price=prices, before=befores, first=firsts)
@settings(max_examples=150)
def test_keeping_and_adding_cost_least(
    ratios: list[list[float]], level: float, price: float, before: int, first: int
) -> None:
    plan = plan_capacity(forecast_of(ratios, level), 1.0, price, before, first)
    horizon = len(ratios[0])
    start = min(first, horizon - 1)
    served = horizon - start
    assert plan.keep_instances == least_cost(ratios, 0, served, price, level)
    assert plan.add_instances == least_cost(ratios, start, horizon + CHANGE_PRICE, price, level)


@given(ratios=rows, level=levels, price=prices, first=firsts)
@settings(max_examples=100)
def test_what_is_worth_adding_is_worth_keeping(
    ratios: list[list[float]], level: float, price: float, first: int
) -> None:
    # Given that possibly nobody comes: then "none at all" is weighed, too
    possible = [*ratios, *[[0.0] * len(ratios[0])] * len(ratios)]
    plan = plan_capacity(forecast_of(possible, level), 1.0, price, 0, first)
    assert plan.add_instances <= plan.keep_instances


@given(ratios=rows, level=levels, price=prices, before=befores, first=firsts)
def test_capacity_stays_while_it_lies_between_the_two(
    ratios: list[list[float]], level: float, price: float, before: int, first: int
) -> None:
    plan = plan_capacity(forecast_of(ratios, level), 1.0, price, before, first)
    add, keep = plan.add_instances, plan.keep_instances
    if add <= before <= keep:
        assert plan.instances == before
    assert min(add, keep) <= plan.instances <= max(add, keep)
    assert plan.instances in (add, keep, before)


@given(ratios=rows, level=levels, more=levels, price=prices, before=befores, first=firsts)
@settings(max_examples=100)
def test_more_demand_never_takes_fewer_instances(
    ratios: list[list[float]], level: float, more: float, price: float, before: int, first: int
) -> None:
    some, greater = (
        plan_capacity(forecast_of(ratios, amount), 1.0, price, before, first)
        for amount in (level, level + more)
    )
    assert some.instances <= greater.instances


@given(ratios=rows, level=levels, price=prices, more=prices, before=befores, first=firsts)
@settings(max_examples=100)
def test_a_dearer_miss_never_takes_fewer_instances(
    ratios: list[list[float]], level: float, price: float, more: float, before: int, first: int
) -> None:
    cheap, dear = (
        plan_capacity(forecast_of(ratios, level), 1.0, kappa, before, first)
        for kappa in (price, price + more)
    )
    assert cheap.instances <= dear.instances


@given(ratios=rows, level=levels, price=prices, before=befores)
def test_candidates_lie_around_the_wish_and_miss_less_the_more_they_are(
    ratios: list[list[float]], level: float, price: float, before: int
) -> None:
    plan = plan_capacity(forecast_of(ratios, level), 1.0, price, before, 1)
    instances = [candidate.instances for candidate in plan.candidates]
    shares = [candidate.expected_missed_share for candidate in plan.candidates]
    assert plan.instances in instances
    assert instances == sorted(set(instances))
    assert min(instances) >= 0
    assert shares == sorted(shares, reverse=True)
    assert all(0.0 <= share <= 1.0 for share in shares)


@given(ratios=rows, price=prices, before=befores)
def test_no_demand_needs_no_instances(ratios: list[list[float]], price: float, before: int) -> None:
    plan = plan_capacity(forecast_of(ratios, 0.0), 1.0, price, before, 0)
    assert (plan.instances, plan.candidates[0].expected_missed_share) == (0, 0.0)


NEARLY = 1e-4
"""Records keep five digits of a factor."""


@given(ratios=rows, level=levels, price=prices, before=befores, first=firsts)
@example(ratios=[[0.25], [2.0]], level=3.0, price=0.5, before=0, first=0)
@settings(max_examples=120)
def test_from_the_demand_that_is_told_one_more_is_called_for_and_below_it_fewer(
    ratios: list[list[float]], level: float, price: float, before: int, first: int
) -> None:
    def wish(factor: float) -> int:
        scaled = forecast_of(ratios, level * factor)
        return plan_capacity(scaled, 1.0, price, before, first).instances

    plan = plan_capacity(forecast_of(ratios, level), 1.0, price, before, first)
    more = plan.otherwise(plan.instances + 1, True).demand_factor
    if more is None:
        assert wish(1e6) <= max(plan.instances, before)
    else:
        assert wish(more * (1 - NEARLY)) <= plan.instances < wish(more * (1 + NEARLY))
    if plan.instances:
        fewer = plan.otherwise(plan.instances - 1, False).demand_factor
        assert fewer is not None
        assert wish(fewer * (1 - NEARLY)) < plan.instances <= wish(fewer * (1 + NEARLY))


@given(ratios=rows, level=levels, price=prices, before=befores, first=firsts)
@settings(max_examples=80)
def test_at_the_price_that_is_told_it_is_otherwise_and_at_the_one_nearer_not_yet(
    ratios: list[list[float]], level: float, price: float, before: int, first: int
) -> None:
    assume(price > 0)

    def wish(kappa: float) -> int:
        return plan_capacity(forecast_of(ratios, level), 1.0, kappa, before, first).instances

    step = 2 ** (1 / PRICES_AN_OCTAVE)
    plan = plan_capacity(forecast_of(ratios, level), 1.0, price, before, first)
    more = plan.otherwise(plan.instances + 1, True).miss_price
    if more is None:
        assert wish(price * 2**OCTAVES) <= plan.instances
    else:
        assert wish(more * (1 + NEARLY)) > plan.instances >= wish(more / step * (1 - NEARLY))
    fewer = plan.otherwise(plan.instances - 1, False).miss_price
    if fewer is None:
        assert wish(price / 2**OCTAVES) >= plan.instances
    else:
        assert wish(fewer * (1 - NEARLY)) < plan.instances <= wish(fewer * step * (1 + NEARLY))


def test_of_what_is_called_for_already_no_other_price_is_told() -> None:
    plan = plan_capacity(forecast_of([[1.0]], 5.0), 1.0, 10.0, 0, 0)
    assert plan.instances == 5
    assert plan.otherwise(4, True).miss_price is None
    assert plan.otherwise(6, False).miss_price is None
    assert plan.otherwise(7, True).demand_factor is not None


@given(ratios=rows, level=levels, quantile=st.sampled_from([0.5, 0.75, 0.9]))
def test_another_quantile_or_demand_would_have_been_served_otherwise(
    ratios: list[list[float]], level: float, quantile: float
) -> None:
    def wish(level: float, quantile: float) -> int:
        return plan_quantile(forecast_of(ratios, level), 1.0, quantile).instances

    plan = plan_quantile(forecast_of(ratios, level), 1.0, quantile)
    more = plan.otherwise(plan.instances + 1, True)
    if more.demand_factor is not None:
        assert wish(level * more.demand_factor * (1 + NEARLY), quantile) > plan.instances
        assert wish(level * more.demand_factor * (1 - NEARLY), quantile) <= plan.instances
    assert more.quantile is not None
    if more.quantile < 1:
        assert wish(level, more.quantile + NEARLY) > plan.instances
    assert wish(level, more.quantile - NEARLY) <= plan.instances
    if plan.instances:
        fewer = plan.otherwise(plan.instances - 1, False)
        assert fewer.demand_factor is not None
        assert wish(level * fewer.demand_factor * (1 - NEARLY), quantile) < plan.instances
        assert fewer.quantile is not None
        assert wish(level, fewer.quantile + NEARLY) >= plan.instances
        if fewer.quantile > 0:
            assert wish(level, fewer.quantile - NEARLY) < plan.instances


@given(ratios=rows, level=levels)
def test_at_an_exorbitant_price_nothing_is_missed(ratios: list[list[float]], level: float) -> None:
    assume(level > 0)
    plan = plan_capacity(forecast_of(ratios, level), 1.0, 1e9, 0, 0)
    assert plan.instances == math.ceil(level * max(max(row) for row in ratios))


def test_a_rare_peak_is_worth_its_price_and_not_more() -> None:
    # Given ten instances' worth of demand, and twenty once in eight times
    ratios = [[1.0]] * 7 + [[2.0]]
    # Then the other ten save a miss of 20/8 for 10 and a quarter of that for the change: worth
    # it from a price of 5 on
    forecast = forecast_of(ratios, 10.0)
    wishes = [plan_capacity(forecast, 1.0, price, 0, 0).instances for price in (4.9, 5.0, 5.1)]
    assert wishes == [10, 20, 20]


@pytest.mark.parametrize(("ratio", "instances"), [(3.0, 3), (3.05, 3), (3.5, 4)])
def test_a_sliver_of_an_instance_is_not_taken_if_missing_it_is_cheaper(
    ratio: float, instances: int
) -> None:
    # Given hundred ways, of which one needs a little more than three instances
    ratios = np.full((100, 1), 3.0)
    ratios[0] = ratio
    ratios[1:50] = min(ratio, 3.0) if ratio <= 3.05 else ratio
    forecast = Forecast(MONDAY, 1.0, ratios, np.full(100, 0.01), Rung.FOREST)
    assert plan_capacity(forecast, 1.0, 10.0, 0, 0).instances == instances


@given(
    before=st.integers(0, 12),
    price=st.sampled_from([2.0, 5.0, 20.0]),
    level=st.floats(2.0, 9.0),
)
@example(before=0, price=20.0, level=3.546875)
def test_no_weighed_capacity_is_much_cheaper_than_the_wish(
    before: int, price: float, level: float
) -> None:
    """The table of an explanation must not contradict the decision."""
    rng = np.random.default_rng(3)
    ratios = np.exp(rng.normal(0, 0.2, (300, 2)))
    plan = plan_capacity(forecast_of(ratios.tolist(), level), 1.0, price, before, 1)
    cost = {one.instances: one.cost for one in plan.candidates if one.cost is not None}
    assert len(cost) == len(plan.candidates)
    # Nothing at all is not weighed; rounding to whole instances costs no more than one of them
    # over the two bins.
    least = min(price for instances, price in cost.items() if instances > 0)
    assert cost[plan.instances] <= least + 2.0


@given(ratios=rows, level=levels, quantile=st.sampled_from([0.5, 0.75, 0.9, 0.9999]))
def test_a_quantile_of_the_largest_demand_is_carried(
    ratios: list[list[float]], level: float, quantile: float
) -> None:
    plan = plan_quantile(forecast_of(ratios, level), 1.0, quantile)
    peaks = [level * max(row) for row in ratios]
    # So many of the equally likely ways are served, and with one instance fewer they are not
    assert sum(peak <= plan.instances for peak in peaks) >= quantile * len(peaks)
    assert sum(peak <= plan.instances - 1 for peak in peaks) < quantile * len(peaks)
    assert plan.instances == plan.keep_instances == plan.add_instances


def test_around_a_quantile_misses_are_told_and_costs_are_not() -> None:
    # Given three of ten who come twice as many, in one of two bins
    ratios = [[1.0, 1.0]] * 7 + [[1.0, 2.0]] * 3
    plan = plan_quantile(forecast_of(ratios, 3.0), 1.0, 0.7)
    shares = {one.instances: one.expected_missed_share for one in plan.candidates}
    assert plan.instances == 3
    assert list(shares) == [1, 2, 3, 4, 5]
    assert shares[2] == 1.0
    assert shares[3] == pytest.approx(6 / (17 * 1.0 + 3 * 2.0))
    assert all(one.cost is None for one in plan.candidates)
