"""What is read when, and what is known of it: over the ports in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import MemoryAlarms, MemoryFunctionCalls
from predictive_autoscaler.app.monitor.facts import COMPONENTS, Facts, Outlook, Seen
from predictive_autoscaler.app.monitor.watch import DECISIONS_SHOWN, Eyes, Watch
from predictive_autoscaler.core.decide import DISTRUST
from predictive_autoscaler.core.types import Json, Samples, utc_text
from predictive_autoscaler.errors import (
    DataError,
    ModelError,
    SourceError,
    ThrottledError,
)
from predictive_autoscaler.ports import Alarm, GroupControl
from tests.helpers.shop import DECIDED_FROM, FIRST_TICK, GROUP, World, entry, model, world

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
INTERVAL = timedelta(minutes=15)
FUNCTION = "shop-controller"
OURS = frozenset({("AutoScalingGroupName", GROUP)})
THEIRS = frozenset({("AutoScalingGroupName", "another")})
ITS = frozenset({("FunctionName", FUNCTION)})
ALARMS = (
    Alarm("web-cpu", "OK", FIRST_TICK, dimensions=OURS),
    Alarm("web-lambda-errors", "OK", FIRST_TICK, dimensions=ITS),
    Alarm("TargetTracking-web-AlarmLow-1", "ALARM", FIRST_TICK, dimensions=OURS),
    Alarm("others-cpu", "ALARM", FIRST_TICK, dimensions=THEIRS),
)


class Counted:
    """A port whose calls are counted by name, and can be made to fail.

    Attributes:
        faults: by method; raised instead of its answer.
    """

    def __init__(self, port: Any, calls: Counter[str]) -> None:
        self._port = port
        self._calls = calls
        self.faults: dict[str, Exception] = {}

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **options: Any) -> Any:
            self._calls[name] += 1
            if name in self.faults:
                raise self.faults[name]
            return getattr(self._port, name)(*given, **options)

        return call


class Scene:
    """A world that a controller has decided about, and a watch over it."""

    def __init__(
        self,
        made: World | None = None,
        components: Sequence[str] = COMPONENTS,
        ticks: int = 3,
        **options: Any,
    ) -> None:
        self.world = made or world(desired=20)
        self.records = self.world.run(ticks)
        self.now = self.world.clock.now() - INTERVAL + MINUTE
        self.calls: Counter[str] = Counter()
        self.alarms = MemoryAlarms(ALARMS)
        self.functions = MemoryFunctionCalls({FUNCTION: [(self.now - 5 * MINUTE, 1.0, False)]})
        self.ports: dict[str, Any] = {
            "actuator": Counted(self.world.actuator, self.calls),
            "metrics": Counted(self.world.source, self.calls),
            "history": self.world.history,
            "decisions": Counted(self.world.decisions, self.calls),
            "models": Counted(self.world.models, self.calls),
            "alarms": self.alarms,
            "calls": self.functions,
            "controls": Counted(self.world.controls, self.calls),
        }
        eyes: Any = Eyes(**self.ports)
        self.watch = Watch(eyes, self.world.groups[0], components, **options)

    def look(self, later: timedelta = timedelta(0)) -> Facts:
        """One refresh, after some time, with the calls counted from there on."""
        self.calls.clear()
        self.alarms.reads = self.functions.reads = 0
        self.now += later
        return self.watch.refresh(self.now)

    def fault(self, port: str, method: str, error: Exception | None) -> None:
        """Let a call fail, or work again."""
        faults: dict[str, Exception] = self.ports[port].faults
        if error is None:
            faults.pop(method)
        else:
            faults[method] = error


def known(outlook: Outlook | None) -> Outlook:
    assert outlook is not None
    return outlook


class TestFacts:
    def test_the_group_and_its_last_decisions(self) -> None:
        scene = Scene()
        facts = scene.look()
        assert facts.errors == {}
        state = facts.capacity.value
        assert state is not None
        decisions = [entry(record)["decision"] for record in reversed(scene.records)]
        assert state.desired_instances == decisions[0]["after_instances"]
        assert facts.decisions.value is not None
        assert [note.after for note in facts.decisions.value] == [
            decision["after_instances"] for decision in decisions
        ]
        newest = facts.newest
        assert newest is not None
        assert utc_text(newest.slot) == scene.records[-1]["slot"]
        assert newest.wish == decisions[0]["wish_instances"]
        assert newest.text.startswith(("Scale ", "Stay at "))
        assert (facts.mode, newest.rung) == ("full", "forest")
        assert facts.silent is None

    def test_the_mode_is_what_was_said_last_even_if_no_decision_follows(self) -> None:
        scene = Scene()
        assert scene.look().mode_words == "full"
        scene.world.controls.save(GROUP, GroupControl("observe"))
        assert scene.look(SECOND).mode == "full"
        facts = scene.look(MINUTE)
        assert facts.mode == "observe"
        newest = facts.newest
        assert newest is not None
        assert facts.mode_words == (
            f"observe (the record of {newest.slot:%H:%M} UTC still has full)"
        )

    def test_where_nobody_can_read_what_was_said_the_record_tells_the_mode(self) -> None:
        scene = Scene()
        scene.fault("controls", "load_each", SourceError("no answer"))
        facts = scene.look()
        newest = facts.newest
        assert newest is not None
        assert facts.mode_words == f"full by the record of {newest.slot:%H:%M} UTC"
        assert facts.errors == {"control": "no answer"}

    def test_traffic_of_the_last_hour_is_what_was_measured(self) -> None:
        scene = Scene()
        traffic = scene.look().traffic.value
        assert traffic is not None
        measured = scene.world.source.samples[GROUP].between(traffic.start, traffic.end)
        assert traffic.requests == tuple(measured.requests)
        assert traffic.cpu_percent == tuple(measured.cpu_percent)
        assert traffic.end - traffic.start == timedelta(hours=1)
        assert traffic.end <= scene.now - timedelta(seconds=120)

    def test_the_forecast_is_the_models_as_far_as_it_reaches_and_then_the_seasons(self) -> None:
        scene = Scene()
        outlook = known(scene.look().outlook.value)
        card = model().card
        reach = card.parameters.horizon_bins
        rungs = [one.rung for one in outlook.ahead]
        assert rungs == ["forest"] * reach + ["seasonal"] * (16 - reach)
        assert outlook.notes == ()
        assert all(one.lower <= one.median <= one.upper for one in outlook.ahead)
        assert [one.start for one in outlook.ahead] == [
            outlook.until + index * INTERVAL for index in range(16)
        ]
        demand = scene.world.source.samples[GROUP].between(outlook.start, outlook.until)
        assert outlook.behind == tuple(demand.requests)

    def test_it_is_the_forecast_that_the_decision_rested_on(self) -> None:
        """A quantile of the largest demand is no smaller than that of any single interval."""
        scene = Scene()
        facts = scene.look()
        peak = facts.newest.quantiles if facts.newest else {}
        ours = [one for one in known(facts.outlook.value).ahead if one.rung == "forest"]
        tolerance = 1 + 1e-9
        assert max(one.lower for one in ours) <= peak["0.05"] * tolerance
        assert max(one.median for one in ours) <= peak["0.5"] * tolerance
        assert max(one.upper for one in ours) <= peak["0.95"] * tolerance
        assert max(one.upper for one in ours) > peak["0.75"]

    def test_the_model_and_its_age(self) -> None:
        facts = Scene().look()
        note = facts.model.value
        assert note is not None
        assert (note.model_id, note.fault) == (model().card.model_id, "")
        assert note.trained_until == model().card.trained_until
        assert note.reach_minutes == 15 * model().card.parameters.horizon_bins

    def test_only_the_groups_alarms_count_and_none_that_policies_make(self) -> None:
        found = Scene().look().alarms.value
        assert found is not None
        assert [alarm.name for alarm in found] == ["web-cpu"]

    def test_a_prefix_takes_all_alarms_of_the_name_and_finds_the_function(self) -> None:
        scene = Scene(alarm_prefix="web-")
        facts = scene.look()
        assert [alarm.name for alarm in facts.alarms.value or ()] == [
            "web-cpu",
            "web-lambda-errors",
        ]
        assert facts.function == FUNCTION
        assert facts.calls.value is not None
        assert (facts.calls.value.calls, facts.calls.value.errors) == (1, 0)

    def test_a_named_function_needs_no_alarm(self) -> None:
        facts = Scene(components=["lambda"], function=FUNCTION).look()
        assert facts.calls.value is not None
        assert facts.calls.value.calls == 1
        assert [alarm.name for alarm in facts.alarms.value or ()] == [
            "web-cpu",
            "web-lambda-errors",
        ]

    def test_all_of_it_is_json(self) -> None:
        content = json.loads(json.dumps(Scene(alarm_prefix="web-").look().to_json()))
        assert content["group"] == GROUP
        assert content["capacity"]["value"]["bounds"] == {"min_instances": 1, "max_instances": 60}
        assert content["capacity"]["error"] == ""
        assert content["outlook"]["value"]["ahead"][0]["rung"] == "forest"
        assert content["alarms"]["value"][0]["dimensions"] == [["AutoScalingGroupName", GROUP]]
        assert content["calls"]["value"]["calls"] == 1

    def test_nothing_is_written(self) -> None:
        scene = Scene()
        kept: Any = scene.world.history
        saved, calls = list(kept.saved), list(scene.world.actuator.calls)
        scene.look()
        assert (kept.saved, scene.world.actuator.calls) == (saved, calls)
        assert set(scene.calls) <= {"describe", "newest_before", "load", "load_each", "read"}


class TestCalls:
    """How much is asked of AWS."""

    def test_the_first_look(self) -> None:
        scene = Scene(function=FUNCTION)
        scene.look()
        # Records before the first tick are looked for once, each in its place.
        assert scene.calls == {
            "describe": 1,
            "newest_before": 1,
            "load": DECISIONS_SHOWN - 1 + 1,
            "load_each": 1,
            "read": 2,
        }
        assert (scene.alarms.reads, scene.functions.reads) == (1, 1)

    def test_between_two_ticks_a_look_is_one_call_and_a_minute_is_few(self) -> None:
        scene = Scene(function=FUNCTION)
        scene.look()
        total: Counter[str] = Counter()
        alarms = functions = 0
        for _ in range(12):
            scene.look(5 * SECOND)
            total += scene.calls
            alarms, functions = alarms + scene.alarms.reads, functions + scene.functions.reads
        # The traffic is read again; the forecast's window is not: nothing of it can have come.
        assert total == {"describe": 12, "load": 1, "load_each": 2, "read": 1}
        assert (alarms, functions) == (2, 1)
        assert scene.calls["describe"] == 1

    def test_after_a_tick_its_record_and_the_new_interval_are_read_once(self) -> None:
        scene = Scene()
        before = scene.look().newest
        record = scene.world.step()
        facts = scene.look(INTERVAL + MINUTE)
        assert facts.newest is not None
        assert before is not None
        assert utc_text(facts.newest.slot) == record["slot"]
        assert len(facts.decisions.value or ()) == len(scene.records) + 1
        # The record, the model's pointer; what was said; the traffic and the window.
        assert scene.calls == {"describe": 1, "load": 2, "load_each": 1, "read": 2}

    @pytest.mark.parametrize(
        ("component", "sources"),
        [
            ("asg", {"capacity", "decisions", "control"}),
            ("metrics", {"decisions", "control", "traffic", "model", "outlook"}),
            ("model", {"decisions", "control", "model"}),
            ("lambda", {"decisions", "control", "alarms", "calls"}),
            ("alarms", {"alarms"}),
        ],
    )
    def test_a_component_reads_what_it_needs(self, component: str, sources: set[str]) -> None:
        facts = Scene(components=[component], function=FUNCTION).look()
        assert set(facts.sources) == sources
        assert facts.errors == {}


class TestTrouble:
    def test_the_last_good_answer_stays_with_its_age(self) -> None:
        scene = Scene()
        good = scene.look()
        scene.fault("actuator", "describe", ThrottledError("slow down"))
        facts = scene.look(30 * SECOND)
        assert facts.errors == {"capacity": "slow down"}
        assert facts.capacity.value == good.capacity.value
        assert facts.capacity.read_at == good.now
        assert facts.traffic.value is not None
        scene.fault("actuator", "describe", None)
        healed = scene.look(MINUTE)
        assert healed.errors == {}
        assert healed.capacity.read_at == healed.now

    def test_it_is_asked_again_later_and_later(self) -> None:
        scene = Scene(components=["asg"])
        scene.fault("actuator", "describe", SourceError("no answer"))
        asked = []
        for second in range(300):
            scene.look(SECOND if second else timedelta(0))
            asked += [second] * scene.calls["describe"]
        assert asked == [0, 5, 15, 35, 75, 135, 195, 255]

    def test_a_success_begins_it_anew(self) -> None:
        scene = Scene(components=["asg"])
        for _ in range(4):
            scene.fault("actuator", "describe", SourceError("no answer"))
            scene.look(MINUTE)
        scene.fault("actuator", "describe", None)
        scene.look(MINUTE)
        scene.fault("actuator", "describe", SourceError("no answer"))
        scene.look(MINUTE)
        assert scene.look(5 * SECOND).capacity.error == "no answer"
        assert scene.calls["describe"] == 1

    def test_each_source_fails_alone(self) -> None:
        scene = Scene(function=FUNCTION)
        for port, method in (("metrics", "read"), ("decisions", "newest_before")):
            scene.fault(port, method, SourceError(f"{port} are gone"))
        scene.alarms.error = SourceError("alarms are gone")
        facts = scene.look()
        assert set(facts.errors) == {"traffic", "outlook", "decisions", "alarms"}
        assert "metrics are gone" in facts.errors["outlook"]
        assert facts.capacity.value is not None
        assert facts.model.value is not None
        assert facts.unread == ""

    def test_nothing_at_all(self) -> None:
        scene = Scene(components=["asg", "alarms"])
        for port, method in (("actuator", "describe"), ("decisions", "newest_before")):
            scene.fault(port, method, SourceError("no network"))
        scene.alarms.error = SourceError("no network")
        assert scene.look().unread == "no network"

    @pytest.mark.parametrize(
        ("component", "port", "method"),
        [
            ("asg", "actuator", "describe"),
            ("metrics", "metrics", "read"),
            ("model", "models", "load"),
            ("lambda", "decisions", "newest_before"),
        ],
    )
    def test_a_component_is_judged_by_its_own_source(
        self, component: str, port: str, method: str
    ) -> None:
        scene = Scene(components=[component], function=FUNCTION)
        scene.fault(port, method, SourceError("there is none of this name"))
        facts = scene.look()
        assert any(not seen.error for seen in facts.sources.values())
        assert facts.unread == "there is none of this name"
        scene.fault(port, method, None)
        assert scene.look(MINUTE).unread == ""

    def test_a_single_look_promises_no_other_one(self) -> None:
        scene = Scene(components=["asg"])
        scene.fault("actuator", "describe", SourceError("no answer"))
        facts = scene.look()
        assert facts.capacity.retry_at is not None
        assert facts.never_again.capacity == Seen(error="no answer")

    def test_what_nobody_expects_is_told_too(self) -> None:
        scene = Scene(components=["asg"])
        scene.fault("actuator", "describe", ZeroDivisionError("oh"))
        assert scene.look().errors == {"capacity": "reading failed: ZeroDivisionError('oh')"}

    def test_a_group_that_is_gone(self) -> None:
        scene = Scene(components=["asg"])
        scene.world.actuator.groups.clear()
        assert scene.look().errors["capacity"].startswith("there is no group 'web'; check ASG_NAME")


class TestModels:
    def outlook_of(self, made: World, ticks: int = 2) -> tuple[Facts, list[str]]:
        facts = Scene(made, ticks=ticks).look()
        return facts, [one.rung for one in known(facts.outlook.value).ahead]

    def test_without_one_the_season_answers_for_all(self) -> None:
        facts, rungs = self.outlook_of(world(with_model=False))
        assert set(rungs) == {"seasonal"}
        note = facts.model.value
        assert note is not None
        assert note.model_id is None
        assert "no model of group 'web'" in note.fault
        assert known(facts.outlook.value).notes[0] == f"forest: {note.fault}"

    def test_one_that_is_too_old_is_not_used(self) -> None:
        facts, rungs = self.outlook_of(world(MAX_MODEL_AGE_DAYS="0.1"), ticks=12)
        assert set(rungs) == {"seasonal"}
        assert facts.model.value is not None
        assert "AUTOSCALER_MAX_MODEL_AGE_DAYS" in facts.model.value.fault
        assert facts.model.value.model_id == model().card.model_id

    def test_one_that_cannot_be_read_is_a_fact_and_no_failure(self) -> None:
        scene = Scene()
        scene.fault("models", "load", ModelError("model.npz is cut off"))
        facts = scene.look()
        assert facts.errors == {}
        assert facts.model.value is not None
        assert facts.model.value.fault == "model.npz is cut off"

    def test_while_the_store_is_away_the_one_at_hand_forecasts(self) -> None:
        scene = Scene()
        scene.look()
        scene.fault("models", "load", SourceError("no answer"))
        facts = scene.look(2 * MINUTE)
        assert facts.errors == {"model": "no answer"}
        assert known(facts.outlook.value).ahead[0].rung == "forest"

    def test_one_that_the_controller_distrusts_is_not_followed_here_either(self) -> None:
        scene = Scene()
        kept: Any = scene.world.decisions
        for record in kept._records.values():
            entry(record)["state"]["distrusted"] = True
        facts = scene.look()
        assert facts.distrusted
        outlook = known(facts.outlook.value)
        assert {one.rung for one in outlook.ahead} == {"seasonal"}
        assert DISTRUST in outlook.notes

    def test_where_nothing_is_known_nothing_is_forecast(self) -> None:
        samples = Samples.empty(DECIDED_FROM - timedelta(days=9), 900, 12 * 96)
        facts = Scene(world(samples, with_model=False)).look()
        outlook = known(facts.outlook.value)
        assert outlook.ahead == ()
        assert any("no level to start from" in note for note in outlook.notes)
        assert set(outlook.behind) == {None}


class TestRecords:
    def test_without_any_the_settings_say_the_mode(self) -> None:
        scene = Scene(ticks=0)
        facts = scene.look(INTERVAL)
        assert facts.decisions.value == ()
        assert (facts.mode, facts.newest, facts.silent) == ("full", None, None)

    def test_a_dead_controller_is_noticed_and_asked_for_sparingly(self) -> None:
        scene = Scene(ticks=8)
        scene.look()
        facts = scene.look(timedelta(hours=5))
        assert facts.silent is not None
        assert facts.silent > timedelta(hours=5)
        assert len(facts.decisions.value or ()) == DECISIONS_SHOWN
        scene.look(MINUTE)
        # The present slot and the one before may still come; the model is the third.
        assert scene.calls["load"] == 3

    def test_one_under_way_is_read_again(self) -> None:
        scene = Scene(components=["asg"])
        kept: Any = scene.world.decisions
        slot = max(kept._records)
        finished = kept._records[slot]
        kept._records[slot] = finished | {"status": "claimed"}
        facts = scene.look()
        assert facts.newest is not None
        assert facts.newest.status == "claimed"
        kept._records[slot] = finished
        facts = scene.look(15 * SECOND)
        assert facts.newest is not None
        assert facts.newest.status == "completed"
        scene.look(15 * SECOND)
        assert scene.calls["load"] == 0

    def test_one_that_was_never_completed_is_not_waited_for(self) -> None:
        scene = Scene(components=["asg"])
        kept: Any = scene.world.decisions
        slot = max(kept._records)
        kept._records[slot] = kept._records[slot] | {"status": "claimed"}
        scene.look()
        scene.world.run(3)
        facts = scene.look(3 * INTERVAL)
        assert {note.slot: note.status for note in facts.decisions.value or ()}[slot] == "cut short"
        scene.look(15 * SECOND)
        assert scene.calls["load"] == 0

    @pytest.mark.parametrize("garbage", [DataError("it is not JSON"), {"slot": 3}])
    def test_one_that_cannot_be_read_leaves_the_others(
        self, garbage: DataError | Json, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene(components=["asg"])
        kept: Any = scene.world.decisions
        bad = sorted(kept._records)[1]
        load = kept.load

        def loaded(slot: datetime) -> Json | None:
            if slot != bad:
                found: Json | None = load(slot)
                return found
            if isinstance(garbage, DataError):
                raise garbage
            return garbage

        monkeypatch.setattr(kept, "load", loaded)
        facts = scene.look()
        assert facts.errors == {}
        notes = {note.slot: note for note in facts.decisions.value or ()}
        assert notes[bad].failed
        assert "No decision: " in notes[bad].text
        assert len([note for note in notes.values() if not note.failed]) == 2

    def test_of_a_group_that_could_not_be_decided_about(self) -> None:
        made = world(desired=20)
        made.actuator.groups.clear()
        facts = Scene(made, components=["lambda"], ticks=1).look()
        assert facts.newest is not None
        assert facts.newest.failed
        assert facts.newest.text == "No decision: there is no group 'web'"


def test_gaps_are_shown_as_gaps() -> None:
    made = world(desired=20)
    samples = made.source.samples[GROUP]
    column = samples.requests.copy()
    index = (FIRST_TICK - samples.start) // INTERVAL - 2
    column[index] = np.nan
    made.source.samples[GROUP] = samples.replaced(requests=column)
    scene = Scene(made, ticks=1)
    traffic = scene.look().traffic.value
    assert traffic is not None
    assert traffic.requests.count(None) == 1
