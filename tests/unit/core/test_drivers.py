from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from predictive_autoscaler.core.decide import forecast_demand
from predictive_autoscaler.core.drivers import (
    DIGITS,
    FAMILIES,
    SHOWN,
    STRAIGHT_LINE,
    drivers_of,
    family_of,
    seen,
)
from predictive_autoscaler.core.features import build_features
from predictive_autoscaler.core.forest import LEAF, FlatForest
from predictive_autoscaler.core.mixture import Answer
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.core.why import Driver, Drivers
from tests.unit.core.builders import PARAMETERS, shop, small_model
from tests.unit.core.forests import DATASETS, fitted

ROWS = (0, 7, 311, 599)


def by_hand(forest: RandomForestRegressor, row: FloatArray) -> tuple[float, FloatArray]:
    """Saabas' decomposition, node by node on scikit-learn's own trees."""
    usual, moved = 0.0, np.zeros(len(row))
    for estimator in forest.estimators_:
        tree, node = estimator.tree_, 0
        usual += tree.value[0, 0, 0]
        while tree.children_left[node] != -1:
            column = tree.feature[node]
            left = np.float32(row[column]) <= tree.threshold[node]
            child = tree.children_left[node] if left else tree.children_right[node]
            moved[column] += tree.value[child, 0, 0] - tree.value[node, 0, 0]
            node = child
    return usual / len(forest.estimators_), moved / len(forest.estimators_)


def trained_rows() -> FloatArray:
    """Rows as the shop's model is asked about, of several times of the day."""
    card = small_model().card
    table = build_features(shop(), assess(shop(), 100.0).requests, card.parameters)
    return table.select(card.feature_names)[-96::7]


@pytest.mark.parametrize("dataset", DATASETS)
def test_contributions_are_those_found_by_hand_on_scikit_learns_trees(dataset: str) -> None:
    one = fitted(dataset)
    predicted = one.theirs.predict(one.features[list(ROWS)])
    for row, theirs in zip(one.features[list(ROWS)], predicted, strict=True):
        usual, moved = by_hand(one.theirs, row)
        walk = one.ours.walk(row)
        assert walk.usual == pytest.approx(usual, rel=1e-12)
        np.testing.assert_allclose(walk.moved, moved, atol=1e-12)
        assert walk.usual + walk.moved.sum() == pytest.approx(theirs, abs=1e-9)


def test_of_a_trained_model_they_add_up_to_what_its_forests_predict() -> None:
    mixture = small_model().forecaster
    for row in trained_rows():
        ahead = mixture.linear.predict(row[None, :])[0]
        beside = mixture.linear.beside(row[None, :])
        for forest, asked in ((mixture.direct, row[None, :]), (mixture.residual, beside)):
            walk = forest.walk(asked[0])
            predicted = forest.mean(asked)[0]
            assert walk.usual + walk.moved.sum() == pytest.approx(predicted, abs=1e-9)
        direct, residual = mixture.direct.mean(row[None, :])[0], mixture.residual.mean(beside)[0]
        answer = mixture.answer(row)
        assert answer.middle == pytest.approx((direct + ahead.max() + residual) / 2, abs=1e-9)
        assert answer.moved[: len(row)].any()


def test_where_the_linear_forecast_is_cut_off_its_parts_are_cut_with_it() -> None:
    mixture, row = small_model().forecaster, trained_rows()[3]
    narrow = replace(mixture.linear, limit=np.array([1e-3]))
    cut = replace(mixture, linear=narrow)
    beside = narrow.beside(row[None, :])
    ahead = narrow.predict(row[None, :])[0]
    assert np.abs(ahead).max() == 1e-3  # the limit binds
    expected = mixture.direct.mean(row[None, :])[0] + ahead.max() + cut.residual.mean(beside)[0]
    assert cut.answer(row).middle == pytest.approx(expected / 2, abs=1e-9)


