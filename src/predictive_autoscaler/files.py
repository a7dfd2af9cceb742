"""Files that somebody named: read, or refused in words that name them once."""

from __future__ import annotations

from pathlib import Path

from predictive_autoscaler.errors import AutoscalerError


def read_named(path: Path, what: str, kind: type[AutoscalerError]) -> str:
    """The text of a file.

    Args:
        what: what it was to be, such as "a decision record".
        kind: the error to raise.

    Raises:
        AutoscalerError: of that kind; it cannot be read, or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise kind(f"{path}: {unreadable(error, what)}") from None


def unreadable(error: OSError | UnicodeDecodeError, what: str) -> str:
    """Why a file cannot be read, without its name."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return f"cannot be read as {what}: it is a folder"
    if isinstance(error, UnicodeDecodeError):
        return f"cannot be read as {what}: it is not text"
    return f"cannot be read as {what}: {error.strerror or error}"
