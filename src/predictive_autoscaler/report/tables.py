"""What the tables and the big numbers of a page are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.numbers import UNKNOWN, factor, grouped, percent
from predictive_autoscaler.report.replay import PolicyRun


@dataclass(frozen=True)
class Figure:
    """One big number.

    Attributes:
        label: what it is.
        value: the number as text.
        note: what it is to be compared with.
    """

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table, and whether it is the best of its column."""

    text: str
    best: bool = False


def least(values: Sequence[float]) -> float | None:
    """The least, if it stands out."""
    return min(values) if len(set(values)) > 1 else None


def cost_text(score: ScalingScore, oracle: PolicyRun | None) -> str:
    """Hours against the oracle's, if there are any."""
    if oracle is None or oracle.score.instance_hours <= 0:
        return UNKNOWN
    return factor(score.cost_against(oracle.score))


def forecast_cells(score: Mapping[str, float] | None) -> list[str] | None:
    """WAPE, pinball loss and coverage; None where the predictor had no answer."""
    if score is None:
        return None
    return [
        percent(score.get("wape", math.nan)),
        grouped(score.get("pinball", math.nan), 3),
        percent(score.get("coverage", math.nan)),
    ]
