"""Whole days in memory: what carries over, what repeats, and what must not be looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest

from predictive_autoscaler.app.record import decision_from_json, decision_to_json, state_of
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.types import Bounds, Json, Quality, Rung, Samples, utc_from_text
from predictive_autoscaler.core.why import Limit
from tests.helpers.shop import (
    DECIDED_FROM,
    GROUP,
    JsonDecisionLog,
    World,
    capacity,
    entry,
    model,
    shop,
    without_run,
    world,
)

TICKS = 96
"""One day of 15-minute ticks."""
QUARTER = timedelta(minutes=15)


@cache
def undisturbed() -> tuple[World, tuple[Json, ...]]:
    """A day and a half of one controller that was never restarted. Read only."""
    made = world()
    return made, tuple(made.run(TICKS * 3 // 2))


def texts(records: list[Json] | tuple[Json, ...]) -> list[str]:
    return [without_run(record) for record in records]


class TestTheDay:
    """Sanity of the undisturbed day: the other tests compare with it."""

    def test_every_tick_is_decided_by_the_forest_and_completed(self) -> None:
        _, records = undisturbed()
        assert {record["status"] for record in records} == {"completed"}
        assert {entry(record)["decision"]["rung"] for record in records} == {"forest"}
        assert all(entry(record)["decision"]["faults"] == [] for record in records)

    def test_capacity_follows_the_shop(self) -> None:
        _, records = undisturbed()
        asked = np.array([entry(record)["decision"]["after_instances"] for record in records])
        day = shop().between(DECIDED_FROM, DECIDED_FROM + len(records) * QUARTER)
        need = np.ceil(day.requests / capacity(900))
        assert asked.min() < 0.5 * asked.max()
        assert np.corrcoef(asked, need)[0, 1] > 0.95
        # Asked for a tick before and still kept: that is what carries a bin.
        missed = day.requests[1:][need[1:] > np.minimum(asked[:-1], asked[1:])].sum()
        assert missed < 0.05 * day.requests.sum(), missed / day.requests.sum()
        assert asked.sum() < 1.4 * need.sum()

    def test_what_was_decided_was_set_and_nothing_else(self) -> None:
        made, records = undisturbed()
        changes = [
            (GROUP, entry(record)["decision"]["after_instances"])
            for record in records
            if entry(record)["outcome"]["status"] == "applied"
        ]
        assert made.actuator.calls == changes
        assert len(changes) > 10
        before = [entry(record)["decision"]["before_instances"] for record in records]
        after = [entry(record)["decision"]["after_instances"] for record in records]
        assert before[1:] == after[:-1]

    def test_never_below_what_reacting_alone_would_keep(self) -> None:
        for record in undisturbed()[1]:
            decision = entry(record)["decision"]
            need = instances_for(
                decision["present_demand_requests"], decision["capacity_per_instance"]
            )
            assert decision["after_instances"] >= need

    def test_each_decision_rests_on_the_newest_bin(self) -> None:
        known = shop()
        for record in undisturbed()[1]:
            newest = known.between(utc_from_text(record["slot"]) - QUARTER, known.end)
            decision = entry(record)["decision"]
            assert decision["present_demand_requests"] == newest.requests[0]


class TestTheRecord:
    def test_it_names_slot_time_mode_and_model(self) -> None:
        record = undisturbed()[1][0]
        assert record["schema"] == 1
        assert record["slot"] == "2026-03-11T00:00:00Z"
        assert record["decided_at"] == "2026-03-11T00:02:00Z"
        assert entry(record)["mode"] == "full"
        assert entry(record)["decision"]["model_id"] == model().card.model_id

    def test_each_run_has_its_own_name(self) -> None:
        records = undisturbed()[1]
        assert len({record["run"] for record in records}) == len(records)

    def test_the_kept_record_is_the_returned_one(self) -> None:
        made, records = undisturbed()
        assert made.decisions.load(DECIDED_FROM + 5 * QUARTER) == records[5]

    def test_a_decision_survives_the_record_exactly(self) -> None:
        decision = decision_from_json(entry(undisturbed()[1][40])["decision"])
        assert decision.rung is Rung.FOREST
        assert decision.present_quality is Quality.OK
        assert decision.slot == DECIDED_FROM + 40 * QUARTER
        assert [candidate.instances for candidate in decision.candidates] == list(
            range(decision.wish_instances - 2, decision.wish_instances + 3)
        )

    def test_what_explains_it_survives_too_and_older_records_lack_it(self) -> None:
        written = entry(undisturbed()[1][40])["decision"]
        decision = decision_from_json(written)
        assert decision.drivers is not None
        assert decision.last_week is not None
        assert decision.one_more is not None
        assert json.loads(json.dumps(decision_to_json(decision))) == written
        limit = Limit("calendar", "announced", least_instances=3, until=DECIDED_FROM)
        held = replace(decision, limits=(limit, Limit("bounds", "maximum", most_instances=3)))
        assert decision_from_json(json.loads(json.dumps(decision_to_json(held)))) == held
        newer = {"drivers", "limits", "one_more", "one_fewer", "last_week", "price_grounds"}
        older = {name: value for name, value in written.items() if name not in newer}
        found = decision_from_json(older)
        assert (found.drivers, found.one_more, found.one_fewer) == (None, None, None)
        assert (found.last_week, found.price_grounds, found.limits) == (None, None, ())

    def test_the_state_is_carried_on_and_grows_with_the_metrics(self) -> None:
        records = undisturbed()[1]
        for record in records:
            state = state_of(record, GROUP)
            assert state is not None
            assert state.accounted_until == utc_from_text(record["slot"])
            assert state.instances == entry(record)["decision"]["after_instances"]
            # Small, however long it goes on.
            assert len(state.pending) <= 2
            assert len(state.wishes) <= 5
        last = state_of(records[-1], GROUP)
        assert last is not None
        checked = last.ledger.covered.share
        assert checked is not None
        assert 0.6 < checked <= 1

    def test_one_line_of_the_log_is_the_record(self) -> None:
        made, records = undisturbed()
        assert len(made.lines) == len(records)
        assert all("\n" not in line for line in made.lines)


class TestColdStarts:
    @pytest.mark.parametrize("restarts", [(1,), (50,), range(TICKS)])
    def test_a_restarted_controller_decides_as_one_that_ran_on(self, restarts: range) -> None:
        """The record and the metrics hold all that matters: a Lambda loses its memory at any
        time. Compared bit for bit, over midnight and the keeping of finished days too.
        """
        made = world()
        records = made.run(TICKS, restart_at=tuple(restarts))
        reference, expected = undisturbed()
        assert texts(records) == texts(expected[:TICKS])
        assert made.actuator.calls == [*reference.actuator.calls][: len(made.actuator.calls)]

    def test_a_restart_after_midnight_reads_the_kept_day(self) -> None:
        made = world()
        records = made.run(TICKS + 8, restart_at=(TICKS + 6,))
        assert texts(records) == texts(undisturbed()[1][: TICKS + 8])

    def test_a_lost_record_costs_no_capacity_on_a_lower_rung(self) -> None:
        """With nothing remembered, less evidence scales in later."""
        made = world(with_model=False, desired=40)
        made.run(2)
        before = made.actuator.groups[GROUP].desired_instances
        made.decisions = JsonDecisionLog()
        record = made.step()
        decision = entry(record)["decision"]
        assert decision["rung"] == "seasonal"
        assert decision["wish_instances"] < before
        assert decision["after_instances"] == before
        assert "too little is remembered" in decision["reasons"][-1]["text"]

    def test_a_record_of_another_schema_is_as_good_as_none(self) -> None:
        made, forgetful = world(), world()
        (first,) = made.run(1)
        made.decisions.complete(DECIDED_FROM, first | {"schema": 99})
        forgetful.run(1)
        forgetful.decisions = JsonDecisionLog()
        assert texts(made.run(3)) == texts(forgetful.run(3))

    def test_an_old_record_is_no_start(self) -> None:
        """After three days of silence the ledger is made anew from the metrics."""
        stale, fresh = world(), world()
        stale.run(1)
        for made in (stale, fresh):
            made.clock.set(DECIDED_FROM + timedelta(days=2, hours=12, minutes=2))
            made.actuator.put(undisturbed()[0].actuator.groups[GROUP])
        assert texts(stale.run(2)) == texts(fresh.run(2))


class TestRepeating:
    def test_the_same_inputs_give_the_same_decisions(self) -> None:
        assert texts(world().run(24)) == texts(undisturbed()[1][:24])

    def test_with_another_model_they_differ(self) -> None:
        """The premise of the test above: the records do depend on what went in."""
        made = world(with_model=False)
        made.publish(model(seed=2))
        assert texts(made.run(3)) != texts(undisturbed()[1][:3])


class TestNoLookingAhead:
    """The source would show the future to whoever asks; nobody may."""

    @pytest.mark.parametrize("known_ticks", [0, 1, 37, 70])
    def test_changing_the_future_leaves_earlier_decisions_bit_identical(
        self, known_ticks: int
    ) -> None:
        moment = DECIDED_FROM + known_ticks * QUARTER
        records = world(other_future(shop(), moment)).run(known_ticks + 3)
        expected = undisturbed()[1]
        assert texts(records[: known_ticks + 1]) == texts(expected[: known_ticks + 1])
        # The premise: the change was large enough to be seen as soon as it was known.
        assert texts(records[known_ticks + 1 :]) != texts(expected[known_ticks + 1 :][:2])

    def test_the_future_may_even_be_absent(self) -> None:
        until = DECIDED_FROM + 12 * QUARTER
        records = world(shop().between(shop().start, until)).run(13)
        assert texts(records) == texts(undisturbed()[1][:13])

    def test_the_model_cannot_have_seen_it_either(self) -> None:
        assert model().card.trained_until == DECIDED_FROM


def other_future(samples: Samples, moment: datetime) -> Samples:
    """The same metrics before a moment, a flood with failures after it."""
    from_here = (moment - samples.start) // samples.interval
    columns = {}
    for name, factor in (("requests", 3.0), ("cpu_percent", 1.5), ("errors", 0.0)):
        columns[name] = samples.column(name).copy()
        columns[name][from_here:] *= factor
    columns["errors"][from_here:] += 10.0
    return samples.replaced(**columns)


def test_bounds_hold_all_day() -> None:
    made = world(bounds=Bounds(9, 21))
    asked = [entry(record)["decision"]["after_instances"] for record in made.run(TICKS)]
    assert min(asked) == 9
    assert max(asked) == 21


def test_at_five_minutes_and_with_metrics_by_the_minute() -> None:
    """The defaults: restarted and not, the same."""
    minutes = Samples.of(
        shop(300).start,
        60,
        {
            name: np.repeat(column / (5 if name in ("requests", "refused", "errors") else 1), 5)
            for name, column in shop(300).columns().items()
        },
    )
    first = world(minutes, interval_minutes=5, METRIC_PERIOD_SECONDS="60").run(24)
    second = world(minutes, interval_minutes=5, METRIC_PERIOD_SECONDS="60").run(
        24, restart_at=(5, 11)
    )
    assert texts(first) == texts(second)
    assert {entry(record)["decision"]["rung"] for record in first} == {"forest"}
