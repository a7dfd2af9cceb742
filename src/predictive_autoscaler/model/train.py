"""From samples to a published artifact: fit, calibrate and score on held-back time, refit."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sklearn

from predictive_autoscaler.core.artifact import TAIL_WEIGHTS, Card
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import FlatForest, sha256
from predictive_autoscaler.core.predictors.forest import TAIL_BEGINS, weigh_tail
from predictive_autoscaler.core.types import FloatArray, Rung, Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.model.baselines import (
    BASELINES,
    LOSS_QUANTILES,
    Rows,
    Score,
    actual_demand,
    baseline_log_ratios,
    score,
    to_demand,
)
from predictive_autoscaler.model.dataset import Dataset, make_dataset
from predictive_autoscaler.model.fit import fit_forest, flatten

MIN_HOURS = 24
MIN_ROWS = 100
HELD_BACK = 0.3
"""Share of the newest rows held back: its older half calibrates, its newer half scores."""
PRIOR_EXCEEDANCES = 5.0
_NEGLIGIBLE_SHARE = 1 / 300
MODEL = Rung.FOREST.value


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes:
        max_bins: the newest bins that rows are taken from; older ones only feed lags.
        trees, min_samples_leaf, max_features: of the forest; see docs/scaling-quality.md.
        jobs: processes for fitting; the result does not depend on it.
    """

    group: str
    boot_minutes: float = 5.0
    parameters: FeatureParameters = field(default_factory=FeatureParameters)
    max_bins: int = 8000
    trees: int = 100
    min_samples_leaf: int = 12
    max_features: float = 0.4
    seed: int = 1
    jobs: int = 1


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """An artifact ready to be written, and what was learned about it."""

    npz: bytes
    card: Card
    scores: Mapping[str, Score | None]
    dataset: Dataset

    @property
    def better_than_baselines(self) -> bool:
        """Whether its pinball loss beats that of every baseline that has an answer."""
        ours = self.scores[MODEL]
        others = [self.scores[rung.value] for rung in BASELINES]
        return ours is not None and all(
            ours.pinball < other.pinball for other in others if other is not None
        )


def train(
    samples: Samples,
    options: TrainOptions,
    progress: Callable[[str], None] = lambda step: None,
) -> TrainedModel:
    """Train a model on recorded metrics.

    The forest that is published has seen all rows; its scores and calibration are those
    of one that had not seen the held-back time.

    Raises:
        DataError: under 24 hours, or too few rows to learn from; says what was found.
    """
    progress("building features")
    samples = _newest(samples, options)
    _check_span(samples)
    dataset = make_dataset(samples, options.parameters, _negligible(samples))
    rows = _rows(dataset, options)
    fitted, calibrating, scoring = _split(rows, options.parameters.horizon_bins)
    progress("fitting on the older rows")
    trial = _fit(dataset, fitted, options)
    progress("calibrating and scoring on held-back time")
    tail_weight = _tail_weight(trial, dataset, calibrating)
    scores = _scores(trial, dataset, fitted, scoring, tail_weight, options.parameters)
    progress("fitting on all rows")
    forest = _fit(dataset, rows, options)
    npz = forest.to_bytes()
    card = Card(
        group=options.group,
        feature_names=dataset.table.names,
        absent_features=dataset.table.absent,
        parameters=options.parameters,
        boot_minutes=options.boot_minutes,
        tail_weight=_tail_weight(trial, dataset, np.concatenate([calibrating, scoring])),
        trained_from=samples.time_of(int(rows[0])),
        trained_until=samples.end,
        rows=len(rows),
        seed=options.seed,
        scores={name: held.as_dict() if held else None for name, held in scores.items()},
        skilled=False,
        libraries=_libraries(),
        npz_sha256=sha256(npz),
    )
    trained = TrainedModel(npz, card, scores, dataset)
    skilled = replace(card, skilled=trained.better_than_baselines)
    return replace(trained, card=skilled)


def _newest(samples: Samples, options: TrainOptions) -> Samples:
    return samples.latest(options.max_bins + options.parameters.lookback_bins)


