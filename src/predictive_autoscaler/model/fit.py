"""Fitting the quantile forest and flattening it into arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from predictive_autoscaler.core.forest import LEAF, FlatForest
from predictive_autoscaler.core.types import FloatArray


def fit_forest(
    features: FloatArray,
    labels: FloatArray,
    *,
    trees: int,
    min_samples_leaf: int,
    max_features: float,
    seed: int,
    jobs: int = 1,
) -> RandomForestRegressor:
    """Fit scikit-learn's forest. Same input and seed give the same forest for any `jobs`.

    Args:
        features: shape (rows, columns), exactly representable as float32.
        labels: shape (rows,).
    """
    forest = RandomForestRegressor(
        n_estimators=trees,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        random_state=seed,
        n_jobs=jobs,
    )
    return forest.fit(features, labels)


def flatten(forest: RandomForestRegressor, features: FloatArray, paths: FloatArray) -> FlatForest:
    """Turn a fitted forest into arrays that need no scikit-learn.

    Args:
        forest: fitted on exactly these `features`, with the largest of each of the `paths`
            as label.
        features: shape (rows, columns).
        paths: shape (rows, horizon bins).
    """
    labels = paths.max(axis=1)
    order = np.argsort(labels, kind="stable")
    rank = np.empty(len(labels), dtype=np.int32)
    rank[order] = np.arange(len(labels), dtype=np.int32)
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
