"""Ports of which one call fails: to cut a sequence of steps short between any two of them."""

from __future__ import annotations

from typing import Any

from predictive_autoscaler.errors import SourceError


class Interruption:
    """Counts the calls of several ports, and has one of them fail before it does anything.

    Attributes:
        fails_at: which call fails, from 0 on; None fails none.
        calls: how many there were.
    """

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.calls = 0

    def over(self, port: Any) -> Any:
        """The port, seen through this."""
        return _Interrupted(port, self)

    def count(self) -> None:
        number, self.calls = self.calls, self.calls + 1
        if number == self.fails_at:
            raise SourceError("cut off")


class _Interrupted:
    def __init__(self, port: Any, interruption: Interruption) -> None:
        self._port = port
        self._interruption = interruption

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._interruption.count()
            return found(*arguments, **named)

        return call