def test_one_row_is_answered_with_the_same_bits_as_many() -> None:
    mixture, rows = small_model().forecaster, trained_rows()
    for row, (paths, weights) in zip(rows, mixture.distributions(rows), strict=True):
        answer = mixture.answer(row)
        np.testing.assert_array_equal(answer.paths, paths)
        np.testing.assert_array_equal(answer.weights, weights)


def test_inner_nodes_of_an_artifact_hold_the_mean_of_all_that_came_by() -> None:
    forest: FlatForest = small_model().forecaster.direct

    def labels_below(node: int) -> list[float]:
        if forest.feature[node] == LEAF:
            held: list[float] = forest.labels[
                forest.rows[forest.first[node] : forest.last[node]]
            ].tolist()
            return held
        return labels_below(forest.left[node]) + labels_below(forest.right[node])

    inner = np.flatnonzero(forest.feature != LEAF)
    for node in (*forest.roots, *inner[::5]):
        assert forest.value[node] == pytest.approx(np.mean(labels_below(node)), abs=1e-12)


def test_every_feature_is_in_one_family_and_every_family_shows_one_of_its_own() -> None:
    names = build_features(shop(), shop().requests, PARAMETERS.features).names
    families = [family_of(name) for name in names]
    assert set(families) | {STRAIGHT_LINE} == set(FAMILIES)
    for key, family in FAMILIES.items():
        assert family.shown is None or family_of(family.shown[0]) == key
    with pytest.raises(KeyError):
        family_of("moon_phase")


def found_drivers() -> tuple[Drivers, Answer]:
    model, demand = small_model(), assess(shop(), 100.0)
    forecast = forecast_demand(shop(), demand, model, PARAMETERS.features).forecast
    assert forecast is not None
    assert forecast.drivers is not None
    table = build_features(shop(), demand.requests, model.card.parameters)
    answer = model.forecaster.answer(table.select(model.card.feature_names)[-1])
    assert drivers_of(answer, table, model.card.feature_names) == forecast.drivers
    return forecast.drivers, answer


def test_a_forecast_names_the_families_that_moved_it_most() -> None:
    drivers, answer = found_drivers()
    strengths = [abs(driver.moved) for driver in drivers.families]
    assert len(strengths) == SHOWN
    assert strengths == sorted(strengths, reverse=True)
    names = small_model().card.feature_names
    for driver in drivers.families:
        members = [index for index, name in enumerate(names) if family_of(name) == driver.family]
        if driver.family != STRAIGHT_LINE:
            assert driver.moved == pytest.approx(answer.moved[members].sum(), abs=0.6 / 10**DIGITS)


def test_the_factors_lead_from_the_level_to_the_middle() -> None:
    drivers, answer = found_drivers()
    total = drivers.usual + sum(one.moved for one in drivers.families) + drivers.others
    assert total == pytest.approx(answer.middle, abs=1e-3)
    # The floor, a hundredth of the day's mean, is too little to matter here.
    assert drivers.level_requests * np.exp(total) == pytest.approx(
        drivers.middle_requests, rel=0.002
    )


@pytest.mark.parametrize(
    ("family", "observed", "words"),
    [
        ("last_week", np.log(1.2), "when it rose by 20 %"),
        ("yesterday", np.log(0.95), "when it fell by 5 %"),
        ("last_hours", np.log(1.5), "now 50 % above the mean of the hour"),
        ("week", np.log(0.5), "now 50 % below the mean of the week"),
        ("unrest", 0.12, "a spread of 12 % within the hour"),
        ("time_of_day", 8 + 5 / 60, "08:05"),
        ("time_of_day", 23 + 59.7 / 60, "23:59"),
        ("weekday", 1.0, "Tuesday"),
        ("response_time", np.log(2.0), "100 % longer than the day's mean"),
        ("cpu", 45.123, "45.1 %"),
        (STRAIGHT_LINE, None, ""),
        ("cpu", None, ""),
    ],
)
def test_what_was_seen_is_told(family: str, observed: float | None, words: str) -> None:
    assert seen(Driver(family, 0.1, observed)) == words
