"""Identifiers as the shop gives them out: a type and a key, in base64."""

from __future__ import annotations

import base64
import json
import re


def global_id(kind: str, key: int | str) -> str:
    """Name an object, such as `UHJvZHVjdDox` for product 1."""
    return base64.b64encode(f"{kind}:{key}".encode()).decode()


def key_of(kind: str, identifier: str | None) -> str | None:
    """Read the key back; None for what does not name a `kind`."""
    try:
        text = base64.b64decode(identifier or "", validate=True).decode()
    except ValueError:
        return None
    found, _, key = text.partition(":")
    return key if found == kind and key else None


def number_of(kind: str, identifier: str | None) -> int | None:
    """The same for keys that are whole numbers."""
    key = key_of(kind, identifier)
    return int(key) if key is not None and re.fullmatch(r"[0-9]{1,18}", key) else None


def cursor_of(order: str, last: int) -> str:
    """Mark a place in a listing: the order it belongs to, and the key of the item there."""
    return base64.b64encode(json.dumps([order, last]).encode()).decode()


def place_of(order: str, cursor: str) -> int | None:
    """The key at a place; None for a cursor that is no cursor, or that of another order."""
    try:
        found = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        return None
    if isinstance(found, list) and len(found) == 2 and found[0] == order:
        return found[1] if isinstance(found[1], int) else None
    return None
