from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from predictive_autoscaler.core.decide import decide
from predictive_autoscaler.core.explain import deciding_reason, explain, headline
from predictive_autoscaler.core.types import (
    Bounds,
    Candidate,
    Decision,
    Quality,
    Reason,
    Rung,
)
from predictive_autoscaler.core.why import Driver, Drivers, LastWeek, PriceGrounds
from tests.unit.core.builders import MONDAY, PARAMETERS, evidence, shop, small_model, with_newest

PLAIN = Decision(
    group="web",
    slot=MONDAY,
    rung=Rung.FOREST,
    model_id="20260301T000000Z-abc",
    present_demand_requests=4321.0,
    present_quality=Quality.OK,
    capacity_per_instance=1000.0,
    miss_price=8.0,
    quantiles={"0.05": 4000.0, "0.5": 5000.0, "0.95": 6500.0},
    candidates=(Candidate(6, 0.05, 9.0), Candidate(7, 0.0123, 8.0)),
    wish_instances=7,
    floor_instances=5,
    before_instances=5,
    after_instances=7,
    reasons=(),
)
NOTHING: Mapping[str, object] = {"status": "applied", "instances": 7}


def words(decision: Decision) -> str:
    return "\n".join(explain(decision, "full", NOTHING).paragraphs)


def changed(*reasons: Reason, after: int) -> Decision:
    return replace(PLAIN, reasons=reasons, after_instances=after)


def test_money_is_told_where_a_price_is_known() -> None:
    money: dict[str, float | str] = {
        "spent_usd": 12.5,
        "expected_usd": 1234.567,
        "until": "2026-03-03T00:00:00Z",
    }
    assert "USD" not in words(PLAIN)
    told = words(replace(PLAIN, spending=money))
    assert "up to 2026-03-03T00:00:00Z, 12.50 USD are spent so far and about 1,234.57" in told
    assert "the cap is" not in told
    assert "the cap is 400.00." in words(replace(PLAIN, spending=money | {"cap_usd": 400.0}))


@pytest.mark.parametrize(
    ("after", "start"),
    [
        (7, "Scale out from 5 to 7: the forecast expects a peak of 5,000 requests and calls for 7"),
        (5, "Stay at 5: "),
        (3, "Scale in from 5 to 3: "),
    ],
)
def test_the_headline_says_what_happens(after: int, start: str) -> None:
    assert headline(replace(PLAIN, after_instances=after)).startswith(start)


def test_the_rule_that_had_the_last_word_is_the_reason() -> None:
    decision = changed(
        Reason("reactive floor", 3, 9, "the traffic needs 9"),
        Reason("bounds", 9, 8, "the group's maximum is 8"),
        after=8,
    )
    assert headline(decision) == "Scale out from 5 to 8: the group's maximum is 8 (bounds)."
    # And every rule is told, in its order
    lines = [line for line in words(decision).splitlines() if "becomes" in line]
    assert lines == [
        "Reactive floor: 3 becomes 9, because the traffic needs 9.",
        "Bounds: 9 becomes 8, because the group's maximum is 8.",
    ]


def test_the_forecast_is_told_with_its_source_and_band() -> None:
    text = words(PLAIN)
    assert "forest, model 20260301T000000Z-abc" in text
    assert "a peak of 5,000 requests" in text
    assert "between 4,000 and 6,500" in text
    assert "a peak of 5,000 requests" in headline(PLAIN)


def test_a_lower_rung_is_named_without_a_model() -> None:
    text = words(replace(PLAIN, rung=Rung.SEASONAL, model_id=None))
    assert "The forecast (seasonal) expects" in text


def test_the_price_and_what_is_still_missed_are_told() -> None:
    text = words(PLAIN)
    assert "priced at 8 times" in text
    assert "7 instances" in text
    assert "1.23 % of the requests that they would serve are still expected to be missed" in text


FOLLOWED = PriceGrounds(0.008, overspent_hours=3.2, left=0.81)


@pytest.mark.parametrize(
    ("grounds", "told"),
    [
        (None, "have served it. At that"),
        (PriceGrounds(), "have served it, as the settings have it. At that"),
        (
            PriceGrounds(0.004, budget=0.01),
            "served it: 0.4 % of the requests were missed of late, of a budget of 1 %. At that",
        ),
        (
            replace(FOLLOWED, overspent_hours=0.1, left=0.9998),
            "have served it: 0.8 % of the requests were missed of late. At that",
        ),
        (
            FOLLOWED,
            "were missed of late, and 3.2 hours' spending beyond what target tracking would have "
            "spent leave 81 % of it. At that",
        ),
    ],
)
def test_why_the_price_is_what_it_is(grounds: PriceGrounds | None, told: str) -> None:
    assert told in words(replace(PLAIN, price_grounds=grounds))


def test_where_another_number_is_cheaper_that_is_said() -> None:
    assert "would cost" not in words(PLAIN)
    cheaper = (Candidate(7, 0.0123, 8.0), Candidate(8, 0.0, 7.25))
    told = words(replace(PLAIN, candidates=cheaper))
    assert "Of whole instances 8 would cost 0.75 instance-intervals less." in told
    unpriced = tuple(replace(one, cost=None) for one in cheaper)
    assert "would cost" not in words(replace(PLAIN, miss_price=None, candidates=unpriced))


