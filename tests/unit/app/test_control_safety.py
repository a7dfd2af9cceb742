"""The breaker, other hands, a shop in trouble, the spending cap: as a controller lives them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from predictive_autoscaler.app.breaker import MOST_FAILURES, PAUSE, Breaker
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import SourceError
from tests.helpers.shop import DECIDED_FROM, GROUP, START, World, changed, entry, world

QUARTER = timedelta(minutes=15)
LOW = 2


def outcomes(records: list[Json]) -> list[str]:
    return [entry(record)["outcome"]["status"] for record in records]


def policies(record: Json) -> list[str]:
    return [reason["policy"] for reason in entry(record)["decision"]["reasons"]]


class TestBreaker:
    def test_it_opens_after_failures_in_a_row_and_tries_again_after_a_pause(self) -> None:
        made = world(desired=LOW)
        made.actuator.set_error = SourceError("quota exceeded")
        controller = made.controller()
        records = made.run(7, controller)
        paused = int(PAUSE / QUARTER) - 1
        expected = ["failed"] * MOST_FAILURES + ["held"] * paused + ["failed"]
        assert outcomes(records)[: len(expected)] == expected
        made.actuator.set_error = None
        made.run(4, controller)
        assert outcomes(made.run(1, controller))[0] in ("applied", "unchanged")
        assert entry(made.decisions.newest_before(made.clock.now()) or {})["breaker"] == {
            "failures": 0,
            "open_until": None,
        }

    def test_people_are_told_of_the_failure_and_of_the_pause_once_each(self) -> None:
        made = world(desired=LOW)
        made.actuator.set_error = SourceError("quota exceeded")
        made.run(MOST_FAILURES + 1)
        texts = [text for _, text in made.notifier.messages]
        assert len(texts) == 2
        assert "quota exceeded" in texts[0]
        assert "3 changes in a row have failed" in texts[1]

    def test_a_success_starts_the_count_anew(self) -> None:
        now = DECIDED_FROM
        breaker = Breaker().after(failed=True, now=now).after(failed=True, now=now)
        assert breaker.after(failed=False, now=now) == Breaker()
        opened = breaker.after(failed=True, now=now)
        assert opened.forbids(now)
        assert not opened.forbids(now + PAUSE)
        assert opened.after(failed=True, now=now + PAUSE).forbids(now + PAUSE)

    @pytest.mark.parametrize("content", [None, {}, {"failures": "many"}, {"failures": 1}, 7])
    def test_what_cannot_be_read_is_a_closed_breaker(self, content: object) -> None:
        assert Breaker.from_json(content) == Breaker()
        kept = Breaker(3, DECIDED_FROM)
        assert Breaker.from_json(kept.to_json()) == kept


class TestOtherHands:
    @pytest.mark.parametrize(("hand", "minutes"), [("a person", 60), (None, 15)])
    def test_what_somebody_adds_is_left_alone_for_a_while(
        self, hand: str | None, minutes: int
    ) -> None:
        made = world()
        controller = made.controller()
        made.run(4, controller)
        made.change_group(desired_instances=55, changed_by=hand)
        holding = minutes // 15
        records = made.run(holding + 1, controller)
        kept = [entry(record)["decision"]["after_instances"] for record in records]
        assert kept[:holding] == [55] * holding
        assert "other hands" in policies(records[0])
        assert kept[holding] < 55

    def test_our_own_change_is_nobody_else_s(self) -> None:
        made = world()
        records = made.run(8)
        assert not any("other hands" in policies(record) for record in records)

    def test_a_change_that_failed_is_not_taken_for_somebody_else_s(self) -> None:
        made = world(desired=50)
        made.actuator.set_error = SourceError("try later")
        controller = made.controller()
        made.run(2, controller)
        made.actuator.set_error = None
        (record,) = made.run(1, controller)
        assert "other hands" not in policies(record)
        assert entry(record)["decision"]["after_instances"] < 50


def failing_shop(made: World, ticks: int) -> None:
    """Traffic falls to a tenth and most of it fails, from the second decision on."""
    first = (DECIDED_FROM - START) // QUARTER + 1
    bins = slice(first, first + ticks)
    samples = made.source.samples[GROUP]
    fewer = float(np.round(samples.requests[first] / 10))
    made.source.samples[GROUP] = changed(samples, bins, requests=fewer, errors=0.9 * fewer)


def test_an_outage_is_no_reason_to_scale_in() -> None:
    made = world(desired=20)
    failing_shop(made, ticks=3)
    records = made.run(6)
    after = [entry(record)["decision"]["after_instances"] for record in records]
    assert min(after[2:]) >= after[1]
    # It is not that nobody wanted to.
    assert any(entry(record)["decision"]["wish_instances"] < after[1] for record in records[2:])


class TestSpendingCap:
    def test_once_it_is_spent_nothing_is_added_beyond_the_floor(self) -> None:
        made = world(desired=LOW, INSTANCE_HOUR_PRICE="1", SPENDING_CAP_USD="0.01")
        records = made.run(48)
        capped = [record for record in records if "spending cap" in policies(record)]
        assert capped
        for record in capped:
            decision = entry(record)["decision"]
            most = max(decision["floor_instances"], decision["before_instances"])
            assert decision["after_instances"] <= most
            assert decision["after_instances"] >= decision["floor_instances"]
            assert decision["spending"]["spent_usd"] >= decision["spending"]["cap_usd"] == 0.01

    def test_without_a_price_there_is_no_money_in_the_record(self) -> None:
        assert entry(world().step())["decision"]["spending"] is None

    def test_a_price_alone_tells_what_the_day_will_cost(self) -> None:
        spending = entry(world(INSTANCE_HOUR_PRICE="0.05").step())["decision"]["spending"]
        assert spending["expected_usd"] >= spending["spent_usd"] >= 0
        assert spending["until"].endswith("T00:00:00Z")
        assert "cap_usd" not in spending
