"""A group's first days: the less is known, the slower it is scaled in, and it always works."""

from __future__ import annotations

import math

import pytest

from predictive_autoscaler.core.parameters import default_caution
from predictive_autoscaler.core.types import Rung
from tests.faults.first_days import AGES, TICKS, Age, first_night
from tests.faults.scene import START_INSTANCES

YOUNG = [age for age in AGES if age.rung is not None]


@pytest.mark.parametrize("age", YOUNG, ids=lambda age: age.words)
def test_each_age_reaches_its_rung(age: Age) -> None:
    night = [part["decision"] for part in first_night(age)]
    assert age.rung is not None
    assert {decision["rung"] for decision in night} == {age.rung.value}
    assert all(decision["quantiles"] for decision in night)


@pytest.mark.parametrize("age", YOUNG, ids=lambda age: age.words)
def test_what_is_missing_above_is_said(age: Age) -> None:
    for part in first_night(age):
        said = " ".join(part["decision"]["faults"])
        assert ("forest: " in said) == (age.rung is not Rung.FOREST)
        assert ("seasonal: " in said) == (age.rung is Rung.LAST_VALUE)


@pytest.mark.parametrize("age", YOUNG, ids=lambda age: age.words)
def test_scale_in_keeps_the_pace_of_its_rung(age: Age) -> None:
    assert age.rung is not None
    caution = default_caution()[age.rung]
    for part in first_night(age):
        before, after = part["decision"]["before_instances"], part["decision"]["after_instances"]
        assert before - after <= max(1, math.floor(before * caution.step_share))
        assert after >= part["decision"]["floor_instances"]
    first = first_night(age)[0]["decision"]
    assert (first["after_instances"] == START_INSTANCES) == (caution.grace_minutes > 0)


@pytest.mark.parametrize("age", YOUNG, ids=lambda age: age.words)
def test_every_age_finds_its_way_down(age: Age) -> None:
    last = first_night(age)[-1]["decision"]
    assert last["after_instances"] <= 1.5 * last["floor_instances"]


def test_who_knows_nothing_changes_nothing_and_says_so() -> None:
    (nothing,) = (age for age in AGES if age.rung is None)
    night = first_night(nothing)
    assert [part["outcome"]["status"] for part in night] == ["unchanged"] * TICKS
    for part in night:
        assert "last value: the newest bins are absent" in " ".join(part["decision"]["faults"])


def test_a_forest_is_quicker_than_the_rungs_below() -> None:
    second = {age.words: first_night(age)[1]["decision"]["after_instances"] for age in YOUNG}
    assert min(second, key=lambda words: second[words]) == YOUNG[-1].words
