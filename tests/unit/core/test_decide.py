from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.decide import Outcome, decide
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.types import (
    Bounds,
    CalendarEvent,
    Decision,
    Quality,
    Rung,
    Samples,
)
from tests.unit.core.builders import (
    PARAMETERS,
    C,
    evidence,
    metrics,
    shop,
    small_model,
    state,
    with_newest,
)

NAN = np.nan
HOUR, DAY, WEEK = 4, 96, 7 * 96
"""Bins."""
LAST_DAY = 9 * DAY
"""The first bin of the day that the small model has not seen."""

DOUBTS = {
    "missing": {"requests": NAN},
    "all missing": {"requests": NAN, "cpu_percent": NAN, "in_service": NAN, "healthy_hosts": NAN},
    "one zero": {"requests": 0.0},
    "hot": {"cpu_percent": 95.0},
    "failing": {"errors": 5000.0},
    "refusing": {"refused": 5000.0},
    "partial": {"coverage": 0.6},
}
"""Newest bins that must not lead to scaling in."""


@dataclass(frozen=True, eq=False)
class Situation:
    """What a group may find itself in."""

    samples: Samples
    before: int
    bounds: Bounds
    model: Model | None
    remembered: ControllerState | None

    def decided(
        self, price: float | None = 20.0, samples: Samples | None = None, late: float = 0
    ) -> Decision:
        parameters = replace(PARAMETERS, miss_price=price)
        seen = self.samples if samples is None else samples
        return decide(
            evidence(
                seen,
                self.before,
                bounds=self.bounds,
                model=self.model,
                remembered=self.remembered,
                minutes_late=late,
            ),
            parameters,
        ).decision


