"""The same promises, held by the stores in memory, on a disk and on S3."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.types import CalendarEvent
from predictive_autoscaler.errors import (
    ConflictError,
    ModelError,
    ModelNotFoundError,
    SourceError,
)
from predictive_autoscaler.ports import GroupControl, ModelFiles
from tests.adapters.examples import DAY, GROUP, NOON, day_of_samples, same, tiny_model
from tests.adapters.stores import INTERVAL, Stores, memory_stores, object_stores


@pytest.fixture(params=["memory", "directory", "s3"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "memory":
        return memory_stores()
    if request.param == "directory":
        return object_stores(DirectoryObjects(tmp_path))
    return object_stores(request.getfixturevalue("s3_objects"))


def test_a_published_model_is_loaded(stores: Stores) -> None:
    npz, card, version = tiny_model()
    stores.models.publish(GROUP, npz, card, version)
    assert stores.models.load(GROUP).card.model_id == version
    assert stores.models.load(GROUP) is stores.models.load(GROUP)


def test_a_new_version_replaces_the_old_one(stores: Stores) -> None:
    for label in (1.0, 2.0):
        npz, card, version = tiny_model(label)
        stores.models.publish(GROUP, npz, card, version)
        assert stores.models.load(GROUP).card.model_id == version


def test_publishing_an_old_version_again_rolls_back(stores: Stores) -> None:
    for label in (1.0, 2.0, 1.0):
        npz, card, version = tiny_model(label)
        stores.models.publish(GROUP, npz, card, version)
        assert stores.models.load(GROUP).card.model_id == version


def test_a_version_never_changes(stores: Stores) -> None:
    npz, card, version = tiny_model(1.0)
    stores.models.publish(GROUP, npz, card, version)
    other_npz, other_card, _ = tiny_model(2.0)
    with pytest.raises(SourceError, match="other content"):
        stores.models.publish(GROUP, other_npz, other_card, version)
    assert stores.models.load(GROUP).card.model_id == version


def test_groups_have_models_of_their_own(stores: Stores) -> None:
    npz, card, version = tiny_model()
    stores.models.publish(GROUP, npz, card, version)
    with pytest.raises(ModelNotFoundError, match="other"):
        stores.models.load("other")


def test_a_truncated_model_is_refused_each_time(stores: Stores) -> None:
    npz, card, version = tiny_model()
    stores.models.publish(GROUP, npz[:-100], card, version)
    for _ in range(2):
        with pytest.raises(ModelError, match="SHA-256"):
            stores.models.load(GROUP)
    stores.models.publish(GROUP, npz, card, "repaired")
    assert stores.models.load(GROUP).card.model_id == version


def test_the_pointer_knows_what_was_before(stores: Stores) -> None:
    assert stores.models.pointed(GROUP).publication is None
    for version, label in (("one", 1.0), ("two", 2.0), ("two", 2.0), ("three", 3.0), ("one", 1.0)):
        stores.models.publish(GROUP, *tiny_model(label)[:2], version=version)
    assert stores.models.pointed(GROUP).publication == Publication("one", ("three", "two"))


def test_the_pointer_moves_only_from_where_it_was_seen(stores: Stores) -> None:
    models = stores.models
    nothing = models.pointed(GROUP)
    models.publish(GROUP, *tiny_model(1.0)[:2], version="one")
    with pytest.raises(ConflictError):
        models.point(GROUP, Publication("two"), nothing)
    seen = models.pointed(GROUP)
    models.keep(GROUP, "two", ModelFiles(*tiny_model(2.0)[:2]))
    models.point(GROUP, Publication("two", ("one",)), seen)
    with pytest.raises(ConflictError):
        models.point(GROUP, Publication("three", ("one",)), seen)
    assert models.pointed(GROUP).publication == Publication("two", ("one",))
    assert models.load(GROUP).card.model_id == tiny_model(2.0)[2]


def test_of_eight_publications_at_once_one_wins(stores: Stores) -> None:
    models = stores.models
    models.publish(GROUP, *tiny_model(1.0)[:2], version="old")
    names = [f"new{number}" for number in range(8)]
    for name in names:
        models.keep(GROUP, name, ModelFiles(*tiny_model(2.0)[:2]))
    seen = models.pointed(GROUP)
    assert seen.publication is not None
    before = seen.publication

    def published(name: str) -> bool:
        try:
            models.point(GROUP, before.followed_by(name), seen)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(published, names))
    assert sum(won) == 1
    assert models.pointed(GROUP).publication == before.followed_by(names[won.index(True)])


def test_versions_come_back_as_they_were_kept(stores: Stores) -> None:
    models = stores.models
    assert models.versions(GROUP) == []
    old, new = (ModelFiles(*tiny_model(label)[:2], verdict) for label, verdict in PAIR)
    models.keep(GROUP, "2026 1/a", old)
    models.keep(GROUP, "2026 2/b", new)
    models.keep("other", "2027", old)
    assert models.versions(GROUP) == ["2026 2/b", "2026 1/a"]
    assert models.files(GROUP, "2026 1/a") == old
    assert models.files(GROUP, "2026 2/b") == new
    models.forget(GROUP, "2026 1/a")
    models.forget(GROUP, "2026 1/a")
    assert models.versions(GROUP) == ["2026 2/b"]
    with pytest.raises(ModelError, match="there is no"):
        models.files(GROUP, "2026 1/a")
    with pytest.raises(ModelNotFoundError):
        models.load(GROUP)


PAIR = ((1.0, None), (2.0, '{"why": "better"}\n'))


def test_a_slot_is_claimed_once(stores: Stores) -> None:
    assert stores.decisions.claim(NOON, {"by": "one"})
    assert not stores.decisions.claim(NOON, {"by": "two"})
    assert stores.decisions.load(NOON) == {"by": "one"}
    assert stores.decisions.claim(NOON + INTERVAL, {"by": "two"})


def test_of_eight_claims_one_wins(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(
            pool.map(lambda n: stores.decisions.claim(NOON, {"run": str(n), "by": n}), range(8))
        )
    assert sum(won) == 1
    assert stores.decisions.load(NOON) == {"run": str(won.index(True)), "by": won.index(True)}


def test_a_claimed_record_is_completed(stores: Stores) -> None:
    stores.decisions.claim(NOON, {"status": "claimed"})
    stores.decisions.complete(NOON, {"status": "completed"})
    assert stores.decisions.load(NOON) == {"status": "completed"}
    assert not stores.decisions.claim(NOON, {"status": "claimed"})


def test_no_record_is_none(stores: Stores) -> None:
    assert stores.decisions.load(NOON) is None
    assert stores.decisions.newest_before(NOON) is None


def test_the_slots_with_a_record_are_listed_from_a_moment_on(stores: Stores) -> None:
    assert stores.decisions.slots_since(NOON) == []
    slots = [NOON + index * INTERVAL for index in (0, 1, 3, 400)]
    for slot in (NOON - INTERVAL, *reversed(slots)):
        stores.decisions.claim(slot, {})
    assert stores.decisions.slots_since(NOON) == slots
    assert stores.decisions.slots_since(NOON + timedelta(seconds=1)) == slots[1:]


@pytest.mark.parametrize("age", [INTERVAL, timedelta(minutes=37), timedelta(days=2) - INTERVAL])
def test_the_newest_earlier_record_is_found(stores: Stores, age: timedelta) -> None:
    stores.decisions.claim(NOON - age, {"n": 2})
    stores.decisions.claim(NOON - age - INTERVAL, {"n": 1})
    stores.decisions.claim(NOON, {"n": 3})
    stores.decisions.claim(NOON + INTERVAL, {"n": 4})
    assert stores.decisions.newest_before(NOON) == {"n": 2}


def test_a_record_of_two_days_ago_is_too_old(stores: Stores) -> None:
    stores.decisions.claim(NOON - timedelta(days=2), {"n": 1})
    assert stores.decisions.newest_before(NOON) is None


def test_nothing_said_is_the_default_control(stores: Stores) -> None:
    assert stores.controls.load_each([GROUP])[GROUP] == GroupControl()


def test_what_operators_said_is_kept(stores: Stores) -> None:
    event = CalendarEvent("sale", NOON, NOON + timedelta(hours=3), 12)
    for control in (GroupControl("full", (event,)), GroupControl(None, (event, event))):
        stores.controls.save(GROUP, control)
        assert stores.controls.load_each([GROUP])[GROUP] == control


def test_an_edit_of_somebody_else_is_not_lost(stores: Stores) -> None:
    """The mode is changed while a colleague announces an event."""
    event = CalendarEvent("sale", NOON, NOON + timedelta(hours=3), 12)
    nothing = stores.controls.load_each([GROUP])[GROUP]
    assert isinstance(nothing, GroupControl)
    stores.controls.save(GROUP, GroupControl("observe"), instead_of=nothing)
    announced = GroupControl("observe", (event,))
    stores.controls.save(GROUP, announced, instead_of=GroupControl("observe"))
    for stale in (nothing, GroupControl("observe")):
        with pytest.raises(SourceError, match="changed by somebody else"):
            stores.controls.save(GROUP, GroupControl("full"), instead_of=stale)
    assert stores.controls.load_each([GROUP])[GROUP] == announced


def test_finished_days_are_kept_exactly(stores: Stores) -> None:
    samples = day_of_samples()
    stores.history.save(GROUP, DAY, samples)
    kept = stores.history.load(GROUP, [DAY - timedelta(days=1), DAY], 3600)
    assert list(kept) == [DAY]
    assert same(kept[DAY], samples)


def test_another_grid_counts_as_absent(stores: Stores) -> None:
    stores.history.save(GROUP, DAY, day_of_samples())
    assert stores.history.load(GROUP, [DAY], 300) == {}


def test_kept_days_are_listed_in_order(stores: Stores) -> None:
    days = [date(2026, 11, 3), date(2026, 10, 31), date(2026, 11, 2)]
    for day in days:
        stores.history.save(GROUP, day, day_of_samples(day))
    stores.history.save("other", DAY, day_of_samples())
    assert stores.history.days(GROUP) == sorted(days)
    assert stores.history.days("none") == []
