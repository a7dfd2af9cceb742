"""Claiming a slot and changing a group: at most once, and only by whoever may."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from predictive_autoscaler.adapters.memory import MemoryActuator, MemoryDecisionLog, MemorySink
from predictive_autoscaler.core.types import Bounds, CalendarEvent, GroupState, Json
from predictive_autoscaler.errors import SourceError, ThrottledError
from predictive_autoscaler.ports import GroupControl, MetricValue
from tests.helpers.shop import (
    DECIDED_FROM,
    FIRST_TICK,
    GROUP,
    CountedHistory,
    JsonDecisionLog,
    World,
    entry,
    without_run,
    world,
)

SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)
LOW, HIGH = 3, 40
"""Desired capacities far below and far above what midnight needs, which is about 15."""


class InterruptedActuator(MemoryActuator):
    """Somebody else does something between the look at the group and the act.

    Attributes:
        meanwhile: done once, after the first look.
    """

    def __init__(self, groups: Sequence[GroupState], meanwhile: Callable[[], None]) -> None:
        super().__init__(groups)
        self.meanwhile: Callable[[], None] | None = meanwhile

    def describe(self, groups: Sequence[str]) -> dict[str, GroupState]:
        found = super().describe(groups)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return found


def interrupted(meanwhile: Callable[[World], None], desired: int, high: int = 60) -> World:
    made = world(desired=desired, bounds=Bounds(1, high))
    made.actuator = InterruptedActuator(
        list(made.actuator.groups.values()), lambda: meanwhile(made)
    )
    return made


def wanted(desired: int = LOW) -> int:
    """What an undisturbed first tick asks for."""
    after: int = entry(world(desired=desired).step())["decision"]["after_instances"]
    return after


def desired(made: World) -> int:
    return made.actuator.groups[GROUP].desired_instances


def untouched(made: World) -> bool:
    """Whether nothing outside of the process was changed."""
    return (
        made.actuator.calls == []
        and made.decisions.load(DECIDED_FROM) is None
        and made.sink.values == []
        and made.notifier.messages == []
        and made.lines == []
        and made.history.days(GROUP) == []
    )


class TestDryRun:
    @pytest.mark.parametrize("mode", ["off", "observe", "full"])
    def test_it_changes_nothing(self, mode: str) -> None:
        made = world(desired=LOW, MODE=mode)
        record = made.controller().run_once(dry_run=True)
        assert untouched(made)
        assert desired(made) == LOW
        assert record["status"] == "dry run"
        assert entry(record)["decision"]["after_instances"] > LOW

    def test_it_decides_as_the_real_run_would(self) -> None:
        made = world(desired=LOW)
        rehearsed = made.controller().run_once(dry_run=True)
        real = made.controller().run_once()
        for part in ("decision", "state", "mode"):
            assert entry(rehearsed)[part] == entry(real)[part]
        assert "run" not in rehearsed

    def test_it_does_not_take_the_slot(self) -> None:
        made = world(desired=LOW)
        controller = made.controller()
        controller.run_once(dry_run=True)
        assert controller.run_once()["status"] == "completed"
        assert len(made.actuator.calls) == 1

    def test_its_outcome_is_that_it_was_one(self) -> None:
        """`explain` and `decide` tell the outcome from the record."""
        record = world(desired=LOW).controller().run_once(dry_run=True)
        assert entry(record)["outcome"]["status"] == "dry run"

    def test_it_can_be_read_without_the_right_to_write_anything(self) -> None:
        made = world(desired=LOW)
        made.decisions = NoWriting()
        made.actuator.set_error = SourceError("not allowed")
        assert made.controller().run_once(dry_run=True)["status"] == "dry run"


class NoWriting(MemoryDecisionLog):
    def claim(self, slot: datetime, record: Json) -> bool:
        raise SourceError("s3:PutObject failed: AccessDenied")

    def complete(self, slot: datetime, record: Json) -> None:
        self.claim(slot, record)


class TestOneRunPerSlot:
    def test_the_second_call_finds_the_slot_taken(self) -> None:
        """EventBridge delivers at least once, not exactly once."""
        made = world(desired=LOW)
        controller = made.controller()
        first = controller.run_once()
        made.clock.advance(SECOND)
        again = [controller.run_once(), made.controller().run_once()]
        assert first["status"] == "completed"
        assert again == [{"status": "taken", "slot": "2026-03-11T00:00:00Z"}] * 2
        assert len(made.actuator.calls) == 1
        assert made.decisions.load(DECIDED_FROM) == first

    def test_the_second_call_neither_publishes_nor_notifies(self) -> None:
        made = world(desired=LOW, with_model=False)
        made.step()
        made.clock.set(FIRST_TICK)
        published, told = list(made.sink.values), list(made.notifier.messages)
        assert told
        made.controller().run_once()
        assert (made.sink.values, made.notifier.messages) == (published, told)

    def test_a_run_that_died_after_claiming_keeps_its_slot(self) -> None:
        """Its act may have happened: nobody repeats it. The next slot goes on."""
        made = world(desired=LOW)
        record = world(desired=LOW).step() | {"status": "claimed"}
        made.decisions.claim(DECIDED_FROM, record)
        assert made.step()["status"] == "taken"
        assert made.step()["status"] == "completed"

    def test_no_claim_no_act(self) -> None:
        made = world(desired=LOW)
        made.decisions = NoWriting()
        with pytest.raises(SourceError, match="PutObject"):
            made.controller().run_once()
        assert made.actuator.calls == []
        assert made.sink.values == []

    def test_the_claim_stands_before_the_act(self) -> None:
        """Whoever finds the group changed, finds out why, even if the run died at once."""
        made = world(desired=LOW)
        seen: list[Json | None] = []

        class Noting(MemoryActuator):
            def set_desired(self, group: str, instances: int) -> None:
                seen.append(made.decisions.load(DECIDED_FROM))
                super().set_desired(group, instances)

        made.actuator = Noting(made.actuator.groups.values())
        made.step()
        (claimed,) = seen
        assert claimed is not None
        assert claimed["status"] == "claimed"
        assert entry(claimed)["decision"]["after_instances"] == desired(made)
        assert entry(claimed)["outcome"] == {"status": "claimed"}


class TestTheEvent:
    @pytest.mark.parametrize("age", [QUARTER, timedelta(hours=6), -QUARTER])
    def test_one_older_than_an_interval_is_refused(self, age: timedelta) -> None:
        """Lambda tries again for hours. An old event would decide about a past that newer
        ticks have dealt with; one of the future comes from a wrong clock.
        """
        made = world(desired=LOW)
        record = made.controller().run_once(FIRST_TICK - age)
        assert record["status"] == "refused"
        assert made.actuator.calls == []
        assert made.decisions.load(DECIDED_FROM) is None
        assert made.source.reads == 0
        assert [json.loads(line) for line in made.lines] == [record]
        assert "2026-03-11T00:02:00Z" in record["reason"]

    def test_a_late_one_decides_for_its_own_slot_from_what_is_known_now(self) -> None:
        made = world(desired=LOW)
        made.clock.set(DECIDED_FROM + timedelta(minutes=16))
        record = made.controller().run_once(FIRST_TICK)
        assert record["slot"] == "2026-03-11T00:00:00Z"
        assert record["decided_at"] == "2026-03-11T00:16:00Z"
        assert entry(record)["outcome"]["status"] == "applied"

    def test_without_an_event_it_is_now(self) -> None:
        made = world()
        assert without_run(made.controller().run_once()) == without_run(
            world().controller().run_once(FIRST_TICK)
        )


class TestModes:
    @pytest.mark.parametrize(("mode", "status"), [("observe", "observed"), ("off", "off")])
    def test_other_than_full_decides_and_records_but_does_not_act(
        self, mode: str, status: str
    ) -> None:
        made = world(desired=LOW, MODE=mode)
        record = made.step()
        assert made.actuator.calls == []
        assert entry(record)["mode"] == mode
        assert entry(record)["outcome"] == {"status": status}
        assert entry(record)["decision"]["after_instances"] == wanted()
        assert made.decisions.load(DECIDED_FROM) == record

    def test_full_acts(self) -> None:
        made = world(desired=LOW)
        record = made.step()
        assert made.actuator.calls == [(GROUP, wanted())]
        assert entry(record)["outcome"] == {"status": "applied", "instances": wanted()}

    @pytest.mark.parametrize(
        ("setting", "said", "calls"), [("observe", "full", 1), ("full", "off", 0)]
    )
    def test_what_operators_say_wins_over_the_setting(
        self, setting: str, said: str, calls: int
    ) -> None:
        made = world(desired=LOW, MODE=setting)
        made.controls.save(GROUP, GroupControl(mode=said))
        assert entry(made.step())["mode"] == said
        assert len(made.actuator.calls) == calls

    def test_it_is_looked_up_at_every_tick(self) -> None:
        made = world(desired=LOW)
        controller = made.controller()
        made.controls.save(GROUP, GroupControl(mode="observe"))
        made.run(1, controller)
        assert made.actuator.calls == []
        made.controls.save(GROUP, GroupControl())
        made.run(1, controller)
        assert len(made.actuator.calls) == 1

    def test_observing_for_hours_then_acting(self) -> None:
        """Each decision starts from what we would have by now, had we acted; the group itself
        is kept by its own scaler. Acting then starts from what is.
        """
        made = world(desired=25, MODE="observe")
        controller = made.controller()
        decisions = [entry(record)["decision"] for record in made.run(8, controller)]
        before = [decision["before_instances"] for decision in decisions]
        after = [decision["after_instances"] for decision in decisions]
        assert before == [25, *after[:-1]]
        assert made.actuator.groups[GROUP].desired_instances == 25
        made.controls.save(GROUP, GroupControl(mode="full"))
        (acting,) = made.run(1, controller)
        assert entry(acting)["decision"]["before_instances"] == 25
        assert entry(acting)["state"]["promise"]["observing"]


class TestTheCalendar:
    EVENT = CalendarEvent("a sale", DECIDED_FROM + 4 * QUARTER, DECIDED_FROM + 8 * QUARTER, 33)

    def test_capacity_is_there_when_the_event_begins_and_until_it_ends(self) -> None:
        made = world()
        made.controls.save(GROUP, GroupControl(calendar=(self.EVENT,)))
        records = made.run(12)
        after = [entry(record)["decision"]["after_instances"] for record in records]
        # One boot and one interval ahead of its start is the tick two quarters before.
        assert [instances >= 33 for instances in after] == [3 <= tick < 8 for tick in range(12)]
        reason = entry(records[3])["decision"]["reasons"][-1]
        assert reason["policy"] == "calendar"
        assert "'a sale' is announced with at least 33" in reason["text"]

    def test_the_groups_maximum_comes_first(self) -> None:
        made = world(bounds=Bounds(1, 20))
        made.controls.save(GROUP, GroupControl(calendar=(self.EVENT,)))
        record = made.run(6)[-1]
        assert entry(record)["decision"]["after_instances"] == 20

    def test_an_unreadable_calendar_is_told_and_the_rest_goes_on(self) -> None:
        made = world(desired=LOW)

        class Broken(type(made.controls)):  # type: ignore[misc]
            def load_each(self, groups: Sequence[str]) -> dict[str, SourceError]:
                return {group: SourceError(f"control/{group}.json: not JSON") for group in groups}

        made.controls = Broken()
        record = made.step()
        assert entry(record)["decision"]["faults"] == [
            "calendar and mode: control/web.json: not JSON"
        ]
        assert entry(record)["outcome"]["status"] == "applied"
        assert "control/web.json" in made.notifier.messages[0][1]


class TestBounds:
    @pytest.mark.parametrize(
        ("bounds", "after", "side"), [(Bounds(1, 7), 7, "maximum"), (Bounds(35, 60), 35, "minimum")]
    )
    def test_the_wish_is_clamped_and_kept_beside(
        self, bounds: Bounds, after: int, side: str
    ) -> None:
        """AWS refuses what lies outside, and then nothing would happen at all."""
        made = world(desired=bounds.min_instances, bounds=bounds)
        record = made.step()
        decision = entry(record)["decision"]
        assert decision["after_instances"] == desired(made) == after
        assert decision["wish_instances"] not in range(
            bounds.min_instances, bounds.max_instances + 1
        )
        assert entry(record)["outcome"]["status"] in ("applied", "unchanged")
        assert decision["reasons"][-1]["text"] == f"the group's {side} is {after}"

    @pytest.mark.parametrize(("outside", "bounds"), [(80, Bounds(1, 60)), (0, Bounds(5, 60))])
    def test_a_group_left_outside_its_bounds_is_brought_back(
        self, outside: int, bounds: Bounds
    ) -> None:
        made = world(desired=outside, bounds=bounds)
        made.step()
        assert desired(made) == bounds.clamp(desired(made)) != outside

    def test_bounds_that_change_before_the_act_count(self) -> None:
        made = interrupted(lambda w: w.change_group(bounds=Bounds(1, 6)), LOW)
        record = made.step()
        assert made.actuator.calls == [(GROUP, 6)]
        assert entry(record)["outcome"] == {"status": "applied", "instances": 6}


class TestOtherHands:
    """Desired capacity changed by somebody else between our look and our act."""

    def test_more_than_we_want_stays(self) -> None:
        made = interrupted(lambda w: w.change_group(desired_instances=50), LOW)
        record = made.step()
        assert made.actuator.calls == []
        assert desired(made) == 50
        assert entry(record)["outcome"] == {"status": "unchanged", "instances": 50}

    def test_more_is_not_taken_back_by_a_scale_in_decided_before(self) -> None:
        made = interrupted(lambda w: w.change_group(desired_instances=HIGH + 5), HIGH)
        record = made.step()
        assert entry(record)["decision"]["after_instances"] < HIGH
        assert made.actuator.calls == []
        assert desired(made) == HIGH + 5

    def test_less_than_we_want_is_raised(self) -> None:
        made = interrupted(lambda w: w.change_group(desired_instances=LOW + 1), LOW)
        made.step()
        assert made.actuator.calls == [(GROUP, wanted())]

    def test_just_what_we_want_needs_no_call(self) -> None:
        target = wanted()
        made = interrupted(lambda w: w.change_group(desired_instances=target), LOW)
        record = made.step()
        assert made.actuator.calls == []
        assert entry(record)["outcome"]["status"] == "unchanged"

    def test_a_group_deleted_meanwhile_is_named(self) -> None:
        made = interrupted(lambda w: w.actuator.groups.clear(), LOW)
        record = made.step()
        assert entry(record)["outcome"]["status"] == "failed"
        assert "there is no group 'web'" in entry(record)["outcome"]["error"]
        assert record["status"] == "completed"


class TestAfterTheAct:
    """What goes wrong in telling does not undo the doing."""

    def test_publishing_may_fail(self) -> None:
        made = world(desired=LOW)

        class Broken(MemorySink):
            def publish(self, values: Sequence[MetricValue]) -> None:
                raise ThrottledError("PutMetricData: Rate exceeded")

        made.sink = Broken()
        record = made.step()
        assert entry(record)["outcome"]["status"] == "applied"
        assert desired(made) == wanted()
        assert made.decisions.load(DECIDED_FROM) == record
        assert json.loads(made.lines[-1]) == {
            "slot": "2026-03-11T00:00:00Z",
            "warning": "PutMetricData: Rate exceeded",
        }

    def test_completing_the_record_may_fail(self) -> None:
        made = world(desired=LOW)
        log = JsonDecisionLog()
        log.error = SourceError("s3: timed out")
        made.decisions = log
        record = made.step()
        assert entry(record)["outcome"]["status"] == "applied"
        kept = log.load(DECIDED_FROM)
        assert kept is not None
        assert kept["status"] == "claimed"
        warnings = [json.loads(line).get("warning") for line in made.lines]
        assert "s3: timed out" in warnings
        # The next tick starts from the claimed record.
        log.error = None
        following = made.step()
        assert entry(following)["decision"]["before_instances"] == wanted()
        assert entry(following)["state"]["wishes"][0][0] == "2026-03-11T00:02:00Z"

    def test_a_day_that_cannot_be_kept_is_no_reason_to_stop(self) -> None:
        made = world(desired=LOW)

        class Full(CountedHistory):
            def save(self, *_: object) -> None:
                raise SourceError("s3: PutObject refused")

        made.history = Full()
        record = made.step()
        assert entry(record)["outcome"]["status"] == "applied"
        assert "history: s3: PutObject refused" in entry(record)["decision"]["faults"]
