from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.policies import ORDERED_POLICIES, Policy, PolicyContext
from predictive_autoscaler.core.policies.base import Passing, apply_policy, limits_around
from predictive_autoscaler.core.policies.floors import AnnouncedEvents, ReactiveFloor
from predictive_autoscaler.core.policies.limits import GroupBounds, SpendingCap, StepLimit
from predictive_autoscaler.core.policies.scale_in import (
    BlockedGroup,
    DataQuality,
    OtherHands,
    ScaleInGrace,
    TroubledShop,
)
from predictive_autoscaler.core.spending import Prices, Spending
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
    interval_seconds: int = 300,
    held_for: float | None = None,
    prices: Prices | None = None,
    spending: Spending | None = None,
) -> PolicyContext:
    """At noon; `wishes` are (minutes ago, instances), a person's hold lasts `held_for` minutes."""
    remembered = state(
        metrics([1.0]),
        before,
        tuple((NOON - ago * MINUTE, instances) for ago, instances in wishes),
    )
    held_until = None if held_for is None else NOON + held_for * MINUTE
    return PolicyContext(
        now=NOON,
        group=group(before, bounds, blocked_by),
        parameters=replace(PARAMETERS, interval_seconds=interval_seconds, prices=prices),
        state=replace(remembered, held_until=held_until, held_by="a person", spending=spending),
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


@pytest.mark.parametrize("policy", ORDERED_POLICIES[1:-1], ids=lambda policy: policy.name)
def test_a_rule_with_nothing_to_say_says_nothing(policy: Policy) -> None:
    capacity, text = policy.apply(12, context(rung=Rung.FOREST))
    assert capacity == 12
    assert text in {"", "at most 5 go in one step"}


# What a person reads in the record when a rule has changed something
@pytest.mark.parametrize(
    ("policy", "given", "capacity", "reason"),
    [
        (
            ReactiveFloor(),
            context(floor=8),
            8,
            "reactive floor: the traffic of the newest interval alone needs 8",
        ),
        (
            AnnouncedEvents(),
            context(calendar=(CalendarEvent("sale", NOON, NOON + MINUTE, 9),)),
            9,
            "calendar: 'sale' is announced with at least 9",
        ),
        (DataQuality(), context(doubt="it is late"), 10, "data quality: it is late"),
        (TroubledShop(), context(trouble="30 % failed"), 10, "shop in trouble: 30 % failed"),
        (BlockedGroup(), context(blocked_by="a refresh"), 10, "group is busy: a refresh"),
        (
            OtherHands(),
            context(held_for=30),
            10,
            "other hands: a person has added capacity; it stays until 2026-03-02T12:30:00Z",
        ),
        (
            ScaleInGrace(),
            context(wishes=((15, 6), (10, 7), (5, 5))),
            7,
            "scale-in grace: 7 were needed within the last 15 minutes",
        ),
        (
            ScaleInGrace(),
            context(),
            10,
            "scale-in grace: too little is remembered to scale in yet",
        ),
        (StepLimit(), context(), 8, "step limit: at most 2 go in one step"),
        (GroupBounds(), context(bounds=Bounds(6, 8)), 6, "bounds: the group's minimum is 6"),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_a_rule_that_changed_something_tells_a_person_why(
    policy: Policy, given: PolicyContext, capacity: int, reason: str
) -> None:
    told = apply_policy(policy, 3, given)
    assert (told.before_instances, told.after_instances) == (3, capacity)
    assert f"{told.policy}: {told.text}" == reason


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


@pytest.mark.parametrize(
    ("rung", "minutes_ago", "counts"),
    [
        (Rung.SEASONAL, 20, True),  # one and a half intervals, where that is longer
        (Rung.SEASONAL, 22.5, False),
        (Rung.LAST_VALUE, 29, True),
        (Rung.LAST_VALUE, 30, False),
    ],
)
def test_where_intervals_are_long_the_wish_before_always_counts(
    rung: Rung, minutes_ago: float, counts: bool
) -> None:
    wishes = ((60, 1), (minutes_ago, 9), (5, 4))
    given = context(rung=rung, wishes=wishes, interval_seconds=900)
    assert ScaleInGrace().apply(3, given)[0] == (9 if counts else 4)


@pytest.mark.parametrize(("oldest", "capacity"), [(10.1, 3), (10, 3), (9.9, 10)])
def test_the_memory_may_lack_one_interval_of_the_grace(oldest: float, capacity: int) -> None:
    # Fifteen minutes of grace: ticks need not fall on its very edge
    given = context(wishes=((oldest, 3), (5, 3)))
    assert ScaleInGrace().apply(3, given)[0] == capacity


def test_a_wish_of_the_grace_that_is_lower_takes_nothing() -> None:
    assert ScaleInGrace().apply(6, context(wishes=((15, 2), (5, 2))))[0] == 6


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


@pytest.mark.parametrize(
    "policy",
    [ScaleInGrace(), DataQuality(), TroubledShop(), BlockedGroup(), OtherHands(), StepLimit()],
)
def test_scaling_out_is_never_slowed(policy: Policy) -> None:
    troubled = context(
        doubt="late", trouble="failing", blocked_by="a refresh", held_for=30, wishes=((5, 2),)
    )
    assert policy.apply(25, troubled)[0] == 25


@pytest.mark.parametrize(
    ("policy", "troubled"),
    [
        (DataQuality(), context(doubt="the metrics are late")),
        (BlockedGroup(), context(blocked_by="the metrics are late")),
        (TroubledShop(), context(trouble="the metrics are late")),
    ],
    ids=["doubt", "blocked", "trouble"],
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


@pytest.mark.parametrize(("held_for", "capacity"), [(0.1, 10), (0, 3), (-5, 3), (None, 3)])
def test_what_another_hand_added_stays_until_its_time_is_up(
    held_for: float | None, capacity: int
) -> None:
    assert OtherHands().apply(3, context(held_for=held_for))[0] == capacity


TODAY, YESTERDAY = MONDAY, MONDAY - timedelta(days=1)
FIFTY_A_DAY = Prices(0.1, cap_usd=50.0)


@pytest.mark.parametrize(
    ("since", "usd", "before", "floor", "capacity"),
    [
        (TODAY, 49.99, 10, 4, 30),
        (TODAY, 50.0, 10, 4, 10),  # what there is may stay
        (TODAY, 80.0, 10, 15, 15),  # and what the present traffic needs may be added
        (TODAY, 80.0, 40, 4, 30),
        (YESTERDAY, 80.0, 10, 4, 30),  # a new day has its own money
    ],
)
def test_once_the_money_is_spent_only_what_traffic_needs_is_added(
    since: datetime, usd: float, before: int, floor: int, capacity: int
) -> None:
    given = context(
        before=before, floor=floor, prices=FIFTY_A_DAY, spending=Spending(since, usd=usd)
    )
    assert SpendingCap().apply(30, given)[0] == capacity


@pytest.mark.parametrize(
    ("prices", "spending"),
    [
        (None, Spending(TODAY, usd=80.0)),
        (FIFTY_A_DAY, None),
        (Prices(0.1), Spending(TODAY, usd=80.0)),
        (None, None),
        (FIFTY_A_DAY, Spending(TODAY, usd=49.99)),
        (Prices(0.1, cap_usd=0.5), Spending(YESTERDAY, usd=80.0)),
    ],
    ids=["no price", "no account", "no cap", "neither", "not yet spent", "a new day"],
)
def test_what_has_no_cap_or_has_not_spent_it_is_not_capped(
    prices: Prices | None, spending: Spending | None
) -> None:
    given = context(prices=prices, spending=spending)
    assert SpendingCap().apply(30, given) == (30, "")


def test_a_cap_of_nothing_caps_from_the_start() -> None:
    given = context(prices=Prices(0.1, cap_usd=0.0), spending=Spending(YESTERDAY, usd=80.0))
    assert SpendingCap().apply(30, given)[0] == 10


def test_the_spending_cap_says_what_of_how_much_is_spent() -> None:
    spending = Spending(TODAY.replace(day=1), usd=81.234)
    given = context(prices=Prices(0.1, cap_usd=80.0, period="month"), spending=spending)
    reason = apply_policy(SpendingCap(), 30, given)
    assert (reason.policy, reason.after_instances) == ("spending cap", 10)
    assert reason.text == (
        "81.23 USD of the month's 80.00 are spent, so nothing is added beyond what the present "
        "traffic needs"
    )


def test_bounds_have_the_last_word() -> None:
    bounds = Bounds(2, 8)
    assert GroupBounds().apply(1, context(bounds=bounds)) == (2, "the group's minimum is 2")
    assert GroupBounds().apply(9, context(bounds=bounds)) == (8, "the group's maximum is 8")
    assert GroupBounds().apply(5, context(bounds=bounds))[0] == 5


# What stands in the way of one more or one fewer


def test_a_rule_that_binds_is_told_with_what_it_keeps() -> None:
    at = context(before=4, floor=6, bounds=Bounds(2, 6))
    limits = list(limits_around(6, ORDERED_POLICIES, at))
    assert [(one.policy, one.least_instances, one.most_instances) for one in limits] == [
        ("reactive floor", 6, None),
        ("bounds", None, 6),
    ]
    assert limits[1].text == "the group's maximum is 6"
    assert "6" in limits[0].text
    assert list(limits_around(12, ORDERED_POLICIES, context(before=4))) == []


def test_no_other_capacities_are_tried_than_one_fewer_and_one_more() -> None:
    tried = []

    @dataclass(frozen=True)
    class Watching:
        name: str = "watching"

        def apply(self, capacity: int, context: PolicyContext) -> tuple[int, str]:
            tried.append(capacity)
            return capacity, ""

    assert list(limits_around(6, [Watching()], context())) == []
    assert tried == [5, 7]


HOUR_LATER = NOON + 60 * MINUTE
OVER: dict[str, tuple[Policy, PolicyContext, datetime]] = {
    "calendar": (
        AnnouncedEvents(),
        context(
            calendar=(
                CalendarEvent("small", NOON, NOON + 90 * MINUTE, 8),
                CalendarEvent("large", NOON, HOUR_LATER, 12),
                CalendarEvent("met by one fewer", NOON, NOON + 90 * MINUTE, 9),
            )
        ),
        HOUR_LATER,
    ),
    "other hands": (OtherHands(), context(held_for=60), HOUR_LATER),
    "grace": (
        ScaleInGrace(),
        context(wishes=((16, 3), (12, 10), (9, 11), (4, 9))),
        NOON + 6 * MINUTE,
    ),
    "grace, remembering little": (ScaleInGrace(), context(wishes=((4, 3),)), NOON + 6 * MINUTE),
}


@pytest.mark.parametrize("rule", OVER)
def test_a_rule_that_passes_says_when_and_then_it_has(rule: str) -> None:
    policy, at, when = OVER[rule]
    (limit,) = [one for one in limits_around(10, [policy], at) if one.least_instances]
    assert limit.until == when
    # Nothing new until a little before, and then
    for moment, holds in ((when - MINUTE, True), (when, False)):
        assert (policy.apply(9, replace(at, now=moment))[0] > 9) is holds


def test_what_has_no_end_names_none() -> None:
    (limit,) = limits_around(10, [ScaleInGrace()], context())
    assert limit.until is None
    (limit,) = limits_around(10, [DataQuality()], context(doubt="late"))
    assert limit.until is None


def test_a_spending_cap_ends_with_its_period() -> None:
    at = context(before=10, prices=FIFTY_A_DAY, spending=Spending(TODAY, usd=80.0))
    (limit,) = limits_around(10, [SpendingCap()], at)
    assert limit.most_instances == 10
    assert limit.until == TODAY + timedelta(days=1)


@pytest.mark.parametrize("policy", [SpendingCap(), AnnouncedEvents()])
def test_a_rule_without_anything_to_hold_to_names_no_end(policy: Passing) -> None:
    assert policy.until(10, context()) is None
