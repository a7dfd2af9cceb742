"""What a load balancer measures of the requests that it passed on, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from predictive_autoscaler.core.types import Json

SERVER_ERROR = 500


@dataclass(frozen=True)
class Window:
    """Requests that were answered within a stretch of time.

    Attributes:
        seconds: real ones that it lasted.
        latencies: of the requests that reached an instance, seconds from arrival to answer.
        errors: answers of instances with a status of 500 or more.
        refused: requests that no instance was there for (the balancer's own 503).
        slow: requests that took longer than the latency objective, or failed.
    """

    seconds: float
    latencies: tuple[float, ...]
    errors: int
    refused: int
    slow: int

    @property
    def requests(self) -> int:
        """All that came, refused ones too."""
        return len(self.latencies) + self.refused

    def latency(self, quantile: float) -> float:
        """Seconds; NaN where nothing was answered."""
        return float(np.quantile(self.latencies, quantile)) if self.latencies else float("nan")

    @property
    def mean_latency(self) -> float:
        """Seconds; NaN where nothing was answered."""
        return float(np.mean(self.latencies)) if self.latencies else float("nan")

    def to_json(self) -> Json:
        """Plain values."""
        return vars(self) | {"latencies": [round(value, 5) for value in self.latencies]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Window:
        """Read what `to_json` wrote."""
        return cls(**content | {"latencies": tuple(content["latencies"])})


@dataclass
class Recorder:
    """Collects what happens until somebody takes it.

    Attributes:
        objective_seconds: a request that takes longer is slow.
    """

    objective_seconds: float
    _since: float = 0.0
    _latencies: list[float] = field(default_factory=list)
    _errors: int = 0
    _refused: int = 0
    _slow: int = 0

    def answered(self, seconds: float, status: int) -> None:
        """An instance has answered, after so many seconds."""
        failed = status >= SERVER_ERROR
        self._latencies.append(seconds)
        self._errors += failed
        self._slow += failed or seconds > self.objective_seconds

    def refused(self) -> None:
        """There was nobody to pass a request to."""
        self._refused += 1
        self._slow += 1

    def take(self, now: float) -> Window:
        """Everything since the last time; `now` in seconds of any steady clock."""
        window = Window(
            now - self._since, tuple(self._latencies), self._errors, self._refused, self._slow
        )
        self._since, self._latencies = now, []
        self._errors = self._refused = self._slow = 0
        return window


def joined(windows: Sequence[Window]) -> Window:
    """Several windows as one."""
    return Window(
        sum(window.seconds for window in windows),
        tuple(latency for window in windows for latency in window.latencies),
        sum(window.errors for window in windows),
        sum(window.refused for window in windows),
        sum(window.slow for window in windows),
    )
