from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.rehearsal.course import START, Course, RehearsalOptions


def course(scenario: str, **chosen: object) -> Course:
    options = RehearsalOptions(Path("out"), scenario=scenario, **chosen)  # type: ignore[arg-type]
    return Course.of(options)


def test_an_interval_of_five_minutes_takes_five_seconds() -> None:
    options = RehearsalOptions(Path("out"))
    assert options.bin_seconds == 5.0
    assert options.bins == 24


@pytest.mark.parametrize("scenario", ["sinusoidal", "flash-sale", "surge", "step"])
def test_the_peak_has_the_users_asked_for(scenario: str) -> None:
    made = course(scenario, users=450)
    moments = np.linspace(0, 120, 500, endpoint=False)
    assert made.users(moments).max() == pytest.approx(450, rel=0.01)


def test_a_wave_came_round_before() -> None:
    made = course("sinusoidal")
    before = made.users(np.array([-120.0, -90.0, -60.0]))
    assert before == pytest.approx(made.users(np.array([0.0, 30.0, 60.0])))


def test_before_a_sale_it_was_calm() -> None:
    made = course("flash-sale")
    first = made.users(np.array([0.0]))[0]
    assert made.users(np.array([-1000.0, -100.0, -1.0])) == pytest.approx([first] * 3)


def test_history_ends_where_the_load_begins_and_repeats_with_its_seed() -> None:
    made = course("sinusoidal")
    past = made.history(0.2, seed=3)
    assert past.end == START
    assert len(past) == 7 * 288
    assert past.requests.tobytes() == made.history(0.2, seed=3).requests.tobytes()
    assert past.requests.tobytes() != made.history(0.2, seed=4).requests.tobytes()
    expected = made.users_by_bin(-len(past), len(past)) * 0.2 * 5
    assert past.requests.mean() == pytest.approx(expected.mean(), rel=0.01)


def test_an_announcement_covers_the_sale() -> None:
    made = course("flash-sale", capacity_per_instance=50.0)
    (event,) = made.announcement(0.16)
    users = made.users_by_bin(0, made.options.bins)
    busiest = int(users.argmax())
    assert event.start <= made.options.time_of(busiest) < event.end
    assert event.start > START
    assert event.min_instances == int(np.ceil(450 * 0.16 * 5 / 50))


def test_what_never_rises_needs_no_announcement() -> None:
    assert course("baseline").announcement(0.16) == ()
