"""Tasks for workers: what makes two of them the same, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.model import fleet
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.fleet import Fit, Task, fit
from predictive_autoscaler.model.train import TrainOptions, train
from tests.helpers.shop import DECIDED_FROM, GROUP, START, changed, features, shop

OPTIONS = TrainOptions(
    group=GROUP, parameters=features(15), max_bins=300, forest=ForestOptions(trees=4, jobs=2)
)


def past() -> Samples:
    return shop(900).between(START, DECIDED_FROM)


def key(samples: Samples, options: TrainOptions = OPTIONS) -> str:
    return Task.of(samples, options).key()


@pytest.mark.parametrize(
    "other",
    [
        replace(OPTIONS, group="other"),
        replace(OPTIONS, boot_minutes=3.0),
        replace(OPTIONS, max_bins=301),
        replace(OPTIONS, parameters=replace(OPTIONS.parameters, timezone="Europe/Berlin")),
        replace(OPTIONS, forest=replace(OPTIONS.forest, seed=2)),
        replace(OPTIONS, forest=replace(OPTIONS.forest, trees=5)),
    ],
)
def test_other_options_are_another_key(other: TrainOptions) -> None:
    assert key(past(), other) != key(past())


@pytest.mark.parametrize(
    "change",
    [
        lambda samples: changed(samples, -7, requests=1.0),
        lambda samples: changed(samples, -7, coverage=0.5),
        lambda samples: changed(samples, -7, cpu_percent=np.nan),
        lambda samples: samples.latest(len(samples) - 1),
        lambda samples: samples.window(0, len(samples) - 1),
        lambda samples: samples.replaced(refused=samples.errors, errors=samples.refused + 1),
    ],
)
def test_other_data_are_another_key(change: Callable[[Samples], Samples]) -> None:
    short = past().latest(400)
    assert key(change(short)) != key(short)


def test_what_changes_no_bit_of_the_model_changes_no_key() -> None:
    longer = shop(900, 20)
    needed = longer.latest(OPTIONS.max_bins + OPTIONS.parameters.lookback_bins)
    assert len(needed) < len(longer)
    assert key(longer) == key(needed)
    assert key(past(), replace(OPTIONS, forest=replace(OPTIONS.forest, jobs=1))) == key(past())


@pytest.mark.parametrize("name", ["source_hash", "libraries"])
def test_other_source_or_libraries_are_another_key(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(past())
    monkeypatch.setattr(fleet, name, lambda: {"numpy": "another"})
    assert key(past()) != before


def test_a_worker_makes_what_training_alone_makes() -> None:
    task = Task.of(past(), OPTIONS)
    made = fit(task)
    assert isinstance(made, Fit)
    alone = train(past(), OPTIONS)
    assert (made.npz, made.card) == (alone.npz, alone.card.to_json())
    assert made.key == task.key()
    assert 0 < made.cpu_seconds <= made.seconds + 0.1


def test_what_goes_wrong_is_told_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fit(Task.of(past().latest(20), OPTIONS))
    assert told == "found 5.0 hours of request counts; at least 24 hours are needed"

    def broken(samples: Samples, options: TrainOptions) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(fleet, "train", broken)
    assert fit(Task.of(past(), OPTIONS)) == "ZeroDivisionError: a bug"
