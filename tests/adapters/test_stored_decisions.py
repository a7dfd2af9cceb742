from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores import StoredDecisions
from predictive_autoscaler.adapters.stores.keys import decision_key
from predictive_autoscaler.errors import DataError
from tests.adapters.examples import NOON
from tests.adapters.stores import INTERVAL, CountingObjects


def test_keys_sort_by_time_and_are_utc() -> None:
    moment = datetime(2026, 11, 20, 22, 55, tzinfo=UTC)
    assert decision_key(moment) == "decisions/2026-11-20T22-55-00Z.json"
    assert decision_key(moment.astimezone(timezone(timedelta(hours=5)))) == decision_key(moment)
    slots = [moment + n * INTERVAL for n in range(1000)]
    assert sorted(map(decision_key, slots)) == [decision_key(slot) for slot in slots]


def test_a_warm_tick_asks_once(tmp_path: Path) -> None:
    objects = CountingObjects(DirectoryObjects(tmp_path))
    decisions = StoredDecisions(objects, INTERVAL)
    decisions.complete(NOON - INTERVAL, {"n": 1})
    objects.calls.clear()
    assert decisions.newest_before(NOON) == {"n": 1}
    assert objects.calls == [f"get {decision_key(NOON - INTERVAL)}"]


def test_where_nobody_knows_the_interval_only_what_is_listed_is_read(tmp_path: Path) -> None:
    objects = CountingObjects(DirectoryObjects(tmp_path))
    decisions = StoredDecisions(objects, None)
    decisions.complete(NOON - INTERVAL, {"n": 1})
    objects.calls.clear()
    assert decisions.newest_before(NOON + timedelta(days=1)) == {"n": 1}
    keys = [call for call in objects.calls if call.startswith("get ")]
    assert keys == [f"get {decision_key(NOON - INTERVAL)}"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_damaged_record_is_passed_over(objects: ObjectStore, damage: bytes) -> None:
    decisions = StoredDecisions(objects, INTERVAL)
    decisions.complete(NOON - 3 * INTERVAL, {"n": 1})
    objects.put(decision_key(NOON - 2 * INTERVAL), damage)
    objects.put(decision_key(NOON - INTERVAL), damage)
    assert decisions.newest_before(NOON) == {"n": 1}
    with pytest.raises(DataError, match="2026-11-20T11-55-00Z"):
        decisions.load(NOON - INTERVAL)


class LosesAnswers:
    """A store whose first answer to a write is lost, so that the client tries again."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        return self._inner.get(key, known)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        self._inner.put(key, data, if_absent=if_absent)
        return self._inner.put(key, data, if_absent=if_absent)

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        self._inner.replace(key, data, known)
        return self._inner.replace(key, data, known)

    def delete(self, key: str) -> None:
        self._inner.delete(key)
        self._inner.delete(key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        return self._inner.keys(prefix, after)

    def tags(self, prefix: str) -> dict[str, str]:
        return self._inner.tags(prefix)


def test_a_claim_whose_answer_was_lost_is_still_ours(objects: ObjectStore) -> None:
    decisions = StoredDecisions(LosesAnswers(objects), INTERVAL)
    assert decisions.claim(NOON, {"run": "ours"})
    assert not decisions.claim(NOON, {"run": "theirs"})
