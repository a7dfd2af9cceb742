from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.demand import instances_for, learn_capacity, move_towards
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import Samples
from tests.unit.core.builders import metrics

CAPACITY = 2000.0
"""Requests per interval at which CPU reaches 70 %."""
IDLE_CPU = 8.0


@pytest.mark.parametrize(
    ("demand", "instances"), [(0, 0), (1, 1), (1000, 1), (1001, 2), (5000, 5)]
)  # fmt: skip
def test_as_few_instances_as_carry_the_demand(demand: float, instances: int) -> None:
    assert instances_for(demand, 1000.0) == instances


def loaded(bins: int, seed: int = 1, idle: float = IDLE_CPU, instances: int = 4) -> Samples:
    """CPU that rises with the load from an idle value, with noise; 70 % at CAPACITY."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0.1, 1.2, bins) * CAPACITY
    cpu = idle + (70.0 - idle) * load / CAPACITY + rng.normal(0.0, 3.0, bins)
    return metrics(load * instances, cpu_percent=cpu, in_service=float(instances))


def learned(samples: Samples) -> float | None:
    return learn_capacity(samples, assess(samples, 0.0), 70.0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("idle", [0.0, 8.0, 18.0])
def test_the_true_capacity_is_found_through_noise_and_idle_cpu(seed: int, idle: float) -> None:
    assert learned(loaded(600, seed, idle)) == pytest.approx(CAPACITY, rel=0.05)


def test_wild_cpu_readings_do_not_move_it() -> None:
    # Given readings of something else in every tenth bin
    samples = loaded(800)
    samples.cpu_percent[::10] = 78.0
    assert learned(samples) == pytest.approx(CAPACITY, rel=0.1)


def test_too_little_evidence_teaches_nothing() -> None:
    assert learned(loaded(150)) is None
    # Enough bins, but nearly all idle
    assert learned(loaded(600).replaced(cpu_percent=np.full(600, 12.0))) is None


def test_a_load_that_never_varies_teaches_nothing() -> None:
    assert learned(metrics(np.full(400, 4000.0), cpu_percent=50.0)) is None


def test_cpu_that_falls_with_the_load_teaches_nothing() -> None:
    samples = loaded(600)
    assert learned(samples.replaced(cpu_percent=95.0 - samples.cpu_percent)) is None


def test_censored_bins_teach_nothing() -> None:
    # Given failing bins in which CPU says something quite different
    samples = loaded(900)
    failing = np.arange(900) % 2 == 0
    misled = samples.replaced(
        cpu_percent=np.where(failing, 25.0, samples.cpu_percent),
        errors=np.where(failing, samples.requests, 0.0),
    )
    assert learned(misled) == pytest.approx(CAPACITY, rel=0.05)
    assert learned(samples.replaced(errors=samples.requests)) is None


def test_bins_in_which_the_group_was_scaled_teach_nothing() -> None:
    # Given a group that changes in every bin, which mixes two loads
    instances = np.where(np.arange(600) % 2 == 0, 3.0, 5.0)
    assert learned(loaded(600).replaced(in_service=instances)) is None


@given(
    current=st.floats(10, 1e6), wanted=st.floats(10, 1e6), days=st.floats(1, 30)
)  # fmt: skip
def test_capacity_moves_at_most_a_tenth_a_day(current: float, wanted: float, days: float) -> None:
    moved = move_towards(current, wanted, days)
    most = 1.1**days
    assert current / most * (1 - 1e-12) <= moved <= current * most * (1 + 1e-12)
    assert min(current, wanted) <= moved <= max(current, wanted)
    if current / most <= wanted <= current * most:
        assert moved == wanted
