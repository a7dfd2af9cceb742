from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.trouble import trouble
from predictive_autoscaler.core.types import Samples
from tests.unit.core.builders import C, shop, with_newest

CALM = shop(2)
HALF_AN_HOUR = 1800 // CALM.interval_seconds


def told_of(samples: Samples) -> str | None:
    return trouble(samples, C)


def test_a_calm_shop_has_none() -> None:
    assert told_of(CALM) is None


@pytest.mark.parametrize("bins_ago", [1, HALF_AN_HOUR])
def test_failing_requests_are_trouble_for_half_an_hour(bins_ago: int) -> None:
    failing = with_newest(CALM, bins_ago, errors=1e6)
    told = told_of(with_newest(failing, bins_ago - 1, errors=0.0) if bins_ago > 1 else failing)
    assert told is not None
    assert "100 % of the requests failed" in told


def test_and_no_longer() -> None:
    failing = with_newest(with_newest(CALM, HALF_AN_HOUR + 1, errors=1e6), HALF_AN_HOUR, errors=0.0)
    assert told_of(failing) is None


def test_a_few_errors_of_a_quiet_night_are_none() -> None:
    assert told_of(with_newest(CALM, 1, requests=30.0, errors=19.0)) is None
    assert told_of(with_newest(CALM, 1, requests=1e6, errors=100.0)) is None


def test_requests_that_the_balancer_refused_have_failed() -> None:
    told = told_of(with_newest(CALM, 1, requests=900.0, refused=100.0))
    assert told is not None
    assert "10 % of the requests failed" in told


@pytest.mark.parametrize(("seconds", "found"), [(0.45, False), (3.0, True)])
def test_answers_many_times_slower_than_usual_are_told_of(seconds: float, found: bool) -> None:
    told = told_of(with_newest(CALM, 2, response_time_seconds=seconds))
    assert (told is not None) == found
    if found:
        assert "answers took 3.0 s" in str(told)


def test_nothing_known_is_no_trouble() -> None:
    unknown = np.full(len(CALM), np.nan)
    assert told_of(CALM.replaced(errors=unknown, response_time_seconds=unknown)) is None


def test_an_overloaded_group_lacks_capacity_and_is_no_outage() -> None:
    served = 41 * C  # by forty instances
    assert told_of(with_newest(CALM, 1, requests=served, errors=0.1 * served)) is None
    slow = with_newest(CALM, 1, requests=served, response_time_seconds=9.0)
    assert told_of(slow) is None
    assert told_of(with_newest(slow, 1, in_service=np.nan)) is not None
