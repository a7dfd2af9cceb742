"""The workers of an instance: who is served when, who waits, and who is turned away."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# Durations kept for the percentiles between two calls for statistics.
KEPT_DURATIONS = 2000


@dataclass(frozen=True)
class Turn:
    """When a request is served, in seconds of the clock in use."""

    arrived: float
    starts: float
    ends: float


class Workers:
    """A fixed number of workers, served in the order of arrival.

    With the service time known on arrival, so are start and end: the earliest worker to be free
    takes the request. A turn begins where the one before it ended, however late the event loop
    wakes up, so that the rate at which this saturates does not depend on how busy the machine is.

    Attributes:
        served: requests that were answered, since the start.
        refused: requests that found the queue full, since the start.
    """

    def __init__(
        self, workers: int, queue: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.workers = workers
        self.queue = queue
        self.served = 0
        self.refused = 0
        self._clock = clock
        self._free_at = [clock()] * workers
        self._waiting: deque[float] = deque()
        self._running: list[tuple[float, float]] = []
        self._done_seconds = 0.0
        self._counted_at = clock()
        self._counted_seconds = 0.0
        self._durations: deque[float] = deque(maxlen=KEPT_DURATIONS)

    def waiting(self) -> int:
        """Requests that have arrived and are not being served yet."""
        now = self._clock()
        while self._waiting and self._waiting[0] <= now:
            self._waiting.popleft()
        return len(self._waiting)

    def book(self, seconds: float) -> Turn | None:
        """Take the next turn of so many seconds; None, counted as refused, if the queue is full."""
        now = self._clock()
        if self._free_at[0] > now and self.waiting() >= self.queue:
            self.refused += 1
            return None
        starts = max(now, self._free_at[0])
        turn = Turn(now, starts, starts + seconds)
        heapq.heapreplace(self._free_at, turn.ends)
        if starts > now:
            self._waiting.append(starts)
        heapq.heappush(self._running, (turn.ends, turn.starts))
        return turn

    def finish(self, turn: Turn) -> None:
        """Count a request that has been answered."""
        self.served += 1
        self._durations.append(self._clock() - turn.arrived)

    def statistics(self) -> dict[str, float]:
        """Counts since the start; busy share and percentiles since the last call of this."""
        now = self._clock()
        seconds = self._busy_seconds(now)
        window = (now - self._counted_at) * self.workers
        share = (seconds - self._counted_seconds) / window if window > 0 else 0.0
        self._counted_at, self._counted_seconds = now, seconds
        durations = sorted(self._durations)
        self._durations.clear()
        return {
            "served": self.served,
            "refused": self.refused,
            "busy_share": round(min(max(share, 0.0), 1.0), 4),
            "waiting": self.waiting(),
            "workers": self.workers,
            "p50_ms": _percentile_ms(durations, 0.50),
            "p95_ms": _percentile_ms(durations, 0.95),
        }

    def _busy_seconds(self, now: float) -> float:
        """Worker-seconds of service up to `now`, since the start."""
        while self._running and self._running[0][0] <= now:
            ends, starts = heapq.heappop(self._running)
            self._done_seconds += ends - starts
        return self._done_seconds + sum(max(now - starts, 0.0) for _, starts in self._running)


def _percentile_ms(ordered: list[float], share: float) -> float:
    """A percentile of ordered seconds, in milliseconds; 0 if there are none."""
    if not ordered:
        return 0.0
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000, 1)
