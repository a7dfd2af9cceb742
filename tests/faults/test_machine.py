"""Days of ticks with faults and other hands coming and going: the invariants hold throughout."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from predictive_autoscaler.app.keeper import Keeper
from predictive_autoscaler.core.types import Bounds, Json
from tests.faults.scene import Scene, part, scene
from tests.faults.table import TABLE, Fault, Outcome
from tests.helpers.shop import GROUP, world

TICKS_A_DAY = 96
DAYS_A_STORY = 2
PORT_FAULTS = [
    fault
    for fault in TABLE
    if fault.heals
    and fault.area in ("CloudWatch", "Auto Scaling", "S3", "SNS", "model", "policies")
]
HANDS = [None, "a person", "a scaling policy", "a schedule"]
simulated = {"ticks": 0}


class Days(RuleBasedStateMachine):
    """A story of up to two days; each step plants, heals, meddles, restarts, or lets time pass."""

    @initialize(
        desired=st.integers(1, 60), with_model=st.booleans(), mode=st.sampled_from(["full"])
    )
    def begin(self, desired: int, with_model: bool, mode: str) -> None:
        made = world(desired=desired, with_model=with_model, MODE=mode)
        self.scene: Scene = scene(made)
        self.ticks = 0
        self.planted: list[Fault] = []

    def room(self) -> bool:
        return self.ticks < DAYS_A_STORY * TICKS_A_DAY

    @precondition(room)
    @rule(ticks=st.integers(1, 24))
    def time_passes(self, ticks: int) -> None:
        for _ in range(ticks):
            self.one_tick()

    @rule(fault=st.sampled_from(PORT_FAULTS))
    def something_breaks(self, fault: Fault) -> None:
        fault.plant(self.scene)
        self.planted.append(fault)

    @rule()
    def everything_heals(self) -> None:
        self.scene.heal()
        self.planted.clear()

    @rule(capacity=st.integers(1, 60), hand=st.sampled_from(HANDS))
    def another_hand_sets(self, capacity: int, hand: str | None) -> None:
        bounds = self.scene.world.actuator.groups[GROUP].bounds
        self.scene.world.change_group(desired_instances=bounds.clamp(capacity), changed_by=hand)

    @rule(low=st.integers(1, 20), width=st.integers(0, 40))
    def another_hand_moves_the_bounds(self, low: int, width: int) -> None:
        bounds = Bounds(low, low + width)
        group = self.scene.world.actuator.groups[GROUP]
        self.scene.world.change_group(
            bounds=bounds, desired_instances=bounds.clamp(group.desired_instances)
        )

    @rule(blocked=st.sampled_from([None, "suspended processes: Launch"]))
    def the_group_is_busy_or_no_more(self, blocked: str | None) -> None:
        self.scene.world.change_group(blocked_by=blocked)

    @rule()
    def the_function_starts_cold(self) -> None:
        fresh = self.scene.world.controller()
        fresh._ports = self.scene.controller._ports
        fresh._keeper = Keeper(fresh._ports.nets, fresh._ports.controls)
        fresh._collector = type(fresh._collector)(fresh._ports.metrics, fresh._ports.history)
        self.scene.controller = fresh

    def one_tick(self) -> None:
        made = self.scene
        before = made.world.actuator.groups[GROUP]
        calls, told = len(made.world.actuator.calls), len(made.world.lines)
        record = made.tick()
        self.ticks += 1
        simulated["ticks"] += 1
        acted = made.world.actuator.calls[calls:]
        assert len(acted) <= 1, "applied twice"
        for _, instances in acted:
            assert before.bounds.clamp(instances) == instances
        self.check_decision(part(record).get("decision"), before)
        # Never silent: a completed tick writes a line, another one raises or says why.
        said = record["status"] != "completed" or len(made.world.lines) > told
        assert said
        if record["status"] == "raised":
            assert any(fault.outcome is not Outcome.GO_ON for fault in self.planted)

    def check_decision(self, decision: Json | None, before: Any) -> None:
        if decision is None:
            return
        after, floor = decision["after_instances"], decision["floor_instances"]
        assert before.bounds.clamp(after) == after
        if decision["present_quality"] in ("ok", "quiet"):
            assert after >= min(floor, before.bounds.max_instances)
        else:
            assert after >= min(decision["before_instances"], before.bounds.max_instances)
        if before.blocked_by:
            assert after >= min(decision["before_instances"], before.bounds.max_instances)


def tell_stories(examples: int, steps: int, number: int) -> None:
    """Some stories; the same ones for the same number."""
    run_state_machine_as_test(
        seed(number)(Days),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_days() -> None:
    simulated["ticks"] = 0
    for number in count():
        tell_stories(100, 40, number)
        if simulated["ticks"] >= 200 * TICKS_A_DAY:
            break


def test_a_few_days() -> None:
    tell_stories(8, 20, 1)
