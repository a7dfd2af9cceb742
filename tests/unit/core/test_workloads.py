from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.workloads import (
    DAY,
    USER_PATTERNS,
    WEEK,
    Sale,
    daily_rhythm,
    growth,
    recorded_shop,
    replayed,
    weekly_rhythm,
)
from tests.unit.core.builders import MONDAY

HOURS = np.arange(0.0, DAY, 3600.0)


def test_the_same_seed_gives_the_same_recording() -> None:
    sales = (Sale(3600.0),)
    one, two = (recorded_shop(MONDAY, 2, 5, sales) for _ in range(2))
    assert one.requests.tobytes() == two.requests.tobytes()
    other = recorded_shop(MONDAY, 2, 6, sales)
    assert one.requests.tobytes() != other.requests.tobytes()


def test_a_recording_has_whole_counts_in_all_of_its_bins() -> None:
    requests = recorded_shop(MONDAY, 2, 5, ()).requests
    assert len(requests) == 2 * 288
    assert (requests >= 0).all()
    assert (requests == np.floor(requests)).all()


def test_the_day_peaks_in_the_evening_and_sleeps_at_four() -> None:
    rhythm = daily_rhythm(HOURS)
    assert [rhythm.argmax(), rhythm.argmin()] == [20, 4]
    assert rhythm.max() == pytest.approx(1.0)
    assert rhythm.min() < 0.25
    np.testing.assert_allclose(daily_rhythm(HOURS + DAY), rhythm)


def test_weekends_carry_more_and_weeks_repeat() -> None:
    days = np.arange(7.0) * DAY + DAY / 2
    weekly = weekly_rhythm(days)
    assert weekly[5:].min() > weekly[:5].max()
    np.testing.assert_allclose(weekly_rhythm(days + WEEK), weekly)
    # Without a step at the turn of the week
    around = weekly_rhythm(np.array([WEEK - 60.0, WEEK + 60.0]))
    assert around[0] == pytest.approx(around[1], rel=0.01)


def test_growth_is_compounded() -> None:
    np.testing.assert_allclose(growth(np.array([0.0, WEEK, 2.0 * WEEK]), 0.1), [1.0, 1.1, 1.21])


def test_a_sale_lifts_traffic_quickly_and_fades() -> None:
    sale = Sale(start_seconds=1000.0, lift=0.8, ramp_seconds=600.0, fade_seconds=3600.0)
    times = np.array([0.0, 1000.0, 1300.0, 1600.0, 5200.0, 1e6])
    np.testing.assert_allclose(
        sale.factor(times), [1.0, 1.0, 1.4, 1.8, 1.0 + 0.8 / np.e, 1.0], atol=1e-9
    )


def test_a_sale_shows_in_the_recording_only_from_its_start() -> None:
    # Given the same shop with and without a sale at noon
    sale = Sale(start_seconds=12 * 3600.0, lift=1.0, ramp_seconds=1800.0, fade_seconds=7200.0)
    usual = recorded_shop(MONDAY, 1, 3, ()).requests
    lifted = recorded_shop(MONDAY, 1, 3, (sale,)).requests
    noon = 12 * 12
    assert lifted[:noon].tobytes() == usual[:noon].tobytes()
    peak = slice(noon + 6, noon + 12)
    assert lifted[peak].sum() / usual[peak].sum() == pytest.approx(1.88, abs=0.1)


def course(name: str, *seconds: float, **options: float) -> list[int | None]:
    return [USER_PATTERNS[name].users(moment, **options) for moment in seconds]


def test_each_scenario_has_the_documented_figures() -> None:
    figures = {}
    for name, pattern in USER_PATTERNS.items():
        users = [pattern.users(second) for second in range(int(pattern.duration_seconds))]
        known = [one for one in users if one is not None]
        assert len(known) == len(users)
        figures[name] = (min(known), max(known))
    assert figures == {
        "baseline": (20, 20),
        "surge": (10, 200),
        "sinusoidal": (10, 150),
        "step": (20, 100),
        "flash-sale": (20, 300),
    }


def test_the_surge_rises_within_a_minute_is_held_and_ends() -> None:
    assert course("surge", 0, 119, 150, 180, 599, 660, 720, 899) == [
        *(10, 10, 105, 200, 200, 105, 10, 10)
    ]
    assert course("surge", 900, 1e6) == [None, None]


def test_the_wave_comes_back_after_its_period() -> None:
    assert course("sinusoidal", 0, 150, 300, 450, 600) == [10, 80, 150, 80, 10]


def test_steps_are_taken_at_once() -> None:
    assert course("step", 179.9, 180, 359.9, 360, 899) == [20, 40, 40, 60, 100]


def test_a_flash_sale_is_there_within_half_a_minute_and_fades() -> None:
    assert course("flash-sale", 180, 195, 210, 390, 480, 690) == [20, 160, 300, 300, 120, 20]


@pytest.mark.parametrize("name", sorted(USER_PATTERNS))
@pytest.mark.parametrize("length", [20.0, 60.0, 7200.0])
def test_a_run_of_another_length_has_the_same_course(name: str, length: float) -> None:
    pattern = USER_PATTERNS[name]
    for share in np.linspace(0, 0.99, 34):
        expected = pattern.users(float(share) * pattern.duration_seconds)
        assert pattern.users(float(share) * length, length) == pytest.approx(expected, abs=1)
    assert pattern.users(length, length) is None


def test_users_are_scaled_and_never_none_at_all() -> None:
    assert course("baseline", 0, scale=2.5) == [50]
    assert course("baseline", 0, scale=0.01) == [1]


@given(
    st.lists(st.floats(0, 1e6), min_size=2, max_size=50).filter(lambda values: max(values) > 0),
    st.floats(1, 1000),
)
def test_a_replay_stays_below_its_peak_and_reaches_it(values: list[float], peak: float) -> None:
    requests = np.array(values)
    seconds = np.arange(0.0, len(values) * 300.0, 300.0)
    pattern = replayed(seconds, requests, peak, 600.0)
    at_bins = pattern.shape(np.linspace(0, 600, len(values)))
    np.testing.assert_allclose(at_bins, peak * (requests / requests.max()), atol=1e-6 * peak)
    assert (pattern.users(599.9) or 0) <= max(1, round(peak))
