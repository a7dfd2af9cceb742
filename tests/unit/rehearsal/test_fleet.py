"""The fleet on a clock of its own, with instances that are not processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from predictive_autoscaler.rehearsal.fleet import DRAINING_SECONDS, Fleet, Instance

BOOT = 5.0


@dataclass
class Made:
    port: int | None
    alive: bool = True

    def end(self) -> None:
        self.alive = False


@dataclass
class Scene:
    made: list[Made] = field(default_factory=list)
    targets: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ports = count(1)

        def launch() -> Instance:
            self.made.append(Made(next(ports)))
            return self.made[-1]

        def retarget(ports: Sequence[int]) -> None:
            self.targets.append(tuple(ports))

        self.fleet = Fleet(launch, retarget, BOOT)

    def run(self, desired: int, start: float, end: float, step: float = 0.5) -> None:
        now = start
        while now <= end:
            self.fleet.follow(desired, now)
            now += step


def test_an_instance_serves_once_it_has_booted() -> None:
    scene = Scene()
    scene.run(2, 0, BOOT - 0.5)
    assert scene.fleet.serving(BOOT - 0.5) == 0
    assert scene.targets == []
    scene.fleet.follow(2, BOOT)
    assert scene.targets == [(1, 2)]


def test_one_that_does_not_answer_yet_does_not_serve_however_long() -> None:
    scene = Scene()
    scene.fleet.follow(1, 0)
    scene.made[0].port = None
    scene.run(1, 1, 30)
    assert scene.fleet.serving(30) == 0
    scene.made[0].port = 9
    scene.fleet.follow(1, 31)
    assert scene.targets[-1] == (9,)


def test_what_is_taken_out_gets_no_more_requests_and_may_finish() -> None:
    scene = Scene()
    scene.run(3, 0, 10)
    scene.fleet.follow(1, 10.5)
    assert scene.targets[-1] == (1,)
    assert [made.alive for made in scene.made] == [True, True, True]
    scene.fleet.follow(1, 10.5 + DRAINING_SECONDS)
    assert [made.alive for made in scene.made] == [True, False, False]
    assert (scene.fleet.started, scene.fleet.ended, scene.fleet.lost) == (3, 2, 0)


def test_those_still_booting_go_first() -> None:
    scene = Scene()
    scene.run(2, 0, 10)
    scene.fleet.follow(4, 10.5)
    scene.run(2, 11, 20)
    assert scene.targets == [(1, 2)]


def test_it_costs_from_launch_until_taken_out() -> None:
    scene = Scene()
    scene.run(2, 0, 10)
    scene.run(1, 10.5, 20)
    assert scene.fleet.billed_seconds == 2 * 10.5 + 1 * 9.5


def test_one_that_dies_is_replaced_and_counted() -> None:
    scene = Scene()
    scene.run(2, 0, 10)
    scene.made[0].alive = False
    scene.run(2, 10.5, 20)
    assert scene.fleet.lost == 1
    assert scene.targets[-1] == (2, 3)


def test_closing_ends_all() -> None:
    scene = Scene()
    scene.run(3, 0, 6)
    scene.fleet.close()
    assert not any(made.alive for made in scene.made)
    assert scene.targets[-1] == ()


def test_once_closed_it_launches_nothing_more() -> None:
    scene = Scene()
    scene.run(2, 0, 1)
    scene.fleet.close()
    scene.run(3, 2, 3)
    assert len(scene.made) == 2


def test_closing_ends_all_even_if_the_balancer_does_not_answer() -> None:
    scene = Scene()
    scene.run(2, 0, 1)

    def broken(ports: Sequence[int]) -> None:
        raise TimeoutError

    scene.fleet.retarget = broken
    with pytest.raises(TimeoutError):
        scene.fleet.close()
    assert not any(made.alive for made in scene.made)
