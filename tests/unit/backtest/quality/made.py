"""Recordings and figures for the tests of the measurement."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from predictive_autoscaler.backtest.quality.figures import Figure
from predictive_autoscaler.backtest.quality.plan import Variant
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.core.workloads import recorded_shop
from tests.unit.backtest.test_lab import written

START = datetime(2026, 3, 2, tzinfo=UTC)
QUICK = tuple(Variant(name, name) for name in ("oracle", "static peak", "target tracking 70 %"))


def quick_variants(trace: str) -> list[Variant]:
    """Stands in for the plan's, without our own policies, which take their time."""
    assert trace
    return list(QUICK)


def recordings(folder: Path, *names: str, days: int = 7) -> Path:
    """A folder with a generated shop under each of these names, minutes for the first."""
    for seed, name in enumerate(names):
        written(folder / f"{name}.csv", recorded_shop(START, days, seed, ()))
    minutes = np.repeat(recorded_shop(START, days, 0, ()).requests / 5, 5)
    written(folder / "minute" / f"{names[0]}.csv.gz", Samples.of(START, 60, {"requests": minutes}))
    return folder


def figure(cost: float, missed_percent: float, actions: int = 100) -> Figure:
    return Figure(cost, missed_percent / 100, cost * 1000, actions)
