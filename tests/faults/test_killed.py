"""The run killed between any two steps, and two runs racing for one slot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.adapters.stores import StoredDecisions
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.ports import Ports
from tests.faults.scene import Scene, part, scene
from tests.helpers.shop import GROUP, World, world


class KilledError(BaseException):
    """Nothing in the controller may catch it: the process is gone."""


class Guillotine:
    """Ends the run at the n-th call of any port, before the call or right after it.

    Attributes:
        calls: what was called, in order.
    """

    def __init__(self, at: int | None = None, *, after_call: bool = False) -> None:
        self.at = at
        self.after_call = after_call
        self.calls: list[str] = []

    def over(self, made: Scene) -> None:
        for name, switch in made.ports.items():
            for method in [one for one in dir(switch.port) if not one.startswith("_")]:
                if callable(getattr(switch.port, method)):
                    switch.faults[method] = self._watch(f"{name}.{method}")

    def _watch(self, name: str) -> Callable[..., Any]:
        def call(real: Any, *given: Any, **options: Any) -> Any:
            self.calls.append(name)
            mine = len(self.calls) == self.at
            if mine and not self.after_call:
                raise KilledError
            answer = real(*given, **options)
            if mine:
                raise KilledError
            return answer

        return call


def whole_run() -> list[str]:
    """The calls of one undisturbed tick that changes something."""
    made = scene()
    watch = Guillotine()
    watch.over(made)
    made.tick()
    assert "actuator.set_desired" in watch.calls
    return watch.calls


CALLS = whole_run()


@pytest.mark.parametrize("after_call", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(CALLS) + 1), ids=lambda at: f"{at} {CALLS[at - 1]}")
def test_killed(at: int, after_call: bool) -> None:
    made = scene()
    Guillotine(at, after_call=after_call).over(made)
    slot_time = made.world.clock.now()
    with pytest.raises(KilledError):
        made.controller.run_once()
    made.heal()
    claimed = CALLS.index("decisions.claim") + 1
    has_claimed = at > claimed or (at == claimed and after_call)
    # EventBridge may deliver twice: the same slot once more, by a fresh function.
    again = fresh(made).run_once(slot_time)
    assert again["status"] == ("taken" if has_claimed else "completed")
    assert len(made.world.actuator.calls) <= 1
    interval = made.world.groups[0].parameters.interval
    record = made.world.decisions.load(floor_to(slot_time, interval))
    assert record is not None
    assert part(record)["decision"] is not None
    # The next tick starts from what there is and ends in the right state.
    made.world.clock.advance(interval)
    following = fresh(made).run_once()
    assert following["status"] == "completed"
    wanted = part(following)["decision"]["after_instances"]
    assert made.capacity == wanted
    assert part(following)["state"]["instances"] == wanted
    assert len(made.world.actuator.calls) <= 2


def fresh(made: Scene) -> Controller:
    """A function that remembers nothing."""
    ports: Any = made.ports
    return Controller(Ports(**ports), made.world.groups, made.world.lines.append)


class Store:
    """One slot's race: two controllers with their own memory, the same bucket and group."""

    def __init__(self, folder: Path) -> None:
        self.made: World = world(desired=40, with_model=False)
        interval = self.made.groups[0].parameters.interval
        self.made.decisions = StoredDecisions(DirectoryObjects(folder), interval)

    def race(self) -> list[Json]:
        answers: list[Json] = []
        start = threading.Barrier(2)

        def run(controller: Controller) -> None:
            start.wait()
            answers.append(controller.run_once())

        threads = [threading.Thread(target=run, args=(self.made.controller(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


@pytest.mark.parametrize(
    "races", [20, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_of_two_runs_for_a_slot_one_acts(races: int, tmp_path: Path) -> None:
    store = Store(tmp_path)
    ours = store.made
    end = ours.clock.now() + 90 * ours.groups[0].parameters.interval
    for number in range(races):
        if ours.clock.now() >= end:  # the recording is over: a new story
            store = Store(tmp_path / str(number))
            ours = store.made
            end = ours.clock.now() + 90 * ours.groups[0].parameters.interval
        before = len(ours.actuator.calls)
        answers = store.race()
        assert sorted(answer["status"] for answer in answers) == ["completed", "taken"]
        (done,) = [answer for answer in answers if answer["status"] == "completed"]
        acted = ours.actuator.calls[before:]
        expected = part(done)["outcome"]["status"] == "applied"
        assert len(acted) == int(expected)
        assert (
            ours.actuator.groups[GROUP].desired_instances
            == (part(done)["decision"]["after_instances"])
        )
        ours.clock.advance(ours.groups[0].parameters.interval)
