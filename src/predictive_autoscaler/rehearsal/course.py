"""The course of a rehearsal: who comes when, on a clock that runs faster than time does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from predictive_autoscaler.core.types import Bounds, CalendarEvent, FloatArray, Samples
from predictive_autoscaler.core.workloads import USER_PATTERNS, UserPattern
from predictive_autoscaler.storefront.service_times import capacity_per_second

START = datetime(2026, 3, 9, tzinfo=UTC)
"""Simulated time at which the load begins: a Monday's midnight."""
HISTORY_DAYS = 7
CAPACITY_SHARE = 0.8
"""Of the rate at which an instance saturates: up to there the 95th percentile of the response
time stays within the objective. `calibrate` finds it by a load test."""
REPEATED = ("sinusoidal", "replay")
"""Scenarios that come round again and again; before the others it was calm."""


@dataclass(frozen=True)
class RehearsalOptions:
    """How to rehearse.

    Attributes:
        duration_seconds: real ones that the load lasts, for each policy.
        speed: simulated seconds in a real one.
        users: at the peak of the scenario.
        think_scale: multiplies the pauses of the shoppers; the longer, the less they wait for
            a slow shop before they ask again.
        workers, service_ms: of an instance, see `storefront`.
        objective_seconds: a request that takes longer is slow.
        announced: whether the flash sale stands in the calendar.
        trace: of the scenario `replay`; trace_hours: of it, from its beginning on.
    """

    out: Path
    scenario: str = "sinusoidal"
    duration_seconds: float = 120.0
    speed: float = 60.0
    users: int = 450
    think_scale: float = 2.0
    workers: int = 2
    service_ms: float = 164.0
    objective_seconds: float = 1.5
    capacity_per_instance: float | None = None
    bounds: Bounds = field(default_factory=lambda: Bounds(1, 30))
    boot_minutes: int = 5
    interval_minutes: int = 5
    announced: bool = False
    seed: int = 1
    trace: Path | None = None
    trace_hours: float = 24.0
    training_script: Path | None = None

    @property
    def interval_seconds(self) -> int:
        """Simulated seconds of a control interval."""
        return self.interval_minutes * 60

    @property
    def bin_seconds(self) -> float:
        """Real seconds of a control interval."""
        return self.interval_seconds / self.speed

    @property
    def bins(self) -> int:
        """Whole control intervals in which there is load."""
        return int(self.duration_seconds / self.bin_seconds)

    @property
    def boot_bins(self) -> int:
        """Intervals until an instance serves, rounded up."""
        return -(-self.boot_minutes // self.interval_minutes)

    @property
    def capacity(self) -> float:
        """Requests per interval that one instance carries within the objective."""
        if self.capacity_per_instance is not None:
            return self.capacity_per_instance
        rate = capacity_per_second(workers=self.workers, service_ms=self.service_ms)
        return CAPACITY_SHARE * rate * self.bin_seconds

    def time_of(self, index: int) -> datetime:
        """Simulated time at which an interval begins."""
        return START + index * timedelta(seconds=self.interval_seconds)


@dataclass(frozen=True)
class Course:
    """Users over time: those of the load, and those who came before it.

    Attributes:
        scale: what the pattern's users are multiplied with.
        repeats: whether the pattern has come round all along; else it was calm.
    """

    pattern: UserPattern
    options: RehearsalOptions
    scale: float
    repeats: bool

    @classmethod
    def of(cls, options: RehearsalOptions, pattern: UserPattern | None = None) -> Course:
        """The course of a scenario, so large that `options.users` come at its peak."""
        chosen = pattern or USER_PATTERNS[options.scenario]
        moments = np.linspace(0, chosen.duration_seconds, 1000, endpoint=False)
        largest = float(chosen.shape(moments).max())
        return cls(chosen, options, options.users / largest, options.scenario in REPEATED)

    def users(self, real_seconds: FloatArray) -> FloatArray:
        """Users at moments of the load, or before it where those are negative."""
        length = self.options.duration_seconds
        moments = np.mod(real_seconds, length) if self.repeats else np.maximum(real_seconds, 0.0)
        return self.scale * self.pattern.shape(moments * self.pattern.duration_seconds / length)

    def users_by_bin(self, first: int, bins: int) -> FloatArray:
        """Mean users in each of some intervals, shape (bins,); interval 0 begins the load."""
        parts = 20
        width = self.options.bin_seconds
        moments = (first + (np.arange(bins * parts) + 0.5) / parts) * width
        means: FloatArray = self.users(moments).reshape(bins, parts).mean(axis=1)
        return means

    def history(self, requests_per_user_second: float, seed: int) -> Samples:
        """Requests of the days before, counted at random around what the users make (Poisson)."""
        bins = HISTORY_DAYS * 86_400 // self.options.interval_seconds
        expected = self.users_by_bin(-bins, bins) * (
            requests_per_user_second * self.options.bin_seconds
        )
        counts = np.random.default_rng(seed).poisson(expected).astype(np.float64)
        start = self.options.time_of(-bins)
        return Samples.of(start, self.options.interval_seconds, {"requests": counts})

    def announcement(self, requests_per_user_second: float) -> Sequence[CalendarEvent]:
        """The calendar entry of somebody who knows when more users come, and how many at most."""
        users = self.users_by_bin(0, self.options.bins)
        busy = np.flatnonzero(users > 1.5 * users[0])
        if not len(busy):
            return ()
        per_instance = self.options.capacity / self.options.bin_seconds
        most = float(users.max()) * requests_per_user_second / per_instance
        return (
            CalendarEvent(
                name=self.options.scenario,
                start=self.options.time_of(int(busy[0])),
                end=self.options.time_of(int(np.flatnonzero(users > 0.9 * users.max())[-1]) + 1),
                min_instances=self.options.bounds.clamp(int(np.ceil(most))),
            ),
        )
