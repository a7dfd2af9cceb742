"""One pass of a rehearsal: load comes, the scaler decides, instances come and go for real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.interruption import end_if_interrupted
from predictive_autoscaler.rehearsal.course import RehearsalOptions
from predictive_autoscaler.rehearsal.fleet import Fleet
from predictive_autoscaler.rehearsal.scalers import Group, Scaler
from predictive_autoscaler.rehearsal.stage import (
    BalancerProcess,
    LoadProcess,
    ShopProcess,
    ended,
    shop_of,
    wait_for,
)
from predictive_autoscaler.rehearsal.window import Window, joined
from predictive_autoscaler.storefront.command import ShopInstance
from predictive_autoscaler.storefront.database import open_shop

FOLLOW_SECONDS = 0.2
LOAD_STARTS_WITHIN_SECONDS = 60.0
SHOP_QUEUE = 40
LOOKS_BEFORE = 3
"""Requests of the load test's own look at the shop, at most, before the shoppers come."""


@dataclass(frozen=True, eq=False)
class Take:
    """What was measured in one pass, interval by interval.

    Attributes:
        windows: of the balancer.
        asked, ready, busy: (bins,) instances asked for at its begin, in service at their
            fewest, and the mean share of their workers' time that was work.
        billed_seconds: instance-seconds, real ones.
        started, ended, lost: instances.
        load_cpu_seconds: that Locust took; NaN if it did not end by itself.
    """

    name: str
    windows: tuple[Window, ...]
    asked: FloatArray
    ready: FloatArray
    busy: FloatArray
    billed_seconds: float
    started: int
    ended: int
    lost: int
    load_cpu_seconds: float

    @property
    def total(self) -> Window:
        """All intervals as one."""
        return joined(self.windows)

    @property
    def demand(self) -> FloatArray:
        """(bins,) requests, refused ones too."""
        return np.array([window.requests for window in self.windows], dtype=np.float64)


@dataclass(frozen=True)
class Progress:
    """An interval has ended; what a live view shows of it."""

    name: str
    index: int
    bins: int
    window: Window
    desired: int
    serving: int
    busy: float


class _Follower:
    """Lets the fleet follow the group's desired capacity, several times a second."""

    def __init__(self, fleet: Fleet, group: Group) -> None:
        self._fleet, self._group = fleet, group
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._fewest: int | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take_fewest(self) -> int:
        """Instances in service at their fewest since the last call."""
        with self._lock:
            serving = self._fleet.serving(time.monotonic())
            fewest = serving if self._fewest is None else min(self._fewest, serving)
            self._fewest = None
            return fewest

    def busy(self) -> float:
        """Mean share of the serving instances' workers' time that was work; NaN if none serve."""
        with self._lock:
            instances = self._fleet.in_service(time.monotonic())
        shares = [one.busy_share() for one in instances if isinstance(one, ShopProcess)]
        known = [share for share in shares if share == share]
        return float(np.mean(known)) if known else float("nan")

    def end(self) -> None:
        """Follow no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(FOLLOW_SECONDS):
                desired = self._group.desired
                with self._lock:
                    now = time.monotonic()
                    self._fleet.follow(desired, now)
                    serving = self._fleet.serving(now)
                    self._fewest = serving if self._fewest is None else min(serving, self._fewest)
        except Exception as error:  # the main thread must hear of it
            self.error = error


def play(
    name: str,
    scaler: Scaler,
    group: Group,
    options: RehearsalOptions,
    load_words: Sequence[str],
    tell: Callable[[Progress], None],
) -> Take:
    """Drive the load once, while a scaler sets the group.

    Args:
        load_words: options of the load test, without host and folder.
        tell: called after each interval.

    Raises:
        AutoscalerError: a part of it did not start, or broke.
    """
    folder = options.out / name.replace(" %", "").replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    shop = ShopInstance(
        folder / "shop.sqlite", options.workers, SHOP_QUEUE, options.service_ms, options.seed
    )
    shop.database.unlink(missing_ok=True)
    open_shop(shop.database, shop.seed).close()
    with ExitStack() as stack:
        balancer = stack.enter_context(ended(BalancerProcess(options.objective_seconds)))
        boot_seconds = options.boot_minutes * 60 / options.speed
        fleet = Fleet(shop_of(shop), balancer.retarget, boot_seconds)
        stack.callback(fleet.close)
        _raise_first_instances(fleet, group.desired)
        load = stack.enter_context(
            ended(LoadProcess([*load_words, *_where(balancer, folder)], folder / "load.log"))
        )
        follower = stack.enter_context(ended(_Follower(fleet, group)))
        begun = _first_request(balancer, load, folder)
        billed_before = fleet.billed_seconds
        one_pass = _Pass(name, begun, scaler, group, balancer, follower, options)
        rows = list(one_pass.intervals(tell))
        billed = fleet.billed_seconds - billed_before
        wait_for(lambda: load.exit_code is not None, "the load's end", LOAD_STARTS_WITHIN_SECONDS)
    windows, asked, ready, busy = zip(*rows, strict=True)
    return Take(
        name,
        windows,
        np.array(asked, dtype=np.float64),
        np.array(ready, dtype=np.float64),
        np.array(busy, dtype=np.float64),
        billed,
        fleet.started,
        fleet.ended,
        fleet.lost,
        load.cpu_seconds,
    )


def _raise_first_instances(fleet: Fleet, count: int) -> None:
    """The rehearsal begins with instances that have booted before."""
    begun = time.monotonic() - fleet.boot_seconds
    fleet.follow(count, begun)

    def there() -> bool:
        fleet.route(time.monotonic())
        return fleet.serving(time.monotonic()) >= count

    wait_for(there, "the start of the first instances")


def _where(balancer: BalancerProcess, folder: Path) -> list[str]:
    return ["--host", balancer.address, "--out", str(folder / "load")]


def _first_request(balancer: BalancerProcess, load: LoadProcess, folder: Path) -> float:
    """When the load began, on the steady clock."""
    seen = 0

    def begun() -> bool:
        nonlocal seen
        if load.exit_code is not None:
            reason = (folder / "load.log").read_text().strip().splitlines()[-1:] or ["no reason"]
            raise AutoscalerError(f"the load test ended before it began: {reason[0]}")
        # The load test looks at the shop before it begins: a request or two.
        seen += balancer.take_window().requests
        return seen > LOOKS_BEFORE

    wait_for(begun, "the begin of the load", LOAD_STARTS_WITHIN_SECONDS)
    return time.monotonic()


@dataclass(frozen=True)
class _Pass:
    """Interval after interval: act at its begin, measure at its end."""

    name: str
    begun: float
    scaler: Scaler
    group: Group
    balancer: BalancerProcess
    follower: _Follower
    options: RehearsalOptions

    def intervals(
        self, tell: Callable[[Progress], None]
    ) -> Iterator[tuple[Window, int, int, float]]:
        """What was measured, asked for, served and used, of each interval."""
        bins = self.options.bins
        for index in range(bins):
            self.scaler.act(self.options.time_of(index))
            desired = self.group.desired
            self._sleep_until(self.begun + (index + 1) * self.options.bin_seconds)
            window, serving = self.balancer.take_window(), self.follower.take_fewest()
            busy = self.follower.busy()
            self.scaler.see(self.options.time_of(index), measured(window, serving, busy))
            tell(Progress(self.name, index, bins, window, desired, serving, busy))
            yield window, desired, serving, busy

    def _sleep_until(self, moment: float) -> None:
        end_if_interrupted()
        time.sleep(max(0.0, moment - time.monotonic()))
        if self.follower.error is not None:
            raise AutoscalerError(f"the fleet could not follow: {self.follower.error}")


def measured(window: Window, serving: int, busy: float) -> dict[str, float]:
    """What the balancer and the group report of an interval, by the names of our metrics."""
    return {
        "requests": float(len(window.latencies)),
        "refused": float(window.refused),
        "errors": float(window.errors),
        "response_time_seconds": window.mean_latency,
        "cpu_percent": 100 * busy,
        "in_service": float(serving),
        "healthy_hosts": float(serving),
    }
