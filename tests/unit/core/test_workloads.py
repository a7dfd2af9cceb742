from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.workloads import (
    DAY,
    WEEK,
    Sale,
    daily_rhythm,
    growth,
    recorded_shop,
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
