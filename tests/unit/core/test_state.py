from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from predictive_autoscaler.core.ledger import Fading, Ledger
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.spending import Spending
from predictive_autoscaler.core.state import (
    ControllerState,
    PendingForecast,
    account,
    follow_capacity,
    fresh_state,
    in_mode,
)
from predictive_autoscaler.core.surprise import Surprise, first_bin, stretched
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.trial import Lately, Supply, Tally, Trial
from predictive_autoscaler.core.types import Bounds, FloatArray, Forecast, Rung, Samples
from tests.unit.core.builders import MONDAY, metrics

FIRST_BIN = (200.0, 230.0, 230.0, 245.0, 260.0)

MINUTE = timedelta(minutes=1)
C = 100.0
BOUNDS = Bounds(1, 50)
PARAMETERS = ControlParameters(capacity_per_instance=C)


def start(instances: int = 5, pending: tuple[PendingForecast, ...] = ()) -> ControllerState:
    """A state that has accounted for all before Monday."""
    return ControllerState(
        accounted_until=MONDAY,
        instances=instances,
        capacity_per_instance=C,
        capacity_checked=MONDAY,
        shadow=TargetTracking(0.7, instances),
        ledger=Ledger(),
        trial=Trial(False, MONDAY, MONDAY),
        supply=Supply.steady(instances),
        shadow_supply=Supply.steady(instances),
        pending=pending,
    )


def booked(state: ControllerState, samples: Samples) -> ControllerState:
    return account(state, samples, samples.requests, PARAMETERS, BOUNDS)


def test_a_state_survives_json_exactly() -> None:
    state = replace(
        start(),
        ledger=Ledger(Fading(1 / 3, 2 / 3), overspent_hours=0.1 + 0.2),
        shadow=TargetTracking(0.7, 9, 2),
        surprise=Surprise(1 / 3, 0.1 + 0.2),
        wishes=((MONDAY, 4), (MONDAY + 5 * MINUTE, 6)),
        pending=(PendingForecast(MONDAY, 2, 1 / 3, 2.0, 1e9, FIRST_BIN),),
        capacity_per_instance=1000 / 3,
        trial=Trial(True, MONDAY, MONDAY + MINUTE, 0.1, Tally(1 / 3, 2.0), Tally(3.0, 0.2)),
        promise=Trial(True, MONDAY, MONDAY),
        lately=Lately.beginning(False, MONDAY),
        supply=Supply((3, 4)),
        shadow_supply=Supply((5,)),
        held_until=MONDAY + MINUTE,
        held_by="a person",
        spending=Spending(MONDAY, 1 / 3, 0.7, 9.0),
        distrusted=True,
    )
    text = json.dumps(state.to_json())
    again = ControllerState.from_json(json.loads(text))
    assert again == state
    assert json.dumps(again.to_json()) == text


@pytest.mark.parametrize(
    "change",
    [
        {"capacity_per_instance": 0.0},
        {"capacity_per_instance": float("nan")},
        {"capacity_per_instance": "many"},
        {"accounted_until": "2026-03-02T00:00:00"},
        {"instances": None},
        {"shadow": {"surprise": 1}},
        {"ledger": {"surprise": 1.0}},
        {"wishes": [["2026-03-02T00:00:00Z"]]},
        {"trial": None},
        {"supply": 3},
        {"spending": {"since": "2026-03-02T00:00:00Z"}},
    ],
    ids=str,
)
def test_a_state_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        ControllerState.from_json(start().to_json() | change)


def test_every_new_bin_is_booked_once() -> None:
    # Given the first bins, then all of them again with two more
    samples = metrics([300.0, 400.0, 600.0, 300.0])
    first = booked(start(), samples.window(0, 2))
    both = booked(first, samples)
    # Then it is as if all had come at once, and nothing is booked twice
    assert both == booked(start(), samples)
    assert booked(both, samples) is both
    assert both.accounted_until == samples.end


def test_an_overloaded_bin_is_missed_as_a_whole() -> None:
    state = booked(start(), metrics([500.0, 501.0]))
    assert state.ledger.missed_lately.part == pytest.approx(501.0)
    assert state.ledger.missed_lately.whole == pytest.approx(1001.0, rel=0.02)


def test_what_was_in_service_decides_what_was_missed() -> None:
    # Two of the five were still booting
    assert booked(start(), metrics([400.0], in_service=3.0)).ledger.missed_share > 0
    assert booked(start(), metrics([400.0], in_service=5.0)).ledger.missed_share == 0
    # Where that is not known, all that was asked for counts
    assert booked(start(), metrics([400.0], in_service=np.nan)).ledger.missed_share == 0


def test_an_unknown_demand_counts_as_none() -> None:
    ledger = booked(start(), metrics([np.nan])).ledger
    assert (ledger.missed_lately.part, ledger.missed_lately.whole) == (0.0, 0.0)


def test_the_shadow_walks_along() -> None:
    assert booked(start(), metrics([700.0])).shadow.instances == 10


def test_spending_more_than_the_shadow_is_remembered() -> None:
    # Given demand for which target tracking has seven instances
    quiet = metrics(np.full(50, 480.0))
    assert booked(start(9), quiet).ledger.overspent_hours > 0
    assert booked(start(6), quiet).ledger.overspent_hours == 0


def test_a_forecast_is_checked_once_its_horizon_has_passed() -> None:
    samples = metrics([100.0, 240.0, 180.0])
    pending = PendingForecast(MONDAY, 2, 150.0, 200.0, 250.0, FIRST_BIN)
    early = booked(start(pending=(pending,)), samples.window(0, 1))
    assert early.pending == (pending,)
    late = booked(early, samples)
    # The largest of two bins, 240, lay within the band and 40 off the median
    assert late.pending == ()
    assert late.ledger.covered == Fading(1.0, 1.0)
    assert late.ledger.error == Fading(40.0, 240.0)


