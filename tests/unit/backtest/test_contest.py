from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictive_autoscaler.backtest.contest import Course, course_of, play
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.model.train import train
from tests.helpers.retraining import A_DAY, SMALL, sound
from tests.helpers.shop import capacity, changed, settings

FIRST = 12 * A_DAY
LAST = 13 * A_DAY


@pytest.fixture(scope="module")
def model() -> Model:
    trained = train(sound(10), SMALL)
    return load_model(trained.npz, trained.card.to_json())


def course(samples: Samples | None = None) -> Course:
    return course_of(samples or sound(13), FIRST, settings())


def test_the_same_model_plays_the_same(model: Model) -> None:
    shares: list[float] = []
    once = play(model, course(), shares.append)
    assert play(model, course()) == once
    assert once.decisions == once.by_model == A_DAY
    assert once.fault == ""
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1


def test_hours_and_misses_are_those_of_the_judged_day(model: Model) -> None:
    """The day takes what it takes, and four times the day four times as much."""
    needed = np.ceil(sound(13).requests[FIRST:] / capacity(900)).sum() / 4
    found = play(model, course())
    assert needed < found.instance_hours < 1.3 * needed
    assert found.missed_share < 0.02


def test_a_surge_that_nobody_could_know_of_is_missed(model: Model) -> None:
    surge = changed(sound(13), slice(FIRST + 40, FIRST + 41), requests=200_000.0)
    calm, found = play(model, course()), play(model, course(surge))
    assert found.missed_hours == pytest.approx(calm.missed_hours + 200_000 / capacity(900) / 4)
    assert found.missed_share > calm.missed_share


def test_refused_requests_count_as_demand(model: Model) -> None:
    """What the recorded group turned away would have come to ours as well."""
    samples = sound(13)
    refused = np.zeros(len(samples))
    refused[FIRST + 40] = 200_000.0
    found = play(model, course(samples.replaced(refused=refused)))
    assert found.missed_hours > 200_000 / capacity(900) / 4


def test_it_sees_nothing_that_has_not_yet_happened(model: Model) -> None:
    """What comes in the last hour changes nothing before it."""
    known = play(model, course_of(sound(13).window(0, LAST - 4), FIRST, settings()))
    odd = changed(sound(13), slice(LAST - 4, LAST), requests=1.0)
    whole = play(model, course(odd))
    assert whole.instance_hours - known.instance_hours < 4 * 40 / 4
    again = play(model, course_of(odd.window(0, LAST - 4), FIRST, settings()))
    assert again == known


def test_a_model_of_metrics_that_are_gone_takes_no_decision(model: Model) -> None:
    samples = sound(13)
    nothing = np.full(len(samples), np.nan)
    found = play(model, course(samples.replaced(cpu_percent=nothing)))
    assert found.by_model == 0
    assert "which the metrics lack" in found.fault


def test_requests_alone_are_enough() -> None:
    alone = Samples.of(sound().start, 900, {"requests": sound().requests})
    trained = train(alone.window(0, 10 * A_DAY), SMALL)
    found = play(
        load_model(trained.npz, trained.card.to_json()), course(alone.window(0, 13 * A_DAY))
    )
    assert found.by_model == A_DAY


def test_absent_bins_neither_cost_nor_stop_it(model: Model) -> None:
    blank = dict.fromkeys(("requests", "cpu_percent", "in_service", "healthy_hosts"), np.nan)
    gap = changed(sound(13), slice(FIRST + 20, FIRST + 24), **blank)
    found = play(model, course(gap))
    assert found.decisions == A_DAY
    assert found.missed_share <= play(model, course()).missed_share + 0.02


def test_what_is_given_stays_as_it_was(model: Model) -> None:
    samples = sound(13)
    before = samples.in_service.tobytes()
    play(model, course(samples))
    assert samples.in_service.tobytes() == before


def test_without_a_setting_the_capacity_is_learned(model: Model) -> None:
    group = settings()
    unset = replace(group, parameters=replace(group.parameters, capacity_per_instance=None))
    found = course_of(sound(13), FIRST, unset)
    assert found.setting.capacity_per_instance == pytest.approx(capacity(900), rel=0.05)
    assert found.setting.bounds.max_instances > 40
