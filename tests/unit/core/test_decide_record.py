"""What stands in the record of a decision, and why data in doubt hold it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import decide, forecast_demand
from predictive_autoscaler.core.features import build_features
from predictive_autoscaler.core.mixture import Answer
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.spending import Prices, Spending
from predictive_autoscaler.core.types import Bounds, Decision, FloatArray, Quality, Rung, Samples
from tests.unit.core.builders import (
    INTERVAL,
    MONDAY,
    PARAMETERS,
    evidence,
    metrics,
    shop,
    small_model,
    state,
    with_newest,
)

NAN = np.nan
FLAT = metrics([5000.0] * 12, INTERVAL)
"""From midnight to three: what five instances carry."""


def decided(
    samples: Samples = FLAT, before: int = 10, late: float = 0, **changes: object
) -> Decision:
    given = evidence(samples, before, minutes_late=late)
    return decide(replace(given, **changes), PARAMETERS).decision  # type: ignore[arg-type]


def test_the_record_names_what_was_decided_for_whom_when_and_on_what_grounds() -> None:
    given = evidence(shop(), 20, model=small_model(), minutes_late=3)
    slot = given.slot - timedelta(minutes=15)
    decision = decide(replace(given, slot=slot, faults=("S3 is slow",)), PARAMETERS).decision
    assert (decision.group, decision.slot) == ("web", slot)
    assert decision.rung is Rung.FOREST
    assert decision.model_id == small_model().card.model_id
    assert decision.present_demand_requests == shop().requests[-1]
    assert decision.present_quality is Quality.OK
    assert decision.capacity_per_instance == 1000.0
    assert (decision.miss_price, decision.served_quantile) == (20.0, None)
    assert list(decision.quantiles) == ["0.05", "0.25", "0.5", "0.75", "0.95", "0.99"]
    assert decision.wish_instances in {candidate.instances for candidate in decision.candidates}
    assert decision.before_instances == 20
    assert decision.faults == ("S3 is slow",)
    assert decision.spending is None


def test_faults_on_the_way_come_before_those_of_the_forecast() -> None:
    given = replace(evidence(shop().latest(4), 20), faults=("S3 is slow",))
    first, second = decide(given, PARAMETERS).decision.faults
    assert first == "S3 is slow"
    assert second.startswith("seasonal: ")


def test_the_recorded_quantiles_are_the_forecasts() -> None:
    outcome = decide(evidence(shop(), 20, model=small_model()), PARAMETERS)
    assert outcome.forecast is not None
    for level, requests in outcome.decision.quantiles.items():
        assert requests == outcome.forecast.quantile(float(level))


def test_what_moved_the_forecast_is_recorded_with_it() -> None:
    outcome = decide(evidence(shop(), 20, model=small_model()), PARAMETERS)
    assert outcome.forecast is not None
    assert outcome.decision.drivers is not None
    assert outcome.decision.drivers == outcome.forecast.drivers
    assert decided().drivers is None  # no forest, no features


def test_a_quantile_is_served_whatever_a_miss_may_cost() -> None:
    parameters = replace(PARAMETERS, miss_price=None, quantile=0.99)
    outcome = decide(evidence(shop(), 60, model=small_model()), parameters)
    decision = outcome.decision
    assert (decision.miss_price, decision.served_quantile) == (None, 0.99)
    assert decision.wish_instances == -(-decision.quantiles["0.99"] // 1000)
    assert {candidate.cost for candidate in decision.candidates} == {None}


def test_the_quality_of_the_newest_bins_is_recorded_by_their_time() -> None:
    samples = with_newest(FLAT, 2, requests=NAN)
    samples = with_newest(samples, 1, requests=5000.0, cpu_percent=95.0)
    assert decided(samples).recent_quality == {
        "2026-03-02T01:30:00Z": "ok",
        "2026-03-02T01:45:00Z": "ok",
        "2026-03-02T02:00:00Z": "ok",
        "2026-03-02T02:15:00Z": "ok",
        "2026-03-02T02:30:00Z": "missing",
        "2026-03-02T02:45:00Z": "censored",
    }


def test_a_short_memory_has_the_quality_of_what_there_is() -> None:
    assert list(decided(metrics([5000.0] * 2, INTERVAL)).recent_quality.items()) == [
        ("2026-03-02T00:00:00Z", "ok"),
        ("2026-03-02T00:15:00Z", "ok"),
    ]


def test_where_nobody_was_ever_counted_the_demand_is_recorded_as_none() -> None:
    decision = decided(metrics([NAN] * 3, INTERVAL))
    assert (decision.present_demand_requests, decision.floor_instances) == (0.0, 0)


# Doubt


@pytest.mark.parametrize(
    ("newest", "text"),
    [
        ({"requests": NAN}, "the newest request count is absent"),
        ({"requests": 0.0}, "the newest request count is zero in the midst of traffic"),
        ({"cpu_percent": 95.0}, "the group is overloaded, so its count is only a lower bound"),
        ({"coverage": 0.6}, "minutes are absent from the newest interval"),
    ],
    ids=["absent", "zero", "overloaded", "partial"],
)
def test_data_in_doubt_hold_capacity_and_say_why(newest: dict[str, float], text: str) -> None:
    decision = decided(with_newest(FLAT, 1, **newest), before=30)
    assert decision.after_instances == 30
    last = decision.reasons[-1]
    assert (last.policy, last.text) == ("data quality", text)
    # Other than the same with somebody's doubt about something else
    doubted = decided(with_newest(FLAT, 1, **newest), before=30, doubt="no record")
    assert doubted.reasons[-1].text == text


def test_metrics_that_are_late_say_by_how_much() -> None:
    decision = decided(before=30, late=30, doubt="no record")
    assert decision.after_instances == 30
    assert decision.reasons[-1].text == "the metrics are 30 minutes late"
    just_in_time = replace(PARAMETERS, metric_delay_seconds=120)
    given = evidence(FLAT, 30, minutes_late=16)
    reasons = decide(given, just_in_time).decision.reasons
    assert "data quality" not in {reason.policy for reason in reasons}


def test_what_else_is_in_doubt_holds_capacity_too() -> None:
    decision = decided(before=30, doubt="the record before cannot be read")
    assert decision.after_instances == 30
    assert decision.reasons[-1].text == "the record before cannot be read"


def test_trouble_in_the_last_half_hour_holds_capacity_after_it_has_gone() -> None:
    failing = with_newest(with_newest(FLAT, 2, requests=4500.0, errors=900.0), 1, errors=0.0)
    decision = decided(failing, before=30)
    assert decision.present_quality is Quality.OK
    assert decision.after_instances == 30
    assert decision.reasons[-1].policy == "shop in trouble"
    # Whereas errors of a group that had too little are no trouble of the shop
    crowded = with_newest(failing, 2, in_service=2.0)
    reasons = decided(crowded, before=30).reasons
    assert "shop in trouble" not in {reason.policy for reason in reasons}


# Money


PRICES = Prices(instance_hour_usd=0.1, cap_usd=50.0)
SPENT = Spending(MONDAY, usd=1.23456789, hourly_usd=1.0, known_hours=100.0)


def money(prices: Prices | None, spending: Spending | None) -> object:
    # All bins are accounted for, so that nothing is added
    before = replace(state(FLAT, 5), accounted_until=FLAT.end, spending=spending)
    given = evidence(FLAT, 5, remembered=before)
    return decide(given, replace(PARAMETERS, prices=prices)).decision.spending


def test_money_is_recorded_to_a_hundredth_of_a_cent() -> None:
    # At three in the night, 21 hours are left of the day
    assert money(PRICES, SPENT) == {
        "spent_usd": 1.2346,
        "expected_usd": 22.2346,
        "until": "2026-03-03T00:00:00Z",
        "cap_usd": 50.0,
    }


def test_without_a_cap_none_is_recorded() -> None:
    recorded = money(replace(PRICES, cap_usd=None), SPENT)
    assert recorded == {
        "spent_usd": 1.2346,
        "expected_usd": 22.2346,
        "until": "2026-03-03T00:00:00Z",
    }


@pytest.mark.parametrize(("prices", "spending"), [(None, SPENT), (PRICES, None), (None, None)])
def test_without_a_price_or_an_account_there_is_no_word_of_money(
    prices: Prices | None, spending: Spending | None
) -> None:
    assert money(prices, spending) is None


def test_the_spending_cap_has_its_say_in_the_decision() -> None:
    rich = replace(state(FLAT, 5), spending=replace(SPENT, usd=60.0))
    given = evidence(with_newest(FLAT, 1, requests=4900.0), 5, remembered=rich, bounds=Bounds(1, 9))
    capped = decide(given, replace(PARAMETERS, prices=PRICES)).decision
    free = decide(given, PARAMETERS).decision
    assert free.after_instances > 5
    assert capped.after_instances == 5
    assert capped.reasons[-1].policy == "spending cap"


# The forecast


class Listening:
    """In place of the trees: keeps the row that it is asked about."""

    def __init__(self) -> None:
        self.row = np.empty(0)

    def answer(self, row: FloatArray) -> Answer:
        self.row = row
        return Answer(row, np.zeros((1, 2)), np.ones(1), usual=0.0, moved=np.zeros(len(row)))


def test_the_model_is_told_all_that_the_whole_past_would_tell() -> None:
    # Even where the oldest that it looks at is a gap, to be filled with what came before
    card = small_model().card
    oldest = len(shop()) - card.parameters.lookback_bins
    requests = shop().requests.copy()
    requests[oldest] = 1e7
    requests[oldest + 1 : oldest + 1 + card.parameters.fill_bins] = NAN
    samples = shop().replaced(requests=requests)
    demand = assess(samples, 100.0)
    listening = Listening()
    model = Model(listening, card)  # type: ignore[arg-type]
    found = forecast_demand(samples, demand, model, PARAMETERS.features)
    assert found.forecast is not None
    whole = build_features(samples, demand.requests, card.parameters)
    np.testing.assert_allclose(listening.row, whole.select(card.feature_names)[-1], rtol=1e-6)


def test_every_rung_that_fell_is_told_in_its_order() -> None:
    samples = shop().latest(4)
    demand = assess(samples, 100.0)
    foreign = Model(
        small_model().forecaster,
        replace(small_model().card, feature_names=("page_views",)),
    )
    result = forecast_demand(samples, demand, foreign, PARAMETERS.features)
    assert [fault.split(":")[0] for fault in result.faults] == ["forest", "seasonal"]
    assert result.forecast is not None
    assert result.forecast.rung is Rung.LAST_VALUE
