"""Folders that results go to: whether they can, and that one run at a time does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from predictive_autoscaler.errors import UsageError


def check_writable(folder: Path, option: str = "--out") -> None:
    """Tell before the work, rather than after it, that its result has nowhere to go.

    Nothing is left behind, whether it can be written to or not.

    Raises:
        UsageError: the folder cannot be made or written to; names the option.
    """
    made = _absent_parts(folder)
    try:
        _make(folder, option)
    finally:
        for part in made:
            # Somebody else may have put something there, or it could not be made.
            with suppress(OSError):
                part.rmdir()


def _make(folder: Path, option: str) -> None:
    """Make a folder, and try it: what rights say is not what every file system does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError:
        present = folder.absolute()
        for part in _absent_parts(folder):
            present = part.parent
        raise UsageError(
            f"{option} is {folder}; {present} is no folder that can be written to"
        ) from None


def _absent_parts(folder: Path) -> list[Path]:
    """The folder and those above it, as far as there are none yet; the innermost comes first."""
    absolute = folder.absolute()
    return [part for part in (absolute, *absolute.parents) if not os.path.lexists(part)]


@contextmanager
def sole_user_of(folder: Path) -> Iterator[None]:
    """Hold a folder for one run; it is made if need be.

    Raises:
        UsageError: another run is writing there, or nobody can.
    """
    _make(folder, "--out")
    try:
        import fcntl
    except ImportError:  # Windows has none; there nobody is kept out.
        yield
        return
    path = folder / ".in-use"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file that was opened here.
            held = path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino
        except BlockingIOError:
            held = False
        if not held:
            raise UsageError(
                f"another run is writing to {folder}; wait for it, or choose another --out"
            )
        try:
            yield
        finally:
            path.unlink()
