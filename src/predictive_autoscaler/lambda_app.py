"""The Lambda: builds its controller once per cold start, then runs one step per event."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.core.types import Json, utc_from_text
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.ports import Clock
from predictive_autoscaler.wiring import aws_controller


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
        self._controller: Controller | None = None

    def handle(self, event: Mapping[str, Any]) -> Json:
        """Run one control step.

        Args:
            event: of EventBridge; `time` is when it was scheduled. {"dry_run": true}
                decides without acting.

        Returns:
            The decision record, or why there is none.
        """
        if self._controller is None:
            environment = os.environ if self._environment is None else self._environment
            self._controller = aws_controller(environment, self._clock, self._log)
        return self._controller.run_once(
            _event_time(event), dry_run=bool(event.get("dry_run", False))
        )


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
    return application.handle(event)
