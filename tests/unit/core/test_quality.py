from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.quality import AssessedDemand, assess
from predictive_autoscaler.core.types import Quality, Samples
from tests.unit.core.builders import metrics

NAN = np.nan
NEGLIGIBLE = 10.0
HOUR = 12
"""Bins."""
BUSY = [1000.0] * HOUR


def judged(samples: Samples) -> AssessedDemand:
    return assess(samples, NEGLIGIBLE)


def newest(samples: Samples) -> Quality:
    return Quality(int(judged(samples).quality[-1]))


def test_ordinary_traffic_is_trusted_as_it_is() -> None:
    found = judged(metrics(BUSY))
    assert found.trusted.all()
    assert found.requests.tolist() == BUSY


def test_what_was_refused_is_demand_too() -> None:
    # 1 % refused is too little to make the count a lower bound
    found = judged(metrics([990.0], refused=10.0))
    assert found.requests.tolist() == [1000.0]
    assert found.quality[0] == Quality.OK


def test_a_missing_metric_amid_traffic_is_missing_and_not_zero() -> None:
    found = judged(metrics([*BUSY, NAN]))
    assert found.quality[-1] == Quality.MISSING
    assert np.isnan(found.requests[-1])


def test_one_zero_amid_traffic_is_a_glitch_and_the_next_count_is_believed() -> None:
    found = judged(metrics([*BUSY, 0.0, 1000.0]))
    assert found.quality[-2:].tolist() == [Quality.GLITCH, Quality.OK]
    assert np.isnan(found.requests[-2])


def fading(silence: float, bins: int) -> list[float]:
    return [*BUSY, 600.0, 300.0, 120.0, 40.0, *[silence] * bins, 15.0, 200.0, 900.0]


@pytest.mark.parametrize("silence", [NAN, 0.0], ids=["absent", "zero"])
def test_a_night_without_requests_is_quiet_to_its_end(silence: float) -> None:
    # Given traffic that fades, then nine hours of nothing with the group in service
    hours = 9 * HOUR
    found = judged(metrics(fading(silence, hours)))
    # Then all of the night is quiet, long after the evening is out of sight, and the morning is
    # taken as it comes
    night = slice(HOUR + 4, HOUR + 4 + hours)
    assert set(found.quality[night].tolist()) == {Quality.QUIET}
    assert (found.requests[night] == 0.0).all()
    assert found.quality[-3:].tolist() == [Quality.OK] * 3
    assert found.requests[-3:].tolist() == [15.0, 200.0, 900.0]


@pytest.mark.parametrize(
    ("cpu", "healthy", "quality"),
    [
        (5.0, NAN, Quality.QUIET),
        (NAN, 5.0, Quality.QUIET),
        (NAN, NAN, Quality.MISSING),
        (NAN, 0.0, Quality.MISSING),
    ],
)
def test_silence_is_quiet_only_while_instances_answer(
    cpu: float, healthy: float, quality: Quality
) -> None:
    night = metrics(fading(NAN, 3)[:-3], cpu_percent=cpu, healthy_hosts=healthy)
    assert newest(night) == quality


@pytest.mark.parametrize("in_service", [NAN, 0.0])
def test_silence_without_instances_in_service_is_missing(in_service: float) -> None:
    assert newest(metrics(fading(NAN, 3)[:-3], in_service=in_service)) == Quality.MISSING


def test_all_metrics_absent_is_loss_even_at_night() -> None:
    night = fading(NAN, 3)[:-3]
    lost = metrics(night, cpu_percent=NAN, in_service=NAN, healthy_hosts=NAN)
    assert newest(lost) == Quality.MISSING


def test_a_count_that_is_absent_from_the_beginning_is_missing() -> None:
    assert newest(metrics([NAN, NAN])) == Quality.MISSING


def test_zeros_are_believed_once_they_have_lasted_an_hour() -> None:
    found = judged(metrics([*BUSY, *[0.0] * (HOUR + 2)]))
    assert set(found.quality[HOUR : 2 * HOUR].tolist()) == {Quality.GLITCH}
    assert set(found.quality[2 * HOUR :].tolist()) == {Quality.QUIET}


