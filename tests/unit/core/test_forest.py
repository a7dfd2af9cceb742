from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from predictive_autoscaler.core.forest import LEAF
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import ModelError
from predictive_autoscaler.model.fit import fit_forest, flatten, floor_to_float32
from tests.unit.core.forests import DATASETS, FOREST, Fitted, fitted

ROWS_ASKED = 2000


@pytest.fixture(params=list(DATASETS))
def forest(request: pytest.FixtureRequest) -> Fitted:
    return fitted(request.param)


def thresholds(forest: Fitted) -> list[tuple[int, float]]:
    """(column, float64 threshold) of every inner node, from scikit-learn's own trees."""
    found: list[tuple[int, float]] = []
    for estimator in forest.theirs.estimators_:
        tree = estimator.tree_
        inner = tree.children_left != -1
        found += zip(tree.feature[inner].tolist(), tree.threshold[inner].tolist(), strict=True)
    return found


def asked_rows(forest: Fitted) -> NDArray[np.float32]:
    """2,000 rows: of the training data, with values at thresholds and right beside them."""
    rng = np.random.default_rng(7)
    rows = forest.features[rng.integers(0, len(forest.features), ROWS_ASKED)].astype(np.float32)
    nodes = thresholds(forest)
    for number, row in enumerate(rows):
        # In every row, three columns out of five stand at one of their thresholds.
        for column, threshold in (nodes[pick] for pick in rng.integers(0, len(nodes), 3)):
            at = np.float32(threshold)
            beside = (
                at,
                np.nextafter(at, np.float32(-np.inf)),
                np.nextafter(at, np.float32(np.inf)),
            )
            row[column] = beside[number % 3]
    return rows


def test_the_flat_forest_gives_the_same_bits_as_scikit_learn(forest: Fitted) -> None:
    rows = asked_rows(forest)
    assert len(rows) == ROWS_ASKED
    ours = forest.ours.mean(rows.astype(np.float64))
    assert ours.tobytes() == forest.theirs.predict(rows).tobytes()


def test_the_rows_beside_thresholds_can_tell_a_wrong_rounding() -> None:
    # Given thresholds rounded to the nearest float32, as one would do without thinking
    forest = fitted("neighbours")
    nearest = np.concatenate(
        [estimator.tree_.threshold.astype(np.float32) for estimator in forest.theirs.estimators_]
    )
    careless = replace(forest.ours, threshold=nearest)
    # Then some rows go astray: the test above would notice
    rows = asked_rows(forest)
    assert (careless.mean(rows.astype(np.float64)) != forest.theirs.predict(rows)).any()


def test_every_row_reaches_the_leaf_that_scikit_learn_finds(forest: Fitted) -> None:
    rows = asked_rows(forest)
    ours = forest.ours.leaves(rows.astype(np.float64)) - forest.ours.roots
    assert (ours == forest.theirs.apply(rows)).all()


def test_values_that_float32_cannot_hold_are_rounded_as_scikit_learn_does(forest: Fitted) -> None:
    rows = asked_rows(forest).astype(np.float64) * (1 + 2.0**-26)
    assert forest.ours.mean(rows).tobytes() == forest.theirs.predict(rows).tobytes()


def reference_weights(forest: Fitted, row: FloatArray) -> FloatArray:
    """Meinshausen's weight of each training row, straight from scikit-learn's leaves."""
    weights = np.zeros(len(forest.features))
    trees = zip(forest.theirs.estimators_, forest.theirs.estimators_samples_, strict=True)
    for tree, bootstrap in trees:
        mine = tree.apply(row[None, :].astype(np.float32))[0]
        leaves = tree.apply(forest.features[bootstrap].astype(np.float32))
        companions = bootstrap[leaves == mine]
        np.add.at(weights, companions, 1.0 / len(companions))
    return weights / len(forest.theirs.estimators_)


def test_weights_and_quantiles_agree_with_the_leaves_of_scikit_learn(forest: Fitted) -> None:
    labels = forest.paths.max(axis=1)
    for row in asked_rows(forest)[:40].astype(np.float64):
        expected = reference_weights(forest, row)
        members, weights = forest.ours.distribution(row)
        # The same paths with the same weights
        order = np.argsort(labels, kind="stable")
        np.testing.assert_allclose(weights, expected[order][members], rtol=1e-12)
        assert set(members.tolist()) == set(np.flatnonzero(expected[order]).tolist())
        assert forest.ours.paths[members].tobytes() == forest.paths[order][members].tobytes()
        assert weights.sum() == pytest.approx(1.0)
        # And so the same quantiles
        # (levels that no sum of weights hits exactly, where rounding would decide)
        for quantile in (0.0512345, 0.512345, 0.9512345, 0.9912345):
            ours = members[np.searchsorted(np.cumsum(weights), quantile)]
            reached = np.searchsorted(np.cumsum(expected[order]), quantile)
            assert forest.ours.labels[ours] == labels[order][reached]


def test_many_rows_at_once_have_the_same_bits_as_one_by_one(forest: Fitted) -> None:
    rows = asked_rows(forest)[:50].astype(np.float64)
    at_once = list(forest.ours.distributions(rows))
    assert len(at_once) == len(rows)
    for row, (members, weights) in zip(rows, at_once, strict=True):
        expected_members, expected_weights = forest.ours.distribution(row)
        assert members.tobytes() == expected_members.tobytes()
        assert weights.tobytes() == expected_weights.tobytes()


def test_an_unknown_value_is_refused() -> None:
    forest = fitted()
    rows = forest.features[:3].copy()
    rows[1, 2] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        forest.ours.mean(rows)
    with pytest.raises(ModelError, match="NaN"):
        forest.ours.distribution(rows[1])


def test_a_threshold_becomes_the_largest_float32_not_above_it() -> None:
    doubles = np.random.default_rng(3).normal(size=1000) * 10.0 ** np.arange(1000).clip(0, 30)
    floored = floor_to_float32(doubles)
    assert (floored <= doubles).all()
    assert (np.nextafter(floored, np.float32(np.inf)) > doubles).all()


def test_fitting_gives_the_same_forest_whatever_the_number_of_jobs() -> None:
    one = fitted()
    again = fit_forest(one.features, one.paths.max(axis=1), replace(FOREST, jobs=2))
    assert flatten(again, one.features, one.paths).to_bytes() == one.ours.to_bytes()


def test_leaves_hold_all_bootstrapped_rows() -> None:
    forest = fitted().ours
    leaf = forest.feature == LEAF
    sizes = (forest.last - forest.first)[leaf]
    assert sizes.sum() == len(forest.rows) == forest.trees * len(forest.labels)
