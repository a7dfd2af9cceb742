from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import (
    FixedClock,
    MemoryActuator,
    MemoryDecisionLog,
    MemoryMetricSource,
    MemoryModelStore,
    MemoryNotifier,
    MemorySink,
)
from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.types import Bounds, GroupState, Samples
from predictive_autoscaler.errors import GroupNotFoundError, SourceError, ThrottledError
from predictive_autoscaler.ports import MetricRequest, MetricValue
from tests.adapters.examples import GROUP, NOON, tiny_model

MINUTE = timedelta(minutes=1)


def test_a_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(NOON)
    clock.advance(MINUTE)
    assert clock.now() == NOON + MINUTE
    clock.set(NOON)
    assert clock.now() == NOON


@pytest.fixture
def source() -> MemoryMetricSource:
    columns = {"requests": np.arange(10.0), "cpu_percent": np.full(10, 50.0)}
    return MemoryMetricSource({GROUP: Samples.of(NOON, 60, columns)})


def read(source: MemoryMetricSource, first: int, last: int, period: int = 60) -> Samples:
    request = MetricRequest(GROUP, NOON + first * MINUTE, NOON + last * MINUTE, period)
    samples = source.read([request])[GROUP]
    assert (samples.start, samples.end) == (request.start, request.end)
    assert samples.interval_seconds == period
    return samples


def test_just_the_asked_range_is_read(source: MemoryMetricSource) -> None:
    assert read(source, 2, 5).requests.tolist() == [2, 3, 4]


@pytest.mark.parametrize(("first", "last"), [(-3, 2), (8, 13), (-5, -2), (20, 22), (-2, 12)])
def test_outside_of_what_was_recorded_all_is_absent(
    source: MemoryMetricSource, first: int, last: int
) -> None:
    expected = [float(n) if 0 <= n < 10 else np.nan for n in range(first, last)]
    samples = read(source, first, last)
    np.testing.assert_array_equal(samples.requests, expected)
    np.testing.assert_array_equal(samples.coverage, ~np.isnan(expected))


def test_what_is_not_yet_measured_is_absent(source: MemoryMetricSource) -> None:
    source.visible_until = NOON + 4.5 * MINUTE
    np.testing.assert_array_equal(read(source, 2, 6).requests, [2, 3, np.nan, np.nan])
    assert np.isnan(read(source, 5, 7).requests).all()


def test_a_coarser_period_is_added_up(source: MemoryMetricSource) -> None:
    samples = read(source, 0, 10, 300)
    assert samples.requests.tolist() == [10, 35]
    assert samples.cpu_percent.tolist() == [50, 50]


def test_a_finer_period_is_refused(source: MemoryMetricSource) -> None:
    with pytest.raises(SourceError, match="60 s; 30 s"):
        read(source, 0, 10, 30)


def test_an_unknown_group_has_no_metrics(source: MemoryMetricSource) -> None:
    request = MetricRequest("other", NOON, NOON + MINUTE, 60)
    assert np.isnan(source.read([request])["other"].requests).all()


def test_reading_fails_while_told_to(source: MemoryMetricSource) -> None:
    source.error = ThrottledError("slow down")
    with pytest.raises(ThrottledError):
        read(source, 0, 1)


STATE = GroupState(GROUP, 2, 2, Bounds(1, 5))


def test_capacity_is_set_and_recorded() -> None:
    actuator = MemoryActuator([STATE])
    actuator.set_desired(GROUP, 4)
    assert actuator.describe([GROUP, "gone"])[GROUP].desired_instances == 4
    assert "gone" not in actuator.describe([GROUP, "gone"])
    assert actuator.calls == [(GROUP, 4)]


@pytest.mark.parametrize("instances", [0, 6])
def test_capacity_out_of_bounds_is_refused(instances: int) -> None:
    actuator = MemoryActuator([STATE])
    with pytest.raises(SourceError, match="outside 1 to 5"):
        actuator.set_desired(GROUP, instances)
    assert actuator.calls == []


def test_a_group_that_is_gone_is_named() -> None:
    with pytest.raises(GroupNotFoundError, match="web"):
        MemoryActuator().set_desired("web", 1)


def test_the_actuator_fails_while_told_to() -> None:
    actuator = MemoryActuator([STATE])
    actuator.describe_error = actuator.set_error = ThrottledError("slow down")
    with pytest.raises(ThrottledError):
        actuator.describe([GROUP])
    with pytest.raises(ThrottledError):
        actuator.set_desired(GROUP, 3)
    actuator.describe_error = None
    assert actuator.describe([GROUP]) == {GROUP: STATE}


def test_a_ready_model_can_be_put() -> None:
    npz, card, _ = tiny_model()
    model = load_model(npz, card)
    models = MemoryModelStore()
    models.put(GROUP, model)
    assert models.load(GROUP) is model


def test_a_log_forgets_the_oldest() -> None:
    log = MemoryDecisionLog(keep=2)
    for minute in range(4):
        log.claim(NOON + minute * MINUTE, {"n": minute})
    assert log.load(NOON + MINUTE) is None
    assert log.newest_before(NOON + 3 * MINUTE) == {"n": 2}
    assert log.newest_before(NOON + 2 * MINUTE) is None


def test_what_was_published_and_told_is_kept() -> None:
    sink, notifier = MemorySink(), MemoryNotifier()
    value = MetricValue(GROUP, "Wanted", 3.0, NOON)
    sink.publish([value])
    notifier.notify("subject", "text")
    assert sink.values == [value]
    assert notifier.messages == [("subject", "text")]