def test_an_interrupted_run_of_zeros_starts_anew() -> None:
    zeros = [0.0] * HOUR
    assert newest(metrics([*BUSY, *zeros, NAN, *zeros])) == Quality.GLITCH
    assert newest(metrics([*BUSY, *zeros, 1000.0, *zeros])) == Quality.GLITCH


def test_absence_amid_traffic_never_turns_quiet_by_itself() -> None:
    # However long CloudWatch is silent, only a count of zero can say that nobody comes
    assert newest(metrics([*BUSY, *[NAN] * (5 * HOUR)])) == Quality.MISSING


@pytest.mark.parametrize(("cpu", "quality"), [(89.9, Quality.OK), (90.0, Quality.CENSORED)])
def test_a_hot_group_has_a_lower_bound_only(cpu: float, quality: Quality) -> None:
    assert newest(metrics([1000.0], cpu_percent=cpu)) == quality


@pytest.mark.parametrize(("errors", "quality"), [(19.0, Quality.OK), (20.0, Quality.CENSORED)])
def test_failing_requests_make_a_lower_bound(errors: float, quality: Quality) -> None:
    assert newest(metrics([1000.0], errors=errors)) == quality


@pytest.mark.parametrize(("refused", "quality"), [(20.0, Quality.OK), (21.0, Quality.CENSORED)])
def test_refused_requests_make_a_lower_bound(refused: float, quality: Quality) -> None:
    # 21 of 1021 are more than 2 %, 20 of 1020 less
    assert newest(metrics([1000.0], refused=refused)) == quality


def test_requests_that_only_the_load_balancer_saw_are_a_lower_bound() -> None:
    # Given a balancer without a healthy target: it refuses everyone and counts no requests
    found = judged(metrics([*BUSY, NAN], refused=[*[0.0] * HOUR, 800.0], healthy_hosts=0.0))
    assert found.quality[-1] == Quality.CENSORED
    assert found.requests[-1] == 800.0


@pytest.mark.parametrize("silence", [NAN, 0.0], ids=["absent", "zero"])
@pytest.mark.parametrize("trouble", ["hot", "failing"])
def test_a_quiet_night_of_a_hot_or_failing_group_is_no_reason_to_scale_in(
    silence: float, trouble: str
) -> None:
    samples = metrics(fading(silence, 3)[:-3])
    samples.cpu_percent[-1] = 95.0 if trouble == "hot" else 5.0
    samples.errors[-1] = 40.0 if trouble == "failing" else 0.0
    assert newest(samples) == Quality.CENSORED
    assert judged(samples).requests[-1] == 0.0


@pytest.mark.parametrize(
    ("requests", "coverage", "quality"),
    [
        (1000.0, 0.8, Quality.PARTIAL),
        (41.0, 0.8, Quality.PARTIAL),  # a minute brings ten: none at all is no chance
        (39.0, 0.8, Quality.OK),  # a minute may well pass without a request
        (1000.0, 1.0, Quality.OK),
    ],
)
def test_absent_minutes_matter_only_when_busy(
    requests: float, coverage: float, quality: Quality
) -> None:
    assert newest(metrics([requests], coverage=[coverage])) == quality


counts = st.lists(
    st.sampled_from([NAN, 0.0, 5.0, 100.0, 1000.0]), min_size=1, max_size=60
)  # fmt: skip


@given(counts=counts, data=st.data())
def test_judging_never_looks_ahead(counts: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(counts)))
    cpu = data.draw(st.lists(st.sampled_from([NAN, 5.0, 95.0]), min_size=len(counts)))
    samples = metrics(counts, cpu_percent=cpu[: len(counts)])
    whole, part = judged(samples), judged(samples.window(0, cut))
    assert whole.quality[:cut].tolist() == part.quality.tolist()
    np.testing.assert_array_equal(whole.requests[:cut], part.requests)


@given(counts=counts)
def test_demand_is_absent_exactly_where_nothing_is_believed(counts: list[float]) -> None:
    found = judged(metrics(counts))
    disbelieved = np.isin(found.quality, [Quality.MISSING, Quality.GLITCH])
    np.testing.assert_array_equal(np.isnan(found.requests), disbelieved)
