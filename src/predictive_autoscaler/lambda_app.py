"""The Lambda: builds its controller once per cold start, then runs one step per event."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from predictive_autoscaler.core.types import Json, utc_from_text
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.ports import Clock
from predictive_autoscaler.wiring import AwsController


class Application:
    """Holds the controller between warm calls."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        log: Callable[[str], None] = print,
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._log = log
        self._controller: AwsController | None = None

    def handle(self, event: Mapping[str, Any], context: object = None) -> Json:
        """Run one control step.

        Args:
            event: of EventBridge; `time` is when it was scheduled. {"dry_run": true}
                decides without acting.
            context: of Lambda; tells how much time is left.

        Returns:
            The decision record, or why there is none.
        """
        if self._controller is None:
            environment = os.environ if self._environment is None else self._environment
            self._controller = AwsController(environment, self._clock, self._log)
        return self._controller.run_once(
            _event_time(event),
            dry_run=bool(event.get("dry_run", False)),
            seconds_left=_seconds_left(context),
        )


def _seconds_left(context: object) -> Callable[[], float]:
    """Until Lambda ends the call; without a context there is no such end."""
    milliseconds: Callable[[], int] | None = getattr(context, "get_remaining_time_in_millis", None)
    if milliseconds is None:
        return lambda: math.inf
    return lambda: milliseconds() / 1000


def _event_time(event: Mapping[str, Any]) -> datetime | None:
    text = event.get("time")
    if text is None:
        return None
    try:
        return utc_from_text(text)
    except (ValueError, TypeError) as error:
        raise UsageError(f"the event's time is {text!r}: {error}") from error


application = Application()


def handler(event: Mapping[str, Any], context: object) -> Json:
    """What AWS Lambda calls."""
    return application.handle(event, context)
