"""What a decision makes of what is remembered: other hands, observing, trust, surprises."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import (
    DISTRUST,
    OTHERS_GRACE,
    PERSON,
    PERSON_GRACE,
    Evidence,
    Outcome,
    decide,
)
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.ladder import LadderResult
from predictive_autoscaler.core.ledger import Fading
from predictive_autoscaler.core.quality import AssessedDemand
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.surprise import Surprise
from predictive_autoscaler.core.trial import Supply
from predictive_autoscaler.core.types import Bounds, Forecast, Rung, Samples
from tests.unit.core.builders import (
    INTERVAL,
    PARAMETERS,
    evidence,
    metrics,
    shop,
    small_model,
    state,
)

MINUTE = timedelta(minutes=1)
FLAT = metrics([5000.0] * 12, INTERVAL)
"""Three hours of what five instances carry."""
NOW = FLAT.end
LOW_WISHES = tuple((NOW - minutes * MINUTE, 1) for minutes in (45, 30, 15))


def expecting(requests: float, rung: Rung = Rung.LAST_VALUE) -> Forecast:
    """As likely a tenth more as a tenth less."""
    ratios = np.repeat([[0.9], [1.0], [1.1]], 2, axis=1)
    return Forecast(NOW, requests, ratios, np.array([0.25, 0.5, 0.25]), rung)


@dataclass
class Told:
    """A forecaster that gives these answers, and keeps what it was asked."""

    answers: list[LadderResult]
    models: list[Model | None] = field(default_factory=list)
    features: list[FeatureParameters] = field(default_factory=list)
    seen: list[Samples] = field(default_factory=list)

    def __call__(
        self,
        samples: Samples,
        demand: AssessedDemand,
        model: Model | None,
        features: FeatureParameters,
    ) -> LadderResult:
        assert len(demand.requests) == len(samples)
        self.seen.append(samples)
        self.models.append(model)
        self.features.append(features)
        return self.answers[len(self.models) - 1]


def told(forecast: Forecast | None, *faults: str) -> Told:
    return Told([LadderResult(forecast, faults)])


def remembered(instances: int = 10, **values: object) -> ControllerState:
    return replace(state(FLAT, instances, LOW_WISHES), **values)  # type: ignore[arg-type]


def observing(instances: int) -> ControllerState:
    before = remembered(instances)
    return replace(before, trial=replace(before.trial, observing=True))


# Other hands


def after_another_hand(
    by: str | None, desired: int, ours: int, held_until: datetime | None = None
) -> Outcome:
    given = evidence(FLAT, desired, remembered=remembered(ours, held_until=held_until))
    given = replace(given, group=replace(given.group, changed_by=by))
    return decide(given, PARAMETERS, told(expecting(5000.0)))


@pytest.mark.parametrize(
    ("by", "minutes", "said"),
    [
        (PERSON, 60, "a person"),
        ("a scaling policy", 15, "a scaling policy"),
        (None, 15, "another hand"),
    ],
)
def test_capacity_that_others_have_added_stays_for_a_while(
    by: str | None, minutes: int, said: str
) -> None:
    outcome = after_another_hand(by, desired=12, ours=10)
    assert outcome.state.held_until == NOW + minutes * MINUTE
    assert outcome.state.held_by == said
    assert outcome.decision.after_instances == 12
    last = outcome.decision.reasons[-1]
    assert last.policy == "other hands"
    assert last.text.startswith(f"{said} has added capacity; it stays until 2026-03-02T")


@pytest.mark.parametrize("desired", [9, 10])
def test_nobody_has_added_what_we_left_or_less(desired: int) -> None:
    outcome = after_another_hand(PERSON, desired, ours=10)
    assert (outcome.state.held_until, outcome.state.held_by) == (None, "")
    assert outcome.decision.after_instances < desired


@pytest.mark.parametrize(("held_for", "left"), [(-5, 15), (14, 15), (45, 45)])
def test_a_second_hand_never_shortens_what_the_first_was_given(held_for: int, left: int) -> None:
    held_until = NOW + held_for * MINUTE
    outcome = after_another_hand(None, desired=12, ours=10, held_until=held_until)
    assert outcome.state.held_until == NOW + left * MINUTE


def test_a_person_is_given_an_hour_and_others_a_quarter() -> None:
    assert (PERSON, PERSON_GRACE, OTHERS_GRACE) == ("a person", 60 * MINUTE, 15 * MINUTE)


# Observing


def seen(given: Evidence, **changes: object) -> Outcome:
    given = replace(given, **changes)  # type: ignore[arg-type]
    return decide(given, PARAMETERS, told(expecting(5000.0)))


def test_who_observes_starts_from_what_it_would_have() -> None:
    given = evidence(FLAT, 10, remembered=observing(30), blocked_by="a refresh is running")
    outcome = seen(given, observing=True)
    assert outcome.decision.before_instances == 30
    # Whoever has stopped the group's scaling has not stopped what is on paper only
    assert "group is busy" not in {reason.policy for reason in outcome.decision.reasons}
    assert outcome.decision.after_instances < 30
    assert outcome.state.trial.observing


def test_what_it_would_have_lies_within_the_groups_bounds() -> None:
    given = evidence(FLAT, 10, remembered=observing(30), bounds=Bounds(1, 20))
    assert seen(given, observing=True).decision.before_instances == 20


@pytest.mark.parametrize(
    ("before", "now_observing"),
    [(observing(30), False), (remembered(30), True), (remembered(30), False), (None, True)],
    ids=["acting begins", "observing begins", "acting", "no memory"],
)
def test_else_it_starts_from_what_the_group_has(
    before: ControllerState | None, now_observing: bool
) -> None:
    given = evidence(FLAT, 10, remembered=before, blocked_by="a refresh is running")
    outcome = seen(given, observing=now_observing)
    assert outcome.decision.before_instances == 10
    assert outcome.decision.reasons[-1].text == "a refresh is running"
    assert outcome.state.trial.observing == now_observing
    assert len(outcome.state.supply.asked) == 2


@pytest.mark.parametrize(
    ("before", "now_observing"),
    [(observing(5), True), (observing(5), False), (remembered(5), True)],
    ids=["observing", "acting begins", "observing begins"],
)
def test_while_others_scale_the_group_theirs_is_no_other_hand(
    before: ControllerState, now_observing: bool
) -> None:
    outcome = seen(evidence(FLAT, 12, remembered=before), observing=now_observing)
    assert outcome.state.held_until is None


# Trust


WRONG = {"covered": Fading(60.0, 200.0)}
"""A band that has held 30 % of what came."""


def distrusting(**values: object) -> ControllerState:
    before = remembered(10, **values)
    return replace(before, ledger=replace(before.ledger, **WRONG))  # type: ignore[arg-type]


def test_a_model_that_has_lost_touch_is_asked_but_not_followed() -> None:
    forest, seasonal = expecting(50_000.0, Rung.FOREST), expecting(5000.0, Rung.SEASONAL)
    forecaster = Told([LadderResult(forest, ()), LadderResult(seasonal, ("seasonal: short",))])
    given = evidence(FLAT, 10, model=small_model(), remembered=distrusting())
    outcome = decide(given, PARAMETERS, forecaster)
    assert forecaster.models == [small_model(), None]
    assert forecaster.seen == [FLAT, FLAT]
    assert forecaster.features == [PARAMETERS.features] * 2
    assert outcome.state.distrusted
    assert outcome.forecast is seasonal
    assert outcome.decision.rung is Rung.SEASONAL
    assert outcome.decision.faults == (DISTRUST, "seasonal: short")
    assert outcome.decision.quantiles["0.5"] == 5000.0
    # What the model had said is held against what comes, so that it can come back
    assert [pending.median_requests for pending in outcome.state.pending] == [50_000.0]


def test_trust_that_was_lost_is_earned_back_by_the_record_alone() -> None:
    good = remembered(10, distrusted=True)
    good = replace(good, ledger=replace(good.ledger, covered=Fading(180.0, 200.0)))
    for before, still in ((good, False), (remembered(10, distrusted=True), True)):
        answers = LadderResult(expecting(9000.0, Rung.FOREST), ())
        forecaster = Told([answers, LadderResult(expecting(5000.0), ())])
        outcome = decide(evidence(FLAT, 10, remembered=before), PARAMETERS, forecaster)
        assert outcome.state.distrusted == still
        assert len(forecaster.models) == 1 + still


def test_the_lower_rungs_are_not_left_for_the_models_record() -> None:
    forecaster = told(expecting(5000.0, Rung.SEASONAL), "forest: none is published")
    outcome = decide(evidence(FLAT, 10, remembered=distrusting()), PARAMETERS, forecaster)
    assert outcome.decision.faults == ("forest: none is published",)
    assert outcome.decision.rung is Rung.SEASONAL


# Surprises


def test_after_surprises_the_forecast_reaches_higher_and_is_judged_both_ways() -> None:
    def decided(surprise: Surprise) -> Outcome:
        before = remembered(10, surprise=surprise)
        return decide(evidence(FLAT, 10, remembered=before), PARAMETERS, told(expecting(5000.0)))

    calm, startled = decided(Surprise()), decided(Surprise(lately=1.6))
    assert calm.decision.quantiles["0.99"] == pytest.approx(5500.0)
    assert startled.decision.quantiles["0.99"] > 5600.0
    assert startled.decision.quantiles["0.5"] == pytest.approx(5000.0)
    (plain,), (wide,) = calm.state.pending, startled.state.pending
    assert wide.upper_requests > plain.upper_requests
    assert wide.first_bin == plain.first_bin


# What is carried on


def test_without_a_forecast_nothing_new_waits_to_be_judged() -> None:
    waiting = decide(evidence(FLAT, 10), PARAMETERS, told(expecting(5000.0))).state.pending
    assert len(waiting) == 1
    before = remembered(10, pending=waiting)
    outcome = decide(evidence(FLAT, 10, remembered=before), PARAMETERS, told(None, "all fell"))
    assert outcome.state.pending == waiting
    assert outcome.decision.rung is Rung.LAST_VALUE
    assert (outcome.decision.wish_instances, outcome.decision.after_instances) == (10, 10)
    assert (outcome.decision.quantiles, outcome.decision.candidates) == ({}, ())
    assert outcome.decision.faults == ("all fell",)


def test_a_forecast_joins_those_that_wait_already() -> None:
    first = decide(evidence(FLAT, 10), PARAMETERS, told(expecting(9000.0))).state.pending
    before = remembered(10, pending=first)
    outcome = decide(evidence(FLAT, 10, remembered=before), PARAMETERS, told(expecting(5000.0)))
    assert [waiting.median_requests for waiting in outcome.state.pending] == [9000.0, 5000.0]


@pytest.mark.parametrize(("expected", "needed"), [(2000.0, 5), (20_000.0, 22)])
def test_the_wish_that_counts_for_the_grace_is_no_less_than_the_floor(
    expected: float, needed: int
) -> None:
    given = evidence(FLAT, 10, remembered=remembered(10), minutes_late=2)
    outcome = decide(given, PARAMETERS, told(expecting(expected)))
    assert outcome.state.wishes[-1] == (NOW + 2 * MINUTE, needed)


def test_what_was_asked_for_is_remembered_for_a_boot() -> None:
    # A boot of 5 minutes takes one interval of 15
    before = remembered(10, supply=Supply((9, 10)))
    outcome = decide(evidence(FLAT, 10, remembered=before), PARAMETERS, told(expecting(20_000.0)))
    assert outcome.state.supply.asked == (10, 22)
    assert outcome.state.instances == 22


def test_wishes_are_kept_while_they_may_count_for_the_longest_grace() -> None:
    # Thirty minutes of grace and two intervals of fifteen
    moments = [NOW - minutes * MINUTE for minutes in (75, 60, 59.9, 15)]
    before = remembered(10, wishes=tuple((moment, 7) for moment in moments))
    outcome = decide(evidence(FLAT, 10, remembered=before), PARAMETERS, told(expecting(5000.0)))
    assert [moment for moment, _ in outcome.state.wishes] == [*moments[2:], NOW]


@pytest.mark.parametrize(
    ("setting", "learned", "capacity"),
    [(1000.0, 2000.0, 1000.0), (None, 2000.0, 2000.0), (None, None, 5000.0)],
    ids=["a setting", "learned", "neither"],
)
def test_silence_after_a_tenth_of_an_instance_is_quiet_and_after_more_a_glitch(
    setting: float | None, learned: float | None, capacity: float
) -> None:
    parameters = replace(PARAMETERS, capacity_per_instance=setting)
    for share, quality in ((0.099, "quiet"), (0.1, "quiet"), (0.101, "glitch")):
        samples = metrics([share * capacity] * 12 + [0.0], INTERVAL)
        before = None if learned is None else state(samples, 2, capacity=learned)
        decision = decide(evidence(samples, 2, remembered=before), parameters).decision
        assert decision.present_quality.name.lower() == quality, share
        assert decision.capacity_per_instance == capacity


def test_what_an_instance_carries_is_learned_anew_once_a_day() -> None:
    # The shop's instances carry a thousand, which its CPU tells; the memory says two thousand
    samples = shop()
    learning = replace(PARAMETERS, capacity_per_instance=None)
    for age, capacity in ((timedelta(hours=23), 2000.0), (timedelta(days=1), 2000.0 / 1.1)):
        checked = replace(state(samples, 20, capacity=2000.0), capacity_checked=samples.end - age)
        outcome = decide(evidence(samples, 20, remembered=checked), learning)
        assert outcome.state.capacity_per_instance == pytest.approx(capacity)
        assert outcome.decision.capacity_per_instance == outcome.state.capacity_per_instance
