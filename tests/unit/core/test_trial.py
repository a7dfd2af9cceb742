from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.core.trial import (
    ENOUGH,
    ENOUGH_ACTING,
    Lately,
    Supply,
    Tally,
    Trial,
)
from tests.unit.core.builders import MONDAY

WEEK = Trial(True, MONDAY, MONDAY + ENOUGH, 1e6, Tally(900.0, 500.0), Tally(1000.0, 600.0))


def test_what_is_asked_for_serves_a_boot_later_and_what_is_given_up_is_gone_at_once() -> None:
    supply = Supply.steady(4)
    serving = []
    for asked in (6, 6, 6, 3, 3, 8):
        supply = supply.after(asked, boot_bins=2)
        serving.append(supply.serving)
    assert serving == [4, 4, 6, 3, 3, 3]
    assert supply.asked == (3, 3, 8)


def test_a_trial_adds_up_hours_and_misses() -> None:
    trial = Trial(True, MONDAY, MONDAY)
    # Ours: 3 instances that carry 300; theirs: 6 that carry 600; 400 came.
    trial = trial.with_bin((3.0, 300.0), (6.0, 600.0), 400.0, 300)
    trial = trial.with_bin((3.0, 300.0), (6.0, 600.0), 200.0, 300)
    assert trial.until == MONDAY + timedelta(minutes=10)
    assert trial.requests == 600.0
    assert trial.ours == Tally(0.5, 400.0, missed_alone=1)
    assert trial.theirs == Tally(1.0, 0.0)
    assert (trial.saved_hours, trial.avoided_misses) == (0.5, -400.0)
    assert Trial.from_json(json.loads(json.dumps(trial.to_json()))) == trial


@pytest.mark.parametrize(
    ("ours", "worth"),
    [
        (Tally(900.0, 500.0), True),  # better in both
        (Tally(900.0, 1000.0), True),  # a tenth cheaper, misses 0.04 % of the requests more
        (Tally(900.0, 1200.0), False),  # misses too many more
        (Tally(1015.0, 500.0), True),  # misses a sixth less for as many hours
        (Tally(1030.0, 100.0), False),  # takes more hours
        (Tally(990.0, 590.0), False),  # no worse, but hardly better
        (Tally(1000.0, 600.0), False),
    ],
)
def test_when_acting_is_worth_it(ours: Tally, worth: bool) -> None:
    assert replace(WEEK, ours=ours).worth_it == worth


def test_intervals_that_both_miss_speak_for_neither() -> None:
    trial = Trial(False, MONDAY, MONDAY)
    for demand in (700.0, 400.0, 500.0, 200.0):
        trial = trial.with_bin((3.0, 300.0), (6.0, 600.0), demand, 300)
    trial = trial.with_bin((6.0, 600.0), (3.0, 300.0), 400.0, 300)
    assert (trial.ours.missed_alone, trial.theirs.missed_alone) == (2, 1)
    twice = trial.followed_by(trial)
    assert (twice.ours.missed_alone, twice.theirs.missed_alone) == (4, 2)


OURS, THEIRS = Tally(1100.0, 5000.0, 20), Tally(1000.0, 1000.0, 4)
ACTING = Trial(False, MONDAY, MONDAY + ENOUGH_ACTING, 1e6, OURS, THEIRS)


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, True),
        ({"observing": True}, False),
        ({"until": MONDAY + ENOUGH_ACTING - timedelta(minutes=5)}, False),
        ({"ours": replace(OURS, instance_hours=1050.0)}, False),  # hardly more hours
        ({"ours": replace(OURS, instance_hours=900.0)}, False),  # misses more, for fewer hours
        ({"ours": replace(OURS, missed_requests=1050.0)}, False),  # hardly more misses
        ({"ours": replace(OURS, missed_requests=900.0)}, False),
        # Sixteen intervals more of 28 are 3.02 standard deviations, fifteen of 27 are 2.89.
        ({"ours": replace(OURS, missed_alone=22), "theirs": replace(THEIRS, missed_alone=6)}, True),
        (
            {"ours": replace(OURS, missed_alone=21), "theirs": replace(THEIRS, missed_alone=6)},
            False,
        ),
        ({"ours": replace(OURS, missed_alone=10), "theirs": replace(THEIRS, missed_alone=0)}, True),
        ({"ours": replace(OURS, missed_alone=9), "theirs": replace(THEIRS, missed_alone=0)}, False),
        ({"ours": replace(OURS, missed_alone=0), "theirs": replace(THEIRS, missed_alone=0)}, False),
    ],
)
def test_when_acting_has_lost_its_skill(change: dict[str, Any], lost: bool) -> None:
    assert replace(ACTING, **change).is_lost == lost


