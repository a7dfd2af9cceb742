from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.ledger import (
    BUDGET_PRICES,
    DAY_SECONDS,
    MOST_OVERSPENT_HOURS,
    SHADOW_CEILING,
    SHORT_MEMORY_SECONDS,
    SUPPOSED_MISSED_SHARE,
    Fading,
    Ledger,
)

C = 1000.0
INTERVAL = 300
DAY = DAY_SECONDS // INTERVAL


def after(
    ledger: Ledger,
    bins: int,
    *,
    billed: float = 10.0,
    shadow: float = 10.0,
    missed_share: float = 0.0,
    budget: float | None = None,
) -> Ledger:
    """The ledger some like bins later."""
    demand = 8 * C
    for _ in range(bins):
        ledger = ledger.with_bin(
            billed=billed,
            shadow=shadow,
            missed=missed_share * demand,
            demand=demand,
            interval_seconds=INTERVAL,
            budget=budget,
        )
    return ledger


def test_a_sum_forgets() -> None:
    fading = Fading().with_bin(1.0, 4.0, 0.5).with_bin(0.0, 4.0, 0.5)
    assert (fading.part, fading.whole) == (0.5, 6.0)
    assert fading.share == pytest.approx(1 / 12)
    assert Fading().share is None


def test_a_fresh_ledger_stands_at_the_aimed_share_of_misses() -> None:
    assert Ledger.fresh(C).missed_share == pytest.approx(SUPPOSED_MISSED_SHARE)
    assert Ledger().missed_share == 0.0


def test_misses_are_remembered_for_hours_and_for_days() -> None:
    # Given an hour in which half was missed, then a quiet day
    bad = after(Ledger.fresh(C), 12, missed_share=0.5)
    good = after(bad, DAY)
    # Then the short memory has let go of it, and the long one has not
    assert bad.missed_share > 5 * SUPPOSED_MISSED_SHARE
    lately, longer = good.missed_lately.share, good.missed_longer.share
    assert lately is not None
    assert longer is not None
    assert lately < SUPPOSED_MISSED_SHARE < longer < bad.missed_share


def test_a_memory_lasts_as_long_as_it_says_whatever_the_interval() -> None:
    def left(interval: int) -> float:
        ledger = Ledger(missed_lately=Fading(1.0, 1.0))
        for _ in range(SHORT_MEMORY_SECONDS // interval):
            ledger = ledger.with_bin(1, 1, 0.0, 0.0, interval, None)
        return ledger.missed_lately.whole

    assert left(60) == pytest.approx(math.exp(-1))
    assert left(900) == pytest.approx(math.exp(-1))


def test_spending_beyond_the_shadow_is_counted_in_hours_of_its_usual_spending() -> None:
    # Half as much again as the shadow's ceiling, for six hours, is three of those hours
    dear, as_dear = 15.0 * SHADOW_CEILING, 10.0 * SHADOW_CEILING
    spent = after(Ledger.fresh(C), 72, billed=dear).overspent_hours
    assert spent == pytest.approx(3.0 * SHADOW_CEILING)
    assert after(Ledger.fresh(C), 7 * DAY, billed=as_dear).overspent_hours == 0.0
    assert after(Ledger.fresh(C), 7 * DAY).overspent_hours > 1.0


def test_what_was_overspent_does_not_depend_on_the_interval() -> None:
    def overspent(interval: int) -> float:
        ledger = Ledger()
        for _ in range(7200 // interval):
            ledger = ledger.with_bin(15.0, 10.0, 0.0, 0.0, interval, None)
        return ledger.overspent_hours

    assert overspent(60) == pytest.approx(overspent(300))


def test_what_is_saved_pays_back_what_was_overspent_and_no_more() -> None:
    dear = after(Ledger.fresh(C), DAY, billed=15.0)
    thrifty = after(dear, 12, billed=8.0)
    assert thrifty.overspent_hours == pytest.approx(dear.overspent_hours - (SHADOW_CEILING - 0.8))
    # Then nothing is laid by for later
    assert after(dear, 5 * DAY, billed=5.0).overspent_hours == 0.0


def test_what_was_overspent_is_remembered_up_to_an_end() -> None:
    assert after(Ledger.fresh(C), 5 * DAY, billed=50.0).overspent_hours == MOST_OVERSPENT_HOURS


def test_with_a_budget_the_price_rises_with_misses_above_it_and_falls_below() -> None:
    start = Ledger.fresh(C)
    more = after(start, 50, missed_share=0.02, budget=0.01)
    less = after(start, 50, missed_share=0.0, budget=0.01)
    assert more.log_budget_price > start.log_budget_price > less.log_budget_price
    untouched = after(start, 50, missed_share=0.02)
    assert untouched.log_budget_price == start.log_budget_price


def test_the_price_of_a_budget_stays_within_its_range() -> None:
    least, most = map(math.log, BUDGET_PRICES)
    assert after(Ledger.fresh(C), 20 * DAY, missed_share=1.0, budget=0.01).log_budget_price == most
    assert after(Ledger.fresh(C), 20 * DAY, budget=0.05).log_budget_price == least


def test_bins_without_demand_and_without_a_shadow_are_harmless() -> None:
    ledger = Ledger().with_bin(0.0, 0.0, 0.0, 0.0, INTERVAL, 0.01)
    assert (ledger.missed_share, ledger.overspent_hours) == (0.0, 0.0)


def test_checked_forecasts_are_counted() -> None:
    ledger = Ledger()
    for inside, error in ((True, 5.0), (False, 50.0)):
        ledger = ledger.with_checked(
            inside=inside,
            error=error,
            actual=100.0,
            interval_seconds=INTERVAL,
        )
    assert ledger.covered.share == pytest.approx(0.5, abs=0.01)
    assert ledger.error.share == pytest.approx(0.275, rel=0.01)


numbers = st.floats(0, 1e12)
pairs = st.builds(Fading, numbers, numbers)


@given(
    st.builds(
        Ledger,
        missed_lately=pairs,
        missed_longer=pairs,
        shadow=pairs,
        overspent_hours=numbers,
        log_budget_price=st.floats(-10, 10),
        covered=pairs,
        error=pairs,
    )
)
def test_a_ledger_survives_json_exactly(ledger: Ledger) -> None:
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger
