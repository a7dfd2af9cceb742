"""What a rehearsal is played on: the balancer, the instances behind it, and the load before it."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.interruption import end_if_interrupted
from predictive_autoscaler.rehearsal import processes
from predictive_autoscaler.rehearsal.balancer import LOOPBACK
from predictive_autoscaler.rehearsal.window import Window
from predictive_autoscaler.rehearsal.workers import balance, keep_shop
from predictive_autoscaler.storefront.command import ShopInstance

STARTING_SECONDS = 20.0
ANSWER_SECONDS = 5.0


class ShopProcess:
    """An instance of the shop, in a process of its own."""

    def __init__(self, instance: ShopInstance) -> None:
        self._told, announce = processes.pipe()
        self._process = processes.start(keep_shop, instance, announce)
        announce.close()
        self._port: int | None = None

    @property
    def port(self) -> int | None:
        """As `fleet.Instance` says."""
        if self._port is None and self._told.poll():
            try:
                self._port = self._told.recv()
            except EOFError:
                return None
        return self._port

    @property
    def alive(self) -> bool:
        """As `fleet.Instance` says."""
        return self._process.is_alive()

    def busy_share(self) -> float:
        """Share of the workers' time that was work, since the last call; NaN if it does not say."""
        if self.port is None:
            return float("nan")
        try:
            statistics = _ask(f"http://{LOOPBACK}:{self.port}/stats", "GET", None)
        except OSError:
            return float("nan")
        return float(statistics["busy_share"])

    def end(self) -> None:
        """As `fleet.Instance` says."""
        self._told.close()
        processes.end([self._process])


class BalancerProcess:
    """The balancer, steered from here.

    Attributes:
        address: that users reach.
    """

    def __init__(self, objective_seconds: float) -> None:
        told, announce = processes.pipe()
        self._process = processes.start(balance, objective_seconds, announce)
        announce.close()
        try:
            if not told.poll(STARTING_SECONDS):
                raise AutoscalerError("the load balancer did not start")
            users, self._controls = told.recv()
        except (EOFError, AutoscalerError):
            processes.end([self._process])
            raise AutoscalerError("the load balancer did not start") from None
        finally:
            told.close()
        self.address = f"http://{LOOPBACK}:{users}"

    def retarget(self, ports: Sequence[int]) -> None:
        """Send requests there from now on."""
        self._steer("targets", "PUT", list(ports))

    def take_window(self) -> Window:
        """What was measured since the last time."""
        found = self._steer("window", "POST", None)
        found.pop("cpu_seconds")
        return Window.from_json(found)

    def end(self) -> None:
        """End it."""
        processes.end([self._process])

    def _steer(self, what: str, method: str, content: object) -> Any:
        return _ask(f"http://{LOOPBACK}:{self._controls}/{what}", method, content)


class LoadProcess:
    """Locust, driving shoppers of one scenario.

    Attributes:
        cpu_seconds: that it took, once it has ended.
    """

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._told, result = processes.pipe()
        command = [sys.executable, "-m", "predictive_autoscaler.loadtest", *words]
        environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
        self._process = processes.start(processes.mind, command, environment, log, result)
        result.close()
        self._code: int | None = None
        self.cpu_seconds = float("nan")

    @property
    def exit_code(self) -> int | None:
        """Of the load test; None while it runs."""
        if self._code is None and self._told.poll():
            try:
                self._code, self.cpu_seconds = self._told.recv()
            except EOFError:
                self._code = 1
        return self._code

    def end(self) -> None:
        """End it, and whatever it has started."""
        self._told.close()
        processes.end([self._process])


@contextmanager
def ended(started: Any) -> Iterator[Any]:
    """Anything with an `end`, for as long as the block runs."""
    try:
        yield started
    finally:
        started.end()


def wait_for(there: Callable[[], bool], what: str, seconds: float = STARTING_SECONDS) -> None:
    """Wait until something is so.

    Raises:
        AutoscalerError: it does not come to be.
    """
    until = time.monotonic() + seconds
    while not there():
        end_if_interrupted()
        if time.monotonic() > until:
            raise AutoscalerError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.05)


def _ask(url: str, method: str, content: object) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # nosec B310 # loopback
        text = answer.read()
    return json.loads(text) if text else None


def shop_of(instance: ShopInstance) -> Callable[[], ShopProcess]:
    """How instances of one shop are launched."""
    return lambda: ShopProcess(instance)
