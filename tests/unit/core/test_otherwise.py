"""What it would have taken to decide otherwise: told, and true when it is tried."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from predictive_autoscaler.core.decide import Evidence, decide
from predictive_autoscaler.core.otherwise import otherwise
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import Bounds, CalendarEvent, Decision, Samples
from predictive_autoscaler.core.why import Alternative, LastWeek, Limit
from tests.unit.core.builders import (
    MONDAY,
    PARAMETERS,
    C,
    evidence,
    metrics,
    shop,
    small_model,
    state,
)
from tests.unit.core.test_explain import PLAIN

NEARLY = 1e-3
MORNING = shop().window(0, 7 * 96 + 30)
"""Rising: the forecast lies above the present demand."""
EVENING = shop()
"""Falling: the present demand rules."""
SITUATIONS = {
    "rising": evidence(MORNING, 6, model=small_model()),
    "falling": evidence(EVENING, 12, model=small_model()),
    "without a model": evidence(
        MORNING, 30, remembered=state(MORNING, 30, ((MORNING.end - timedelta(minutes=20), 9),))
    ),
    "many there": evidence(EVENING, 60, model=small_model()),
    "held": evidence(EVENING, 40, model=small_model(), blocked_by="a refresh runs"),
    "little room": evidence(MORNING, 6, model=small_model(), bounds=Bounds(1, 7)),
}


def taken(found: Evidence, parameters: ControlParameters, factor: float) -> int:
    """What is decided with demand so much higher: the same as with smaller instances."""
    assert parameters.capacity_per_instance is not None
    smaller = replace(parameters, capacity_per_instance=C / factor)
    remembered = found.state and replace(found.state, capacity_per_instance=C / factor)
    return decide(replace(found, state=remembered), smaller).decision.after_instances


def factor_of(alternative: Alternative | None, floor_at: int, decision: Decision) -> float:
    """On demand, of the forecast and of the floor together."""
    assert alternative is not None
    floor = floor_at * C / decision.present_demand_requests
    return min(alternative.demand_factor or np.inf, floor)


@pytest.mark.parametrize(
    "parameters", [PARAMETERS, replace(PARAMETERS, miss_price=None, quantile=0.9)]
)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_demand_that_is_told_makes_the_difference_when_it_is_decided_again(
    situation: str, parameters: ControlParameters
) -> None:
    found = SITUATIONS[situation]
    decision = decide(found, parameters).decision
    after = decision.after_instances
    up = factor_of(decision.one_more, after, decision)
    below, above = (taken(found, parameters, up * (1 + off)) for off in (-NEARLY, NEARLY))
    assert below <= after
    if any(limit.most_instances for limit in decision.limits):
        assert above == after
    elif up > 1:
        assert above > after
    down = factor_of(decision.one_fewer, after - 1, decision)
    held = {one.policy for one in decision.limits if one.least_instances} - {"reactive floor"}
    lower = taken(found, parameters, min(down, 1.0) * (1 - NEARLY))
    # Instances in service serve more, if demand is lower; their number as such is no reason.
    assert (lower < after) is not bool(held)
    if down < 1:
        assert taken(found, parameters, down * (1 + NEARLY)) >= after


@pytest.mark.parametrize("situation", ["rising", "falling", "many there"])
def test_so_does_the_price_that_is_told(situation: str) -> None:
    found = SITUATIONS[situation]
    decision = decide(found, PARAMETERS).decision
    tried = 0
    for alternative, more in ((decision.one_more, True), (decision.one_fewer, False)):
        assert alternative is not None
        if alternative.miss_price is None:
            continue
        at = replace(PARAMETERS, miss_price=alternative.miss_price)
        wish = decide(found, at).decision.wish_instances
        assert (wish >= alternative.instances) if more else (wish <= alternative.instances)
        tried += 1
    assert tried or situation != "rising"


def test_what_keeps_capacity_is_recorded_and_nothing_else() -> None:
    falling = decide(SITUATIONS["falling"], PARAMETERS).decision
    assert [limit.policy for limit in falling.limits] == ["reactive floor"]
    held = decide(SITUATIONS["held"], PARAMETERS).decision
    assert held.limits == (Limit("group is busy", "a refresh runs", least_instances=40),)
    event = CalendarEvent("sale", EVENING.end, EVENING.end + timedelta(hours=2), 50)
    found = evidence(EVENING, 45, model=small_model(), calendar=[event], bounds=Bounds(1, 50))
    announced = decide(found, PARAMETERS).decision
    assert [(one.policy, one.least_instances, one.most_instances) for one in announced.limits] == [
        ("calendar", 50, None),
        ("bounds", None, 50),
    ]
    assert announced.limits[0].until == event.end


def test_without_a_forecast_there_is_nothing_to_tell_but_what_holds() -> None:
    nobody = metrics(np.full(8, np.nan), 900)
    decision = decide(evidence(nobody, 4), PARAMETERS).decision
    assert decision.one_more is decision.one_fewer is None
    assert otherwise(decision) == ()


def test_of_no_instances_there_are_none_fewer() -> None:
    idle = metrics(np.zeros(96), 900)
    found = evidence(idle, 0, bounds=Bounds(0, 9), remembered=state(idle, 0))
    decision = decide(found, PARAMETERS).decision
    assert decision.after_instances == 0
    assert decision.one_fewer is None
    assert decision.one_more == Alternative(1)


def week_ago(samples: Samples) -> LastWeek | None:
    return decide(evidence(samples, 12, model=small_model()), PARAMETERS).decision.last_week


def test_a_week_ago_is_recorded_from_the_metrics() -> None:
    then = len(shop()) - 7 * 96
    peak = shop().requests[then : then + PARAMETERS.features.horizon_bins].max()
    expected = LastWeek(float(f"{shop().requests[then - 1]:.5g}"), float(f"{peak:.5g}"), 40.0)
    assert week_ago(shop()) == expected
    # The interval a week ago is the first of all.
    assert week_ago(shop().latest(7 * 96 + 1)) == expected
    assert week_ago(shop().latest(7 * 96)) is None
    lost = shop().requests.copy()
    lost[then - 1 : then + 8] = np.nan
    served = shop().in_service.copy()
    served[then - 1] = 39.0
    gone = week_ago(shop().replaced(requests=lost, in_service=served))
    assert gone == LastWeek(None, None, 39.0)


# Words


def told(**changes: object) -> str:
    return " ".join(otherwise(replace(PLAIN, **changes)))  # type: ignore[arg-type]


def test_the_demand_and_the_price_that_it_would_have_taken_are_told() -> None:
    more = told(one_more=Alternative(8, demand_factor=1.5, miss_price=11.314))
    assert more == (
        "One more, 8, would have taken 50 % more demand, from about 6,482 requests in the newest "
        "interval on, or a missed request priced at 11.3 instead of 8."
    )
    fewer = told(one_fewer=Alternative(6, demand_factor=0.95, miss_price=7.3))
    assert fewer == (
        "One fewer, 6, would have taken 5 % less demand, below about 4,105 requests in the newest "
        "interval, or a missed request priced at 7.3 instead of 8."
    )


def test_the_present_demand_counts_as_well_as_the_forecast() -> None:
    # Given 4,321 requests, and 1,000 for each instance: 7 are too few from 7,000 on
    assert "62 % more demand, from about 7,000" in told(one_more=Alternative(8, demand_factor=2.0))
    busy = {"present_demand_requests": 6500.0, "floor_instances": 7}
    fewer = told(**busy, one_fewer=Alternative(6, demand_factor=0.99, miss_price=7.3))
    assert "7.69 % less demand, below about 6,000" in fewer
    assert "priced" not in fewer  # no price moves the floor


def test_a_served_quantile_is_told_instead_of_a_price() -> None:
    served = {"miss_price": None, "served_quantile": 0.95}
    assert "or a served quantile above 97.5 % instead of 95 %." in told(
        **served, one_more=Alternative(8, 1.2, quantile=0.975)
    )
    assert "or a served quantile of at most 90 % instead of 95 %." in told(
        **served, one_fewer=Alternative(6, 0.9, quantile=0.9)
    )


LIMITS = {
    "bounds above": (
        Limit("bounds", "the group's maximum is 7", most_instances=7),
        "bounds would keep 7, because the group's maximum is 7 (not with a maximum of 8).",
    ),
    "bounds below": (
        Limit("bounds", "the group's minimum is 7", least_instances=7),
        "bounds would keep 7, because the group's minimum is 7 (not with a minimum of 6).",
    ),
    "step": (
        Limit("step limit", "at most 3 go in one step", least_instances=7),
        "step limit would keep 7, because at most 3 go in one step (not with a step of 4).",
    ),
    "calendar": (
        Limit("calendar", "'sale' is announced", least_instances=9, until=MONDAY),
        "calendar would keep 7, because 'sale' is announced (until 2026-03-02T00:00:00Z; not with "
        "an announcement of 6).",
    ),
    "grace": (
        Limit("scale-in grace", "7 were needed", least_instances=7, until=MONDAY),
        "scale-in grace would keep 7, because 7 were needed (until 2026-03-02T00:00:00Z).",
    ),
    "spending": (
        Limit("spending cap", "the money is spent", most_instances=7, until=MONDAY),
        "spending cap would keep 7, because the money is spent (until 2026-03-02T00:00:00Z; not "
        "with a cap above 12.50 USD).",
    ),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_rule_that_binds_is_named_with_what_would_loosen_it(limit: str) -> None:
    rule, words = LIMITS[limit]
    money = {"spent_usd": 12.5, "expected_usd": 20.0, "until": "2026-03-03T00:00:00Z"}
    given = {"limits": (rule,), "before_instances": 10, "spending": money}
    if rule.most_instances is not None:
        even = told(**given, one_more=Alternative(8, 1.5))
        called = told(**given, wish_instances=9, one_more=Alternative(8, 0.9))
        assert called == f"One more, 8, was called for. {words[0].upper()}{words[1:]}"
    else:
        even = told(**given, one_fewer=Alternative(6, 0.9))
        called = told(**given, wish_instances=5, one_fewer=Alternative(6, 1.3))
        assert called == f"One fewer, 6, would do by the forecast. {words[0].upper()}{words[1:]}"
    assert even.endswith(f". Even then, {words}")


def test_where_no_demand_changes_it_that_is_said() -> None:
    assert told(one_fewer=Alternative(0, 0.0), wish_instances=1, after_instances=1) == (
        "No demand would have led to one fewer, 0."
    )
    assert told(one_more=Alternative(8), present_demand_requests=0.0) == ""
