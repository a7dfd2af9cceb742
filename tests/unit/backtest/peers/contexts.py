"""Traces for the tests of the peers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from predictive_autoscaler.backtest.peers import PeerContext, Setting
from predictive_autoscaler.core.types import Bounds, FloatArray
from predictive_autoscaler.core.workloads import Sale, recorded_shop

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
C = 100.0
BOUNDS = Bounds(1, 50)
DAY_BINS = 288


def context(
    demand: Sequence[float] | FloatArray,
    first: int = 0,
    *,
    start: datetime = MONDAY,
    bounds: Bounds = BOUNDS,
    interval_seconds: int = 300,
    boot_bins: int = 1,
    seed: int = 1,
) -> PeerContext:
    setting = Setting(C, bounds, interval_seconds, boot_bins)
    return PeerContext(np.asarray(demand, dtype=np.float64), start, first, setting, seed)


def shop_context(days: int = 8, first_day: int = 6, seed: int = 3) -> PeerContext:
    """A generated shop of about 20 instances at its peak, with a sale in the evaluated part."""
    sale = Sale(start_seconds=first_day * 86400 + 30_000.0)
    shop = recorded_shop(MONDAY, days, seed, (sale,))
    capacity = float(np.quantile(shop.requests, 0.99)) / 20
    setting = Setting(capacity, Bounds(1, 30))
    return PeerContext(shop.requests, MONDAY, first_day * DAY_BINS, setting)


def days_of(*levels: float, day_bins: int = DAY_BINS) -> FloatArray:
    """One level a day."""
    return np.repeat(np.array(levels), day_bins)
