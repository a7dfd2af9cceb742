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

    The demand of a partial bin is only a lower bound, and no label. So is that of an
    overloaded one; yet without the surges that overloaded the group, the forecast would
    never expect one. Their labels are learned where even the bound lies above the recent
    level. Absent bins count as filled within an hour of the last value and are masked
    beyond it, whether as input or as label.
    """
    assessed = assess(samples, negligible_requests)
    table = build_features(samples, assessed.requests, parameters)
    absent = np.isnan(assessed.requests)
    lost = _in_long_gap(absent, parameters.fill_bins)
    censored = assessed.quality == Quality.CENSORED
    counted = np.where((assessed.trusted | censored) & ~lost, assessed.requests, np.nan)
    filled = np.where(lost, np.nan, carry_forward(counted, parameters.fill_bins))
    paths = table.level.log_ratio(following(filled, parameters.horizon_bins))
    partial = _ahead(assessed.quality == Quality.PARTIAL, parameters.horizon_bins)
    says_nothing = partial | (_ahead(censored, parameters.horizon_bins) & (paths <= 0))
    whole = ~np.isnan(paths).any(axis=1) & ~says_nothing.any(axis=1)
    stood_in = absent & ~lost & ~np.isnan(table.filled_demand)
    return Dataset(
        table=table,
        paths=paths,
        learnable=table.usable & ~lost & whole,
        filled_bins=int(stood_in.sum()),
        masked_bins=int((absent & ~stood_in).sum()),
        censored_bins=int(censored.sum()),
    )


def _ahead(flags: BoolArray, horizon_bins: int) -> BoolArray:
    """Whether each bin of the horizon after each bin is flagged, (bins, horizon bins)."""
    ahead: BoolArray = following(flags.astype(np.float64), horizon_bins) == 1.0
    return ahead


def _in_long_gap(absent: BoolArray, longest_filled: int) -> BoolArray:
    """Bins of gaps longer than what is filled, shape (bins,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], absent, [False]]).astype(np.int8)))
    lost = np.zeros(len(absent), dtype=bool)
    for first, last in edges.reshape(-1, 2).tolist():
        if last - first > longest_filled:
            lost[first:last] = True
    return lost
