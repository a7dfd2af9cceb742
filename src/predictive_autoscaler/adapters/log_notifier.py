"""Telling people where nobody has set a topic: through the log."""

from __future__ import annotations

from collections.abc import Callable


class LogNotifier:
    """Writes each message as one block of text."""

    def __init__(self, log: Callable[[str], None] = print) -> None:
        self._log = log

    def notify(self, subject: str, text: str) -> None:
        """Never fails."""
        self._log(f"{subject}\n{text}")
