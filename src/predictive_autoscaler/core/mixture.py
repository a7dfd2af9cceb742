"""The published forecaster: two forests side by side, one of which corrects a linear forecast.

A forest cannot go beyond what it has seen, and needs many splits to follow a slope; a linear
forecast does both, and knows nothing of thresholds. So one half of the trees learns the
log-ratios themselves, the other half what a ridge regression (Hoerl and Kennard, "Ridge
Regression", Technometrics 12, 1970) leaves over, and the forecast is the mean of the two
distributions. Which half is the better one differs by group; the mean is never far behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.forest import FlatForest, forest_from_arrays
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import ModelError

FARTHEST = 5.0
"""Standard deviations from the mean beyond which a feature moves the linear forecast no more."""
_LINEAR, _RESIDUAL = "linear_", "residual_"


@dataclass(frozen=True, eq=False)
class LinearForecast:
    """A linear forecast of the log-ratio of each bin of the horizon, from some of the features.

    Attributes:
        columns: (c,) positions of its features in a row.
        centre, spread: (c,) their means and standard deviations in training.
        intercept: (horizon bins,) the forecast at the means.
        slopes: (c, horizon bins) per standard deviation.
        limit: (1,) the forecast stays within plus and minus this.
    """

    columns: NDArray[np.int16]
    centre: FloatArray
    spread: FloatArray
    intercept: FloatArray
    slopes: FloatArray
    limit: FloatArray

    def scaled(self, features: FloatArray) -> FloatArray:
        """Its features in standard deviations, shape (rows, c)."""
        away: FloatArray = (features[:, self.columns] - self.centre) / self.spread
        return away.clip(-FARTHEST, FARTHEST)

    def predict(self, features: FloatArray) -> FloatArray:
        """Log-ratios, shape (rows, horizon bins), of feature rows, shape (rows, columns)."""
        # Not a matrix product: the rounding of that depends on the machine's threads.
        steps = np.einsum("rc,ch->rh", self.scaled(features), self.slopes, optimize=False)
        ahead: FloatArray = self.intercept + steps
        return ahead.clip(-self.limit[0], self.limit[0])

    def beside(self, features: FloatArray) -> FloatArray:
        """The features with the linear forecast as further columns, exact in float32."""
        return _joined(features, self.predict(features))

    def moved(self, features: FloatArray, ahead: FloatArray, step: int) -> FloatArray:
        """What each of its features added to the forecast of one bin of the horizon, (c,).

        Args:
            features: shape (1, columns).
            ahead: its forecast, shape (horizon bins,), which is the intercept and all of this.
        """
        moved: FloatArray = self.scaled(features)[0] * self.slopes[:, step]
        total, used = float(moved.sum()), float(ahead[step] - self.intercept[step])
        # Where the limit cut the sum, it cut every part of it.
        limited = abs(ahead[step]) >= self.limit[0] and total != 0
        return moved * (used / total) if limited else moved


def _joined(features: FloatArray, ahead: FloatArray) -> FloatArray:
    return np.column_stack([features, ahead]).astype(np.float32).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a mixture says about one row, and why.

    Attributes:
        features: (columns,) the row.
        paths, weights: as from `Mixture.distribution`.
        usual: the middle that it would forecast for a row that says nothing.
        moved: (columns + horizon bins,) what each feature, and the linear forecast of each bin
            as a feature of the residual forest, added to that.
    """

    features: FloatArray
    paths: FloatArray
    weights: FloatArray
    usual: float
    moved: FloatArray

    @property
    def middle(self) -> float:
        """Mean log-ratio of the largest demand: half of it the direct forest's, half the
        largest of the linear forecast with what the residual forest expects beyond it.
        """
        return self.usual + float(self.moved.sum())


