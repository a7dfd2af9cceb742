"""From samples to a published artifact: fit, score on held-back time, refit."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sklearn

from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.features import DAY, FeatureParameters, demand_columns
from predictive_autoscaler.core.forest import sha256
from predictive_autoscaler.core.mixture import Mixture
from predictive_autoscaler.core.types import FloatArray, Rung, Samples, weighted_quantiles
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
from predictive_autoscaler.model.fit import ForestOptions, fit_mixture

MIN_HOURS = 24
MIN_ROWS = 100
HELD_BACK = 0.15
MOST_HELD_BACK = 2 * DAY
"""Share of the newest rows held back to score, and seconds that they may be at most. Much more
than a model is used for would ask how well it stands drift that its successor will have seen."""
ENOUGH_DAYS = 2
"""With this many more, the first day is not learned from: it has no day before it."""
_NEGLIGIBLE_SHARE = 1 / 300
MODEL = Rung.FOREST.value


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    Attributes:
        max_bins: the newest bins that rows are taken from; older ones only feed lags.
        forest: how the forests are grown; see docs/scaling-quality.md.
    """

    group: str
    boot_minutes: float = 5.0
    parameters: FeatureParameters = field(default_factory=FeatureParameters)
    max_bins: int = 8000
    forest: ForestOptions = field(default_factory=ForestOptions)


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

    What is published has seen all rows; its scores are those of one that had not seen the
    held-back time, with half as many trees: a little worse, which is the safe side.

    Raises:
        DataError: under 24 hours, or too few rows to learn from; says what was found.
    """
    progress("building features")
    samples = used_part(samples, options)
    _check_span(samples)
    dataset = make_dataset(samples, options.parameters, _negligible(samples))
    rows = _rows(dataset, options)
    fitted, held_back = _split(rows, options.parameters)
    progress("fitting on the older rows")
    trial = _fit(dataset, fitted, options.forest.halved())
    progress("scoring on held-back time")
    scores = _scores(trial, dataset, fitted, held_back, options.parameters)
    progress("fitting on all rows")
    npz = _fit(dataset, rows, options.forest).to_bytes()
    card = Card(
        group=options.group,
        feature_names=dataset.table.names,
        absent_features=dataset.table.absent,
        parameters=options.parameters,
        boot_minutes=options.boot_minutes,
        trained_from=samples.time_of(int(rows[0])),
        trained_until=samples.end,
        rows=len(rows),
        seed=options.forest.seed,
        scores={name: held.as_dict() if held else None for name, held in scores.items()},
        skilled=False,
        libraries=libraries(),
        npz_sha256=sha256(npz),
    )
    trained = TrainedModel(npz, card, scores, dataset)
    skilled = replace(card, skilled=trained.better_than_baselines)
    return replace(trained, card=skilled)


def used_part(samples: Samples, options: TrainOptions) -> Samples:
    """The newest bins that rows and lags are made from; older ones change no bit of a model."""
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
    day = options.parameters.bins(DAY)
    after_a_day = rows[rows >= rows.min(initial=len(dataset.paths)) + day]
    if len(after_a_day) >= ENOUGH_DAYS * day:
        rows = after_a_day
    rows = rows[rows >= len(dataset.paths) - options.max_bins]
    if len(rows) < MIN_ROWS:
        raise DataError(
            f"found {len(rows)} intervals to learn from, with {dataset.masked_bins} absent and "
            f"{dataset.censored_bins} overloaded ones; at least {MIN_ROWS} are needed"
        )
    return rows


def _split(rows: Rows, parameters: FeatureParameters) -> tuple[Rows, Rows]:
    """Older and newest rows, a horizon apart so that no label is seen twice."""
    held_back = min(int(len(rows) * HELD_BACK), parameters.bins(MOST_HELD_BACK))
    first = len(rows) - held_back
    return rows[: first - parameters.horizon_bins], rows[first:]


def _fit(dataset: Dataset, rows: Rows, options: ForestOptions) -> Mixture:
    features, paths = dataset.table.values[rows], dataset.paths[rows]
    return fit_mixture(features, paths, demand_columns(dataset.table.names), options)


def _quantiles(forecaster: Mixture, features: FloatArray) -> FloatArray:
    """Quantiles of the largest log-ratio, shape (rows, len(LOSS_QUANTILES))."""
    result = np.empty((len(features), len(LOSS_QUANTILES)))
    for index, (paths, weights) in enumerate(forecaster.distributions(features)):
        result[index] = weighted_quantiles(paths.max(axis=1), weights, LOSS_QUANTILES)
    return result


def _scores(
    forecaster: Mixture,
    dataset: Dataset,
    fitted: Rows,
    rows: Rows,
    parameters: FeatureParameters,
) -> dict[str, Score | None]:
    table = dataset.table
    actual = actual_demand(table, parameters.horizon_bins)[rows]
    ours = _quantiles(forecaster, table.values[rows])
    scores: dict[str, Score | None] = {MODEL: score(actual, to_demand(ours, table, rows))}
    for rung in BASELINES:
        labels = dataset.paths.max(axis=1)
        log_ratios = baseline_log_ratios(rung, table, parameters, labels, fitted, rows)
        scores[rung.value] = (
            score(actual, to_demand(log_ratios, table, rows)) if log_ratios is not None else None
        )
    return scores


def libraries() -> dict[str, str]:
    """Versions of what trains here."""
    return {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
    }
