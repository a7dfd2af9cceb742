"""Ticks keep the policies as the mode has them, suggest acting, and fall back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.app.handover import NOTHING_BEHIND
from predictive_autoscaler.app.keeper import SET_RIGHT, STILL_NETS, UNREAD, WRONG_IN_FULL
from predictive_autoscaler.app.record import state_of
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.trial import Lately, Tally, Trial
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import SourceError, ThrottledError
from predictive_autoscaler.ports import GroupControl, Net
from tests.helpers.interrupted import Interruption
from tests.helpers.shop import GROUP, World, entry, world

ORDINARY = (Net("web-cpu", "cpu", 70.0, True), Net("web-requests", "requests", 1000.0, True))
AS_NETS = (Net("web-cpu", "cpu", 85.0, False), Net("web-requests", "requests", 240.0, False))
MANY = 40
"""Instances: so many that a calm night scales in at once, whoever is not held."""
DAY = timedelta(days=1)


def shop(mode: str, nets: tuple[Net, ...], desired: int = MANY, **variables: Any) -> World:
    made = world(desired=desired, MODE=mode, **variables)
    made.nets.nets[GROUP] = nets
    return made


def after(record: Json) -> int:
    instances: int = entry(record)["decision"]["after_instances"]
    return instances


def faults(record: Json) -> str:
    return "; ".join(entry(record)["decision"]["faults"])


def told(made: World) -> list[str]:
    return made.told


def last_mode(made: World) -> str | None:
    control = made.controls.load_each([GROUP])[GROUP]
    assert isinstance(control, GroupControl)
    return control.mode


class TestFull:
    def test_a_calm_night_scales_in_beside_nets(self) -> None:
        """The premise of what follows."""
        made = shop("full", AS_NETS)
        assert after(made.step()) < MANY
        assert made.nets.calls == []
        assert told(made) == []

    def test_policies_that_are_no_nets_hold_scale_in_and_are_set_right_and_told_once(self) -> None:
        made = shop("full", ORDINARY)
        first, second = made.run(2)
        assert after(first) == MANY
        assert made.nets.nets[GROUP] == AS_NETS
        assert after(second) < MANY
        assert len(told(made)) == 1
        assert WRONG_IN_FULL in told(made)[0]
        assert SET_RIGHT in told(made)[0]
        assert "web-cpu: from 70 % CPU with scale-in to 85 % CPU without scale-in" in told(made)[0]

    def test_what_cannot_be_set_right_goes_on_holding_and_is_told_once(self) -> None:
        made = shop("full", ORDINARY)
        made.nets.set_error = ThrottledError("Rate exceeded")
        records = made.run(3)
        assert [after(record) for record in records] == 3 * [MANY]
        assert len(told(made)) == 1
        assert "could not be set right: Rate exceeded" in told(made)[0]
        made.nets.set_error = None
        made.step()
        assert made.nets.nets[GROUP] == AS_NETS

    def test_policies_that_nobody_can_read_hold_and_are_told_once(self) -> None:
        made = shop("full", AS_NETS)
        made.nets.read_error = SourceError("no answer")
        assert [after(record) for record in made.run(3)] == 3 * [MANY]
        assert len(told(made)) == 1
        assert f"{UNREAD}: no answer" in told(made)[0]

    def test_more_is_asked_for_all_the_same(self) -> None:
        made = shop("full", ORDINARY, desired=1)
        made.nets.set_error = SourceError("no")
        assert after(made.step()) > 1
        assert made.actuator.groups[GROUP].desired_instances > 1

    def test_without_policies_it_acts_and_says_that_nothing_is_behind_it_once(self) -> None:
        made = shop("full", ())
        assert after(made.run(2)[0]) < MANY
        assert len(told(made)) == 1
        assert NOTHING_BEHIND in told(made)[0]

    def test_a_policy_that_may_scale_in_beside_the_controller_is_told_and_left_alone(self) -> None:
        queue = Net("queue", "other", 3.0, True)
        made = world(desired=MANY)
        made.nets.nets[GROUP] = (*made.nets.nets.get(GROUP, ()), queue)
        made.run(2)
        said = [line for text in told(made) for line in text.splitlines() if "'queue'" in line]
        assert len(said) == 1
        assert "may scale in beside the controller" in said[0]
        assert made.nets.nets[GROUP][-1] == queue

    def test_a_group_whose_policies_are_unknown_is_left_alone(self) -> None:
        made = world(desired=MANY)
        assert after(made.step()) < MANY
        assert told(made) == []


class TestNotFull:
    @pytest.mark.parametrize("mode", ["off", "observe"])
    def test_nets_that_were_left_over_are_made_ordinary_and_told_once(self, mode: str) -> None:
        made = shop(mode, AS_NETS)
        made.run(2)
        assert made.nets.nets[GROUP] == ORDINARY
        assert len(told(made)) == 1
        assert f"{STILL_NETS} {mode}; {SET_RIGHT}" in told(made)[0]

    @pytest.mark.parametrize("mode", ["off", "observe"])
    def test_policies_of_people_stay_as_they_are(self, mode: str) -> None:
        theirs = (Net("web-cpu", "cpu", 50.0, True), Net("web-requests", "requests", 600.0, False))
        made = shop(mode, theirs)
        made.run(2)
        assert made.nets.nets[GROUP] == theirs
        assert told(made) == []


class TestLeftAlone:
    def test_a_dry_run_finds_out_only(self) -> None:
        made = shop("full", ORDINARY)
        record = made.controller().run_once(dry_run=True)
        assert made.nets.calls == []
        assert after(record) == MANY
        assert "a dry run leaves them so" in faults(record)

    def test_there_is_no_setting_when_the_time_is_up(self) -> None:
        made = shop("full", ORDINARY)
        record = made.controller().run_once(seconds_left=lambda: 5.0)
        assert made.nets.calls == []
        assert "the time was up" in faults(record)

    def test_nothing_is_set_while_nobody_knows_what_people_have_said(self) -> None:
        """They may have handed the group over just now."""
        made = shop("observe", AS_NETS)
        controller = made.controller()
        controller._ports = replace(controller._ports, controls=Interruption(0).over(made.controls))
        record = controller.run_once()
        assert made.nets.calls == []
        assert "while the mode is not known" in faults(record)

    def test_while_nobody_knows_the_mode_stays_what_it_was(self) -> None:
        """Else a trial would begin anew, and the settings' mode would act against the people's."""
        made = shop("full", ORDINARY)
        made.controls.save(GROUP, GroupControl("observe"))
        made.run(2)
        controller = made.controller()
        controller._ports = replace(controller._ports, controls=Interruption(0).over(made.controls))
        record = controller.run_once()
        assert entry(record)["mode"] == "observe"
        assert entry(record)["outcome"] == {"status": "observed"}
        assert made.nets.calls == []
        trial = ControllerState.from_json(entry(record)["state"]).trial
        assert (trial.observing, trial.length) == (True, timedelta(minutes=30))


def rewrite(made: World, change: Callable[[ControllerState], ControllerState]) -> None:
    """Let the newest record tell another past."""
    record = made.decisions.newest_before(made.clock.now() + DAY)
    state = state_of(record, GROUP)
    assert record is not None
    assert state is not None
    entry(record)["state"] = json.loads(json.dumps(change(state).to_json()))
    slot = made.clock.now() - made.groups[0].parameters.interval
    made.decisions.complete(slot.replace(minute=slot.minute // 15 * 15, second=0), record)


def good_week(state: ControllerState) -> ControllerState:
    until = state.accounted_until
    trial = Trial(True, until - 7 * DAY, until, 1e6, Tally(900.0, 500.0), Tally(1000.0, 600.0))
    return replace(state, trial=trial)


def bad_days(state: ControllerState) -> ControllerState:
    until = state.accounted_until
    ours, theirs = Tally(1200.0, 9000.0, missed_alone=40), Tally(1000.0, 600.0)
    bad = Trial(False, until - 2 * DAY, until, 1e6, ours, theirs)
    return replace(state, lately=Lately(bad))


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


class TestSuggesting:
    def test_a_good_week_is_told_once_with_its_figures_and_how_to_act(self) -> None:
        made = shop("observe", ORDINARY, INSTANCE_HOUR_PRICE="0.05")
        made.step()
        assert told(made) == []
        rewrite(made, good_week)
        made.run(3, restart_at=[1, 2])
        (text,) = told(made)
        assert text.startswith(f"{GROUP}: In 7.0 days of observing, acting would have taken 9")
        assert "missed 500 requests (0.05 %); the group took 1,0" in text
        assert "USD less. To let the controller act: predictive-autoscaler mode web full" in text
        assert made.nets.calls == []
        assert last_mode(made) is None

    @pytest.mark.parametrize("call", ["decisions.complete", "_log"])
    def test_who_is_stopped_before_telling_tells_it_in_the_next_tick(
        self, call: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = shop("observe", ORDINARY)
        made.step()
        rewrite(made, good_week)
        stopped = made.controller()
        port, _, name = call.rpartition(".")
        monkeypatch.setattr(made.decisions if port else stopped, name, _stop)
        with pytest.raises(KeyboardInterrupt):
            stopped.run_once()
        monkeypatch.undo()
        made.clock.advance(made.groups[0].parameters.interval)
        made.run(2)
        assert len([text for text in told(made) if "To let the controller act" in text]) == 1

    @pytest.mark.parametrize("mode", ["off", "full"])
    def test_nobody_is_asked_in_another_mode(self, mode: str) -> None:
        made = shop(mode, AS_NETS if mode == "full" else ORDINARY)
        made.step()
        rewrite(made, good_week)
        made.step()
        assert told(made) == []

    def test_a_second_time_of_observing_is_told_again(self) -> None:
        made = shop("observe", ORDINARY)
        for mode in ("observe", "full", "observe"):
            made.controls.save(GROUP, GroupControl(mode))
            made.nets.nets[GROUP] = AS_NETS if mode == "full" else ORDINARY
            made.step()
            rewrite(made, good_week if mode == "observe" else lambda state: state)
            made.step()
        assert len([text for text in told(made) if "To let the controller act" in text]) == 2


class TestFallingBack:
    def test_policies_first_then_the_mode_and_people_are_told_the_figures_once(self) -> None:
        made = shop("full", AS_NETS)
        made.step()
        rewrite(made, bad_days)
        before = made.actuator.groups[GROUP].desired_instances
        record = made.step()
        assert made.nets.nets[GROUP] == ORDINARY
        assert last_mode(made) == "observe"
        assert entry(record)["mode"] == "observe"
        assert entry(record)["outcome"] == {"status": "observed"}
        assert made.actuator.groups[GROUP].desired_instances == before
        made.run(3)
        (text,) = told(made)
        assert "its own policies scale it again and the mode is observe" in text
        assert "the controller has taken 1,2" in text
        assert "target tracking would have taken 1,0" in text
        assert made.nets.nets[GROUP] == ORDINARY
        state = state_of(made.decisions.newest_before(made.clock.now() + DAY), GROUP)
        assert state is not None
        assert state.trial.observing
        assert state.lately is None

    def test_good_days_or_few_change_nothing(self) -> None:
        made = shop("full", AS_NETS)
        made.step()
        rewrite(made, lambda state: replace(bad_days(state), lately=None))
        made.step()
        assert last_mode(made) is None
        assert told(made) == []

    def test_a_dry_run_does_not(self) -> None:
        made = shop("full", AS_NETS)
        made.step()
        rewrite(made, bad_days)
        made.controller().run_once(dry_run=True)
        assert (last_mode(made), made.nets.calls) == (None, [])

    def test_nor_one_without_time(self) -> None:
        made = shop("full", AS_NETS)
        made.step()
        rewrite(made, bad_days)
        made.controller().run_once(seconds_left=lambda: 5.0)
        assert (last_mode(made), made.nets.calls) == (None, [])

    def test_what_fails_does_not_scale_in_is_told_and_done_by_a_later_tick(self) -> None:
        """Some policies may scale the group in again: two would be at it."""
        made = shop("full", AS_NETS)
        made.step()
        rewrite(made, bad_days)
        before = made.actuator.groups[GROUP].desired_instances
        made.nets.set_error = SourceError("not now")
        record = made.step()
        assert after(record) < before
        assert entry(record)["outcome"]["status"] == "held"
        assert made.actuator.groups[GROUP].desired_instances == before
        assert "it should fall back to mode observe, but" in told(made)[0]
        assert last_mode(made) is None
        made.nets.set_error = None
        made.step()
        assert last_mode(made) == "observe"
        assert made.nets.nets[GROUP] == ORDINARY


def fallen(made: World, interruption: Interruption) -> Json:
    """A tick that should fall back, with the calls of its hand-over watched."""
    controller = made.controller()
    hand_over = controller._keeper._hand_over
    hand_over._nets = interruption.over(made.nets)
    hand_over._controls = interruption.over(made.controls)
    record = controller.run_once()
    made.clock.advance(made.groups[0].parameters.interval)
    return record


def about_to_fall() -> World:
    made = shop("full", AS_NETS)
    made.step()
    rewrite(made, bad_days)
    return made


def calls_of_falling_back() -> int:
    interruption = Interruption()
    fallen(about_to_fall(), interruption)
    return interruption.calls


@pytest.mark.parametrize("number", range(calls_of_falling_back()))
def test_falling_back_cut_off_at_any_call_is_done_by_the_next_tick(number: int) -> None:
    made = about_to_fall()
    record = fallen(made, Interruption(fails_at=number))
    if entry(record)["mode"] == "full":
        assert entry(record)["outcome"]["status"] in ("held", "applied", "unchanged")
        assert last_mode(made) is None
    made.run(2)
    assert last_mode(made) == "observe"
    assert made.nets.nets[GROUP] == ORDINARY
    assert len([text for text in told(made) if "its own policies scale it again" in text]) == 1
