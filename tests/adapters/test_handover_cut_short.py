"""Handing over on the simulated AWS, cut short at every call: before it, and before its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.nets import AutoScalingNets
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.stores import StoredControls
from predictive_autoscaler.app.handover import HandOver, Targets
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.ports import GroupControl, Net
from tests.adapters.test_nets import CPU, REQUESTS, put
from tests.helpers.shop import GROUP, World, world

BEFORE, AFTER = "before-call", "after-call"
CHANGES = [("observe", "full"), ("off", "full"), ("full", "observe"), ("full", "off")]
CALLS = [
    "ListObjectsV2",
    "GetObject",
    "DescribePolicies",
    "PutScalingPolicy",
    "PutScalingPolicy",
    "GetObject",
    "PutObject",
    "DescribePolicies",
]
"""Of one change."""
ORDINARY = (Net("web-cpu", "cpu", 70.0, True), Net("web-requests", "requests", 1000.0, True))
AS_NETS = (Net("web-cpu", "cpu", 85.0, False), Net("web-requests", "requests", 240.0, False))
TARGETS = Targets(70.0, 1000.0, 240.0)


@dataclass
class Cut:
    """Loses one of the calls, once armed.

    Attributes:
        at: its number, from 0 on; None loses none.
        side: whether it is never made, or made and its answer is lost.
        calls: their operations, in order.
    """

    at: int | None = None
    side: str = BEFORE
    armed: bool = False
    calls: list[str] = field(default_factory=list)

    def before(self, model: Any, **_: Any) -> None:
        if not self.armed:
            return
        self.calls.append(model.name)
        if self.side == BEFORE and len(self.calls) - 1 == self.at:
            raise EndpointConnectionError(endpoint_url="https://aws")

    def after(self, **_: Any) -> None:
        if self.armed and self.side == AFTER and len(self.calls) - 1 == self.at:
            raise ReadTimeoutError(endpoint_url="https://aws")


@dataclass
class Place:
    """The shop's group with its policies and its mode on the simulated AWS; the rest in memory."""

    aws: Clients
    cut: Cut
    made: World

    @property
    def nets(self) -> AutoScalingNets:
        return AutoScalingNets(self.aws.autoscaling)

    @property
    def controls(self) -> StoredControls:
        return StoredControls(S3Objects(self.aws.s3, "autoscaler-tests"))

    def begin(self, mode: str) -> None:
        net = mode == "full"
        put(self.aws, GROUP, "web-cpu", CPU, 85.0 if net else 70.0, scale_in=not net)
        put(self.aws, GROUP, "web-requests", REQUESTS, 240.0 if net else 1000.0, scale_in=not net)
        self.controls.save(GROUP, GroupControl(mode))

    def change(self, before: str, after: str) -> None:
        HandOver(self.nets, self.controls).change(GROUP, before, after, TARGETS)

    def tick(self) -> None:
        self.made.nets, self.made.controls = self.nets, self.controls  # type: ignore[assignment]
        assert self.made.step()["status"] == "completed"

    @property
    def mode(self) -> str | None:
        found = self.controls.load_each([GROUP])[GROUP]
        assert isinstance(found, GroupControl)
        return found.mode

    @property
    def policies(self) -> object:
        return self.nets.read([GROUP])[GROUP]

    @property
    def agrees(self) -> bool:
        return self.policies == (AS_NETS if self.mode == "full" else ORDINARY)


@pytest.fixture
def place(aws: Clients, s3_objects: S3Objects) -> Iterator[Place]:
    # The simulated AWS takes policies without their group, which would take it a second to make.
    cut = Cut()
    clients = (aws.autoscaling, aws.s3)
    for client in clients:
        client.meta.events.register("before-call.*", cut.before)
        client.meta.events.register("after-call.*", cut.after)
    yield Place(aws, cut, world(with_model=False, MODE="observe"))
    for client in clients:
        client.meta.events.unregister("before-call.*", cut.before)
        client.meta.events.unregister("after-call.*", cut.after)


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_the_calls_of_a_change(place: Place, before: str, after: str) -> None:
    """The premise of what follows: these are all there are to be cut off at."""
    place.begin(before)
    place.cut.armed = True
    place.change(before, after)
    place.cut.armed = False
    assert place.cut.calls == CALLS
    assert place.agrees
    assert place.mode == after


def cut_off(place: Place, before: str, after: str, number: int, side: str) -> None:
    """Change the mode, and lose a call. What is left is safe without anybody's help."""
    place.begin(before)
    place.cut.at, place.cut.side, place.cut.armed = number, side, True
    try:
        place.change(before, after)
    except AutoscalerError:
        assert number < len(CALLS) - 1
    place.cut.armed = False
    # A policy that is refused does not keep the others from being set; all else ends the change.
    last_set = len(CALLS) - 1 - CALLS[::-1].index("PutScalingPolicy")
    ended = last_set if CALLS[number] == "PutScalingPolicy" else number
    assert place.cut.calls == CALLS[: ended + 1]
    if place.mode != before:
        # A new mode finds its policies ready: none scales in beside the controller, and none
        # is missing where the controller has gone.
        assert place.mode == after
        assert place.agrees


ANYWHERE = pytest.mark.parametrize("side", [BEFORE, AFTER])
NUMBERS = pytest.mark.parametrize("number", range(len(CALLS)), ids=lambda n: f"{n} {CALLS[n]}")


@ANYWHERE
@NUMBERS
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_tick_brings_mode_and_policies_into_agreement(
    place: Place, before: str, after: str, number: int, side: str
) -> None:
    cut_off(place, before, after, number, side)
    said = place.mode
    place.tick()
    assert place.mode == said
    assert place.agrees
    place.change(said or "", after)
    assert place.mode == after
    assert place.agrees


@ANYWHERE
@NUMBERS
@pytest.mark.parametrize(("before", "after"), CHANGES[::2])
def test_the_same_change_at_once_carries_on(
    place: Place, before: str, after: str, number: int, side: str
) -> None:
    cut_off(place, before, after, number, side)
    place.change(place.mode or "", after)
    assert place.mode == after
    assert place.agrees
