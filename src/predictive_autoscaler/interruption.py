"""How a program ends at Ctrl-C where nothing else has taken care of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130


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


def _was_interrupted(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
