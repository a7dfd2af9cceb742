"""A model, metrics and records as small as they may be."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np

from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import LEAF, FlatForest, sha256
from predictive_autoscaler.core.mixture import LinearForecast, Mixture
from predictive_autoscaler.core.types import Samples

GROUP = "shop/web 1"
"""With characters that are unfit for keys."""
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = date(2026, 11, 19)


def tiny_model(label: float = 1.0, group: str = GROUP) -> tuple[bytes, str, str]:
    """Arrays, card and id of a model of one tree with one split."""
    forest = FlatForest(
        roots=np.array([0], np.int32),
        feature=np.array([0, LEAF, LEAF], np.int16),
        threshold=np.array([0.5, 0, 0], np.float32),
        left=np.array([1, 0, 0], np.int32),
        right=np.array([2, 0, 0], np.int32),
        value=np.array([0.5, 0.0, label]),
        first=np.array([0, 0, 1], np.int32),
        last=np.array([0, 1, 2], np.int32),
        rows=np.array([0, 1], np.uint16),
        labels=np.array([0.0, label]),
        paths=np.array([[0.0, -1.0], [-1.0, label]]),
    )
    linear = LinearForecast(
        columns=np.array([0], np.int16),
        centre=np.array([0.0]),
        spread=np.array([1.0]),
        intercept=np.zeros(2),
        slopes=np.zeros((1, 2)),
        limit=np.array([1.0]),
    )
    npz = Mixture(forest, linear, forest).to_bytes()
    card = Card(
        group=group,
        feature_names=("level",),
        absent_features=(),
        parameters=FeatureParameters(),
        boot_minutes=5.0,
        trained_from=datetime(2026, 11, 1, tzinfo=UTC),
        trained_until=datetime(2026, 11, 15, tzinfo=UTC),
        rows=2,
        seed=1,
        scores={},
        skilled=True,
        libraries={},
        npz_sha256=sha256(npz),
    )
    return npz, card.to_json(), card.model_id


def day_of_samples(day: date = DAY, interval_seconds: int = 3600) -> Samples:
    """One day with a value, a gap and a fraction in it."""
    bins = 86_400 // interval_seconds
    requests = np.arange(bins, dtype=np.float64)
    requests[3] = np.nan
    columns = {"requests": requests, "cpu_percent": requests / 3}
    return Samples.of(datetime.combine(day, time(), UTC), interval_seconds, columns)


def same(left: Samples, right: Samples) -> bool:
    """Whether two samples agree bit by bit."""
    columns = (*left.columns(), "coverage")
    return (left.start, left.interval_seconds) == (right.start, right.interval_seconds) and all(
        np.array_equal(left.column(name), right.column(name), equal_nan=True) for name in columns
    )
