"""What is measured: the recordings, the policies on each, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predictive_autoscaler.backtest.lab import (
    OUR_POLICIES,
    OURS,
    WITH_CARELESS_NET,
    WITH_NET,
    LabTraffic,
    known_policies,
)
from predictive_autoscaler.backtest.replay import WARM_UP, learned_bins, refit_bins

GROUPS: Mapping[str, tuple[str, ...]] = {
    "smooth": ("ms_mongo_app1", "nyc_taxi_30min"),
    "noisy": ("nasa_aug95",),
    "events": ("worldcup98", "ms_mongo_app3", "ms_mongo_app4"),
    "unpredictable": ("nab_elb_request_count", "nab_tweets_AAPL"),
}
"""The recordings by the kind of their traffic."""
TRACES = tuple(name for names in GROUPS.values() for name in names)

BUDGET_SHARE = 0.01
MISS_PRICES = (1.0, 2.0, 4.0, 8.0, 20.0, 60.0)
"""Constant prices of a missed request, for the frontier that the budget is held against."""
HELD_TO_BUDGET = (
    "ms_mongo_app1",
    "nyc_taxi_30min",
    "nasa_aug95",
    "worldcup98",
    "ms_mongo_app3",
)
"""Recordings on which a budget can be held at all; only they get the frontier."""

MEASURED_WITH_NETS = ("ms_mongo_app1", "nasa_aug95", "worldcup98")
"""A recording of each kind: what a net costs differs little within one."""

_SECONDS_A_BIN = {
    "five-feature forest": 0.0015,
    "holt-winters + reactive": 0.0003,
}
_PEER_SECONDS_A_BIN = 0.00002
_REPLAY_SECONDS_A_BIN = 0.005
_SECONDS_A_ROW_LEARNED = 0.0025


@dataclass(frozen=True)
class Variant:
    """A policy with the control parameters to set for it.

    Attributes:
        label: as it stands in tables; the policy's own name where nothing is set.
        parameters: (name, value) pairs.
    """

    label: str
    policy: str
    parameters: tuple[tuple[str, float], ...] = ()


BUDGET = Variant("predictive, budget 1 %", OURS, (("missed_budget", BUDGET_SHARE),))


def at_price(price: float) -> Variant:
    """Our policy at a constant price of a missed request."""
    return Variant(f"predictive, miss price {price:g}", OURS, (("miss_price", price),))


@dataclass(frozen=True, eq=False)
class Work:
    """Variants on a recording that are replayed in one go, on one core.

    Attributes:
        variants: a peer; or some of our own, which share models and forecasts.
    """

    traffic: LabTraffic
    variants: tuple[Variant, ...]

    @property
    def seconds(self) -> float:
        """About how long it takes on one core; only the order and the forecast use it."""
        bins = len(self.traffic.evaluated)
        if not self.is_ours:
            return bins * _SECONDS_A_BIN.get(self.variants[0].policy, _PEER_SECONDS_A_BIN)
        bins += WARM_UP // self.traffic.demand.interval
        demand = self.traffic.demand
        refits = 1 + bins / refit_bins(len(demand), demand.interval)
        learned = refits * learned_bins(len(demand))
        return len(self.variants) * bins * _REPLAY_SECONDS_A_BIN + learned * _SECONDS_A_ROW_LEARNED

    @property
    def is_ours(self) -> bool:
        """Whether it is our own policies that are replayed."""
        return is_ours(self.variants[0])

    @property
    def words(self) -> str:
        """What is replayed on which recording."""
        first = self.variants[0].label
        more = f" and {len(self.variants) - 1} more" if len(self.variants) > 1 else ""
        return f"{first}{more} on {self.traffic.name}"


def is_ours(variant: Variant) -> bool:
    """Whether it is one of our own, which are replayed together."""
    return variant.policy in OUR_POLICIES


def variants(trace: str) -> list[Variant]:
    """What is replayed on a recording, in the order of the tables."""
    nets = (WITH_NET, WITH_CARELESS_NET) if trace in MEASURED_WITH_NETS else ()
    plain = [
        Variant(policy, policy)
        for policy in known_policies()
        if policy not in (WITH_NET, WITH_CARELESS_NET) or policy in nets
    ]
    priced = [at_price(price) for price in MISS_PRICES] if trace in HELD_TO_BUDGET else []
    return [*plain, BUDGET, *priced]


def work_list(traffics: Sequence[LabTraffic]) -> list[Work]:
    """All replays, the longest first, so that no core idles at the end."""
    work = []
    for traffic in traffics:
        chosen = variants(traffic.name)
        work += [Work(traffic, (one,)) for one in chosen if not is_ours(one)]
        ours = tuple(one for one in chosen if is_ours(one))
        work += [Work(traffic, ours)] if ours else []
    return sorted(work, key=lambda item: -item.seconds)
