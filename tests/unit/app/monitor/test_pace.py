"""How long it is to the next look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from predictive_autoscaler.app.monitor.facts import Seen
from predictive_autoscaler.app.monitor.pace import repeated, until_next_try

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def failing(seconds: float) -> Seen[Any]:
    return Seen(error="Throttling", retry_at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("sources", "seconds"),
    [
        ([], 3600.0),
        ([Seen(1, NOW)], 3600.0),
        ([Seen(1, NOW), failing(40), failing(10)], 10.0),
        ([failing(7200)], 3600.0),
        ([failing(-30)], 1.0),
    ],
)
def test_an_error_is_tried_again_before_the_usual_time(
    sources: list[Seen[Any]], seconds: float
) -> None:
    assert until_next_try(3600, sources, NOW) == seconds


class EnoughError(Exception):
    """Ends what goes on for ever."""


def test_the_pause_is_asked_for_after_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    pauses = iter([7.0, 3.0])

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise EnoughError

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    with pytest.raises(EnoughError):
        repeated(lambda: None, lambda: next(pauses))
    assert slept == [7.0, 3.0]