@dataclass(frozen=True, eq=False)
class Mixture:
    """A forest of log-ratios, and one of what a linear forecast leaves over of them.

    Attributes:
        direct: learned log-ratios.
        linear, residual: the linear forecast, and the forest of its errors, whose columns
            are the features and then the linear forecast of each bin.
    """

    direct: FlatForest
    linear: LinearForecast
    residual: FlatForest

    @property
    def horizon_bins(self) -> int:
        return int(self.direct.paths.shape[1])

    @property
    def size_bytes(self) -> int:
        """Memory that the arrays take."""
        parts = (self.direct, self.linear, self.residual)
        return sum(getattr(part, one.name).nbytes for part in parts for one in fields(part))

    def distribution(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The joint distribution of the horizon's log-ratios for one row of features.

        Args:
            features: shape (columns,).

        Returns:
            Log-ratios, shape (k, horizon bins), and their weights (k,), which sum to 1.

        Raises:
            ModelError: a value is NaN.
        """
        answer = self.answer(features)
        return answer.paths, answer.weights

    def answer(self, features: FloatArray) -> Answer:
        """`distribution` of one row, with what each feature did to its middle.

        Args:
            features: shape (columns,).

        Raises:
            ModelError: a value is NaN.
        """
        row = features[None, :]
        ahead = self.linear.predict(row)
        direct, residual = self.direct.walk(features), self.residual.walk(_joined(row, ahead)[0])
        (seen, weights), (left_over, residual_weights) = direct.speaking, residual.speaking
        fullest = int(np.argmax(ahead[0]))
        moved = residual.moved.copy()
        moved[: len(features)] += direct.moved
        np.add.at(moved, self.linear.columns, self.linear.moved(row, ahead[0], fullest))
        usual = direct.usual + residual.usual + float(self.linear.intercept[fullest])
        return Answer(
            features=features,
            paths=np.concatenate([self.direct.paths[seen], ahead + self.residual.paths[left_over]]),
            weights=np.concatenate([weights, residual_weights]) / 2,
            usual=usual / 2,
            moved=moved / 2,
        )

    def distributions(self, features: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """`distribution` of each row, with all rows going down the trees at once.

        Args:
            features: shape (rows, columns).
        """
        for (seen, weights), (left_over, residual_weights), ahead in zip(
            self.direct.distributions(features),
            self.residual.distributions(self.linear.beside(features)),
            self.linear.predict(features),
            strict=True,
        ):
            paths = (self.direct.paths[seen], ahead + self.residual.paths[left_over])
            yield np.concatenate(paths), np.concatenate([weights, residual_weights]) / 2

    def to_bytes(self) -> bytes:
        """Pack as .npz, the same bytes for the same forecaster."""
        parts = {_LINEAR: self.linear, _RESIDUAL: self.residual}
        riding = {
            prefix + field.name: getattr(part, field.name)
            for prefix, part in parts.items()
            for field in fields(part)  # type: ignore[arg-type]
        }
        return self.direct.to_bytes(**riding)


def mixture_from_arrays(arrays: dict[str, NDArray[Any]], columns: int) -> Mixture:
    """Take the forecaster out of an artifact's arrays and check that it can be asked.

    Args:
        arrays: as from `read_arrays`.
        columns: how many feature columns the card names.

    Raises:
        ModelError: an array is missing, of another type or shape, or points outside.
    """
    direct = forest_from_arrays(arrays, columns)
    horizon = int(direct.paths.shape[1])
    linear = _linear_from_arrays(arrays, columns, horizon)
    apart = {
        name.removeprefix(_RESIDUAL): array
        for name, array in arrays.items()
        if name.startswith(_RESIDUAL)
    }
    residual = forest_from_arrays(apart, columns + horizon, within=_RESIDUAL)
    if residual.paths.shape[1] != horizon:
        raise ModelError(
            f"the residual forest of model.npz looks {residual.paths.shape[1]} intervals ahead, "
            f"the direct one {horizon}"
        )
    return Mixture(direct, linear, residual)


def _linear_from_arrays(
    arrays: dict[str, NDArray[Any]], columns: int, horizon: int
) -> LinearForecast:
    found = {}
    for field in fields(LinearForecast):
        name = _LINEAR + field.name
        if name not in arrays:
            raise ModelError(f"model.npz has no array {name!r}")
        found[field.name] = arrays[name]
    used = len(found["columns"]) if found["columns"].ndim == 1 else -1
    shapes = {
        "columns": (used,),
        "centre": (used,),
        "spread": (used,),
        "intercept": (horizon,),
        "slopes": (used, horizon),
        "limit": (1,),
    }
    for name, shape in shapes.items():
        dtype = np.dtype(np.int16 if name == "columns" else np.float64)
        array = found[name]
        if array.dtype != dtype or array.shape != shape:
            raise ModelError(
                f"array {_LINEAR + name!r} is {array.dtype} of shape {array.shape}; {dtype} of "
                f"shape {shape} is needed"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"array {_LINEAR + name!r} holds values that are not finite")
    if ((found["columns"] < 0) | (found["columns"] >= columns)).any():
        raise ModelError(f"array {_LINEAR + 'columns'!r} points outside the {columns} features")
    if (found["spread"] <= 0).any() or found["limit"][0] <= 0:
        raise ModelError(f"arrays {_LINEAR}spread and {_LINEAR}limit of model.npz must be above 0")
    return LinearForecast(**found)
