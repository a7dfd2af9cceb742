"""One controller over several groups: whose turn it is, and what is written and published."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from predictive_autoscaler.adapters.memory import MemoryActuator
from predictive_autoscaler.app.bulletin import TOLD_AT_ONCE
from predictive_autoscaler.app.control import (
    SECONDS_TO_ACT,
    SECONDS_TO_SET,
    WHOLE_RECORDS_UP_TO,
    Controller,
)
from predictive_autoscaler.app.tick import LEFT
from predictive_autoscaler.core.types import Bounds, GroupState, Json
from tests.helpers.shop import GROUP, World, entry, settings, shop, world

NAMES = [f"g{number}" for number in range(6)]


def several(names: list[str] = NAMES, desired: int = 12, **variables: str) -> World:
    """Groups with the shop's traffic and no models of their own."""
    made = world(with_model=False)
    made.groups = tuple(settings(name, 15, **variables) for name in names)
    made.source.samples |= dict.fromkeys(names, shop(900))
    made.actuator = MemoryActuator(
        GroupState(name, desired, desired, Bounds(1, 60)) for name in names
    )
    return made


def statuses(record: Json) -> dict[str, str]:
    return {name: part["outcome"]["status"] for name, part in record["groups"].items()}


def asked(answers: Iterator[float]) -> Callable[[], float]:
    """A watch that shows these seconds, one after the other, and then the last for ever."""
    shown = [0.0]

    def look() -> float:
        shown[0] = next(answers, shown[0])
        return shown[0]

    return look


def run(controller: Controller, made: World, *seconds: float) -> Json:
    record = controller.run_once(seconds_left=asked(iter(seconds)))
    made.clock.advance(made.groups[0].parameters.interval)
    return record


class TestTheTimeIsUp:
    def test_who_had_no_turn_is_left_as_it_is_and_first_the_next_time(self) -> None:
        made = several()
        controller = made.controller()
        run(controller, made, 1000.0)
        before = dict(made.actuator.groups)
        # Deciding the second and third group, there is time; before the fourth, no more.
        late = run(controller, made, 100.0, 100.0, SECONDS_TO_ACT - 1)
        assert [name for name, status in statuses(late).items() if status == LEFT] == NAMES[3:]
        for name in NAMES[3:]:
            part = entry(late, name)
            assert part["decision"] is None
            assert "it comes first in the next tick" in part["outcome"]["error"]
            assert made.actuator.groups[name] == before[name]
        following = run(controller, made, 1000.0)
        assert list(following["groups"]) == NAMES[3:] + NAMES[:3]
        assert LEFT not in statuses(following).values()

    def test_what_is_remembered_survives(self) -> None:
        made = several()
        controller = made.controller()
        first = run(controller, made, 1000.0)
        late = run(controller, made, SECONDS_TO_ACT - 1)
        assert entry(late, NAMES[5])["state"] == entry(first, NAMES[5])["state"]
        again = run(controller, made, 1000.0)
        # Both intervals are in the ledger: nothing was lost.
        assert (
            entry(again, NAMES[5])["state"]["accounted_until"]
            > entry(first, NAMES[5])["state"]["accounted_until"]
        )

    def test_one_group_is_decided_however_late_it_is(self) -> None:
        made = several()
        record = run(made.controller(), made, 0.0)
        assert statuses(record)[NAMES[0]] != "failed"
        assert entry(record, NAMES[0])["decision"] is not None

    def test_histories_are_read_as_far_as_there_is_time(self) -> None:
        names = [f"g{number}" for number in range(30)]
        made = several(names)
        controller = made.controller()
        first = run(controller, made, 0.0, 1000.0)
        left = [name for name, status in statuses(first).items() if status == LEFT]
        assert left == names[8:]
        assert "reading its history" in entry(first, names[8])["outcome"]["error"]
        second = run(controller, made, 1000.0)
        assert LEFT not in statuses(second).values()

    def test_nothing_is_set_when_its_outcome_could_not_be_recorded(self) -> None:
        made = several(desired=1)
        decided_in_time = [1000.0] * (len(NAMES) - 1)
        record = run(made.controller(), made, *decided_in_time, SECONDS_TO_SET - 1)
        assert made.actuator.calls == []
        assert set(statuses(record).values()) == {LEFT}
        assert all(entry(record, name)["decision"]["after_instances"] > 1 for name in NAMES)
        run(made.controller(), made, 1000.0)
        assert {name for name, _ in made.actuator.calls} == set(NAMES)

    def test_people_are_told_once(self) -> None:
        made = several()
        controller = made.controller()
        run(controller, made, 1000.0)
        made.notifier.messages.clear()
        run(controller, made, 100.0, SECONDS_TO_ACT - 1)
        ((_, text),) = made.notifier.messages
        assert text.count("left: the time was up") == 4


