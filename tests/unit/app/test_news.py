"""What there is to tell of a tick, seen where people see it: in their messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from predictive_autoscaler.adapters.memory import MemoryActuator
from predictive_autoscaler.core.types import Bounds, GroupState
from predictive_autoscaler.errors import SourceError
from predictive_autoscaler.ports import GroupControl
from tests.helpers.shop import DAY, DECIDED_FROM, GROUP, World, entry, model, shop, world
from tests.helpers.shop import settings as settings_of

HIGH = 40


def lines(made: World) -> list[str]:
    return [line for text in made.told for line in text.splitlines() if line]


def test_a_calm_night_has_no_news() -> None:
    made = world()
    made.run(8)
    assert made.told == []


@pytest.mark.parametrize(("step", "told"), [("10", True), ("30", False), ("0", False)])
def test_scaling_beyond_a_size_is_told_with_its_reason(step: str, told: bool) -> None:
    made = world(desired=3, NOTIFY_STEP=step)
    made.run(2)
    large = [line for line in lines(made) if "scaled out" in line]
    assert len(large) == told
    if told:
        assert large[0].startswith("web: scaled out from 3 to ")
        assert "the forecast calls for " in large[0]


def test_a_change_that_was_only_observed_is_not_told() -> None:
    made = world(desired=3, NOTIFY_STEP="1", MODE="observe")
    made.run(2)
    assert [line for line in lines(made) if "scaled" in line] == []


def test_a_hold_by_another_hand_is_told_at_once_and_once() -> None:
    made = world()
    made.step()
    made.change_group(desired_instances=HIGH, in_service_instances=HIGH, changed_by="a person")
    made.run(3)
    held = [line for line in lines(made) if "a person has added capacity" in line]
    assert len(held) == 1
    assert held[0].startswith("web: not scaled in to ")


def test_late_metrics_are_told_when_they_stay_late() -> None:
    made = world(desired=HIGH)
    made.source.visible_until = made.clock.now() - timedelta(minutes=45)
    made.step()
    assert made.told == []
    made.step()
    assert any("minutes late" in line or "absent" in line for line in lines(made))


def test_a_group_that_others_are_busy_with_is_told_at_once() -> None:
    made = world(desired=HIGH)
    made.change_group(blocked_by="suspended processes: Terminate")
    made.step()
    assert any("suspended processes: Terminate" in line for line in lines(made))


def test_the_breaker_is_told_when_it_opens_not_at_each_tick() -> None:
    made = world(desired=3)
    made.actuator.set_error = SourceError("quota exceeded")
    made.run(6)
    assert sum("quota exceeded" in line for line in lines(made)) == 1
    assert sum("changes in a row have failed" in line for line in lines(made)) == 1


def test_a_change_of_mode_is_told() -> None:
    made = world()
    made.step()
    made.controls.save(GROUP, GroupControl(mode="observe"))
    made.run(2)
    assert [line for line in lines(made) if "mode" in line] == [
        "web: its mode is observe now, and was full"
    ]


def test_a_mode_that_goes_to_and_fro_is_told_each_time() -> None:
    made = world()
    made.step()
    for mode in ("observe", "full", "observe"):
        made.controls.save(GROUP, GroupControl(mode=mode))
        made.run(2)
    assert [line for line in lines(made) if "its mode is" in line] == [
        "web: its mode is observe now, and was full",
        "web: its mode is full now, and was observe",
        "web: its mode is observe now, and was full",
    ]


def test_a_request_s_own_id_makes_no_new_matter() -> None:
    made = world(desired=3)
    for first in ("0a1b2c3d", "ffeeddcc"):
        made.actuator.set_error = SourceError(
            f"no (Request ID: {first}-aaaa-bbbb-cccc-0123456789ab)"
        )
        made.step()
    assert sum("Request ID" in line for line in lines(made)) == 1


def test_a_history_that_fills_up_is_no_flood() -> None:
    made = world(shop().between(DECIDED_FROM, DECIDED_FROM + 2 * DAY))
    made.run(3 * 24 * 4 // 2)
    told = [line for line in lines(made) if line.startswith("web: forest: the model needs")]
    assert 1 <= len(told) <= 3
    assert "and 18 more, which the metrics lack" in told[0]


def test_another_model_is_told() -> None:
    made = world()
    made.step()
    made.publish(model(seed=2))
    made.run(2)
    told = [line for line in lines(made) if "it is forecast by model" in line]
    assert len(told) == 1
    assert model(seed=2).card.model_id in told[0]


class SlowLaunches(MemoryActuator):
    """Nothing that is asked for ever serves."""

    def set_desired(self, group: str, instances: int) -> None:
        serving = self.groups[group].in_service_instances
        super().set_desired(group, instances)
        self.put(replace(self.groups[group], in_service_instances=min(serving, instances)))


def test_late_launches_are_told() -> None:
    made = world()
    made.actuator = SlowLaunches([GroupState(GROUP, 3, 3, Bounds(1, 60))])
    made.run(4)
    told = [line for line in lines(made) if "launches are late or fail" in line]
    assert len(told) == 1
    assert told[0].startswith("web: 3 of ")


@pytest.mark.parametrize(
    ("cap", "words"),
    [("20", "are spent; nothing is added beyond the present need"), ("100", "the cap is 100.00")],
)
def test_a_budget_that_is_spent_or_will_be_is_told_once(cap: str, words: str) -> None:
    made = world(INSTANCE_HOUR_PRICE="1", SPENDING_CAP_USD=cap, SPENDING_PERIOD="day")
    made.run(12)
    assert sum(words in line for line in lines(made)) == 1


def test_money_of_yesterday_is_not_today_s() -> None:
    made = world(INSTANCE_HOUR_PRICE="1", SPENDING_CAP_USD="100", SPENDING_PERIOD="day")
    (record,) = made.run(1)
    money = entry(record)["decision"]["spending"]
    assert money["spent_usd"] == 0.0
    assert money["until"] == "2026-03-12T00:00:00Z"
    assert money["expected_usd"] == pytest.approx(24 * 40, rel=0.01)
    assert not any("are spent" in line for line in lines(made))


def test_a_budget_that_is_expected_and_then_reached_is_not_over_in_between() -> None:
    made = world(INSTANCE_HOUR_PRICE="1", SPENDING_CAP_USD="100", SPENDING_PERIOD="day")
    made.run(20)
    told = [line for line in lines(made) if "USD" in line or "over since" in line]
    assert ["expected" if "about" in line else "reached" for line in told] == [
        "expected",
        "reached",
    ]


def test_every_message_names_the_command_that_explains_it() -> None:
    made = world(with_model=False)
    made.step()
    ((_, text),) = made.notifier.messages
    assert text.endswith("\n\nWhy: predictive-autoscaler explain 2026-03-11T00:00:00Z")


def test_settings_carry_the_step() -> None:
    assert settings_of(NOTIFY_STEP="7").notify_step == 7