def test_a_served_quantile_is_told_and_no_price() -> None:
    parameters = replace(PARAMETERS, miss_price=None, quantile=0.95)
    decision = decide(evidence(shop(), 1, model=small_model()), parameters).decision
    wanted = math.ceil(decision.quantiles["0.95"] / decision.capacity_per_instance)
    assert decision.wish_instances == wanted
    text = words(decision)
    assert (
        f"to serve the 95 % quantile of the expected peak, whatever that costs: {wanted} " in text
    )
    assert "priced" not in text
    assert decision.miss_price is None


def test_a_wish_that_was_not_weighed_is_passed_over() -> None:
    assert "is priced at" in words(PLAIN)
    assert "is priced at" not in words(replace(PLAIN, candidates=()))


def test_without_a_forecast_that_is_said() -> None:
    silent = replace(PLAIN, quantiles={}, candidates=(), after_instances=5, wish_instances=5)
    assert "No predictor could answer" in words(silent)
    assert deciding_reason(silent) == "nothing could be forecast"


@pytest.mark.parametrize("quality", list(Quality))
def test_every_quality_has_its_words(quality: Quality) -> None:
    texts = {words(replace(PLAIN, present_quality=each)) for each in Quality}
    assert len(texts) == len(Quality)
    assert "4,321 requests" in words(replace(PLAIN, present_quality=quality))


def test_troubles_are_told() -> None:
    text = words(replace(PLAIN, faults=("forest: the model is of group 'api'",)))
    assert "Trouble: forest: the model is of group 'api'." in text


@pytest.mark.parametrize(
    ("outcome", "part"),
    [
        ({"status": "applied", "instances": 7}, "set to 7"),
        ({"status": "unchanged"}, "already had it"),
        ({"status": "observed"}, "observe"),
        ({"status": "off"}, "off"),
        ({"status": "failed", "error": "throttled"}, "throttled"),
        ({"status": "gone", "error": "no group 'web'"}, "no group 'web'"),
        ({"status": "claimed"}, "before it could say"),
        ({"status": "dry run"}, "dry run"),
        ({"status": "something new"}, "something new (mode full)"),
        ({}, "mode full"),
    ],
)
def test_every_outcome_has_its_words(outcome: Mapping[str, object], part: str) -> None:
    assert part in explain(PLAIN, "full", outcome).outcome


DRIVERS = Drivers(
    level_requests=4400.0,
    usual=0.0198,
    families=(Driver("last_week", 0.1655, 0.2), Driver("cpu", -0.03, 45.0), Driver("tides", 0.01)),
    others=-0.002,
    middle_requests=5180.0,
)


def test_what_moved_the_forecast_is_told_as_factors() -> None:
    told = words(replace(PLAIN, drivers=DRIVERS))
    assert (
        "The model starts from the recent level, 4,400 requests per interval, and comes to about "
        "5,180. What moved it, as factors that multiply: what is usual in its training (+2.0 %); "
        "the same time last week, when it rose by 22 % (+18 %); the CPU, 45 % (−3.0 %); tides "
        "(+1.0 %); all else (−0.2 %)."
    ) in told
    assert "What moved it" not in words(PLAIN)


def test_what_moved_the_forecast_most_comes_first_whatever_the_record_says() -> None:
    families = (Driver("last_day", 0.01), Driver("last_week", -0.2), Driver("time_of_day", 0.1))
    told = words(replace(PLAIN, drivers=Drivers(5000.0, 0.0, families, 0.0, 4600.0)))
    places = [told.index(change) for change in ("−18 %", "+11 %", "+1.0 %")]
    assert places == sorted(places)


def test_the_same_time_a_week_before_is_told() -> None:
    week = LastWeek(3000.0, 4000.0, 6.0)
    told = words(replace(PLAIN, last_week=week))
    assert (
        "A week earlier the newest interval had 3,000 requests, up to 4,000 per interval followed "
        "and 6 instances were in service."
    ) in told
    assert "The decision of then" not in told
    then = replace(PLAIN, after_instances=9)
    with_then = explain(replace(PLAIN, last_week=week), "full", NOTHING, then).paragraphs
    assert any(
        text.endswith(f"in service. The decision of then: {headline(then)}") for text in with_then
    )
    only_requests = words(replace(PLAIN, last_week=LastWeek(3000.0, None, None)))
    assert "A week earlier the newest interval had 3,000 requests." in only_requests
    assert "A week earlier" not in words(replace(PLAIN, last_week=LastWeek(None, None, 6.0)))


# Of real decisions


def test_scaling_out_ahead_of_traffic_is_explained() -> None:
    decision = decide(evidence(shop(), 1, model=small_model()), PARAMETERS).decision
    assert decision.after_instances > 1
    assert headline(decision).startswith(f"Scale out from 1 to {decision.after_instances}: ")
    assert "model" in words(decision)
    assert "What moved it" in words(decision)
    assert f"One more, {decision.after_instances + 1}, " in words(decision)


def test_holding_on_a_missing_metric_is_explained() -> None:
    samples = with_newest(shop(), 1, requests=np.nan)
    decision = decide(evidence(samples, 60, model=small_model()), PARAMETERS).decision
    reason = "the newest request count is absent (data quality)"
    assert headline(decision) == f"Stay at 60: {reason}."
    assert "absent; the newest known one, if there is any, is shown" in words(decision)


def test_a_clamp_at_the_maximum_is_explained() -> None:
    decision = decide(evidence(shop(), 4, bounds=Bounds(1, 6)), PARAMETERS).decision
    assert headline(decision) == "Scale out from 4 to 6: the group's maximum is 6 (bounds)."
