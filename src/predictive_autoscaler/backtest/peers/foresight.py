"""The bounds of what is possible: two policies that know the future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.backtest.peers.base import PeerContext, Setting
from predictive_autoscaler.core.types import FloatArray


def oracle(demand: FloatArray, setting: Setting) -> FloatArray:
    """The cheapest capacity that misses nothing, knowing the future.

    What a bin needs must have been asked for `boot_bins` earlier and kept, so each bin
    bills the largest need from itself to a boot ahead.
    """
    need = setting.instances(np.nan_to_num(demand))
    if len(need) == 0:
        return need
    padded = np.concatenate([need, np.full(setting.boot_bins, need[-1])])
    windows = np.lib.stride_tricks.sliding_window_view(padded, setting.boot_bins + 1)
    largest: FloatArray = windows.max(axis=1)
    return largest


@dataclass(frozen=True)
class Oracle:
    """What every cost is a multiple of."""

    name: str = "oracle"
    sees_future: bool = True

    def asked(self, context: PeerContext) -> FloatArray:
        return oracle(context.demand[context.first :], context.setting)


@dataclass(frozen=True)
class StaticPeak:
    """No scaling: a fixed size that carries the largest demand to come, with no headroom.

    A real one would be sized by guess and for growth, so this is its cheapest form.
    """

    name: str = "static peak"
    sees_future: bool = True

    def asked(self, context: PeerContext) -> FloatArray:
        need = context.setting.instances(np.nan_to_num(context.demand[context.first :]))
        return np.full(len(need), need.max(initial=context.setting.bounds.min_instances))
