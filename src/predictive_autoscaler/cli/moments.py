"""Times as they are typed at the command line."""

from __future__ import annotations

from datetime import datetime

from predictive_autoscaler.core.types import utc_from_text
from predictive_autoscaler.errors import UsageError

_NO_TIME = "Invalid isoformat string"
"""How Python's complaint begins where it is not even the shape of a time."""


def moment_of(text: str, what: str, example: str = "2026-11-20T00:00:00Z") -> datetime:
    """An aware time.

    Args:
        what: what the message calls it, such as "--until".

    Raises:
        UsageError: it is none, or has no zone; says which.
    """
    try:
        return utc_from_text(text)
    except ValueError as error:
        raise UsageError(
            f"{what} is {text!r}{_reason(text, error)}; write it as {example}"
        ) from None


def _reason(text: str, error: ValueError) -> str:
    if str(error).startswith(_NO_TIME):
        return ", which is no time"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        # Python says which part of it is outside which range.
        return f": {error}"
    return ", without a zone"