def test_the_first_bin_is_judged_as_soon_as_it_has_come() -> None:
    samples = metrics([190.0, 240.0])
    pending = PendingForecast(MONDAY, 2, 150.0, 200.0, 250.0, FIRST_BIN)
    calm = booked(start(pending=(pending,)), samples.window(0, 1))
    assert calm.surprise == Surprise().with_bin(FIRST_BIN, 190.0, 300)
    # And only once
    assert booked(calm, samples).surprise == calm.surprise


def test_a_forecast_whose_outcome_is_unknown_is_let_go() -> None:
    pending = PendingForecast(MONDAY, 2, 150.0, 200.0, 250.0, FIRST_BIN)
    state = booked(start(pending=(pending,)), metrics([100.0, np.nan, 180.0]))
    assert state.pending == ()
    assert state.ledger.covered.share is None


def test_a_pending_forecast_keeps_the_published_band() -> None:
    ratios = np.arange(1.0, 101.0)[:, None]
    forecast = Forecast(MONDAY, 10.0, ratios, np.full(100, 0.01), Rung.FOREST)
    kept = PendingForecast.of(stretched(forecast, 2.0), unstretched=forecast)
    assert (kept.lower_requests, kept.median_requests, kept.upper_requests) == pytest.approx(
        (50.0, 500.0, 1400.0), abs=20.0
    )
    assert kept.first_bin == first_bin(forecast)


def fresh(samples: Samples, parameters: ControlParameters = PARAMETERS) -> ControllerState:
    return fresh_state(samples, assess(samples, 1.0), parameters, BOUNDS, 8)


def test_a_state_made_from_metrics_alone_is_careful() -> None:
    samples = metrics(np.full(30, 480.0))
    state = fresh(samples)
    # It has nothing to account for, no wishes to scale in by, and stands by what the group has
    assert state.accounted_until == samples.end
    assert state.wishes == ()
    assert state.instances == 8
    assert state.ledger == Ledger.fresh(C)
    # The shadow has caught up with the traffic
    assert state.shadow.instances == 7


def cpu_of(bins: int, capacity: float) -> FloatArray:
    """CPU that says an instance carries this much at 70 %, for 5 instances and a varying load."""
    load = np.linspace(0.3, 1.1, bins) * capacity
    return np.asarray(70.0 * load / capacity)


def learnable(capacity: float, bins: int = 600) -> Samples:
    load = np.linspace(0.3, 1.1, bins) * capacity * 5
    return metrics(load, cpu_percent=cpu_of(bins, capacity))


LEARNING = ControlParameters(default_capacity_per_instance=5000.0)


def test_without_a_setting_the_capacity_is_learned_or_the_default() -> None:
    assert fresh(learnable(800.0), LEARNING).capacity_per_instance == pytest.approx(800.0, rel=0.01)
    assert fresh(metrics(np.full(30, 480.0)), LEARNING).capacity_per_instance == 5000.0


def followed(state: ControllerState, samples: Samples) -> float:
    demand = assess(samples, 1.0)
    return follow_capacity(state, samples, demand, LEARNING).capacity_per_instance


def test_the_capacity_in_use_follows_by_a_tenth_a_day() -> None:
    # Given metrics of two days that say 800, and 400 in use
    samples = learnable(800.0, bins=2 * 288)
    state = replace(start(), capacity_per_instance=400.0)
    assert followed(state, samples) == pytest.approx(400.0 * 1.1**2)
    # Not more often than once a day
    checked = replace(state, capacity_checked=samples.end - timedelta(hours=23))
    assert followed(checked, samples) == 400.0
    # And not past what was learned
    near = replace(state, capacity_per_instance=790.0)
    assert followed(near, samples) == pytest.approx(800.0, rel=0.01)


def test_a_setting_replaces_a_learned_capacity_at_once() -> None:
    samples = metrics([480.0])
    state = replace(start(), capacity_per_instance=400.0)
    after = follow_capacity(state, samples, assess(samples, 1.0), PARAMETERS)
    assert after.capacity_per_instance == C


def test_whether_people_were_told_is_remembered_until_the_mode_changes() -> None:
    state = replace(start(), trial=Trial(True, MONDAY, MONDAY), worth_told=True)
    content = json.loads(json.dumps(state.to_json()))
    assert ControllerState.from_json(content).worth_told
    assert in_mode(state, observing=True).worth_told
    assert not in_mode(state, observing=False).worth_told
    del content["worth_told"], content["lately"]  # A record of an older version.
    assert not ControllerState.from_json(content).worth_told
    assert ControllerState.from_json(content).lately is None


def test_the_newest_days_are_booked_while_acting_and_forgotten_with_the_mode() -> None:
    acting = booked(start(), metrics([400.0, 600.0], start=MONDAY))
    assert acting.lately is not None
    assert acting.lately.whole == acting.trial
    assert acting.trial.length == 10 * MINUTE
    assert in_mode(acting, observing=False).lately == acting.lately
    observing = in_mode(acting, observing=True)
    assert observing.lately is None
    assert booked(observing, metrics([400.0, 600.0, 500.0], start=MONDAY)).lately is None


def test_it_is_lost_when_the_newest_days_are() -> None:
    ours = Tally(200.0, 5000.0, missed_alone=50)
    bad = Trial(False, MONDAY, MONDAY + timedelta(days=2), 1e6, ours, Tally(100.0))
    assert start().lost is None
    assert replace(start(), trial=bad).lost is None
    assert replace(start(), lately=Lately(bad)).lost == bad
    by_chance = replace(bad, ours=replace(ours, missed_alone=5))
    assert replace(start(), lately=Lately(by_chance)).lost is None