@st.composite
def situations(draw: st.DrawFn, newest: bool = True) -> Situation:
    """A moment of the shop's last day, seen through a window of some length.

    With `newest`, the newest bins may be in any trouble.
    """
    end = draw(st.integers(LAST_DAY, 10 * DAY))
    window = draw(st.sampled_from([HOUR, DAY // 2, 2 * DAY, 9 * DAY]))
    samples = shop().window(end - window, end)
    if newest:
        trouble = draw(st.sampled_from([{}, {}, *DOUBTS.values()]))
        samples = with_newest(samples, draw(st.integers(1, 3)), **trouble)
    before = draw(st.integers(0, 60))
    least = draw(st.integers(0, 20))
    bounds = Bounds(least, least + draw(st.integers(0, 60)))
    model = draw(st.sampled_from([None, small_model()]))
    remembered = draw(
        st.one_of(
            st.none(),
            st.lists(st.integers(0, 60), max_size=2).map(
                lambda wishes: state(
                    samples,
                    before,
                    tuple(
                        (samples.end - (number + 1) * samples.interval, wish)
                        for number, wish in enumerate(wishes)
                    ),
                )
            ),
        )
    )
    return Situation(samples, before, bounds, model, remembered)


prices = st.floats(1.0, 200.0)


@given(situations(), st.one_of(st.none(), prices))
def test_never_outside_the_bounds(situation: Situation, price: float | None) -> None:
    after = situation.decided(price).after_instances
    assert situation.bounds.min_instances <= after <= situation.bounds.max_instances


@given(situations(), prices)
def test_never_below_what_the_present_traffic_needs(situation: Situation, price: float) -> None:
    decision = situation.decided(price)
    # The newest count that is there at all, unless it is a zero that may not be believed
    counts = situation.samples.requests + np.nan_to_num(situation.samples.refused)
    newest = counts[~np.isnan(counts) & (counts > 0)]
    floor = math.ceil(newest[-1] / C) if len(newest) else 0
    assert decision.floor_instances == floor
    assert decision.after_instances >= min(floor, situation.bounds.max_instances)


@pytest.mark.parametrize("doubt", [*DOUBTS, "late"])
@given(situation=situations(newest=False), price=prices)
@settings(max_examples=25)
def test_never_scales_in_on_data_in_doubt(doubt: str, situation: Situation, price: float) -> None:
    samples = with_newest(situation.samples, 1, **DOUBTS.get(doubt, {}))
    decision = situation.decided(price, samples, late=15 if doubt == "late" else 0)
    assert decision.after_instances >= min(situation.before, situation.bounds.max_instances)


@pytest.mark.parametrize(
    ("doubt", "quality"),
    [
        ("missing", Quality.MISSING),
        ("all missing", Quality.MISSING),
        ("one zero", Quality.GLITCH),
        ("hot", Quality.CENSORED),
        ("failing", Quality.CENSORED),
        ("refusing", Quality.CENSORED),
        ("partial", Quality.PARTIAL),
    ],
)
def test_each_trouble_is_told_from_the_others(doubt: str, quality: Quality) -> None:
    samples = with_newest(shop().window(0, LAST_DAY), 1, **DOUBTS[doubt])
    decision = decide(evidence(samples, 60, model=small_model()), PARAMETERS).decision
    assert decision.present_quality == quality
    assert (decision.after_instances, decision.reasons[-1].policy) == (60, "data quality")
    # Whereas with the same traffic and no trouble, 60 are too many
    healthy = decide(evidence(shop().window(0, LAST_DAY), 60, model=small_model()), PARAMETERS)
    assert healthy.decision.after_instances < 60


@given(situations(newest=False), st.sampled_from([1.1, 1.5, 2.0, 3.7, 16.0]), prices)
def test_more_demand_never_means_less_capacity(
    situation: Situation, factor: float, price: float
) -> None:
    # Given the same group, state, model, capacity per instance and price of a miss; and all of the
    # recorded demand (requests, refused, failed: every bin of the window) times a factor, while
    # CPU, latency and instances stay as they were
    samples = situation.samples
    more = samples.replaced(
        requests=samples.requests * factor,
        refused=samples.refused * factor,
        errors=samples.errors * factor,
    )
    usual, greater = situation.decided(price), situation.decided(price, more)
    assert greater.after_instances >= usual.after_instances
    assert greater.wish_instances >= usual.wish_instances
    assert greater.floor_instances >= usual.floor_instances


@given(situations(), prices, prices)
def test_a_dearer_miss_never_means_less_capacity(
    situation: Situation, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    cheap, dear = situation.decided(low), situation.decided(high)
    assert dear.after_instances >= cheap.after_instances
    assert dear.wish_instances >= cheap.wish_instances


@given(situations(), st.one_of(st.none(), prices))
@settings(max_examples=30)
def test_the_same_evidence_gives_the_same_decision(
    situation: Situation, price: float | None
) -> None:
    assert situation.decided(price) == situation.decided(price)
    if situation.remembered is not None:
        stored = json.loads(json.dumps(situation.remembered.to_json()))
        read = replace(situation, remembered=ControllerState.from_json(stored))
        assert read.decided(price) == situation.decided(price)


def replayed(samples: Samples, ticks: int, *, through_json: bool = False) -> list[Outcome]:
    """The decisions of the last ticks, each with the state that the one before left."""
    parameters = replace(PARAMETERS, miss_price=None)
    outcomes: list[Outcome] = []
    desired, remembered = 20, None
    for end in range(len(samples) - ticks + 1, len(samples) + 1):
        given = evidence(
            samples.window(0, end), desired, model=small_model(), remembered=remembered
        )
        outcome = decide(given, parameters)
        outcomes.append(outcome)
        desired, remembered = outcome.decision.after_instances, outcome.state
        if through_json:
            remembered = ControllerState.from_json(json.loads(json.dumps(remembered.to_json())))
    return outcomes


def test_a_state_read_from_its_record_carries_on_exactly() -> None:
    samples = shop().window(0, LAST_DAY + 40)
    warm, cold = replayed(samples, 40), replayed(samples, 40, through_json=True)
    assert [outcome.decision for outcome in warm] == [outcome.decision for outcome in cold]
    assert warm[-1].state == cold[-1].state


def test_changing_the_future_leaves_earlier_decisions_as_they_were() -> None:
    samples = shop().window(0, LAST_DAY + 40)
    other = samples.replaced(
        requests=np.concatenate([samples.requests[:-10], 3.0 * samples.requests[-10:]])
    )
    ours, theirs = replayed(samples, 40), replayed(other, 40)
    assert [o.decision for o in ours[:30]] == [o.decision for o in theirs[:30]]
    assert ours[-1].decision != theirs[-1].decision


def test_a_decision_does_not_depend_on_how_much_more_history_is_in_the_window() -> None:
    samples = shop()
    long = decide(evidence(samples, 20, model=small_model()), PARAMETERS)
    lookback = small_model().card.parameters.lookback_bins
    short = decide(evidence(samples.latest(lookback), 20, model=small_model()), PARAMETERS)
    assert long.decision == short.decision


def test_without_a_remembered_state_a_forest_decides_as_with_one() -> None:
    samples = shop().window(0, LAST_DAY + 30)
    warm = replayed(samples, 10)[-1].decision
    cold = decide(
        evidence(samples, warm.before_instances, model=small_model()),
        replace(PARAMETERS, miss_price=warm.miss_price),
    ).decision
    assert (cold.wish_instances, cold.after_instances) == (
        warm.wish_instances,
        warm.after_instances,
    )


# The ladder


@pytest.mark.parametrize(
    ("bins", "with_model", "rung", "faults"),
    [
        (HOUR, False, Rung.LAST_VALUE, ["seasonal"]),
        (HOUR, True, Rung.LAST_VALUE, ["forest", "seasonal"]),
        (DAY, False, Rung.SEASONAL, []),
        (DAY, True, Rung.SEASONAL, ["forest"]),
        (WEEK, False, Rung.SEASONAL, []),
        (WEEK + DAY, True, Rung.FOREST, []),
    ],
)
def test_the_best_predictor_that_the_data_allow_answers(
    bins: int, with_model: bool, rung: Rung, faults: list[str]
) -> None:
    model = small_model() if with_model else None
    decision = decide(evidence(shop().latest(bins), 20, model=model), PARAMETERS).decision
    assert decision.rung is rung
    assert [fault.split(":")[0] for fault in decision.faults] == faults
    assert (decision.model_id is not None) == (rung is Rung.FOREST)


def test_a_model_of_other_features_drops_a_rung_and_says_so() -> None:
    model = small_model()
    names = ("page_views", *model.card.feature_names[1:])
    foreign = Model(model.forecaster, replace(model.card, feature_names=names))
    decision = decide(evidence(shop(), 20, model=foreign), PARAMETERS).decision
    assert decision.rung is Rung.SEASONAL
    assert decision.faults == ("forest: the model needs page_views, which the metrics lack",)


def test_a_metric_that_vanished_drops_a_rung_and_says_so() -> None:
    samples = shop()
    blind = samples.replaced(response_time_seconds=np.full(len(samples), NAN))
    decision = decide(evidence(blind, 20, model=small_model()), PARAMETERS).decision
    assert decision.rung is Rung.SEASONAL
    assert "the model needs response_time" in decision.faults[0]


def test_troubles_on_the_way_here_are_kept_in_the_record() -> None:
    given = replace(evidence(shop(), 20), faults=("forest: model.npz has SHA-256 0…",))
    decision = decide(given, PARAMETERS).decision
    assert decision.faults == ("forest: model.npz has SHA-256 0…",)
    assert decision.rung is Rung.SEASONAL


def test_without_any_forecast_capacity_is_held() -> None:
    silent = with_newest(shop().window(0, LAST_DAY), 2 * HOUR, requests=NAN, cpu_percent=NAN)
    outcome = decide(evidence(silent, 57, model=small_model()), PARAMETERS)
    assert outcome.forecast is None
    assert outcome.decision.after_instances == 57
    assert len(outcome.decision.faults) == 3


@pytest.mark.parametrize(
    "samples",
    [metrics([NAN, NAN], 900), Samples.empty(shop().start, 900, 96)],
    ids=["no count", "no metric"],
)
def test_without_any_history_capacity_is_held(samples: Samples) -> None:
    decision = decide(evidence(samples, 17), PARAMETERS).decision
    assert decision.after_instances == 17
    assert decision.present_quality == Quality.MISSING


def test_with_no_forecast_the_newest_known_traffic_still_scales_out() -> None:
    samples = metrics([30_000.0, *[NAN] * 5], 900)
    assert decide(evidence(samples, 17), PARAMETERS).decision.after_instances == 30


# What else has a say


def test_an_announced_event_raises_capacity_within_its_lead() -> None:
    # Given a sale, a boot of 5 minutes and an interval of 15
    samples = shop()
    for minutes, instances in ((20, 90), (21, None)):
        begins = samples.end + timedelta(minutes=minutes)
        sale = CalendarEvent("sale", begins, begins + timedelta(hours=2), 90)
        decision = decide(evidence(samples, 20, calendar=(sale,)), PARAMETERS).decision
        assert (decision.after_instances == 90) == (instances == 90)


def test_an_announced_event_goes_no_further_than_the_maximum() -> None:
    samples = shop()
    sale = CalendarEvent("sale", samples.end, samples.end + timedelta(hours=2), 90)
    given = evidence(samples, 20, calendar=(sale,), bounds=Bounds(1, 40))
    assert decide(given, PARAMETERS).decision.after_instances == 40


@given(situations(newest=False))
@settings(max_examples=20)
def test_a_busy_group_is_not_scaled_in(situation: Situation) -> None:
    def decided(blocked_by: str | None) -> int:
        given = evidence(
            situation.samples,
            situation.before,
            bounds=situation.bounds,
            model=situation.model,
            blocked_by=blocked_by,
        )
        return decide(given, PARAMETERS).decision.after_instances

    held = decided("an instance refresh is running")
    assert held >= min(situation.before, situation.bounds.max_instances)
    # But it may grow
    assert held >= decided(None)


def test_a_night_without_requests_scales_in_and_the_morning_out() -> None:
    # Given a day, an evening that fades, and a night in which CloudWatch has no count at all
    evening = [20_000.0] * DAY + [20_000.0 * 0.5**n for n in range(1, 9)]
    night = metrics([*evening, *[NAN] * 20], 900)
    asleep = decide(
        evidence(night, 20, remembered=state(night, 20, _low_wishes(night))), PARAMETERS
    )
    assert asleep.decision.present_quality == Quality.QUIET
    assert asleep.decision.after_instances < 20
    morning = metrics([*evening, *[NAN] * 20, 15_000.0], 900)
    awake = decide(evidence(morning, 2, remembered=state(morning, 2)), PARAMETERS)
    assert awake.decision.present_quality == Quality.OK
    assert awake.decision.after_instances >= 15


def _low_wishes(samples: Samples) -> tuple[tuple[datetime, int], ...]:
    return tuple((samples.end - n * samples.interval, 1) for n in (2, 1))


def test_the_record_tells_every_step_from_wish_to_capacity() -> None:
    given = evidence(shop(), 60, model=small_model(), bounds=Bounds(1, 50))
    decision = decide(given, PARAMETERS).decision
    steps = [decision.wish_instances]
    for reason in decision.reasons:
        assert reason.changed
        assert reason.text
        assert reason.before_instances == steps[-1]
        steps.append(reason.after_instances)
    assert steps[-1] == decision.after_instances
    assert list(decision.recent_quality.values()) == ["ok"] * 6
    quantiles = list(decision.quantiles.values())
    assert quantiles == sorted(quantiles)


def test_what_is_remembered_is_what_was_decided() -> None:
    outcome = decide(evidence(shop(), 20, model=small_model()), PARAMETERS)
    decision, after = outcome.decision, outcome.state
    assert after.instances == decision.after_instances
    assert after.wishes[-1] == (shop().end, max(decision.wish_instances, decision.floor_instances))
    assert after.accounted_until == shop().end
    assert [pending.made_for for pending in after.pending] == [shop().end]


def test_wishes_are_forgotten_after_the_longest_grace() -> None:
    outcomes = replayed(shop().window(0, LAST_DAY + 10), 10)
    moments = [moment for moment, _ in outcomes[-1].state.wishes]
    now = shop().window(0, LAST_DAY + 10).end
    # Thirty minutes of grace, and two intervals more to see that it has passed.
    assert moments == [now - timedelta(minutes=ago) for ago in (45, 30, 15, 0)]


def test_a_learned_capacity_is_used() -> None:
    # Given no setting, and a state that has learned 2000
    samples = shop()
    learning = ControlParameters(interval_seconds=900, metric_delay_seconds=0, miss_price=20.0)
    remembered = state(samples, 20, capacity=2000.0)
    decision = decide(evidence(samples, 20, remembered=remembered), learning).decision
    assert decision.capacity_per_instance == 2000.0
    assert decision.floor_instances == math.ceil(samples.requests[-1] / 2000.0)
