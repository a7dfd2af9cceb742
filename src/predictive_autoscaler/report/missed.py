"""In which bins a run missed requests."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from predictive_autoscaler.core.types import BoolArray, FloatArray
from predictive_autoscaler.report.replay import PolicyRun


class Traffic(Protocol):
    """Demand, and what an instance carries of it."""

    @property
    def demand(self) -> FloatArray:
        """(bins,) requests per interval."""

    @property
    def capacity_per_instance(self) -> float:
        """Requests per interval."""


def missed_bins(traffic: Traffic, run: PolicyRun) -> BoolArray:
    """In which bins a run missed requests, by the rule of its score; shape (bins,)."""
    carried = run.ready * traffic.capacity_per_instance
    missed: BoolArray = np.nan_to_num(traffic.demand) > np.nan_to_num(carried)
    return missed
