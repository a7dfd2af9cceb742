"""Fitted forests, and what goes with them into an artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import FlatForest, sha256
from predictive_autoscaler.core.mixture import Mixture
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.model.fit import ForestOptions, fit_forest, fit_mixture, flatten

TREES = 12
FOREST = ForestOptions(trees=TREES, min_samples_leaf=3)
COLUMNS = 5
ROWS = 600

Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]

DATASETS: dict[str, Draw] = {
    "smooth": lambda rng, shape: rng.normal(size=shape),
    "ties": lambda rng, shape: rng.integers(0, 6, shape) / 4.0,
    "heavy tail": lambda rng, shape: rng.standard_cauchy(shape) * 1e6,
    "neighbours": lambda rng, shape: (
        np.float64(8.0) + rng.integers(0, 40, shape) * np.float64(2.0**-20)
    ),
}
"""How features are drawn. Of the last, all values are neighbours in float32, so that no threshold
between two of them is a float32."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The same forest three times, with what it was fitted on.

    Attributes:
        mixture: has `ours` as its direct part.
    """

    theirs: RandomForestRegressor
    ours: FlatForest
    mixture: Mixture
    features: FloatArray
    paths: FloatArray


@cache
def fitted(dataset: str = "smooth") -> Fitted:
    rng = np.random.default_rng(list(DATASETS).index(dataset))
    drawn = DATASETS[dataset](rng, (ROWS, COLUMNS))
    features = drawn.astype(np.float32).astype(np.float64)
    ranks = features.argsort(axis=0).argsort(axis=0) / ROWS
    label = ranks[:, 0] + ranks[:, 1] * ranks[:, 2] + rng.normal(0.0, 0.1, ROWS)
    paths = np.column_stack([label, label + rng.normal(0.0, 0.1, ROWS)])
    theirs = fit_forest(features, paths.max(axis=1), FOREST)
    ours = flatten(theirs, features, paths)
    columns = np.arange(COLUMNS, dtype=np.int16)
    mixture = fit_mixture(features, paths, columns, replace(FOREST, trees=2 * TREES))
    return Fitted(theirs, ours, mixture, features, paths)


def card_of(npz: bytes) -> Card:
    """A card that fits these bytes and the forests of this file."""
    return Card(
        group="web",
        feature_names=tuple(f"column_{number}" for number in range(COLUMNS)),
        absent_features=("response_time",),
        parameters=FeatureParameters(300, 2, "Europe/Berlin"),
        boot_minutes=4.5,
        trained_from=datetime(2026, 10, 1, tzinfo=UTC),
        trained_until=datetime(2026, 11, 1, tzinfo=UTC),
        rows=ROWS,
        seed=1,
        scores={"forest": {"pinball": 0.02}, "seasonal": None},
        skilled=True,
        libraries={"numpy": "2"},
        npz_sha256=sha256(npz),
    )


def card_text(npz: bytes, **changes: object) -> str:
    return replace(card_of(npz), **changes).to_json()  # type: ignore[arg-type]
