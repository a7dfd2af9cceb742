from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.policies import ORDERED_POLICIES, Policy, PolicyContext
from predictive_autoscaler.core.policies.base import apply_policy
from predictive_autoscaler.core.policies.floors import AnnouncedEvents, ReactiveFloor
from predictive_autoscaler.core.policies.limits import GroupBounds, StepLimit
from predictive_autoscaler.core.policies.scale_in import BlockedGroup, DataQuality, ScaleInGrace
from predictive_autoscaler.core.types import Bounds, CalendarEvent, Quality, Rung
from tests.unit.core.builders import MONDAY, group, metrics, state

MINUTE = timedelta(minutes=1)
NOON = MONDAY + timedelta(hours=12)
PARAMETERS = ControlParameters(boot_minutes=5.0)


def context(
    *,
    before: int = 10,
    floor: int = 0,
    wish: int = 0,
    rung: Rung = Rung.SEASONAL,
    wishes: tuple[tuple[float, int], ...] = (),
    doubt: str | None = None,
    trouble: str | None = None,
    blocked_by: str | None = None,
    calendar: tuple[CalendarEvent, ...] = (),
    bounds: Bounds = Bounds(0, 100),  # noqa: B008
) -> PolicyContext:
    """At noon; `wishes` are (minutes ago, instances)."""
    remembered = tuple((NOON - ago * MINUTE, instances) for ago, instances in wishes)
    return PolicyContext(
        now=NOON,
        group=group(before, bounds, blocked_by),
        parameters=PARAMETERS,
        state=state(metrics([1.0]), before, remembered),
        rung=rung,
        floor_instances=floor,
        wish_instances=wish,
        newest_quality=Quality.OK,
        doubt=doubt,
        trouble=trouble,
        calendar=calendar,
    )


FLOOR = [policy.name for policy in ORDERED_POLICIES].index("reactive floor")


def test_the_floor_comes_before_what_holds_and_the_bounds_come_last() -> None:
    names = [policy.name for policy in ORDERED_POLICIES]
    assert names[FLOOR:] == [
        "reactive floor",
        "calendar",
        "data quality",
        "shop in trouble",
        "group is busy",
        "other hands",
        "scale-in grace",
        "step limit",
        "spending cap",
        "bounds",
    ]


@given(
    capacity=st.integers(0, 50),
    before=st.integers(0, 50),
    floor=st.integers(0, 50),
    doubt=st.sampled_from([None, "late"]),
    rung=st.sampled_from(list(Rung)),
)
def test_from_the_floor_on_all_but_the_bounds_only_add(
    capacity: int, before: int, floor: int, doubt: str | None, rung: Rung
) -> None:
    # Else one of them could take away what the present traffic needs
    given = context(before=before, floor=floor, doubt=doubt, rung=rung, wishes=((5, 7),))
    for policy in ORDERED_POLICIES[FLOOR:-1]:
        assert policy.apply(capacity, given)[0] >= capacity


def test_a_rule_that_changed_nothing_gives_no_reason() -> None:
    quiet = apply_policy(ReactiveFloor(), 5, context(floor=3))
    loud = apply_policy(ReactiveFloor(), 5, context(floor=8))
    assert (quiet.changed, quiet.text) == (False, "")
    assert (loud.before_instances, loud.after_instances) == (5, 8)
    assert "needs 8" in loud.text


# Capacity needs 5 minutes to boot, and 5 more may pass before the next decision.
@pytest.mark.parametrize(
    ("begins_in", "lasts", "capacity"),
    [(10.0, 60, 30), (10.1, 60, 4), (0, 60, 30), (-59.9, 60, 30), (-60, 60, 4)],
)
def test_an_announced_event_holds_from_its_lead_to_its_end(
    begins_in: float, lasts: int, capacity: int
) -> None:
    begins = NOON + begins_in * MINUTE
    sale = CalendarEvent("sale", begins, begins + lasts * MINUTE, 30)
    assert AnnouncedEvents().apply(4, context(calendar=(sale,)))[0] == capacity


def test_of_two_events_the_larger_counts_and_is_named() -> None:
    events = tuple(
        CalendarEvent(name, NOON, NOON + MINUTE, instances)
        for name, instances in (("launch", 20), ("sale", 30), ("talk", 5))
    )
    capacity, text = AnnouncedEvents().apply(4, context(calendar=events))
    assert capacity == 30
    assert "'sale'" in text
    assert AnnouncedEvents().apply(40, context(calendar=events))[0] == 40


@pytest.mark.parametrize(
    ("rung", "grace"), [(Rung.SEASONAL, 15), (Rung.LAST_VALUE, 30)], ids=["seasonal", "last value"]
)
def test_the_largest_wish_of_the_grace_is_kept(rung: Rung, grace: int) -> None:
    wishes = ((grace, 9), (grace - 1, 7), (5, 4))
    assert ScaleInGrace().apply(3, context(rung=rung, wishes=wishes))[0] == 7


def test_the_grace_never_adds_to_what_there_is() -> None:
    assert ScaleInGrace().apply(3, context(before=5, wishes=((5, 40),)))[0] == 5


def test_a_trained_forest_needs_no_grace() -> None:
    assert ScaleInGrace().apply(3, context(rung=Rung.FOREST, wishes=((5, 9),)))[0] == 3


@pytest.mark.parametrize(
    "wishes",
    [(), ((60, 3), (31, 3)), ((20, 3), (5, 3))],
    ids=["nothing", "long ago", "since a cold start"],
)
def test_without_a_recent_memory_nothing_is_given_up(wishes: tuple[tuple[float, int], ...]) -> None:
    capacity, text = ScaleInGrace().apply(3, context(rung=Rung.LAST_VALUE, wishes=wishes))
    assert capacity == 10
    assert "too little is remembered" in text


@pytest.mark.parametrize("policy", [ScaleInGrace(), DataQuality(), BlockedGroup(), StepLimit()])
def test_scaling_out_is_never_slowed(policy: Policy) -> None:
    troubled = context(doubt="late", blocked_by="a refresh", wishes=((5, 2),))
    assert policy.apply(25, troubled)[0] == 25


@pytest.mark.parametrize(
    ("policy", "troubled"),
    [
        (DataQuality(), context(doubt="the metrics are late")),
        (BlockedGroup(), context(blocked_by="the metrics are late")),
    ],
    ids=["doubt", "blocked"],
)
def test_trouble_holds_what_there_is_and_says_why(policy: Policy, troubled: PolicyContext) -> None:
    assert policy.apply(3, troubled) == (10, "the metrics are late")


@pytest.mark.parametrize(
    ("rung", "before", "after"),
    [
        (Rung.FOREST, 10, 5),
        (Rung.SEASONAL, 10, 8),
        (Rung.LAST_VALUE, 10, 8),
        (Rung.LAST_VALUE, 3, 2),  # at least one goes, or a small group would never get smaller
        (Rung.FOREST, 1, 0),
    ],
)
def test_less_evidence_takes_smaller_steps_in(rung: Rung, before: int, after: int) -> None:
    assert StepLimit().apply(0, context(before=before, rung=rung))[0] == after


def test_bounds_have_the_last_word() -> None:
    bounds = Bounds(2, 8)
    assert GroupBounds().apply(1, context(bounds=bounds)) == (2, "the group's minimum is 2")
    assert GroupBounds().apply(9, context(bounds=bounds)) == (8, "the group's maximum is 8")
    assert GroupBounds().apply(5, context(bounds=bounds))[0] == 5
