"""A small world whose every port can be made to fail, from one tick to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.ports import Net, Ports
from tests.helpers.shop import DECIDED_FROM, GROUP, START, World, world

CALM, FAULTY, HEALED = 1, 2, 4
"""Ticks before, during and after a fault."""
START_INSTANCES = 40
"""So many that a calm night scales in at once: whoever holds, is seen to hold."""
FIRST = int((DECIDED_FROM - START).total_seconds()) // 900
"""The bin that begins with the first slot; the newest one known then is the one before."""

AS_NETS = (Net("web-cpu", "cpu", 85.0, False), Net("web-requests", "requests", 240.0, False))
"""The group's own policies, as mode full wants them."""


class Switch:
    """A port with a fault that can be turned on: calls named in `faults` go there instead.

    Attributes:
        faults: by method; each gets the real method, and then what that would get.
    """

    def __init__(self, port: Any) -> None:
        self.port = port
        self.faults: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.port, name)
        fault = self.faults.get(name)
        if fault is None:
            return real
        return lambda *given, **options: fault(real, *given, **options)


@dataclass
class Scene:
    """One group's world, a controller that stays warm, and what came of its ticks.

    Attributes:
        ports: switches, by the name of the port.
        errors: of ticks that ended with one: Lambda would count a failed call.
    """

    world: World
    ports: dict[str, Switch]
    controller: Controller
    records: list[Json] = field(default_factory=list)
    errors: list[AutoscalerError] = field(default_factory=list)
    capacities: list[int] = field(default_factory=list)

    @property
    def capacity(self) -> int:
        return self.world.actuator.groups[GROUP].desired_instances

    def tick(self, **options: Any) -> Json:
        """One step; time moves on."""
        try:
            record = self.controller.run_once(**options)
        except AutoscalerError as error:
            self.errors.append(error)
            record = {"status": "raised", "groups": {}}
        self.records.append(record)
        if GROUP in self.world.actuator.groups:
            self.capacities.append(self.capacity)
        self.world.clock.advance(self.world.groups[0].parameters.interval)
        return record

    def heal(self) -> None:
        """Turn all faults of ports off."""
        for switch in self.ports.values():
            switch.faults.clear()

    @property
    def told(self) -> str:
        """Everything that was said: to people, in the log, in records, by errors."""
        messages = [f"{subject} {text}" for subject, text in self.world.notifier.messages]
        texts = [*messages, *self.world.lines, *map(str, self.records), *map(str, self.errors)]
        return "\n".join(texts)


def scene(made: World | None = None) -> Scene:
    """A calm night with too many instances."""
    made = made or world(desired=START_INSTANCES)
    made.nets.nets[GROUP] = AS_NETS
    plain = made.controller()._ports
    ports = {name: Switch(port) for name, port in vars(plain).items()}
    switched: Any = ports
    controller = Controller(Ports(**switched), made.groups, made.lines.append)
    return Scene(made, ports, controller)


def part(record: Json) -> Json:
    """The group's part of a record; empty where there is none."""
    found: Json = record.get("groups", {}).get(GROUP, {})
    return found
