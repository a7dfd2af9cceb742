"""How many shoppers there are: the one shape of the load test, which follows the chosen scenario.

The numbers are pure functions of time, in predictive_autoscaler.core.workloads.
"""

from __future__ import annotations

from typing import Any

from locust import LoadTestShape

from predictive_autoscaler.core.workloads import UserPattern
from predictive_autoscaler.loadtest.scenarios import chosen_pattern

# Seconds between two lines about how it goes.
NEWS_SECONDS = 30.0


class ScenarioShape(LoadTestShape):
    """Users as --scenario says, compressed to --duration and multiplied with --users-scale."""

    _pattern: UserPattern | None = None
    _told_at = 0.0

    def tick(self) -> tuple[int, float] | None:
        """Users now, and how many may start in a second; None ends the run."""
        options: Any = self.runner.environment.parsed_options if self.runner else None
        if self._pattern is None:
            self._pattern = chosen_pattern(options)
        seconds: float = self.get_run_time()  # type: ignore[no-untyped-call]
        users = self._pattern.users(seconds, options.duration, options.users_scale)
        if users is None:
            return None
        if seconds - self._told_at >= NEWS_SECONDS:
            self._told_at = seconds
            self._tell(seconds, users)
        # All that is missing, at once: the pattern itself says how fast users come.
        at_work: int = self.get_current_user_count()  # type: ignore[no-untyped-call]
        return users, max(1.0, abs(users - at_work))

    def _tell(self, seconds: float, users: int) -> None:
        assert self.runner is not None
        total = self.runner.stats.total
        print(
            f"load: {seconds:.0f} s, {users} users, {total.current_rps:.1f} requests/s, "
            f"{total.num_requests} so far, {total.num_failures} failed",
            flush=True,
        )
