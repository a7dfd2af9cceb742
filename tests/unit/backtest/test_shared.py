from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.backtest import replay as replaying
from predictive_autoscaler.backtest import shared
from predictive_autoscaler.backtest.peers import Setting
from predictive_autoscaler.backtest.replay import (
    ReplayOptions,
    lab_parameters,
    replay,
    replay_together,
)
from predictive_autoscaler.backtest.shared import SharedWork, fitted
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.ladder import LadderResult
from predictive_autoscaler.core.types import Bounds, Samples
from predictive_autoscaler.core.workloads import Sale, recorded_shop
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainOptions

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF_HOUR = 1800
DAY = 48
FIRST = 6 * DAY
# Instances so small that the cheapest variant refuses requests in the sale.
SETTING = Setting(1500.0, Bounds(1, 60), HALF_HOUR, 1)


def traffic() -> Samples:
    sale = Sale(start_seconds=6 * 86400 + 3 * 3600.0, lift=2.5)
    return recorded_shop(START, 8, 5, (sale,), HALF_HOUR).window(0, FIRST + 30)


def variant(**aim: float) -> ReplayOptions:
    parameters = lab_parameters(SETTING, 30.0, **aim)
    return ReplayOptions(SETTING, parameters, warm_up=timedelta(hours=6))


VARIANTS = [variant(miss_price=1.0), variant(miss_price=50.0), variant(missed_budget=0.01)]


def test_together_each_comes_out_as_by_itself() -> None:
    together = replay_together(traffic(), FIRST, VARIANTS)
    alone = [replay_together(traffic(), FIRST, [one])[0] for one in VARIANTS]
    for one, other in zip(together, alone, strict=True):
        assert one.asked.tobytes() == other.asked.tobytes()
    # And they do differ
    assert len({one.asked.tobytes() for one in together}) == len(VARIANTS)


def test_remembering_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models and forecasts made anew each time, from what is known at that time."""
    together = replay_together(traffic(), FIRST, VARIANTS[:2])

    class Forgetful(SharedWork):
        def fitted(self, *arguments: Any) -> Model | None:
            return SharedWork().fitted(*arguments)

        def forecast(self, *arguments: Any) -> LadderResult:
            return SharedWork().forecast(*arguments)

    monkeypatch.setattr(replaying, "SharedWork", Forgetful)
    anew = replay_together(traffic(), FIRST, VARIANTS[:2])
    for one, other in zip(together, anew, strict=True):
        assert one.asked.tobytes() == other.asked.tobytes()


def test_the_work_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[SharedWork] = []

    class Watched(SharedWork):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(replaying, "SharedWork", Watched)
    replay_together(traffic(), FIRST, [variant(miss_price=price) for price in (5.0, 20.0, 80.0)])
    # Six hours of warm-up and fifteen hours; a model when it begins
    assert [(one.fits, one.forecasts) for one in made] == [(1, 12 + 30)]


def test_models_see_request_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Samples] = []

    def noted(samples: Samples, options: TrainOptions) -> None:
        seen.append(samples)

    monkeypatch.setattr(shared, "fitted", noted)
    bins = np.arange(200.0)
    known = Samples.of(
        START,
        HALF_HOUR,
        {"requests": bins, "refused": np.where(bins > 150, 7.0, np.nan), "cpu_percent": bins / 2},
    )
    SharedWork().fitted(known, TrainOptions("web"))
    assert np.isnan(seen[0].cpu_percent).all()
    assert seen[0].requests[151] == 158.0
    assert seen[0].requests[150] == 150.0


def test_other_samples_are_other_work() -> None:
    calls = SharedWork()
    known = traffic().window(0, 3 * DAY).demand_alone()
    options = TrainOptions("web", forest=ForestOptions(trees=3))
    one = calls.fitted(known, options)
    assert calls.fitted(known, options) is one
    requests = known.requests.copy()
    requests[5] += 1e-9
    other = calls.fitted(known.replaced(requests=requests), options)
    assert other is not one
    assert calls.fitted(known, replace(options, forest=ForestOptions(trees=4, seed=2))) is not one
    assert calls.fits == 3


def test_too_little_to_learn_from_is_no_model() -> None:
    assert fitted(traffic().window(0, 10), TrainOptions("web")) is None


def test_a_replay_by_itself_is_as_one_of_many() -> None:
    alone = replay(traffic(), FIRST, VARIANTS[1]).asked
    assert alone.tobytes() == replay_together(traffic(), FIRST, VARIANTS[:2])[1].asked.tobytes()


def test_models_that_learn_all_read_more_than_request_counts() -> None:
    """Why those cannot be shared: this is what differs between variants."""
    learning = replace(VARIANTS[1], learning_all=True)
    full = replay(traffic(), FIRST, learning).asked
    assert full.tobytes() != replay(traffic(), FIRST, VARIANTS[1]).asked.tobytes()
