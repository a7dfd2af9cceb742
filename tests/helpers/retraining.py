"""A shop whose model is trained anew: its metrics, sound and spoilt, and how it is judged."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from predictive_autoscaler.app.retrain import Plan, Retrained, retrain
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.backtest.contest import course_of, play
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.contest import Played
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.fleet import Task
from predictive_autoscaler.model.train import TrainedModel, TrainOptions, train
from predictive_autoscaler.ports import ModelArchive
from tests.helpers.shop import GROUP, START, features, settings, shop

DAYS = 16
A_DAY = 96
"""Intervals of 15 minutes."""
SPOILT = (9, 14)
"""From this day up to that one, where the metrics are spoilt."""
SMALL = TrainOptions(
    group=GROUP, parameters=features(), max_bins=900, forest=ForestOptions(trees=8)
)
NEWEST_DAYS = 2


def sound(days: int = DAYS) -> Samples:
    """The shop's metrics up to a day."""
    return shop(900, DAYS).window(0, days * A_DAY)


def spoilt(days: int = DAYS) -> Samples:
    """The same where, for five days, an exporter counted every other hour nearly twice.

    A model of these days is far better than the baselines at forecasting them, and expects
    the like for ever after.
    """
    samples = sound(days)
    requests = samples.requests.copy()
    wrong = requests[SPOILT[0] * A_DAY : SPOILT[1] * A_DAY]
    wrong *= np.where((np.arange(len(wrong)) // 4) % 2, 1.8, 0.6)
    return samples.replaced(requests=np.round(requests))


def day(number: float) -> datetime:
    """When a day of the shop begins."""
    return START + timedelta(days=number)


def judge(model: Model, samples: Samples, first: int, who: str) -> Played:
    """As the command line does it."""
    return play(model, course_of(samples, first, settings()))


def remember_work(patch: pytest.MonkeyPatch) -> None:
    """Train the same model from the same metrics, and play the same days with it, only once in a
    process. Both come out the same each time, as other tests hold.
    """
    patch.setattr("predictive_autoscaler.app.retrain.train", _trained)
    patch.setattr("tests.helpers.retraining.judge", _judged)


_MODELS: dict[str, TrainedModel] = {}
_PLAYED: dict[tuple[str, str, int], Played] = {}


def _trained(samples: Samples, options: TrainOptions, tell: object = None) -> TrainedModel:
    key = Task.of(samples, options).key()
    if key not in _MODELS:
        _MODELS[key] = train(samples, options)
    return _MODELS[key]


def _judged(model: Model, samples: Samples, first: int, who: str) -> Played:
    key = (model.card.model_id, Task.of(samples, SMALL).key(), first)
    if key not in _PLAYED:
        _PLAYED[key] = play(model, course_of(samples, first, settings()))
    return _PLAYED[key]


def run(
    archive: ModelArchive,
    samples: Samples,
    group: GroupSettings | None = None,
    **options: object,
) -> Retrained:
    """Retrain the shop's group on these metrics."""
    plan = Plan(**{"training": SMALL, "newest_days": NEWEST_DAYS} | options)  # type: ignore[arg-type]
    return retrain(samples, group or settings(), archive, plan, judge)
