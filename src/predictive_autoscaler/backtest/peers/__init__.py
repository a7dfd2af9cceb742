"""Policies to compare with: the bounds of what is possible, and what people use today.

Every peer is tuned as its users would tune it, with one setting for all traces; each
module names its source. The figures behind the tunings are in docs/scaling-quality.md.
"""

from __future__ import annotations

from predictive_autoscaler.backtest.peers.base import Peer, PeerContext, Setting
from predictive_autoscaler.backtest.peers.five_features import FiveFeatureForest
from predictive_autoscaler.backtest.peers.foresight import Oracle, StaticPeak, oracle
from predictive_autoscaler.backtest.peers.holt_winters import HoltWinters
from predictive_autoscaler.backtest.peers.native_predictive import NativePredictive
from predictive_autoscaler.backtest.peers.reactive import Tracking, target_tracking
from predictive_autoscaler.backtest.peers.seasonal import SeasonalNaive
from predictive_autoscaler.backtest.peers.step_scaling import StepScaling
from predictive_autoscaler.errors import UsageError

__all__ = ["PEERS", "Peer", "PeerContext", "Setting", "by_name", "oracle", "target_tracking"]

PEERS: tuple[Peer, ...] = (
    Oracle(),
    StaticPeak(),
    Tracking("target tracking 70 %", 0.7),
    Tracking("target tracking 80 %", 0.8),
    Tracking("target tracking 90 %", 0.9),
    StepScaling(),
    NativePredictive(),
    SeasonalNaive(),
    HoltWinters(),
    FiveFeatureForest(),
)


def by_name(name: str) -> Peer:
    """The peer of this name.

    Raises:
        UsageError: there is none; the message names those there are.
    """
    for peer in PEERS:
        if peer.name == name:
            return peer
    known = ", ".join(repr(peer.name) for peer in PEERS)
    raise UsageError(f"there is no peer named {name!r}; known are {known}")
