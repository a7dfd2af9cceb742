"""How a program ends at Ctrl-C where nothing else has taken care of it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
_told = threading.Event()


@contextmanager
def quiet_when_interrupted() -> Iterator[None]:
    """Around all that a program does, its imports too: no traceback, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except ImportError as error:
        # Compiled modules answer so, when it came while they were being loaded.
        if not _was_interrupted(error):
            raise
        sys.exit(EXIT_INTERRUPTED)


@contextmanager
def remembering_interrupts() -> Iterator[None]:
    """Remember Ctrl-C for `end_if_interrupted`: it may come in the midst of code that lets no
    KeyboardInterrupt through, such as a destructor or the import of a compiled module.

    For the main thread. Where Ctrl-C is ignored, as in a shell's background, it stays so.
    """

    def remember(number: int, frame: FrameType | None) -> None:
        _told.set()
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _told.clear()


def end_if_interrupted() -> None:
    """To be called now and then by what takes long.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and what was interrupted went on.
    """
    if _told.is_set():
        raise KeyboardInterrupt


def _was_interrupted(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
