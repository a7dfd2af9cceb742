from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from predictive_autoscaler.core.mixture import FARTHEST
from predictive_autoscaler.errors import ModelError
from predictive_autoscaler.model.fit import RIDGE_PENALTY, fit_linear
from tests.unit.core.forests import COLUMNS, fitted


def test_the_distribution_is_half_the_forests_and_half_the_corrected_linear_forecast() -> None:
    mixture, row = fitted().mixture, fitted().features[7]
    paths, weights = mixture.distribution(row)
    assert weights.sum() == pytest.approx(1)
    seen, direct_weights = mixture.direct.distribution(row)
    np.testing.assert_array_equal(paths[: len(seen)], mixture.direct.paths[seen])
    np.testing.assert_allclose(weights[: len(seen)], direct_weights / 2)
    beside = mixture.linear.beside(row[None, :])[0]
    left_over, _ = mixture.residual.distribution(beside)
    linear = mixture.linear.predict(row[None, :])[0]
    np.testing.assert_allclose(paths[len(seen) :] - linear, mixture.residual.paths[left_over])


def test_the_direct_part_is_the_plain_forest() -> None:
    assert fitted().mixture.direct.to_bytes() == fitted().ours.to_bytes()


def test_the_linear_forecast_is_scikit_learns_ridge() -> None:
    one = fitted()
    linear = fit_linear(one.features, one.paths, np.arange(COLUMNS, dtype=np.int16))
    scaled = linear.scaled(one.features)
    theirs = Ridge(alpha=RIDGE_PENALTY * len(scaled), fit_intercept=False)
    theirs.fit(scaled, one.paths - one.paths.mean(axis=0))
    np.testing.assert_allclose(linear.slopes, theirs.coef_.T, atol=1e-5)


def test_the_linear_forecast_goes_on_beyond_what_it_has_seen_but_not_forever() -> None:
    features = np.linspace(0.0, 1.0, 200)[:, None].astype(np.float32).astype(np.float64)
    linear = fit_linear(features, 2.0 * features, np.zeros(1, np.int16))
    ahead = linear.predict(np.array([[0.9], [1.0], [1.2], [FARTHEST], [1e9]]))[:, 0]
    assert ahead[0] < ahead[1]
    assert ahead[1:] == pytest.approx(2.0, abs=0.02)  # never beyond the largest label


def test_columns_left_out_do_not_move_it() -> None:
    one = fitted()
    linear = fit_linear(one.features, one.paths, np.array([0, 2], np.int16))
    other = one.features.copy()
    other[:, 1] += 100.0
    np.testing.assert_array_equal(linear.predict(other), linear.predict(one.features))


def test_a_column_that_never_changes_is_harmless() -> None:
    one = fitted()
    still = one.features.copy()
    still[:, 1] = 4.0
    linear = fit_linear(still, one.paths, np.arange(COLUMNS, dtype=np.int16))
    assert np.isfinite(linear.predict(one.features)).all()


def test_a_row_with_nan_is_refused() -> None:
    row = fitted().features[0].copy()
    row[0] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        fitted().mixture.distribution(row)
