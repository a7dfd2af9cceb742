"""The three kinds of each store, made for one test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from predictive_autoscaler.adapters.memory import (
    MemoryControlStore,
    MemoryDecisionLog,
    MemoryHistoryStore,
    MemoryModelStore,
)
from predictive_autoscaler.adapters.objects import ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores import (
    StoredControls,
    StoredDecisions,
    StoredHistory,
    StoredModels,
)

INTERVAL = timedelta(minutes=5)


@dataclass
class Stores:
    """One of each."""

    models: MemoryModelStore | StoredModels
    decisions: MemoryDecisionLog | StoredDecisions
    controls: MemoryControlStore | StoredControls
    history: MemoryHistoryStore | StoredHistory


def memory_stores() -> Stores:
    return Stores(
        MemoryModelStore(), MemoryDecisionLog(), MemoryControlStore(), MemoryHistoryStore()
    )


def object_stores(objects: ObjectStore) -> Stores:
    return Stores(
        StoredModels(objects),
        StoredDecisions(objects, INTERVAL),
        StoredControls(objects),
        StoredHistory(objects),
    )


@dataclass
class CountingObjects:
    """Writes down what is asked of another store, and how many bytes it sent."""

    inner: ObjectStore
    calls: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        self.calls.append(f"get {key}")
        found = self.inner.get(key, known)
        if found is not None and found is not known:
            self.sent.append(key)
        return found

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        self.calls.append(f"put {key}")
        return self.inner.put(key, data, if_absent=if_absent)

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        self.calls.append(f"replace {key}")
        return self.inner.replace(key, data, known)

    def delete(self, key: str) -> None:
        self.calls.append(f"delete {key}")
        self.inner.delete(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        self.calls.append(f"list {prefix}")
        return self.inner.keys(prefix, after)

    def tags(self, prefix: str) -> dict[str, str]:
        self.calls.append(f"tags {prefix}")
        return self.inner.tags(prefix)