def _check_span(samples: Samples) -> None:
    known = np.flatnonzero(~np.isnan(samples.requests))
    hours = (known[-1] - known[0] + 1) * samples.interval_seconds / 3600 if len(known) else 0.0
    if hours < MIN_HOURS:
        raise DataError(
            f"found {hours:.1f} hours of request counts; at least {MIN_HOURS} hours are needed"
        )


def _negligible(samples: Samples) -> float:
    return float(np.nanquantile(samples.requests, 0.99)) * _NEGLIGIBLE_SHARE


def _rows(dataset: Dataset, options: TrainOptions) -> Rows:
    rows = np.flatnonzero(dataset.learnable)
    rows = rows[rows >= len(dataset.paths) - options.max_bins]
    if len(rows) < MIN_ROWS:
        raise DataError(
            f"found {len(rows)} intervals to learn from, with {dataset.masked_bins} absent and "
            f"{dataset.censored_bins} overloaded ones left out; at least {MIN_ROWS} are needed"
        )
    return rows


def _split(rows: Rows, horizon_bins: int) -> tuple[Rows, Rows, Rows]:
    """Older, middle and newest rows, a horizon apart so that no label is seen twice."""
    first = int(len(rows) * (1 - HELD_BACK))
    second = int(len(rows) * (1 - HELD_BACK / 2))
    return (
        rows[: first - horizon_bins],
        rows[first : second - horizon_bins],
        rows[second:],
    )


def _fit(dataset: Dataset, rows: Rows, options: TrainOptions) -> FlatForest:
    features, paths = dataset.table.values[rows], dataset.paths[rows]
    fitted = fit_forest(
        features,
        paths.max(axis=1),
        trees=options.trees,
        min_samples_leaf=options.min_samples_leaf,
        max_features=options.max_features,
        seed=options.seed,
        jobs=options.jobs,
    )
    return flatten(fitted, features, paths)


def _quantiles(forest: FlatForest, features: FloatArray, tail_weight: float) -> FloatArray:
    """Log-ratio quantiles of each row, shape (rows, len(LOSS_QUANTILES))."""
    result = np.empty((len(features), len(LOSS_QUANTILES)))
    for index, (members, weights) in enumerate(forest.distributions(features)):
        reached = np.searchsorted(np.cumsum(weigh_tail(weights, tail_weight)), LOSS_QUANTILES)
        result[index] = forest.labels[members[np.minimum(reached, len(members) - 1)]]
    return result


def _tail_weight(forest: FlatForest, dataset: Dataset, rows: Rows) -> float:
    """How much oftener than it should the upper quantile was exceeded on held-back rows.

    Drawn towards 1 by `PRIOR_EXCEEDANCES`, since exceedances are rare and come in bursts.
    """
    upper = _quantiles(forest, dataset.table.values[rows], 1.0)[
        :, LOSS_QUANTILES.index(TAIL_BEGINS)
    ]
    exceeded = float((dataset.paths[rows].max(axis=1) > upper).sum())
    expected = (1 - TAIL_BEGINS) * len(rows)
    ratio = (exceeded + PRIOR_EXCEEDANCES) / (expected + PRIOR_EXCEEDANCES)
    low, high = TAIL_WEIGHTS
    return min(max(ratio, low), high)


def _scores(
    forest: FlatForest,
    dataset: Dataset,
    fitted: Rows,
    rows: Rows,
    tail_weight: float,
    parameters: FeatureParameters,
) -> dict[str, Score | None]:
    table = dataset.table
    actual = actual_demand(table, parameters.horizon_bins)[rows]
    ours = _quantiles(forest, table.values[rows], tail_weight)
    scores: dict[str, Score | None] = {MODEL: score(actual, to_demand(ours, table, rows))}
    for rung in BASELINES:
        labels = dataset.paths.max(axis=1)
        log_ratios = baseline_log_ratios(rung, table, parameters, labels, fitted, rows)
        scores[rung.value] = (
            score(actual, to_demand(log_ratios, table, rows)) if log_ratios is not None else None
        )
    return scores


def _libraries() -> dict[str, str]:
    return {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
    }
