"""Asking at the terminal, or through a pipe: each question can be the last one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from predictive_autoscaler.errors import AutoscalerError, UsageError

STOP_WORDS = ("q", "quit")


class StoppedError(AutoscalerError):
    """Somebody chose not to go on."""


@dataclass
class Dialogue:
    """Questions on the standard output, answers from the standard input.

    Attributes:
        yes: take every default, and ask nothing.
    """

    yes: bool = False
    reading: TextIO = field(default_factory=lambda: sys.stdin)

    def say(self, text: str = "") -> None:
        """Print at once, also into a pipe."""
        print(text, flush=True)

    def ask(self, text: str, default: str, complaint: Callable[[str], str | None]) -> str:
        """Ask until the answer is a good one; nothing is the default, and `-` is empty.

        Raises:
            StoppedError: by `q`, or by the end of the input.
            UsageError: nothing is to be asked, and the default will not do.
        """
        while True:
            shown = f" [{default}]" if default else ""
            answer = default if self.yes else (self._line(f"{text}{shown}: ") or default)
            answer = "" if answer == "-" else answer
            wrong = complaint(answer)
            if wrong is None:
                return answer
            if self.yes:
                raise UsageError(wrong)
            self.say(f"  {wrong}")

    def choose(self, text: str, choices: Sequence[str], default: str) -> str:
        """Ask for one of several words, of which the beginning is enough.

        Raises:
            StoppedError: by `q`, or by the end of the input.
        """
        while True:
            answer = self._line(f"{text} [{'/'.join(choices)}] ({default}): ").lower() or default
            meant = [choice for choice in choices if choice.startswith(answer)]
            if len(meant) == 1:
                return meant[0]
            self.say(f"  {answer!r} is none of {', '.join(choices)}; q stops")

    def _line(self, prompt: str) -> str:
        print(prompt, end="", flush=True)
        line = self.reading.readline()
        if not self.reading.isatty():
            self.say(line.strip())
        if not line:
            raise StoppedError("the input has ended")
        if line.strip().lower() in STOP_WORDS:
            raise StoppedError("stopped as asked")
        return line.strip()
