"""Looking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NoReturn

from predictive_autoscaler.app.monitor.facts import Seen

SHORTEST_SECONDS = 1.0


def repeated(look: Callable[[], object], seconds: float | Callable[[], float]) -> NoReturn:
    """Look now and every so many seconds, for ever; at once again where one took longer.

    Args:
        seconds: if it can be called, it is asked after each look.
    """
    while True:
        began = time.monotonic()
        look()
        length = seconds() if callable(seconds) else seconds
        time.sleep(max(0.0, length - (time.monotonic() - began)))


def until_next_try(usual_seconds: float, sources: Iterable[Seen[Any]], now: datetime) -> float:
    """Seconds to the next look: the usual ones, or fewer where a source is tried again sooner."""
    retries = [(one.retry_at - now).total_seconds() for one in sources if one.retry_at]
    return max(SHORTEST_SECONDS, min([usual_seconds, *retries]))
