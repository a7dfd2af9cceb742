from __future__ import annotations

import pytest

from predictive_autoscaler.backtest.peers.step_scaling import Step, StepScaling, whole
from tests.unit.backtest.peers.contexts import context

POLICY = StepScaling(out_steps=(Step(0.8, 0.1), Step(1.0, 0.5)), in_share=0.6, in_change_share=0.2)


@pytest.mark.parametrize(
    ("change", "instances"), [(0.0, 0), (0.2, 1), (0.99, 1), (1.7, 1), (12.7, 12)]
)
def test_changes_are_rounded_as_the_guide_says(change: float, instances: int) -> None:
    assert whole(change) == instances


def test_the_further_beyond_the_threshold_the_larger_the_step() -> None:
    # Given 10 instances that a load of 800 begins with
    assert POLICY.asked(context([800.0, 700.0, 700.0])).tolist() == [10, 11, 11]
    assert POLICY.asked(context([800.0, 1000.0, 700.0, 700.0])).tolist() == [10, 11, 15, 15]


def test_instances_that_still_boot_count_as_added() -> None:
    # Given three bins to boot, one breach adds once and not in each of them
    asked = POLICY.asked(context([799.0] + [1000.0] * 5, boot_bins=3))
    assert asked.tolist() == [10, 10, 15, 15, 15, 15]


def test_one_step_in_after_each_quiet_quarter_of_an_hour() -> None:
    asked = POLICY.asked(context([1600.0, 1279.0] + [100.0] * 8))
    assert asked.tolist() == [20, 22, 22, 22, 22, 18, 18, 18, 15, 15]


def test_between_the_thresholds_nothing_happens() -> None:
    assert set(POLICY.asked(context([700.0] * 9)).tolist()) == {9.0}


def test_absent_bins_are_not_quiet_ones() -> None:
    nan = float("nan")
    asked = POLICY.asked(context([710.0, 100.0, 100.0, nan, 100.0, 100.0, 100.0, 100.0]))
    assert asked.tolist() == [9, 9, 9, 9, 9, 9, 9, 8]
