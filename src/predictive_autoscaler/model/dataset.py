"""Recorded metrics as rows to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.features import (
    FeatureParameters,
    FeatureTable,
    build_features,
    following,
)
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.timegrid import carry_forward
from predictive_autoscaler.core.types import BoolArray, FloatArray, Quality, Samples


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features of every bin, what followed it, and which rows may be learned.

    Attributes:
        paths: (bins, horizon bins) log-ratio to the level of the demand in each following
            bin. The label is the largest of them.
        learnable: (bins,) rows whose features and label rest on trusted bins.
        filled_bins, masked_bins: absent bins that were filled, and that were left out.
        censored_bins: overloaded bins, whose demand is only a lower bound.
    """

    table: FeatureTable
    paths: FloatArray
    learnable: NDArray[np.bool_]
    filled_bins: int
    masked_bins: int
    censored_bins: int


def make_dataset(
    samples: Samples, parameters: FeatureParameters, negligible_requests: float
) -> Dataset:
    """Assess, fill, build features and labels.

    A label that touches an overloaded or partial bin is not learned: it is only a lower
    bound. Absent bins count as filled within an hour of the last value and are masked
    beyond it, whether as input or as label.
    """
    assessed = assess(samples, negligible_requests)
    table = build_features(samples, assessed.requests, parameters)
    absent = np.isnan(assessed.requests)
    lost = _in_long_gap(absent, parameters.fill_bins)
    exact = np.where(assessed.trusted & ~lost, assessed.requests, np.nan)
    filled = np.where(lost, np.nan, carry_forward(exact, parameters.fill_bins))
    paths = table.level.log_ratio(following(filled, parameters.horizon_bins))
    bounded = (assessed.quality == Quality.CENSORED) | (assessed.quality == Quality.PARTIAL)
    touches_bound = following(bounded.astype(np.float64), parameters.horizon_bins).max(axis=1)
    whole = ~np.isnan(paths).any(axis=1) & (touches_bound == 0.0)
    stood_in = absent & ~lost & ~np.isnan(table.filled_demand)
    return Dataset(
        table=table,
        paths=paths,
        learnable=table.usable & ~lost & whole,
        filled_bins=int(stood_in.sum()),
        masked_bins=int((absent & ~stood_in).sum()),
        censored_bins=int((assessed.quality == Quality.CENSORED).sum()),
    )


def _in_long_gap(absent: BoolArray, longest_filled: int) -> BoolArray:
    """Bins of gaps longer than what is filled, shape (bins,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], absent, [False]]).astype(np.int8)))
    lost = np.zeros(len(absent), dtype=bool)
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first > longest_filled:
            lost[first:last] = True
    return lost
