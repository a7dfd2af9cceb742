"""The measured figures of each policy on each recording, as tables and aims read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from predictive_autoscaler.backtest.lab import ORACLE, LabResult


@dataclass(frozen=True)
class Figure:
    """One policy on one recording.

    Attributes:
        cost: billed hours over the oracle's.
        missed: share of the requests, 0 to 1.
        actions: changes of the asked-for capacity.
    """

    cost: float
    missed: float
    instance_hours: float
    actions: int

    def beats(self, other: Figure) -> bool:
        """Better in one measure and not worse in the other."""
        at_least = self.cost <= other.cost and self.missed <= other.missed
        return at_least and (self.cost < other.cost or self.missed < other.missed)

    def worse_in_both(self, other: Figure) -> bool:
        return self.cost > other.cost and self.missed > other.missed


Figures = Mapping[str, Mapping[str, Figure]]
"""By trace, then by the label of the variant."""


def figures_of(result: LabResult) -> dict[str, dict[str, Figure]]:
    """The figures of a lab run; a recording without its oracle has no costs and is left out."""
    figures: dict[str, dict[str, Figure]] = {}
    for trace, found in result.results.items():
        oracle = next((one.score for one in found if one.policy == ORACLE), None)
        if oracle is None:
            continue
        figures[trace] = {
            one.policy: Figure(
                cost=one.score.cost_against(oracle),
                missed=one.score.missed_share,
                instance_hours=one.score.instance_hours,
                actions=one.score.actions,
            )
            for one in found
        }
    return figures
