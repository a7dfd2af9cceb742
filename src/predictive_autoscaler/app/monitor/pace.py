"""Looking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NoReturn


def repeated(look: Callable[[], object], seconds: float) -> NoReturn:
    """Look now and every so many seconds, for ever; at once again where one took longer."""
    while True:
        began = time.monotonic()
        look()
        time.sleep(max(0.0, seconds - (time.monotonic() - began)))
