"""Each kind of trouble and its one right outcome."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import MemoryActuator
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.forest import sha256
from predictive_autoscaler.core.types import Bounds, GroupState, Json
from predictive_autoscaler.errors import SourceError, ThrottledError
from predictive_autoscaler.model.train import TrainedModel
from tests.helpers.shop import (
    DAY,
    DECIDED_FROM,
    GROUP,
    WatchedSource,
    World,
    changed,
    entry,
    model,
    settings,
    shop,
    world,
)

QUARTER = timedelta(minutes=15)
FIRST = (DECIDED_FROM - shop().start) // QUARTER
"""The bin that begins with the first decided slot; the newest one known then is the one before."""
HIGH = 40


def desired(made: World, group: str = GROUP) -> int:
    return made.actuator.groups[group].desired_instances


def decision(record: Json, group: str = GROUP) -> Json:
    found: Json = entry(record, group)["decision"]
    return found


# --- the group ---------------------------------------------------------------------------------


def test_a_group_that_is_gone_is_recorded_and_told() -> None:
    made = world()
    made.actuator.groups.clear()
    record = made.step()
    assert entry(record)["outcome"] == {"status": "gone", "error": "there is no group 'web'"}
    assert entry(record)["decision"] is None
    assert record["status"] == "completed"
    assert made.actuator.calls == []
    ((subject, text),) = made.notifier.messages
    assert subject == "Predictive autoscaler: news at 2026-03-11T00:00:00Z"
    assert text == (
        "web: gone: there is no group 'web'\n\n"
        "Why: predictive-autoscaler explain 2026-03-11T00:00:00Z"
    )


def test_a_group_that_comes_back_goes_on_from_where_it_was() -> None:
    made = world()
    first = made.step()
    away = made.actuator.groups.pop(GROUP)
    gone = made.run(3)
    assert all(entry(record)["state"] == entry(first)["state"] for record in gone)
    made.actuator.put(away)
    back = made.step()
    assert entry(back)["outcome"]["status"] in ("applied", "unchanged")
    wishes = entry(back)["state"]["wishes"]
    assert [moment for moment, _ in wishes][-1] == "2026-03-11T01:02:00Z"
    assert entry(back)["state"]["accounted_until"] == "2026-03-11T01:00:00Z"


def test_a_group_that_cannot_be_read_is_left_alone() -> None:
    made = world(desired=HIGH)
    made.actuator.describe_error = ThrottledError("DescribeAutoScalingGroups: Rate exceeded")
    record = made.step()
    outcome = entry(record)["outcome"]
    assert outcome["status"] == "failed"
    assert "the group cannot be read: DescribeAutoScalingGroups" in outcome["error"]
    assert made.actuator.calls == []
    made.actuator.describe_error = None
    assert entry(made.step())["outcome"]["status"] == "applied"


def test_a_refused_act_is_recorded_told_and_tried_again() -> None:
    made = world(desired=3)
    made.actuator.set_error = ThrottledError("SetDesiredCapacity: Rate exceeded")
    record = made.step()
    assert entry(record)["outcome"] == {
        "status": "failed",
        "error": "SetDesiredCapacity: Rate exceeded",
    }
    assert desired(made) == 3
    assert made.told[0] == "web: failed: SetDesiredCapacity: Rate exceeded"
    made.actuator.set_error = None
    again = made.step()
    assert decision(again)["before_instances"] == 3
    assert entry(again)["outcome"]["status"] == "applied"
    assert desired(made) == decision(again)["after_instances"]


def test_a_busy_group_may_grow_and_not_shrink() -> None:
    made = world(desired=HIGH)
    made.change_group(blocked_by="suspended processes: Launch")
    record = made.step()
    assert decision(record)["after_instances"] == HIGH
    assert decision(record)["reasons"][-1]["text"] == "suspended processes: Launch"
    made.change_group(desired_instances=3)
    assert decision(made.step())["after_instances"] > 3


# --- the metrics -------------------------------------------------------------------------------


def test_metrics_that_cannot_be_read_hold_capacity() -> None:
    made = world(desired=HIGH)
    made.source.error = ThrottledError("GetMetricData: Rate exceeded")
    record = made.step()
    assert "metrics: GetMetricData: Rate exceeded" in decision(record)["faults"]
    assert decision(record)["present_quality"] == "missing"
    assert decision(record)["after_instances"] == HIGH
    assert made.actuator.calls == []


def test_a_read_that_fails_for_a_while_holds_and_is_then_made_up_for() -> None:
    made = world(desired=HIGH)
    controller = made.controller()

    def weather(tick: int) -> None:
        made.source.error = ThrottledError("Rate exceeded") if 2 <= tick < 6 else None

    records = made.run(10, controller, before_each=weather)
    before = [decision(record)["before_instances"] for record in records]
    after = [decision(record)["after_instances"] for record in records]
    assert all(now >= then for now, then in zip(after[2:6], before[2:6], strict=True))
    assert decision(records[6])["faults"] == []
    assert decision(records[6])["present_demand_requests"] == shop().requests[FIRST + 5]
    # It is told once, and no more of it afterwards.
    # That it is over is told half an hour after it was.
    metrics = [text for text in made.told if "metrics:" in text]
    assert metrics[0] == "web: metrics: Rate exceeded"
    assert metrics[1:] == ["over since 2026-03-11T01:17:00Z: web: metrics: Rate exceeded"]


@pytest.mark.parametrize(
    ("column", "value", "quality", "words"),
    [
        ("requests", np.nan, "missing", "the newest request count is absent"),
        ("requests", 0.0, "glitch", "zero in the midst of traffic"),
        ("cpu_percent", 97.0, "censored", "only a lower bound"),
        ("coverage", 0.6, "partial", "minutes are absent"),
    ],
)
def test_a_newest_bin_in_doubt_never_scales_in(
    column: str, value: float, quality: str, words: str
) -> None:
    """Absent amid traffic is not zero, and a zero amid traffic is not believed."""
    sound = world(desired=HIGH).step()
    assert decision(sound)["after_instances"] < HIGH
    made = world(changed(shop(), FIRST - 1, **{column: value}), desired=HIGH)
    record = made.step()
    assert decision(record)["present_quality"] == quality
    assert decision(record)["after_instances"] == HIGH
    assert words in decision(record)["reasons"][-1]["text"]
    assert made.actuator.calls == []


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_one_bad_bin_costs_one_tick(value: float) -> None:
    """The next sound bin may scale in again."""
    made = world(changed(shop(), FIRST + 4, requests=value), desired=20)
    records = made.run(8)
    held = decision(records[5])
    assert held["after_instances"] >= held["before_instances"]
    assert decision(records[6])["present_quality"] == "ok"
    assert decision(records[7])["after_instances"] < held["before_instances"]


def test_a_night_without_requests_is_believed() -> None:
    """A load balancer without requests publishes no count. The group is in service and has
    CPU, and traffic had faded: so nobody came, and capacity may go.
    """
    fading = shop()
    for step, share in enumerate((0.5, 0.2, 0.06, 0.01)):
        fading = changed(fading, FIRST + step, requests=round(39_000 * share))
    night = slice(FIRST + 4, FIRST + 24)
    silent = changed(fading, night, requests=np.nan, coverage=0.0, cpu_percent=2.0)
    made = world(silent, desired=14)
    records = made.run(24)
    quiet = [decision(record) for record in records[5:]]
    assert {d["present_quality"] for d in quiet} == {"quiet"}
    assert {d["present_demand_requests"] for d in quiet} == {0.0}
    assert quiet[-1]["after_instances"] == 1
    # The same silence with the group silent too is a loss of metrics: it holds.
    lost = changed(silent, night, cpu_percent=np.nan, in_service=np.nan, healthy_hosts=np.nan)
    made = world(lost, desired=14)
    records = made.run(24)
    assert {decision(record)["present_quality"] for record in records[5:]} == {"missing"}
    assert decision(records[-1])["after_instances"] >= decision(records[5])["before_instances"]


def test_a_failing_group_is_given_more_though_its_count_falls() -> None:
    """Overload sheds requests: fewer are counted, and that is no reason to take away."""
    loaded = changed(shop(), slice(FIRST - 2, FIRST + 6), requests=9_000.0, errors=500.0)
    made = world(loaded, desired=12)
    records = made.run(6)
    assert {decision(record)["present_quality"] for record in records} == {"censored"}
    assert decision(records[-1])["after_instances"] >= 12


def test_the_very_first_day_works_without_any_history() -> None:
    made = world(shop().between(DECIDED_FROM, DECIDED_FROM + 2 * DAY), with_model=False)
    made.clock.advance(2 * QUARTER)
    records = made.run(12)
    assert decision(records[0])["rung"] == "last value"
    need = shop().requests[FIRST + 12] / 3000
    assert need <= decision(records[-1])["after_instances"] <= 3 * need + 3


def test_no_metrics_at_all_hold_what_is_there() -> None:
    made = world(shop().between(DECIDED_FROM + DAY, DECIDED_FROM + 2 * DAY), desired=17)
    record = made.step()
    assert decision(record)["quantiles"] == {}
    assert decision(record)["after_instances"] == 17
    assert entry(record)["outcome"] == {"status": "unchanged"}
    assert any(fault.startswith("last value: ") for fault in decision(record)["faults"])


# --- the model ---------------------------------------------------------------------------------


class Bomb:
    """A pickle that leaves a mark if it is ever loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def with_card(trained: TrainedModel, **fields: Any) -> tuple[bytes, str]:
    return trained.npz, replace(trained.card, **fields).to_json()


