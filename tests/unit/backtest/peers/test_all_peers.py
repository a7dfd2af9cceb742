"""What holds for every peer: no look-ahead, bounds, the same answer twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from predictive_autoscaler.backtest.peers import PEERS, Peer, PeerContext, Setting, by_name
from predictive_autoscaler.core.types import Bounds, FloatArray
from predictive_autoscaler.errors import UsageError
from tests.unit.backtest.peers.contexts import context, shop_context

SHOP = shop_context()
NAMES = (
    "oracle",
    "static peak",
    "target tracking 70 %",
    "target tracking 80 %",
    "target tracking 90 %",
    "step scaling",
    "aws predictive",
    "seasonal naive + reactive",
    "holt-winters + reactive",
    "five-feature forest",
)
CUTS = (SHOP.first + 1, SHOP.first + 100, SHOP.first + 288, SHOP.first + 439)

every_peer = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
blind_peers = pytest.mark.parametrize(
    "peer", [peer for peer in PEERS if not peer.sees_future], ids=lambda peer: peer.name
)


def changed_after(given: PeerContext, cut: int) -> PeerContext:
    """The same up to bin `cut`, and something wholly different from it on."""
    rng = np.random.default_rng(cut)
    demand = given.demand.copy()
    demand[cut:] = rng.uniform(0, 3, len(demand) - cut) * demand[:cut].max()
    return replace(given, demand=demand)


def test_the_peers_are_known_by_name() -> None:
    assert tuple(peer.name for peer in PEERS) == NAMES
    for peer in PEERS:
        assert by_name(peer.name) is peer


def test_only_the_two_bounds_see_the_future() -> None:
    assert {peer.name for peer in PEERS if peer.sees_future} == {"oracle", "static peak"}


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'crystal ball'.*'oracle'.*'five-feature forest'"):
        by_name("crystal ball")


@blind_peers
def test_what_comes_later_changes_nothing(peer: Peer) -> None:
    asked = peer.asked(SHOP)
    for cut in CUTS:
        # The decision for the bin at the cut has seen the bins before it only
        same = cut - SHOP.first + 1
        other = peer.asked(changed_after(SHOP, cut))
        assert asked[:same].tobytes() == other[:same].tobytes(), f"looked ahead of {cut}"


@blind_peers
def test_the_demand_matters_at_all(peer: Peer) -> None:
    assert not np.array_equal(peer.asked(SHOP), peer.asked(changed_after(SHOP, CUTS[0])))


@every_peer
def test_whole_instances_within_the_bounds(peer: Peer) -> None:
    bounds = Bounds(4, 9)
    tight = replace(SHOP, setting=replace(SHOP.setting, bounds=bounds))
    asked = peer.asked(tight)
    assert asked.shape == (len(SHOP.demand) - SHOP.first,)
    assert 4 <= asked.min() <= asked.max() == 9
    np.testing.assert_array_equal(asked, np.round(asked))


@every_peer
def test_the_same_twice(peer: Peer) -> None:
    again = replace(SHOP, demand=SHOP.demand.copy())
    assert peer.asked(SHOP).tobytes() == peer.asked(again).tobytes()


@every_peer
def test_absent_bins_are_got_over(peer: Peer) -> None:
    demand = SHOP.demand.copy()
    demand[[*range(10), *range(900, 930), *range(SHOP.first + 40, SHOP.first + 60)]] = np.nan
    asked = peer.asked(replace(SHOP, demand=demand))
    assert np.isfinite(asked).all()


@every_peer
def test_another_grid_will_do(peer: Peer) -> None:
    # Given bins of 15 minutes, an hour to boot, and a trace that begins within an hour
    demand = SHOP.demand.reshape(-1, 3).sum(axis=1)
    setting = replace(SHOP.setting, interval_seconds=900, boot_bins=4)
    given = PeerContext(demand, SHOP.start.replace(minute=45), SHOP.first // 3, setting)
    assert len(peer.asked(given)) == len(demand) - given.first


@every_peer
@pytest.mark.parametrize("demand", [[], [50.0], [np.nan, np.nan], [0.0, 0.0, 0.0]])
def test_next_to_no_history_will_do(peer: Peer, demand: list[float]) -> None:
    asked = peer.asked(context(demand))
    assert asked.tolist() == [1.0] * len(demand)


def test_a_context_needs_a_zone_and_a_bin_of_its_trace() -> None:
    setting, demand = Setting(1.0, Bounds(1, 2)), np.zeros(3)
    with pytest.raises(ValueError, match="aware"):
        PeerContext(demand, datetime(2026, 11, 2), 0, setting)  # noqa: DTZ001
    with pytest.raises(ValueError, match="first is 4; allowed are 0 to 3"):
        PeerContext(demand, SHOP.start, 4, setting)


def test_peers_do_what_they_are_there_for() -> None:
    # Given the shop with its sale, every peer is cheaper than the static peak,
    asked: dict[str, FloatArray] = {peer.name: peer.asked(SHOP) for peer in PEERS}
    hours = {name: capacity.sum() for name, capacity in asked.items()}
    assert max(hours, key=lambda name: hours[name]) == "static peak"
    # and the oracle the cheapest of those that miss nothing
    assert min(hours, key=lambda name: hours[name]) == "oracle"
    assert hours["target tracking 70 %"] > hours["target tracking 80 %"]
    assert hours["target tracking 80 %"] > hours["target tracking 90 %"]
    assert (asked["aws predictive"] >= 1).all()
