"""The aims of the project, held against the measured figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.backtest.lab import ORACLE, OURS
from predictive_autoscaler.backtest.peers import PEERS
from predictive_autoscaler.backtest.quality.figures import Figure, Figures
from predictive_autoscaler.backtest.quality.frontier import cost_at
from predictive_autoscaler.backtest.quality.plan import (
    BUDGET,
    GROUPS,
    HELD_TO_BUDGET,
    MISS_PRICES,
    at_price,
)

TRACKING = "target tracking 70 %"
RIVALS = tuple(peer.name for peer in PEERS if peer.name != ORACLE)
"""Whom we are compared with, the static peak included, which also sees the future."""


@dataclass(frozen=True)
class Aim:
    """One aim and what was measured.

    Attributes:
        number: of the aim it belongs to.
        value: None if what it takes was not measured.
        bound: the largest allowed value, or the smallest where `least` is set.
        show: how a value is written.
        note: what the reader must know about the value.
    """

    number: int
    what: str
    value: float | None
    bound: float
    show: Callable[[float], str]
    least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.least else self.value <= self.bound

    @property
    def measured(self) -> str:
        return "not measured" if self.value is None else self.show(self.value)

    @property
    def allowed(self) -> str:
        return f"at {'least' if self.least else 'most'} {self.show(self.bound)}"

    @property
    def verdict(self) -> str:
        return {None: "not measured", True: "met", False: "not met"}[self.met]

    def line(self) -> str:
        """As it is printed."""
        note = f" ({self.note})" if self.note else ""
        return f"{self.number}. {self.what}: {self.measured}{note}, {self.allowed}: {self.verdict}"


def all_aims(figures: Figures, by_minute: Figures) -> list[Aim]:
    """Every aim that figures can decide, in order.

    Args:
        figures: misses counted by the interval.
        by_minute: misses counted by the minute, of the recordings that have minutes.
    """
    parts = (_smooth, _noisy, _events, _unpredictable, _budget, _unbeaten, _actions)
    found = [aim for part in parts for aim in part(figures)]
    return [*found, *_minutes(by_minute)]


def _times(value: float) -> str:
    return f"{value:.3f}"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _smooth(figures: Figures) -> Iterator[Aim]:
    for trace, cost in (("ms_mongo_app1", 1.10), ("nyc_taxi_30min", 1.05)):
        ours = _of(figures, trace, OURS)
        yield Aim(1, f"{trace}: cost", ours.cost if ours else None, cost, _times)
        yield Aim(1, f"{trace}: missed", ours.missed if ours else None, 0.0025, _share)


def _noisy(figures: Figures) -> Iterator[Aim]:
    for trace in GROUPS["noisy"]:
        ours, theirs = _both(figures, trace)
        hours = ours.instance_hours / theirs.instance_hours if ours and theirs else None
        fewer = 1 - ours.missed / theirs.missed if ours and theirs and theirs.missed else None
        yield Aim(2, f"{trace}: hours over {TRACKING}'s", hours, 1.02, _times)
        yield Aim(2, f"{trace}: fewer missed than {TRACKING}", fewer, 0.8, _share, least=True)


def _events(figures: Figures) -> Iterator[Aim]:
    traces = GROUPS["events"]
    yield _worse(3, figures, traces)
    pairs = [_both(figures, trace) for trace in traces]
    ours = [own for own, theirs in pairs if own and theirs]
    tracked = [theirs for own, theirs in pairs if own and theirs]
    whole = len(ours) == len(traces)
    cost = float(np.mean([one.cost for one in ours])) if whole else None
    more = (
        float(np.mean([one.missed for one in ours]) - np.mean([one.missed for one in tracked]))
        if whole
        else None
    )
    yield Aim(3, "events: mean cost", cost, 1.34, _times)
    yield Aim(3, f"events: mean missed less {TRACKING}'s", more, 0.0, _share)


def _unpredictable(figures: Figures) -> Iterator[Aim]:
    traces = GROUPS["unpredictable"]
    for trace in traces:
        ours, theirs = _both(figures, trace)
        hours = ours.instance_hours / theirs.instance_hours if ours and theirs else None
        yield Aim(4, f"{trace}: hours over {TRACKING}'s", hours, 1.03, _times)
    yield _worse(4, figures, traces)


def _budget(figures: Figures) -> Iterator[Aim]:
    for trace in HELD_TO_BUDGET:
        held = _of(figures, trace, BUDGET.label)
        priced = [_of(figures, trace, at_price(price).label) for price in MISS_PRICES]
        best = cost_at(held.missed, [one for one in priced if one]) if held else None
        dearer = held.cost / best.cost if held and best else None
        note = "" if best is None or best.within else "outside the prices tried"
        yield Aim(
            5, f"{trace}: missed with a budget of 1 %", held.missed if held else None, 0.012, _share
        )
        yield Aim(
            5,
            f"{trace}: cost with the budget over the best constant price's",
            dearer,
            1.06,
            _times,
            note=note,
        )


def _unbeaten(figures: Figures) -> Iterator[Aim]:
    for trace in (*GROUPS["smooth"], *GROUPS["noisy"]):
        ours = _of(figures, trace, OURS)
        better = better_in_both(figures, trace) if ours else []
        value = float(len(better)) if ours else None
        yield Aim(6, f"{trace}: peers better in both", value, 0.0, _count, note=", ".join(better))


def _actions(figures: Figures) -> Iterator[Aim]:
    traces = [trace for kind in ("smooth", "noisy", "events") for trace in GROUPS[kind]]
    pairs = [_both(figures, trace) for trace in traces]
    ratios = [
        own.actions / theirs.actions for own, theirs in pairs if own and theirs and theirs.actions
    ]
    whole = len(ratios) == len(traces)
    mean = float(np.exp(np.mean(np.log(ratios)))) if whole else None
    yield Aim(7, f"actions over {TRACKING}'s, geometric mean of {len(traces)}", mean, 1.4, _times)


def _minutes(by_minute: Figures) -> Iterator[Aim]:
    for trace in ("ms_mongo_app1", "nasa_aug95"):
        ours, theirs = _both(by_minute, trace)
        hours = ours.instance_hours / theirs.instance_hours if ours and theirs else None
        missed = ours.missed / theirs.missed if ours and theirs and theirs.missed else None
        what = f"{trace} by the minute"
        yield Aim(9, f"{what}: hours over {TRACKING}'s", hours, 1.0, _times)
        yield Aim(9, f"{what}: missed over {TRACKING}'s", missed, 1.0, _times)


def better_in_both(figures: Figures, trace: str) -> list[str]:
    """Peers that beat us on a recording: better in one measure, not worse in the other."""
    ours = figures[trace][OURS]
    found = figures[trace]
    return [name for name in RIVALS if name in found and found[name].beats(ours)]


def _worse(number: int, figures: Figures, traces: Sequence[str]) -> Aim:
    pairs = [_both(figures, trace) for trace in traces]
    known = all(ours and theirs for ours, theirs in pairs)
    worse = [
        trace
        for trace, (ours, theirs) in zip(traces, pairs, strict=True)
        if ours and theirs and ours.worse_in_both(theirs)
    ]
    what = f"recordings worse than {TRACKING} in both"
    value = float(len(worse)) if known else None
    return Aim(number, what, value, 0.0, _count, note=", ".join(worse))


def _both(figures: Figures, trace: str) -> tuple[Figure | None, Figure | None]:
    return _of(figures, trace, OURS), _of(figures, trace, TRACKING)


def _of(figures: Figures, trace: str, label: str) -> Figure | None:
    return figures.get(trace, {}).get(label)