@pytest.mark.parametrize("seed", range(20))
def test_surges_that_find_now_the_one_now_the_other_wanting_end_nothing(seed: int) -> None:
    # Given two that are equally good: a surge every three hours, and either misses half of them
    fortune = random.Random(seed)
    lately = Lately.beginning(False, MONDAY)
    for bin_ in range(30 * 288):
        surge = bin_ % 36 == 0
        ours, theirs = (600.0 if fortune.random() < 0.5 else 300.0 for _ in range(2))
        # Then acting goes on for a month, though it costs a tenth more
        lately = lately.with_bin((6.6, ours), (6.0, theirs), 500.0 if surge else 200.0, 300)
        assert not lately.whole.is_lost


def test_without_traffic_nothing_is_lost() -> None:
    idle = replace(ACTING, requests=0.0, ours=Tally(1.0), theirs=Tally(1.0))
    assert not idle.is_lost


def test_less_than_a_week_says_nothing() -> None:
    assert not replace(WEEK, until=MONDAY + ENOUGH - timedelta(minutes=5)).worth_it
    assert not replace(WEEK, theirs=Tally()).worth_it


HOUR = 3600
BETTER = ((3.0, 300.0), (6.0, 600.0))
WORSE = ((6.0, 100.0), (3.0, 300.0))


Supplies = tuple[tuple[float, float], tuple[float, float]]


def after_hours(lately: Lately, hours: int, supplies: Supplies) -> Lately:
    for _ in range(hours):
        lately = lately.with_bin(*supplies, 200.0, HOUR)
    return lately


def test_what_went_well_for_long_does_not_hide_what_goes_badly_now() -> None:
    trial, lately = Trial(False, MONDAY, MONDAY), Lately.beginning(False, MONDAY)
    for _ in range(60 * 24):
        trial = trial.with_bin(*BETTER, 200.0, HOUR)
    lately = after_hours(lately, 60 * 24, BETTER)
    assert not lately.whole.is_lost
    for _ in range(4 * 24):
        trial = trial.with_bin(*WORSE, 200.0, HOUR)
    lately = after_hours(lately, 4 * 24, WORSE)
    assert lately.whole.is_lost
    assert not trial.is_lost


def test_lately_is_two_to_four_days_and_all_of_a_shorter_trial() -> None:
    lately = Lately.beginning(False, MONDAY)
    lengths = []
    for hour in range(1, 24 * 10):
        lately = after_hours(lately, 1, WORSE)
        assert lately.whole.until == MONDAY + timedelta(hours=hour)
        assert lately.whole.is_lost == (hour >= 48)
        lengths.append(lately.whole.length)
    assert lengths[:48] == [timedelta(hours=hour) for hour in range(1, 49)]
    assert set(lengths[48:]) == {timedelta(hours=hour) for hour in range(48, 96)}
    whole = lately.whole
    assert whole.requests == 200.0 * (whole.length / timedelta(hours=1))
    assert whole.ours.instance_hours == 6.0 * (whole.length / timedelta(hours=1))
    assert whole.ours.missed_requests == whole.requests


@pytest.mark.parametrize("hours", [5, 50])
def test_lately_survives_its_record(hours: int) -> None:
    lately = after_hours(Lately.beginning(False, MONDAY), hours, WORSE)
    assert Lately.from_json(json.loads(json.dumps(lately.to_json()))) == lately
