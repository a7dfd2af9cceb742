from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.scoring import elasticity, score_scaling
from predictive_autoscaler.core.types import FloatArray

# The vectors of the BUNGEE tool's own tests: (time, instances) steps over 20 time units.
DEMANDED = ((0, 1), (7, 5), (16, 3), (17, 2), (19, 4))
SUPPLIED = ((0, 1), (2, 2), (3, 1), (5, 3), (9, 7), (11, 6), (12, 8), (14, 2), (20, 2))
DURATION = 20


def sampled(steps: tuple[tuple[int, int], ...], per_unit: int) -> FloatArray:
    """A step curve at the middle of each piece of an even grid."""
    times = (np.arange(DURATION * per_unit) + 0.5) / per_unit
    starts, values = np.array(steps).T
    curve: FloatArray = values[np.searchsorted(starts, times, side="right") - 1].astype(np.float64)
    return curve


@pytest.mark.parametrize("per_unit", [1, 2, 7])
def test_elasticity_agrees_with_the_vectors_of_bungee(per_unit: int) -> None:
    found = elasticity(sampled(DEMANDED, per_unit), sampled(SUPPLIED, per_unit))
    assert found.under_accuracy == pytest.approx(14.1667, abs=5e-5)
    assert found.over_accuracy == pytest.approx(36.0)
    assert found.under_timeshare == pytest.approx(30.0)
    assert found.over_timeshare == pytest.approx(40.0)


def test_the_sampled_curves_have_the_areas_that_are_known_of_them() -> None:
    demanded, supplied = sampled(DEMANDED, 1), sampled(SUPPLIED, 1)
    assert np.maximum(supplied - demanded, 0).sum() == 16
    assert np.maximum(demanded - supplied, 0).sum() == 13


def test_supply_that_matches_demand_is_perfectly_elastic() -> None:
    curve = sampled(DEMANDED, 1)
    assert set(vars(elasticity(curve, curve)).values()) == {0.0}


def test_all_requests_of_an_overloaded_bin_count_as_missed() -> None:
    demand = np.array([100.0, 201.0, 200.0, np.nan])
    score = score_scaling(demand, np.full(4, 3.0), np.full(4, 2.0), 100.0, 300)
    assert score.missed_requests == 201.0
    assert score.missed_share == pytest.approx(201 / 501)


def test_hours_are_billed_as_asked_and_actions_are_changes() -> None:
    billed = np.array([2.0, 2.0, 3.0, 1.0])
    score = score_scaling(np.ones(4), billed, billed, 100.0, 900)
    assert score.instance_hours == 2.0
    assert score.actions == 2


def test_without_requests_nothing_is_missed() -> None:
    score = score_scaling(np.zeros(3), np.ones(3), np.zeros(3), 100.0, 300)
    assert score.missed_share == 0.0


def test_cost_is_relative_to_another_policy() -> None:
    two, three = (
        score_scaling(np.ones(2), np.full(2, n), np.full(2, n), 100.0, 300) for n in (2.0, 3.0)
    )
    assert three.cost_against(two) == pytest.approx(1.5)