def test_more_capacity_is_asked_for_before_less() -> None:
    made = several()
    low, high = NAMES[:3], NAMES[3:]
    for name in low:
        made.change_group(name, desired_instances=60, in_service_instances=60)
    for name in high:
        made.change_group(name, desired_instances=1, in_service_instances=1)
    controller = made.controller()
    for _ in range(4):
        run(controller, made, 1000.0)
    calls = [name for name, _ in made.actuator.calls]
    first_in = min((calls.index(name) for name in low if name in calls), default=len(calls))
    assert set(calls[:first_in]) == set(high)
    assert first_in < len(calls)


def test_a_group_may_use_another_s_model() -> None:
    made = world()
    made.groups = (*made.groups, settings("twin", MODEL=GROUP))
    made.source.samples["twin"] = made.source.samples[GROUP]
    made.actuator.put(replace(made.actuator.groups[GROUP], name="twin"))
    record = made.step()
    own, shared = entry(record), entry(record, "twin")
    assert own["decision"]["rung"] == shared["decision"]["rung"] == "forest"
    assert own["decision"]["wish_instances"] == shared["decision"]["wish_instances"]


def test_a_refused_group_stands_in_the_record_and_people_are_told() -> None:
    made = several()
    controller = made.controller()
    controller.refused = {"broken": "AUTOSCALER_MODE is 'ful'; allowed is off, observe or full"}
    first = run(controller, made, 1000.0)
    assert statuses(first)["broken"] == "refused"
    assert len(made.notifier.messages) == 1
    assert "broken: refused: AUTOSCALER_MODE is 'ful'" in made.notifier.messages[0][1]
    run(controller, made, 1000.0)
    assert len(made.notifier.messages) == 1


def test_groups_come_and_go_between_two_steps() -> None:
    made = several()
    controller = made.controller()
    run(controller, made, 1000.0)
    controller.groups = controller.groups[2:]
    record = run(controller, made, 1000.0)
    assert list(record["groups"]) == NAMES[2:]
    controller.groups = made.groups
    assert set(run(controller, made, 1000.0)["groups"]) == set(NAMES)


def without_matters(record: Json) -> Json:
    """What people know is noted down after the line is written."""
    return {key: value for key, value in record.items() if key != "matters"}


@pytest.mark.parametrize("count", [WHOLE_RECORDS_UP_TO, WHOLE_RECORDS_UP_TO + 1])
def test_the_log_line_stays_small(count: int) -> None:
    made = several([f"g{number}" for number in range(count)])
    record = run(made.controller(), made, 1000.0)
    line = json.loads(made.lines[-1])
    if count == WHOLE_RECORDS_UP_TO:
        assert without_matters(line) == without_matters(record)
    else:
        assert line["groups"] == count
        assert sum(line["outcomes"].values()) == count
        assert len(made.lines[-1]) < 1000


def test_a_thousand_troubles_are_one_short_message() -> None:
    names = [f"g{number}" for number in range(TOLD_AT_ONCE + 30)]
    made = several(names)
    for name in names:
        del made.actuator.groups[name]
    run(made.controller(), made, 1000.0)
    (text,) = made.told
    assert text.splitlines()[-1] == "and 30 more"
    assert len(text.splitlines()) == TOLD_AT_ONCE + 1


def test_without_custom_metrics_only_the_step_itself_is_published() -> None:
    made = several(METRICS_LEVEL="none")
    run(made.controller(), made, 1000.0)
    assert {(value.group, value.name) for value in made.sink.values} == {
        (None, "DecidedGroups"),
        (None, "FailedGroups"),
        (None, "LeftGroups"),
    }