def with_bytes(npz: bytes) -> tuple[bytes, str]:
    """Other bytes whose hash the card vouches for."""
    return npz, replace(model().card, npz_sha256=sha256(npz)).to_json()


def object_array(mark: Path) -> bytes:
    """The model's arrays, one of them of pickled objects."""
    members = zipfile.ZipFile(io.BytesIO(model().npz))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in members.namelist():
            content = members.read(name)
            if name == "labels.npy":
                evil = io.BytesIO()
                np.save(evil, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
                content = evil.getvalue()
            archive.writestr(name, content)
    return buffer.getvalue()


def corrupted(npz: bytes) -> bytes:
    middle = len(npz) // 2
    return npz[:middle] + bytes([npz[middle] ^ 1]) + npz[middle + 1 :]


def stale_by(days: float) -> datetime:
    return DECIDED_FROM - timedelta(days=days)


BAD_MODELS: dict[str, tuple[Callable[[Path], tuple[bytes, str]], str]] = {
    "stale": (
        lambda mark: with_card(model(), trained_until=stale_by(15)),
        "the model's data end 15 days ago; AUTOSCALER_MAX_MODEL_AGE_DAYS allows 14",
    ),
    "of another group": (
        lambda mark: with_card(model(), group="api"),
        "the model is of group 'api'",
    ),
    "of another interval": (
        lambda mark: (model(5).npz, model(5).card.to_json()),
        "intervals of 300 s, the setting is 900 s",
    ),
    "without skill": (
        lambda mark: with_card(model(), skilled=False),
        "no better than the baselines",
    ),
    "of other features": (
        lambda mark: with_card(
            model(), feature_names=("queue_length", *model().card.feature_names[1:])
        ),
        "queue_length",
    ),
    "of fewer features": (
        lambda mark: with_card(model(), feature_names=model().card.feature_names[:3]),
        "feature",
    ),
    "truncated": (
        lambda mark: with_bytes(model().npz[: len(model().npz) // 2]),
        "model.npz",
    ),
    "truncated behind its card's back": (
        lambda mark: (model().npz[:-100], model().card.to_json()),
        "SHA-256",
    ),
    "with a wrong hash": (
        lambda mark: (corrupted(model().npz), model().card.to_json()),
        "SHA-256",
    ),
    "empty": (lambda mark: with_bytes(b""), "model.npz"),
    "a pickle": (lambda mark: with_bytes(pickle.dumps(Bomb(mark))), "model.npz"),
    "with pickled objects": (lambda mark: with_bytes(object_array(mark)), "allow_pickle=False"),
    "with a card that is no JSON": (lambda mark: (model().npz, "<html>"), "model.json"),
    "of a later format": (
        lambda mark: (model().npz, _as_format(99)),
        "format_version 99",
    ),
}


def _as_format(version: int) -> str:
    return json.dumps(json.loads(model().card.to_json()) | {"format_version": version})


@pytest.mark.parametrize("kind", BAD_MODELS)
def test_a_model_that_cannot_be_used_is_one_rung_down_visibly(kind: str, tmp_path: Path) -> None:
    make, words = BAD_MODELS[kind]
    mark = tmp_path / "loaded"
    made = world(with_model=False, desired=3)
    made.models.publish(GROUP, *make(mark), "1")
    record = made.step()
    assert decision(record)["rung"] == "seasonal"
    assert decision(record)["model_id"] is None
    (fault,) = decision(record)["faults"]
    assert fault.startswith("forest: ")
    assert words in fault
    # It still scales, tells people once, and the dashboard shows the rung.
    assert entry(record)["outcome"]["status"] == "applied"
    made.step()
    assert made.told == [f"web: {fault}"]
    states = [value.value for value in made.sink.values if value.name == "ModelState"]
    assert states == [1.0, 1.0]
    assert not mark.exists()


def test_a_bomb_would_have_gone_off(tmp_path: Path) -> None:
    """The premise of the pickles above."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "loaded")))
    assert (tmp_path / "loaded").exists()


def test_no_model_yet_is_one_rung_down() -> None:
    record = world(with_model=False).step()
    assert decision(record)["rung"] == "seasonal"
    assert "no model" in decision(record)["faults"][0]


def test_a_store_that_does_not_answer_is_one_rung_down() -> None:
    made = world()

    class Silent(type(made.models)):  # type: ignore[misc]
        def load(self, group: str) -> object:
            raise SourceError("s3: timed out")

    made.models = Silent()
    record = made.step()
    assert decision(record)["rung"] == "seasonal"
    assert decision(record)["faults"] == ["forest: s3: timed out"]


def test_a_model_just_within_its_age_is_used() -> None:
    made = world(with_model=False)
    made.models.publish(GROUP, *with_card(model(), trained_until=stale_by(13.9)), "1")
    assert decision(made.step())["rung"] == "forest"


def test_a_new_model_is_used_from_the_next_tick_on() -> None:
    made = world(with_model=False)
    controller = made.controller()
    first = made.run(1, controller)[0]
    made.publish(model())
    second = made.run(1, controller)[0]
    assert (decision(first)["rung"], decision(second)["rung"]) == ("seasonal", "forest")


def test_lower_rungs_scale_in_later() -> None:
    """Less evidence, slower scale-in: from too much capacity, the forest gives up first."""

    def after(made: World) -> list[int]:
        return [decision(record)["after_instances"] for record in made.run(4)]

    forest = after(world(desired=30))
    seasonal = after(world(desired=30, with_model=False))
    no_season = shop().between(DECIDED_FROM - timedelta(hours=6), DECIDED_FROM + DAY)
    last_value = after(world(no_season, desired=30, with_model=False))
    assert forest[0] < seasonal[0] == last_value[0] == 30
    assert sum(forest) < sum(seasonal) < sum(last_value)


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
def test_lower_rungs_do_scale_in_at_every_interval(minutes: int) -> None:
    """A grace shorter than the interval is over at the next tick, not never."""
    made = world(interval_minutes=minutes, with_model=False, desired=40)
    records = made.run(8)
    assert {decision(record)["rung"] for record in records} == {"seasonal"}
    assert decision(records[0])["after_instances"] == 40
    assert decision(records[-1])["after_instances"] < 25


# --- people ------------------------------------------------------------------------------------


def test_a_trouble_is_told_once_and_again_only_after_it_was_gone_for_a_while() -> None:
    made = world()
    bad = {1, 2, 4, 12}

    def weather(tick: int) -> None:
        made.source.error = ThrottledError("Rate exceeded") if tick in bad else None

    made.run(14, before_each=weather)
    told = {
        subject.partition("T")[2]: text.partition("\n")[0]
        for subject, text in made.notifier.messages
    }
    assert told == {
        "00:15:00Z": "web: metrics: Rate exceeded",
        "01:30:00Z": "over since 2026-03-11T01:02:00Z: web: metrics: Rate exceeded",
        "03:00:00Z": "web: metrics: Rate exceeded",
    }


def test_a_message_that_could_not_be_sent_is_sent_by_a_later_tick() -> None:
    made = world(with_model=False)
    made.notifier.error = SourceError("sns: timed out")
    made.step()
    assert made.told == []
    made.notifier.error = None
    made.step()
    made.step()
    assert made.told == ["web: forest: no model of group 'web' has been published"]


def test_who_is_stopped_before_the_message_tells_it_in_the_next_tick() -> None:
    made = world(with_model=False)
    controller = made.controller()

    class Stopped(BaseException):
        pass

    def stop(subject: str, text: str) -> None:
        raise Stopped

    made.notifier.notify = stop  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        controller.run_once()
    del made.notifier.notify
    made.clock.advance(timedelta(minutes=15))
    made.step()
    assert made.told == ["web: forest: no model of group 'web' has been published"]


def test_a_restart_does_not_tell_again() -> None:
    made = world(with_model=False)
    made.run(6, restart_at=range(6))
    assert len(made.notifier.messages) == 1


def test_a_lost_previous_record_is_a_trouble_and_no_stop() -> None:
    made = world(desired=3)

    class Forgetful(type(made.decisions)):  # type: ignore[misc]
        def newest_before(self, slot: datetime) -> Json | None:
            raise SourceError("s3: timed out")

    made.decisions = Forgetful()
    record = made.step()
    assert decision(record)["faults"] == ["previous record: s3: timed out"]
    assert entry(record)["outcome"]["status"] == "applied"


# --- more than one group -----------------------------------------------------------------------


def two_groups() -> World:
    made = world(desired=12)
    made.groups = (settings("bad"), *made.groups)
    made.source.samples["bad"] = shop(seed=3)
    made.actuator.put(GroupState("bad", 12, 12, Bounds(1, 60)))
    made.publish(model(group="bad"), "bad")
    return made


class PickyActuator(MemoryActuator):
    def set_desired(self, group: str, instances: int) -> None:
        if group == "bad":
            raise ThrottledError("Rate exceeded")
        super().set_desired(group, instances)


def no_metrics(made: World) -> None:
    del made.source.samples["bad"]


def gone(made: World) -> None:
    del made.actuator.groups["bad"]


def bad_model(made: World) -> None:
    made.models.publish("bad", b"nonsense", "{}", "2")


def refused(made: World) -> None:
    made.actuator = PickyActuator(made.actuator.groups.values())


def wild_metrics(made: World) -> None:
    samples = made.source.samples["bad"]
    made.source.samples["bad"] = changed(
        samples, slice(None, None, 2), requests=1e15, cpu_percent=np.nan
    )


def impossible_numbers(made: World) -> None:
    """What no check lets through, and breaks the arithmetic of deciding."""
    bad, *others = made.groups
    parameters = replace(bad.parameters, capacity_per_instance=0.0)
    made.groups = (replace(bad, parameters=parameters), *others)


@pytest.mark.parametrize(
    "damage", [no_metrics, gone, bad_model, refused, wild_metrics, impossible_numbers]
)
def test_one_broken_group_does_not_harm_another(damage: Callable[[World], None]) -> None:
    alone = [entry(record) for record in world(desired=12).run(6)]
    made = two_groups()
    damage(made)
    records = made.run(6)
    assert [entry(record) for record in records] == alone
    assert {record["status"] for record in records} == {"completed"}
    calls = [call for call in made.actuator.calls if call[0] == GROUP]
    assert len(calls) == sum(part["outcome"]["status"] == "applied" for part in alone)


def test_a_group_that_cannot_be_decided_is_told_and_left_alone() -> None:
    made = two_groups()
    impossible_numbers(made)
    record = made.step()
    assert record["groups"]["bad"]["decision"] is None
    assert "ZeroDivisionError" in record["groups"]["bad"]["outcome"]["error"]
    assert [name for name, _ in made.actuator.calls] == [GROUP]
    assert any("ZeroDivisionError" in text for _, text in made.notifier.messages)


def test_a_model_that_does_not_look_far_enough_is_not_used() -> None:
    """It was trained for instances that boot in five minutes."""
    record = world(BOOT_MINUTES="20").step()
    assert decision(record)["rung"] == "seasonal"
    assert "the model looks 2 intervals ahead" in " ".join(decision(record)["faults"])


def test_two_sound_groups_are_decided_apart_in_one_read() -> None:
    made = two_groups()
    controller = made.controller()
    records = made.run(3, controller)
    assert made.source.reads == 3
    assert {name for name, _ in made.actuator.calls} == {GROUP, "bad"}
    first, second = (decision(records[-1], name) for name in (GROUP, "bad"))
    assert first["present_demand_requests"] != second["present_demand_requests"]
    assert first["model_id"] != second["model_id"] or first["rung"] == second["rung"]
    assert {value.group for value in made.sink.values} == {GROUP, "bad", None}
    told = {value.name: value.value for value in made.sink.values if value.group is None}
    assert told == {"DecidedGroups": 2, "FailedGroups": 0, "LeftGroups": 0}


def test_a_read_that_fails_for_all_holds_all() -> None:
    made = two_groups()
    source = made.source
    made.source = WatchedSource(source.samples)
    made.source.error = SourceError("no answer")
    record = made.step()
    for name in (GROUP, "bad"):
        assert decision(record, name)["after_instances"] == 12
        assert "metrics: no answer" in decision(record, name)["faults"]


def test_a_card_is_not_changed_by_being_read() -> None:
    """The helper above rewrites cards: what it does not touch must survive."""
    card = model().card
    assert Card.from_json(card.to_json()) == card
