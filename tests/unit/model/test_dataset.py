"""What may be learned from: not what is absent, and not what was cut off by overload."""

from __future__ import annotations

import numpy as np
import pytest

from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.model.dataset import Dataset, make_dataset
from tests.helpers.shop import changed, shop

PARAMETERS = FeatureParameters(interval_seconds=300, horizon_bins=3)
SPAN = slice(1000, 1600)
"""A night and a day of the recording; bin 300 of it is amid traffic."""
AT = 300


def recorded() -> Samples:
    return shop(300).window(SPAN.start, SPAN.stop)


def made(samples: Samples) -> Dataset:
    return make_dataset(samples, PARAMETERS, 10.0)


def lost(samples: Samples, bins: int) -> Samples:
    """As when nothing arrives: all metrics of some bins are absent."""
    gone = dict.fromkeys(samples.columns(), np.nan)
    return changed(samples, slice(AT, AT + bins), **gone, coverage=0.0)


def test_a_sound_recording_is_learned_whole_but_for_its_end() -> None:
    dataset = made(recorded())
    assert not dataset.learnable[-PARAMETERS.horizon_bins :].any()
    assert dataset.learnable[20 : -PARAMETERS.horizon_bins].all()
    assert (dataset.filled_bins, dataset.masked_bins, dataset.censored_bins) == (0, 0, 0)


def test_labels_are_what_followed() -> None:
    samples = recorded()
    dataset = made(samples)
    level, floor = dataset.table.level.requests[AT], dataset.table.level.floor_requests[AT]
    expected = np.log((samples.requests[AT + 1 : AT + 4] + floor) / (level + floor))
    np.testing.assert_allclose(dataset.paths[AT], expected, rtol=1e-12)


@pytest.mark.parametrize("bins", [1, 6, 12])
def test_gaps_up_to_an_hour_are_filled_and_counted(bins: int) -> None:
    dataset = made(lost(recorded(), bins))
    assert (dataset.filled_bins, dataset.masked_bins) == (bins, 0)
    assert dataset.learnable[AT : AT + bins - 3].all()


@pytest.mark.parametrize("bins", [13, 60])
def test_longer_gaps_are_masked_from_end_to_end(bins: int) -> None:
    dataset = made(lost(recorded(), bins))
    assert (dataset.filled_bins, dataset.masked_bins) == (0, bins)
    masked = np.arange(AT, AT + bins)
    assert not dataset.learnable[masked].any()
    # Nor is a row learned whose label lies in the masked part.
    assert not dataset.learnable[masked[0] - PARAMETERS.horizon_bins : masked[0]].any()
    assert dataset.learnable[masked[-1] + 1 :][: 600 - AT - bins - 4].all()


@pytest.mark.parametrize("overload", [{"cpu_percent": 95.0}, {"errors": 5000.0}, {"refused": 0.5}])
def test_an_overloaded_bin_below_the_level_is_no_label(overload: dict[str, float]) -> None:
    """Its count is a lower bound: to learn it is to learn to be too small."""
    dataset = made(changed(recorded(), AT, requests=1.0, **overload))
    assert dataset.censored_bins == 1
    assert not dataset.learnable[AT - PARAMETERS.horizon_bins : AT].any()
    assert dataset.learnable[AT - 20 : AT - PARAMETERS.horizon_bins].all()


def test_a_surge_that_overloaded_the_group_is_learned() -> None:
    """At least so much came: left out, the forecast would never expect it again."""
    surge = 3 * float(recorded().requests[AT - 1])
    dataset = made(changed(recorded(), AT, requests=surge, cpu_percent=100.0))
    assert dataset.censored_bins == 1
    assert dataset.learnable[AT - 20 : AT].all()
    assert dataset.paths[AT - 1, 0] == pytest.approx(np.log(3), abs=0.2)


def test_a_bin_with_absent_minutes_is_no_label() -> None:
    dataset = made(changed(recorded(), AT, coverage=0.4))
    assert not dataset.learnable[AT - PARAMETERS.horizon_bins : AT].any()


def test_refused_requests_are_demand() -> None:
    samples = recorded()
    few = changed(samples, AT, refused=10.0)
    np.testing.assert_allclose(made(few).table.filled_demand[AT], samples.requests[AT] + 10)
