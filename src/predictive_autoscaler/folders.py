"""Folders that results go to: whether they can, and that one run at a time does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from predictive_autoscaler.errors import AutoscalerError, UsageError


def check_writable(folder: Path, option: str = "--out") -> None:
    """Tell before the work, rather than after it, that its result has nowhere to go.

    Raises:
        AutoscalerError: the folder cannot be made or written to.
    """
    present = next(part for part in (folder, *folder.absolute().parents) if part.exists())
    if not present.is_dir() or not os.access(present, os.W_OK):
        raise AutoscalerError(
            f"{option} is {folder}; {present} is no folder that can be written to"
        )


@contextmanager
def sole_user_of(folder: Path) -> Iterator[None]:
    """Hold a folder for one run; it is made if need be.

    Raises:
        UsageError: another run is writing there.
    """
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
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
