"""Fitting the forecaster: the forests, and the linear forecast that one of them corrects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from predictive_autoscaler.core.forest import LEAF, MAX_LABELS, FlatForest
from predictive_autoscaler.core.mixture import LinearForecast, Mixture
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import DataError

RIDGE_PENALTY = 0.003
"""Per row, on squared slopes of standardised features: enough to tell near twins apart."""


@dataclass(frozen=True)
class ForestOptions:
    """How to grow a forest.

    Attributes:
        trees: in all; each forest of a mixture has half of them.
        jobs: processes; the result does not depend on it.
    """

    trees: int = 100
    min_samples_leaf: int = 12
    max_features: float = 0.4
    seed: int = 1
    jobs: int = 1

    def halved(self) -> ForestOptions:
        """The same with half as many trees."""
        return replace(self, trees=max(1, self.trees // 2))


def fit_mixture(
    features: FloatArray,
    paths: FloatArray,
    linear_columns: NDArray[np.int16],
    options: ForestOptions,
) -> Mixture:
    """Fit everything that is published.

    Args:
        features: shape (rows, columns), exactly representable as float32.
        paths: shape (rows, horizon bins), the log-ratio of each bin.
        linear_columns: positions of the features that the linear forecast uses.
    """
    half = options.halved()
    linear = fit_linear(features, paths, linear_columns)
    beside, left_over = linear.beside(features), paths - linear.predict(features)
    return Mixture(
        direct=flatten(fit_forest(features, paths.max(axis=1), half), features, paths),
        linear=linear,
        residual=flatten(fit_forest(beside, left_over.max(axis=1), half), beside, left_over),
    )


def fit_linear(
    features: FloatArray, paths: FloatArray, columns: NDArray[np.int16]
) -> LinearForecast:
    """Ridge regression of each bin's log-ratio on standardised features, in closed form."""
    used = features[:, columns]
    # Single precision hides differences of the last bits between machines.
    start = LinearForecast(
        columns=columns,
        centre=_as_float32(used.mean(axis=0)),
        spread=_as_float32(used.std(axis=0) + 1e-6),
        intercept=_as_float32(paths.mean(axis=0)),
        slopes=np.zeros((len(columns), paths.shape[1])),
        limit=np.maximum(np.abs(paths).max(keepdims=True)[0], 1e-6),
    )
    scaled = start.scaled(features)
    gram = np.einsum("ri,rj->ij", scaled, scaled, optimize=False)
    moments = np.einsum("ri,rh->ih", scaled, paths - start.intercept, optimize=False)
    penalty = RIDGE_PENALTY * len(features) * np.eye(len(columns))
    return replace(start, slopes=_as_float32(np.linalg.solve(gram + penalty, moments)))


def _as_float32(values: FloatArray) -> FloatArray:
    return values.astype(np.float32).astype(np.float64)


def fit_forest(
    features: FloatArray, labels: FloatArray, options: ForestOptions
) -> RandomForestRegressor:
    """Fit scikit-learn's forest. Same input and seed give the same forest for any `jobs`.

    Args:
        features: shape (rows, columns), exactly representable as float32.
        labels: shape (rows,).
    """
    forest = RandomForestRegressor(
        n_estimators=options.trees,
        min_samples_leaf=options.min_samples_leaf,
        max_features=options.max_features,
        random_state=options.seed,
        n_jobs=options.jobs,
    )
    return forest.fit(features, labels)


def flatten(forest: RandomForestRegressor, features: FloatArray, paths: FloatArray) -> FlatForest:
    """Turn a fitted forest into arrays that need no scikit-learn.

    Args:
        forest: fitted on exactly these `features`, with the largest of each of the `paths`
            as label.
        features: shape (rows, columns).
        paths: shape (rows, horizon bins).

    Raises:
        DataError: more rows than a forest can hold.
    """
    if len(paths) > MAX_LABELS:
        raise DataError(f"{len(paths)} intervals to learn from; at most {MAX_LABELS} are allowed")
    labels = paths.max(axis=1)
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(labels), dtype=np.uint16)
    rank[order] = np.arange(len(labels), dtype=np.uint16)
    parts: dict[str, list[NDArray[np.generic]]] = {}
    roots: list[int] = []
    node_offset = row_offset = 0
    table = features.astype(np.float32)
    for estimator, bootstrap in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        tree = estimator.tree_
        leaf = tree.children_left == -1
        leaf_of_sample = tree.apply(table[bootstrap])
        by_leaf = np.argsort(leaf_of_sample, kind="stable")
        sizes = np.bincount(leaf_of_sample, minlength=tree.node_count)
        last = np.cumsum(sizes) + row_offset
        columns = {
            "feature": np.where(leaf, LEAF, tree.feature).astype(np.int16),
            "threshold": floor_to_float32(tree.threshold),
            "left": np.where(leaf, 0, tree.children_left + node_offset).astype(np.int32),
            "right": np.where(leaf, 0, tree.children_right + node_offset).astype(np.int32),
            "value": tree.value[:, 0, 0].astype(np.float64),
            "first": (last - sizes).astype(np.int32),
            "last": last.astype(np.int32),
            "rows": rank[bootstrap][by_leaf],
        }
        for name, column in columns.items():
            parts.setdefault(name, []).append(column)
        roots.append(node_offset)
        node_offset += tree.node_count
        row_offset += len(bootstrap)
    arrays = {name: np.concatenate(columns) for name, columns in parts.items()}
    return FlatForest(
        roots=np.array(roots, dtype=np.int32),
        labels=labels[order],
        paths=paths[order],
        **arrays,
    )


def floor_to_float32(thresholds: FloatArray) -> NDArray[np.float32]:
    """The largest float32 that is not above each threshold.

    A float32 value compares with it exactly as with the float64 threshold; plain rounding
    would send values at a threshold down the wrong side.
    """
    rounded = thresholds.astype(np.float32)
    above = rounded.astype(np.float64) > thresholds
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded
