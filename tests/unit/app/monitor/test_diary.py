"""Which records are read when, and what is kept of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from predictive_autoscaler.app.monitor.diary import FIRST_READ, Diary, Entry, entry_of
from predictive_autoscaler.core.types import Json, utc_from_text, utc_text
from predictive_autoscaler.errors import DataError, ThrottledError
from tests.helpers.odd_records import ODD, with_odd
from tests.helpers.shop import GROUP, JsonDecisionLog, entry, world

INTERVAL = timedelta(minutes=15)


class CountedLog(JsonDecisionLog):
    """Counts reads by slot, and fails at some."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[datetime] = Counter()
        self.faults: dict[datetime, Exception] = {}

    def load(self, slot: datetime) -> Json | None:
        self.reads[slot] += 1
        if slot in self.faults:
            raise self.faults[slot]
        return super().load(slot)


@pytest.fixture(scope="module")
def real() -> Json:
    """A record as the controller makes it."""
    return world(desired=20).run(1)[0]


def scene(real: Json, slots: int, status: str = "completed") -> tuple[CountedLog, Diary, datetime]:
    """So many records, one an interval, and a diary at the time of the newest."""
    log, newest = CountedLog(), utc_from_text(real["slot"])
    for back in range(slots):
        slot = newest - back * INTERVAL
        log.complete(slot, real | {"slot": utc_text(slot), "status": status})
    diary = Diary(log, world().groups[0], days=14)
    return log, diary, newest + timedelta(minutes=2)


def test_what_is_kept_of_a_record(real: Json) -> None:
    decision, slot = entry(real)["decision"], utc_from_text(real["slot"])
    assert entry_of(real, slot, GROUP) == Entry(
        slot=slot,
        status="completed",
        desired=decision["after_instances"],
        wish=decision["wish_instances"],
        decided=decision["after_instances"],
        lower=decision["quantiles"]["0.05"],
        median=decision["quantiles"]["0.5"],
        upper=decision["quantiles"]["0.95"],
        capacity_per_instance=decision["capacity_per_instance"],
        miss_price=decision["miss_price"],
    )
    assert entry_of(real, slot, "another") == Entry(slot, "completed")


def test_what_was_not_done_leaves_the_group_as_it_was(real: Json) -> None:
    observed = json.loads(json.dumps(real))
    entry(observed)["outcome"] = {"status": "observed"}
    found = entry_of(observed, utc_from_text(real["slot"]), GROUP)
    assert found.desired == entry(real)["decision"]["before_instances"] == 20
    assert found.decided != found.desired


def test_each_record_is_read_once_the_newest_first(real: Json) -> None:
    log, diary, now = scene(real, 3 * FIRST_READ + 10)
    looks: list[set[datetime]] = []

    def going_on() -> bool:
        looks.append(set(diary.entries))
        return True

    diary.follow(now, going_on)
    assert [len(look) for look in looks] == [FIRST_READ, 3 * FIRST_READ, 3 * FIRST_READ + 10]
    assert max(looks[0]) == utc_from_text(real["slot"])
    assert min(looks[0]) > max(looks[1] - looks[0])
    assert diary.wanted == len(diary.entries)
    diary.follow(now)
    assert set(log.reads.values()) == {1}


def test_a_new_one_is_found_and_an_old_one_let_go(real: Json) -> None:
    log, diary, now = scene(real, 5)
    diary.follow(now)
    slot = utc_from_text(real["slot"]) + INTERVAL
    log.complete(slot, real | {"slot": utc_text(slot)})
    diary.follow(now + INTERVAL)
    assert max(diary.entries) == slot
    assert len(diary.entries) == 6
    diary.follow(now + timedelta(days=14))
    assert sorted(diary.entries) == [slot - INTERVAL, slot]


def test_a_claimed_one_is_read_again_until_it_is_complete(real: Json) -> None:
    log, diary, now = scene(real, 1, status="claimed")
    diary.follow(now)
    slot = utc_from_text(real["slot"])
    assert diary.entries[slot].status == "claimed"
    log.complete(slot, real)
    diary.follow(now)
    assert diary.entries[slot].status == "completed"
    diary.follow(now)
    assert log.reads[slot] == 2


def test_one_that_cannot_be_read_says_so_in_its_place(real: Json) -> None:
    log, diary, now = scene(real, 3)
    bad = utc_from_text(real["slot"]) - INTERVAL
    log.faults[bad] = DataError("no JSON")
    odd = json.loads(json.dumps(real))
    entry(odd)["decision"]["quantiles"] = ["many"]
    log.complete(bad - INTERVAL, odd)
    diary.follow(now)
    assert diary.entries[bad] == Entry(bad, "unreadable")
    assert diary.entries[bad - INTERVAL] == Entry(bad - INTERVAL, "unreadable")
    assert len(diary.entries) == 3


@pytest.mark.parametrize(("field", "value"), ODD)
def test_one_odd_number_makes_one_unreadable_entry(real: Json, field: str, value: object) -> None:
    log, diary, now = scene(real, 3)
    bad = utc_from_text(real["slot"]) - INTERVAL
    log.complete(bad, with_odd(real, field, value) | {"slot": utc_text(bad)})
    diary.follow(now)
    assert diary.entries[bad] == Entry(bad, "unreadable")
    assert [entry.status for entry in diary.entries.values()].count("completed") == 2


def test_throttled_it_keeps_what_it_has_and_goes_on_later(real: Json) -> None:
    log, diary, now = scene(real, FIRST_READ + 20)
    late = utc_from_text(real["slot"]) - (FIRST_READ + 5) * INTERVAL
    log.faults[late] = ThrottledError("slow down")
    with pytest.raises(ThrottledError):
        diary.follow(now)
    assert len(diary.entries) == FIRST_READ
    assert diary.wanted == FIRST_READ + 20
    log.faults.clear()
    diary.follow(now)
    assert len(diary.entries) == FIRST_READ + 20
