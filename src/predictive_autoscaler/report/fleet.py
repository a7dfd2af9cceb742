"""What the report on a fleet's training shows, and its one picture, laid out for SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from predictive_autoscaler.report.numbers import THIN, counted

WIDTH, HEIGHT = 640, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 630.0, 10.0, 186.0
_STEP = 0.05
_MOST = 2.0
"""Ratios from here on share the last bar: one that is far off must not squeeze all others."""
_TICKS = 10
_COUNT_TICKS = 5


@dataclass(frozen=True)
class FleetRow:
    """One group.

    Attributes:
        state: what became of it, in a word or two.
        rows: intervals that were learned from; None where there is no model.
        wape, pinball, coverage: of the model on held-back time; NaN where there is none.
        baseline: the best of the baselines by pinball loss.
        ratio: the model's pinball loss over that baseline's; NaN where one is absent.
        skilled: better than every baseline; None where there is no model.
        published: version.
        seconds: that its training took.
        note: what a reader must know of its scores, or why it was not trained.
    """

    name: str
    state: str
    rows: int | None = None
    wape: float = math.nan
    pinball: float = math.nan
    coverage: float = math.nan
    baseline: str = ""
    ratio: float = math.nan
    skilled: bool | None = None
    published: str = ""
    seconds: float = math.nan
    note: str = ""
    error: str = ""


@dataclass(frozen=True)
class FleetReport:
    """Everything on the page.

    Attributes:
        throughput: how quickly this run trained, in words; empty if it trained nothing.
        facts: short label and value pairs.
    """

    title: str
    rows: Sequence[FleetRow]
    throughput: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bar:
    """One bar of the picture, in points; `kind` is `better` or `worse`."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Histogram:
    """How many groups have which ratio.

    Attributes:
        x_ticks, y_ticks: place and text.
        one: where the ratio is 1; None if that is outside.
    """

    bars: Sequence[Bar]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    one: float | None


def histogram(ratios: Sequence[float]) -> Histogram | None:
    """The picture of the ratios that are known; None without any."""
    known = np.array([min(ratio, _MOST) for ratio in ratios if math.isfinite(ratio)])
    if not len(known):
        return None
    # A ratio of just 1 is no better than the baseline: it belongs to the bar that begins there.
    steps = np.floor(known / _STEP + 1e-9).astype(int)
    first, last = min(int(steps.min()), round(1 / _STEP) - 1), int(steps.max()) + 1
    last = max(last, round(1 / _STEP))
    counts = np.bincount(steps - first, minlength=last - first)
    most = int(counts.max())
    width = (_RIGHT - _LEFT) / (last - first)
    return Histogram(
        [
            _bar(first + index, groups, most, _LEFT + index * width, width)
            for index, groups in enumerate(counts.tolist())
            if groups
        ],
        _x_ticks(first, last, width),
        [(_up(groups, most), f"{groups}") for groups in _round_counts(most)],
        round(_LEFT + (round(1 / _STEP) - first) * width, 1),
    )


def _bar(step: int, groups: int, most: int, x: float, width: float) -> Bar:
    low, high = step * _STEP, (step + 1) * _STEP
    span = f"{low:.2f} or more" if low >= _MOST - 1e-9 else f"{low:.2f} to {high:.2f}"
    y = _up(groups, most)
    return Bar(
        round(x + 0.5, 1),
        y,
        round(max(width - 1, 1.0), 1),
        round(_BOTTOM - y, 1),
        "better" if step < round(1 / _STEP) else "worse",
        f"{counted(groups, 'group')} at {span}",
    )


def _up(groups: int, most: int) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * groups / most, 1)


def _x_ticks(first: int, last: int, width: float) -> list[tuple[float, str]]:
    apart = max(1, math.ceil((last - first) / _TICKS))
    return [
        (
            round(_LEFT + (step - first) * width, 1),
            f"{step * _STEP:.2f}" + (f"{THIN}+" if step * _STEP >= _MOST - 1e-9 else ""),
        )
        for step in range(first, last + 1)
        if step % apart == 0
    ]


def _round_counts(most: int) -> list[int]:
    """A few counts between nothing and the most."""
    steps = (part * 10**zeros for zeros in count() for part in (1, 2, 5))
    step = next(step for step in steps if most <= _COUNT_TICKS * step)
    return list(range(0, most + 1, step))
