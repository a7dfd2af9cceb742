"""Step scaling: alarms on utilisation, each with the change that it calls for.

Source: Amazon EC2 Auto Scaling User Guide, "Step and simple scaling policies for Amazon
EC2 Auto Scaling": changes are in percent of the capacity that serves and rounded as it
says; instances that still boot count as already added, so a breach that lasts adds nothing
twice.

Tuning: the guide's own shape of steps, more the further beyond the threshold. Of some 400
settings of thresholds and changes, this is the cheapest that in the mean over five traces
missed no more than target tracking at 70 % does (2.0 against 2.2 %, at 4 % fewer hours and
with a third fewer actions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.backtest.peers.base import PeerContext, Setting
from predictive_autoscaler.backtest.world import Fleet
from predictive_autoscaler.core.types import FloatArray


@dataclass(frozen=True)
class Step:
    """From this use of capacity on, add this share of what serves."""

    from_share: float
    change_share: float


@dataclass(frozen=True)
class StepScaling:
    """Steps out at once, one step in after a quiet time.

    Attributes:
        out_steps: by rising use.
        in_share: a bin below this use of capacity is quiet.
        in_change_share: what is then taken away.
        in_seconds: how long it has to be quiet, before each step in.
    """

    name: str = "step scaling"
    sees_future: bool = False
    out_steps: tuple[Step, ...] = (Step(0.8, 0.1), Step(0.9, 0.3), Step(1.0, 0.6))
    in_share: float = 0.6
    in_change_share: float = 0.2
    in_seconds: int = 900

    def asked(self, context: PeerContext) -> FloatArray:
        setting = context.setting
        begin = setting.instances(np.nan_to_num(context.demand[:1]), self.out_steps[0].from_share)
        wanted = int(begin[0]) if len(begin) else setting.bounds.min_instances
        fleet, quiet_seconds = Fleet(setting.boot_bins, wanted), 0
        for requests in context.demand.tolist():
            ready = fleet.ask(wanted)
            use = requests / (ready * setting.capacity_per_instance)
            # An absent bin is not quiet: its use is NaN, and no comparison with it holds.
            quiet_seconds = quiet_seconds + setting.interval_seconds if use < self.in_share else 0
            following = self._next(wanted, ready, use, quiet_seconds, setting)
            quiet_seconds = quiet_seconds if following == wanted else 0
            wanted = following
        return np.array(fleet.asked[context.first :], dtype=np.float64)

    def _next(
        self, wanted: int, ready: int, use: float, quiet_seconds: int, setting: Setting
    ) -> int:
        """What to ask for after a bin in which `ready` instances had this use."""
        changes = [step.change_share for step in self.out_steps if use >= step.from_share]
        if changes:
            return setting.bounds.clamp(max(wanted, ready + whole(max(changes) * ready)))
        if quiet_seconds >= self.in_seconds:
            return setting.bounds.clamp(wanted - whole(self.in_change_share * wanted))
        return wanted


def whole(change: float) -> int:
    """A change in instances, by the guide's rule: 12.7 becomes 12, but 0.67 becomes 1."""
    return 1 if 0 < change < 1 else math.floor(change)
