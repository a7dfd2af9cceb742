"""Training: repeatable to the byte, fair to its baselines, honest about what it lacked."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.features import FeatureParameters, build_features
from predictive_autoscaler.core.predictors.forest import ForestPredictor
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import Rung, Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainedModel, TrainOptions, train
from tests.helpers.shop import DECIDED_FROM, GROUP, START, changed, features, model, shop

ROOT = Path(__file__).parents[3]
FOREST = ForestOptions(trees=6)
OPTIONS = TrainOptions(group=GROUP, parameters=features(15), max_bins=500, forest=FOREST)


def past() -> Samples:
    return shop(900).between(START, DECIDED_FROM)


@cache
def small() -> TrainedModel:
    return train(past(), OPTIONS)


def noise(seed: int = 5) -> Samples:
    """Requests without any memory: nothing can be forecast but their mean."""
    counts = np.random.default_rng(seed).lognormal(6.0, 0.7, len(past())).round()
    return Samples.of(START, 900, {"requests": counts})


def digest(trained: TrainedModel) -> str:
    return hashlib.sha256(trained.npz + trained.card.to_json().encode()).hexdigest()


class TestRepeatable:
    def test_same_input_and_seed_give_the_same_bytes(self) -> None:
        again = train(past(), OPTIONS)
        assert again.npz == small().npz
        assert again.card.to_json() == small().card.to_json()

    def test_the_number_of_jobs_does_not_matter(self) -> None:
        assert digest(train(past(), replace(OPTIONS, forest=replace(FOREST, jobs=2)))) == digest(
            small()
        )

    def test_nor_does_the_process(self) -> None:
        """Hash seeds, thread counts and the order of imports differ; the bytes do not."""
        code = (
            "from tests.unit.model.test_train import digest, small; print(digest(small()), end='')"
        )
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout == digest(small())

    def test_another_seed_gives_another_forest(self) -> None:
        other = train(past(), replace(OPTIONS, forest=replace(FOREST, seed=2)))
        assert other.npz != small().npz
        assert other.card.seed == 2

    def test_other_data_give_another_forest(self) -> None:
        assert train(changed(past(), -5, requests=1.0), OPTIONS).npz != small().npz


class TestTheCard:
    def test_it_tells_what_it_was_trained_on(self) -> None:
        card = small().card
        assert card.group == GROUP
        assert card.trained_until == DECIDED_FROM
        assert card.parameters == OPTIONS.parameters
        assert 0 < card.rows <= 500
        assert card.libraries.keys() >= {"numpy", "scikit-learn", "python"}
        assert card.npz_sha256 == hashlib.sha256(small().npz).hexdigest()
        assert card.model_id == f"20260311T000000Z-{card.npz_sha256[:12]}"

    def test_the_documented_features_and_more_are_in_it(self) -> None:
        names = set(small().card.feature_names)
        five = {"requests_lag_0", "response_time", "cpu_utilization", "hour", "weekday"}
        assert names >= five
        for part in ("lag_", "mean_", "max_", "spread_", "yesterday", "last_week"):
            assert any(part in name for name in names), part
        assert {"daily_sin_1", "weekly_cos_1", "minute_of_hour", "level_against_week"} <= names

    def test_a_metric_that_is_absent_is_left_out_and_named(self) -> None:
        bare = Samples.of(START, 900, {"requests": past().requests})
        card = train(bare, OPTIONS).card
        assert set(card.absent_features) == {"response_time", "cpu_utilization"}
        assert not set(card.absent_features) & set(card.feature_names)

    def test_at_most_the_newest_bins_are_learned(self) -> None:
        """Older ones only feed the lags."""
        first = DECIDED_FROM - 500 * timedelta(minutes=15)
        assert small().card.trained_from >= first
        shorter = train(past(), replace(OPTIONS, max_bins=200))
        assert shorter.card.rows <= 200
        assert shorter.card.trained_from >= DECIDED_FROM - 200 * timedelta(minutes=15)

    def test_bins_before_the_lookback_do_not_matter(self) -> None:
        """The same forest, whether the file holds a year or just what is needed."""
        longer = shop(900, 20)
        options = replace(OPTIONS, max_bins=300)
        needed = longer.latest(300 + options.parameters.lookback_bins)
        assert len(needed) < len(longer)
        assert digest(train(longer, options)) == digest(train(needed, options))

    def test_scores_are_against_both_baselines_on_held_back_time(self) -> None:
        scores = small().card.scores
        assert scores.keys() == {"forest", "last value", "seasonal"}
        for score in scores.values():
            assert score is not None
            assert score.keys() == {"wape", "pinball", "coverage"}
            assert 0 < score["pinball"] < 1
            assert 0 <= score["coverage"] <= 1
        assert scores["forest"]["pinball"] < min(
            scores["last value"]["pinball"], scores["seasonal"]["pinball"]
        )
        assert small().card.skilled

    def test_it_is_json_that_any_reader_takes(self) -> None:
        json.loads(small().card.to_json(), parse_constant=pytest.fail)


class TestSkill:
    def test_held_back_time_is_not_learned_before_it_is_scored(self) -> None:
        """A forest that had seen white noise would beat everybody on it."""
        scores = train(
            noise(), replace(OPTIONS, forest=replace(FOREST, min_samples_leaf=1))
        ).card.scores
        assert scores["forest"]["wape"] > 0.3

    def test_no_skill_where_nothing_can_be_forecast(self) -> None:
        """A random walk: the last value is the best there is."""
        steps = np.random.default_rng(3).normal(0.0, 0.05, len(past()))
        walk = Samples.of(START, 900, {"requests": np.exp(8 + np.cumsum(steps)).round()})
        trained = train(walk, OPTIONS)
        assert not trained.better_than_baselines
        assert not trained.card.skilled

    def test_without_a_week_there_is_still_a_baseline(self) -> None:
        trained = train(past().latest(2 * 96), OPTIONS)
        assert trained.scores["last value"] is not None
        assert trained.card.rows < 200


class TestTooLittle:
    def test_under_a_day(self) -> None:
        with pytest.raises(DataError) as caught:
            train(past().latest(95), OPTIONS)
        assert str(caught.value) == (
            "found 23.8 hours of request counts; at least 24 hours are needed"
        )

    def test_just_a_day_is_enough(self) -> None:
        day = shop(300).latest(288)
        options = TrainOptions(group=GROUP, parameters=features(5), forest=FOREST)
        assert train(day, options).card.rows > 200

    def test_nothing_at_all(self) -> None:
        with pytest.raises(DataError, match=r"found 0\.0 hours"):
            train(Samples.empty(START, 900, 500), OPTIONS)

    def test_hours_without_a_count_do_not_count(self) -> None:
        """The span from the first count to the last one."""
        mostly = changed(past().latest(300), slice(0, 220), requests=np.nan)
        with pytest.raises(DataError, match=r"found 20\.0 hours"):
            train(mostly, OPTIONS)

    def test_a_day_of_nothing_but_overload(self) -> None:
        hot = changed(past().latest(200), slice(0, 190), cpu_percent=99.0)
        with pytest.raises(DataError) as caught:
            train(hot, OPTIONS)
        message = str(caught.value)
        assert "190 overloaded ones; at least 100 are needed" in message

    def test_a_coarse_interval_with_too_few_rows(self) -> None:
        hourly = shop(3600).latest(48)
        options = TrainOptions(group=GROUP, parameters=features(60), forest=FOREST)
        with pytest.raises(DataError, match=r"found \d+ intervals to learn from.*at least 100"):
            train(hourly, options)


class TestServing:
    """What training wrote, the Lambda reads, without scikit-learn."""

    def answer(self, trained: TrainedModel, parameters: FeatureParameters) -> tuple[float, ...]:
        loaded = load_model(trained.npz, trained.card.to_json())
        known = shop(900).between(START, DECIDED_FROM + timedelta(hours=18))
        table = build_features(known, assess(known, 100.0).requests, parameters)
        forecast = ForestPredictor(loaded).forecast(known, table)
        assert forecast.rung is Rung.FOREST
        assert forecast.model_id == trained.card.model_id
        assert forecast.weights.sum() == pytest.approx(1)
        return tuple(forecast.quantile(q) for q in (0.05, 0.5, 0.95))

    def test_a_published_model_answers_and_is_near_what_came(self) -> None:
        low, middle, high = self.answer(model(15), features(15))
        start = DECIDED_FROM + timedelta(hours=18)
        came = shop(900).between(start, start + features(15).horizon_bins * timedelta(minutes=15))
        assert low <= middle <= high
        assert middle == pytest.approx(came.requests.max(), rel=0.1)

    def test_the_loaded_card_is_the_written_one(self) -> None:
        trained = model(15)
        assert load_model(trained.npz, trained.card.to_json()).card == trained.card

    def test_every_row_lands_in_some_leaf(self) -> None:
        loaded = load_model(small().npz, small().card.to_json())
        bottomless = np.full((1, len(small().card.feature_names)), -1e9)
        paths, weights = loaded.forecaster.distribution(bottomless[0])
        assert paths.shape == (len(weights), loaded.forecaster.horizon_bins)
        assert np.isfinite(paths).all()
        assert weights.sum() == pytest.approx(1)
