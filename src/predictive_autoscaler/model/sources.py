"""Which source made a result: what was kept from other source must not be taken for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import predictive_autoscaler


def hash_of_sources(has_a_say: Callable[[str], bool]) -> str:
    """SHA-256 over names and content of the package's modules.

    Args:
        has_a_say: told a module's path below the package, such as `core/forest.py`.
    """
    root = Path(predictive_autoscaler.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if has_a_say(name):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
