"""Handing over: which policies a mode wants, and a change of mode cut short anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.adapters.memory import MemoryControlStore, MemoryNets
from predictive_autoscaler.app.handover import (
    NOTHING_BEHIND,
    HandOver,
    Targets,
    amiss,
    left_as_nets,
    to_net,
    to_ordinary,
)
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import CalendarEvent
from predictive_autoscaler.errors import DataError, SourceError
from predictive_autoscaler.ports import GroupControl, Net
from tests.helpers.interrupted import Interruption
from tests.helpers.shop import DECIDED_FROM, GROUP, World, world

CPU = Net("web-cpu", "cpu", 70.0, True)
REQUESTS = Net("web-requests", "requests", 1000.0, True)
ORDINARY = (CPU, REQUESTS)
NET_CPU = Net("web-cpu", "cpu", 85.0, False)
NET_REQUESTS = Net("web-requests", "requests", 240.0, False)
AS_NETS = (NET_CPU, NET_REQUESTS)
TARGETS = Targets(70.0, 1000.0, 240.0)
EVENT = CalendarEvent("sale", DECIDED_FROM, DECIDED_FROM + timedelta(hours=3), 12)


def net(requests: float, scale_in: bool = False) -> Net:
    return Net("web-requests", "requests", requests, scale_in)


class TestTargets:
    def test_per_minute_and_a_fifth_above_what_an_instance_carries(self) -> None:
        parameters = ControlParameters(
            interval_seconds=900, default_capacity_per_instance=15_000, objective_cpu_percent=60
        )
        assert Targets.of(parameters, 3000.0) == Targets(60.0, 1000.0, 240.0)

    def test_a_setting_comes_before_what_was_learned_and_that_before_the_default(self) -> None:
        given = ControlParameters(capacity_per_instance=1000.0)
        assert Targets.of(given, 2000.0).net_requests == 240.0
        assert Targets.of(ControlParameters(), 2000.0).net_requests == 480.0
        assert Targets.of(ControlParameters(), None).net_requests == 1200.0


class TestWhatIsAmiss:
    def test_ordinary_policies_are_made_nets_and_nets_ordinary(self) -> None:
        assert {change.wanted for change in to_net(ORDINARY, TARGETS)} == set(AS_NETS)
        assert {change.wanted for change in to_ordinary(AS_NETS, TARGETS)} == set(ORDINARY)
        assert to_net(AS_NETS, TARGETS) == to_ordinary(ORDINARY, TARGETS) == []

    @pytest.mark.parametrize(
        ("found", "wrong"),
        [
            (Net("web-cpu", "cpu", 85.8, False), False),
            (Net("web-cpu", "cpu", 86.0, False), True),
            (Net("web-cpu", "cpu", 85.0, True), True),
            (net(260.0), False),  # follows what an instance carries only from a tenth on
            (net(265.0), True),
            (net(215.0), True),
            (net(240.0, scale_in=True), True),
        ],
    )
    def test_how_far_off_a_net_may_be(self, found: Net, wrong: bool) -> None:
        assert bool(amiss("full", [found], TARGETS)) == wrong

    @pytest.mark.parametrize(
        ("found", "wrong"), [(net(1009.0, True), False), (net(1011.0, True), True)]
    )
    def test_how_far_off_an_ordinary_policy_may_be(self, found: Net, wrong: bool) -> None:
        assert bool(to_ordinary([found], TARGETS)) == wrong

    @pytest.mark.parametrize("mode", ["off", "observe"])
    def test_what_people_have_set_is_theirs_where_nobody_acts(self, mode: str) -> None:
        theirs = [
            Net("a", "cpu", 55.0, True),
            Net("b", "cpu", 50.0, False),
            Net("c", "cpu", 85.0, True),
            net(600.0),
        ]
        assert amiss(mode, theirs, TARGETS) == []
        assert [change.wanted for change in amiss(mode, [NET_CPU], TARGETS)] == [CPU]
        assert [change.wanted for change in amiss(mode, [NET_REQUESTS], TARGETS)] == [REQUESTS]

    def test_a_net_beside_a_cpu_net_is_ours_though_an_instance_carries_something_else_now(
        self,
    ) -> None:
        """The CPU net is restored last, so that this holds as long as anything is left to do."""
        changes = left_as_nets((NET_CPU, net(600.0)), TARGETS)
        assert [change.wanted for change in changes] == [REQUESTS, CPU]

    def test_in_words(self) -> None:
        (change,) = to_net([CPU], TARGETS)
        assert change.in_words == (
            "web-cpu: from 70 % CPU with scale-in to 85 % CPU without scale-in"
        )
        (change,) = to_ordinary([NET_REQUESTS], TARGETS)
        assert change.in_words.endswith(
            "from 240 requests per target and minute without scale-in to "
            "1,000 requests per target and minute with scale-in"
        )


def stores(mode: str, nets: tuple[Net, ...]) -> tuple[MemoryNets, MemoryControlStore]:
    controls = MemoryControlStore({GROUP: GroupControl(mode, (EVENT,))})
    return MemoryNets({GROUP: nets}), controls


class TestHandOver:
    @pytest.mark.parametrize(
        ("before", "after", "found", "left"),
        [
            ("observe", "full", ORDINARY, AS_NETS),
            ("off", "full", ORDINARY, AS_NETS),
            ("full", "observe", AS_NETS, ORDINARY),
            ("full", "off", AS_NETS, ORDINARY),
            ("observe", "off", ORDINARY, ORDINARY),
            ("full", "full", ORDINARY, AS_NETS),
            ("observe", "observe", AS_NETS, ORDINARY),
        ],
    )
    def test_policies_and_mode_agree_afterwards_and_the_calendar_stays(
        self, before: str, after: str, found: tuple[Net, ...], left: tuple[Net, ...]
    ) -> None:
        nets, controls = stores(before, found)
        HandOver(nets, controls).change(GROUP, before, after, TARGETS)
        assert nets.nets[GROUP] == left
        assert controls.load_each([GROUP])[GROUP] == GroupControl(after, (EVENT,))

    @pytest.mark.parametrize(("before", "after"), [("observe", "full"), ("full", "observe")])
    def test_the_policies_come_first(self, before: str, after: str) -> None:
        nets, controls = stores(before, ORDINARY if after == "full" else AS_NETS)
        nets.set_error = SourceError("no")
        with pytest.raises(SourceError, match="could not all be set: no"):
            HandOver(nets, controls).change(GROUP, before, after, TARGETS)
        assert controls.load_each([GROUP])[GROUP] == GroupControl(before, (EVENT,))

    def test_each_step_is_told_and_once_more_changes_nothing(self) -> None:
        nets, controls = stores("observe", ORDINARY)
        lines: list[str] = []
        hand_over = HandOver(nets, controls, lines.append)
        hand_over.change(GROUP, "observe", "full", TARGETS)
        assert [line.partition(":")[0] for line in lines] == ["web-cpu", "web-requests", "mode"]
        calls = list(nets.calls)
        lines.clear()
        hand_over.change(GROUP, "full", "full", TARGETS)
        assert lines == ["policies: as mode full has them", "mode: full already"]
        assert nets.calls == calls

    def test_a_group_without_policies_is_told_of_and_handed_over(self) -> None:
        nets, controls = stores("observe", ())
        lines: list[str] = []
        HandOver(nets, controls, lines.append).change(GROUP, "observe", "full", TARGETS)
        assert lines == [NOTHING_BEHIND, "mode: full"]

    def test_a_policy_that_is_refused_does_not_keep_the_others(self) -> None:
        class Refusing(MemoryNets):
            def set(self, group: str, net: Net) -> None:
                if net.metric == "requests":
                    raise SourceError("the label is gone")
                super().set(group, net)

        nets, (_, controls) = Refusing({GROUP: AS_NETS}), stores("full", ())
        with pytest.raises(SourceError, match="the label is gone"):
            HandOver(nets, controls).change(GROUP, "full", "observe", TARGETS)
        assert nets.nets[GROUP] == (CPU, NET_REQUESTS)

    def test_what_cannot_be_read_is_not_written_over(self) -> None:
        class Damaged(MemoryControlStore):
            def load_each(self, groups: object) -> dict[str, DataError]:  # type: ignore[override]
                return {GROUP: DataError("control/web.json: not JSON")}

        nets = MemoryNets({GROUP: ORDINARY})
        with pytest.raises(DataError):
            HandOver(nets, Damaged()).change(GROUP, "observe", "full", TARGETS)
        assert nets.calls == []

    def test_a_tick_that_sets_the_policies_back_meanwhile_is_put_right(self) -> None:
        nets, _ = stores("full", AS_NETS)

        class Racing(MemoryControlStore):
            def save(self, group: str, control: GroupControl, **named: Any) -> None:
                super().save(group, control, **named)
                for one in AS_NETS:
                    nets.set(group, one)

        controls = Racing({GROUP: GroupControl("full")})
        HandOver(nets, controls).change(GROUP, "full", "observe", TARGETS)
        assert nets.nets[GROUP] == ORDINARY
        assert controls.load_each([GROUP])[GROUP] == GroupControl("observe")


def shop(mode: str) -> World:
    """The shop in a mode, with the policies that the mode has."""
    made = world(interval_minutes=15, with_model=False, MODE="observe")
    made.controls.save(GROUP, GroupControl(mode, (EVENT,)))
    made.nets.nets[GROUP] = AS_NETS if mode == "full" else ORDINARY
    return made


def change(made: World, before: str, after: str, interruption: Interruption) -> None:
    targets = Targets.of(made.groups[0].parameters, None)
    assert targets.net_requests == 240.0
    nets, controls = interruption.over(made.nets), interruption.over(made.controls)
    HandOver(nets, controls).change(GROUP, before, after, targets)


def mode_of(made: World) -> str | None:
    found = made.controls.load_each([GROUP])[GROUP]
    assert isinstance(found, GroupControl)
    assert found.calendar == (EVENT,)
    return found.mode


def agree(made: World) -> bool:
    return made.nets.nets[GROUP] == (AS_NETS if mode_of(made) == "full" else ORDINARY)


def calls_of(before: str, after: str) -> int:
    interruption = Interruption()
    change(shop(before), before, after, interruption)
    return interruption.calls


CHANGES = [
    (before, after, number)
    for before, after in (
        ("observe", "full"),
        ("full", "observe"),
        ("full", "off"),
        ("off", "full"),
    )
    for number in range(calls_of(before, after))
]


@pytest.mark.parametrize(("before", "after", "number"), CHANGES)
def test_a_change_cut_off_anywhere_is_brought_into_agreement(
    before: str, after: str, number: int
) -> None:
    """By the next tick, in the mode that is said then; and the same command carries on."""
    made = shop(before)
    try:
        change(made, before, after, Interruption(fails_at=number))
    except SourceError:
        assert mode_of(made) == before
    else:
        assert mode_of(made) == after  # Only the last look failed.
    left = mode_of(made)
    made.step()
    assert agree(made)
    assert mode_of(made) == left
    change(made, left or "", after, Interruption())
    assert agree(made)
    assert mode_of(made) == after


@pytest.mark.parametrize(("before", "after", "number"), CHANGES)
def test_the_same_command_at_once_carries_on(before: str, after: str, number: int) -> None:
    made = shop(before)
    try:
        change(made, before, after, Interruption(fails_at=number))
    except SourceError:
        change(made, before, after, Interruption())
    else:
        change(made, after, after, Interruption())
    assert agree(made)
    assert mode_of(made) == after
