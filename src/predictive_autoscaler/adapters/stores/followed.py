"""Many small objects, of which few change: one listing tells which to read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from predictive_autoscaler.adapters.objects import ObjectStore
from predictive_autoscaler.errors import AutoscalerError

T = TypeVar("T")
READERS = 8
"""Objects that are read at the same time: a read is mostly waiting. The AWS client keeps ten
connections, and each further one would cost a handshake."""


@dataclass(frozen=True)
class _Seen(Generic[T]):
    tag: str
    content: T


class Followed(Generic[T]):
    """Parsed copies of the objects below a prefix, each read again only once it has changed.

    Args:
        parse: turns key and bytes into what is kept; raises AutoscalerError.
    """

    def __init__(self, objects: ObjectStore, prefix: str, parse: Callable[[str, bytes], T]) -> None:
        self._objects = objects
        self._prefix = prefix
        self._parse = parse
        self._seen: dict[str, _Seen[T]] = {}

    def read(self, keys: Sequence[str]) -> dict[str, T | AutoscalerError]:
        """What the objects say now, or what is wrong with them; those that do not exist are
        left out. What could not be read is tried anew at the next call.

        Raises:
            SourceError: they could not be listed.
        """
        tags = self._objects.tags(self._prefix)
        present = [key for key in keys if key in tags]
        changed = [key for key in present if self._tag(key) != tags[key]]
        answers = dict(zip(changed, read_each(self._get, changed), strict=True))
        found: dict[str, T | AutoscalerError] = {}
        for key in present:
            answer = answers.get(key)
            if isinstance(answer, AutoscalerError):
                self._seen.pop(key, None)
                found[key] = answer
                continue
            if answer is not None:
                self._seen[key] = answer
            if key in self._seen:
                found[key] = self._seen[key].content
        return found

    def _tag(self, key: str) -> str | None:
        seen = self._seen.get(key)
        return seen.tag if seen else None

    def _get(self, key: str) -> _Seen[T] | None:
        found = self._objects.get(key)
        return _Seen(found.tag, self._parse(key, found.data)) if found is not None else None


A = TypeVar("A")
B = TypeVar("B")


def read_each(read: Callable[[A], B], items: Sequence[A]) -> list[B | AutoscalerError]:
    """The answer for every item, in order, several at a time; errors take the answer's place."""
    if len(items) < 2:
        return [_attempt(read, item) for item in items]
    with ThreadPoolExecutor(min(READERS, len(items))) as pool:
        return list(pool.map(partial(_attempt, read), items))


def _attempt(read: Callable[[A], B], item: A) -> B | AutoscalerError:
    try:
        return read(item)
    except AutoscalerError as error:
        return error
