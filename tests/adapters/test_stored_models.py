from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore
from predictive_autoscaler.adapters.stores import StoredModels
from predictive_autoscaler.adapters.stores.keys import latest_key, model_keys, quoted
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.errors import (
    ConflictError,
    ModelError,
    ModelNotFoundError,
    SourceError,
)
from predictive_autoscaler.ports import ModelFiles
from tests.adapters.examples import GROUP, tiny_model
from tests.adapters.stores import CountingObjects


def tiny_size() -> int:
    npz, card, _ = tiny_model()
    return load_model(npz, card).forecaster.size_bytes


def test_an_unchanged_model_is_not_sent_again(s3_objects: S3Objects) -> None:
    objects = CountingObjects(s3_objects)
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.publish(GROUP, npz, card, version)
    first = models.load(GROUP)
    assert objects.sent == [latest_key(GROUP), *model_keys(GROUP, version)]
    objects.calls.clear()
    objects.sent.clear()
    assert models.load(GROUP) is first
    assert objects.calls == ["tags published/"]
    assert objects.sent == []


def test_many_unchanged_models_cost_one_listing(s3_objects: S3Objects) -> None:
    objects = CountingObjects(s3_objects)
    models = StoredModels(objects)
    names = [f"web{number}" for number in range(9)]
    for name in names:
        models.publish(name, *tiny_model())
    first = dict(models.load_each(names))
    objects.calls.clear()
    assert all(dict(models.load_each(names))[name] is first[name] for name in names)
    assert objects.calls == ["tags published/"] * len(names)


def test_models_come_in_the_order_asked_for_with_each_one_s_trouble(objects: ObjectStore) -> None:
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    for name in ("a", "b", "d", "e", "f", "g"):
        models.publish(name, npz, card, version)
    objects.put(model_keys("d", version)[0], b"damaged")
    asked = ["g", "f", "missing", "e", "d", "b", "b", "a"]
    for _ in range(2):
        found = list(models.load_each(asked))
        assert [name for name, _ in found] == asked
        kinds = [type(answer) for _, answer in found]
        assert kinds == [Model, Model, ModelNotFoundError, Model, ModelError, Model, Model, Model]
    assert found[5][1] is found[6][1]


def test_models_beyond_the_cache_pass_through_and_the_kept_ones_stay(tmp_path: Path) -> None:
    objects = CountingObjects(DirectoryObjects(tmp_path))
    size = tiny_size()
    models = StoredModels(objects, cache_bytes=2 * size)
    names = ["a", "b", "c", "d"]
    for name in names:
        models.publish(name, *tiny_model())
    dict(models.load_each(names))
    assert models.kept_bytes == 2 * size
    for _ in range(2):
        objects.sent.clear()
        assert all(isinstance(model, Model) for _, model in models.load_each(names))
        assert {key.split("/")[1] for key in objects.sent} == {"c", "d"}
        assert models.kept_bytes == 2 * size


def test_a_new_version_takes_the_place_of_the_kept_one(tmp_path: Path) -> None:
    models = StoredModels(DirectoryObjects(tmp_path), cache_bytes=tiny_size())
    models.publish(GROUP, *tiny_model(1.0)[:2], version="one")
    models.load(GROUP)
    npz, card, _ = tiny_model(2.0)
    models.publish(GROUP, npz, card, "two")
    assert models.load(GROUP).card.npz_sha256 == json.loads(card)["npz_sha256"]
    assert models.kept_bytes == tiny_size()


def test_who_stops_asking_early_leaves_nothing_behind(objects: ObjectStore) -> None:
    models = StoredModels(objects)
    names = [f"web{number}" for number in range(20)]
    for name in names:
        models.publish(name, *tiny_model())
    asked = models.load_each(names)
    assert isinstance(asked, Generator)
    next(asked)
    asked.close()
    assert isinstance(models.load("web19"), Model)


def test_a_moved_pointer_to_the_same_version_costs_one_get(tmp_path: Path) -> None:
    objects = CountingObjects(DirectoryObjects(tmp_path))
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.publish(GROUP, npz, card, version)
    first = models.load(GROUP)
    objects.put(latest_key(GROUP), b'{"version":"%s"}' % version.encode())
    objects.sent.clear()
    assert models.load(GROUP) is first
    assert objects.sent == [latest_key(GROUP)]


def test_a_damaged_model_is_read_anew_until_it_is_repaired(objects: ObjectStore) -> None:
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.publish(GROUP, npz, card, version)
    npz_key, card_key = model_keys(GROUP, version)
    objects.put(npz_key, npz[: len(npz) // 2])
    for _ in range(2):
        with pytest.raises(ModelError, match="SHA-256"):
            models.load(GROUP)
    objects.put(card_key, b"\xff not JSON")
    with pytest.raises(ModelError, match=r"model\.json"):
        models.load(GROUP)
    objects.put(npz_key, npz)
    objects.put(card_key, card.encode())
    assert models.load(GROUP).card.model_id == version


def test_the_pointer_is_written_last(tmp_path: Path) -> None:
    objects = CountingObjects(DirectoryObjects(tmp_path))
    npz, card, version = tiny_model()
    StoredModels(objects).publish(GROUP, npz, card, version)
    keys = (*model_keys(GROUP, version), latest_key(GROUP))
    assert objects.calls == [f"get {keys[-1]}", *(f"put {key}" for key in keys)]
    npz, card, _ = tiny_model(2.0)
    objects.calls.clear()
    StoredModels(objects).publish(GROUP, npz, card, "two")
    assert objects.calls[-1] == f"replace {keys[-1]}"
    assert not any(call.startswith("replace") for call in objects.calls[:-1])


def test_a_refused_publication_leaves_the_pointer(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    models = StoredModels(objects)
    models.publish(GROUP, *tiny_model(1.0)[:2], version="one")
    npz, card, _ = tiny_model(2.0)
    models.publish(GROUP, npz, card, "two")
    with pytest.raises(SourceError, match="never changes"):
        models.publish(GROUP, npz + b" ", card, "one")
    pointer = objects.get(latest_key(GROUP))
    assert pointer is not None
    assert pointer.data == b'{"version": "two", "former": ["one"]}\n'


@pytest.mark.parametrize("pointer", [b"", b"[]", b"{}", b'{"version": 3}', b'{"version": ""}'])
def test_a_strange_pointer_is_a_model_error(tmp_path: Path, pointer: bytes) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put(latest_key(GROUP), pointer)
    with pytest.raises(ModelError, match=r"published/"):
        StoredModels(objects).load(GROUP)


@pytest.mark.parametrize("rest", [b'"former": 3', b'"former": [""]', b'"rolled_back": {"a": 1}'])
def test_what_serving_does_not_need_of_a_pointer_cannot_stop_it(
    tmp_path: Path, rest: bytes
) -> None:
    objects = DirectoryObjects(tmp_path)
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.publish(GROUP, npz, card, version)
    objects.put(latest_key(GROUP), b'{"version": "%s", %s}' % (version.encode(), rest))
    assert models.load(GROUP).card.model_id == version
    seen = models.pointed(GROUP)
    assert seen.publication is None
    assert latest_key(GROUP) in seen.fault
    models.publish(GROUP, npz, card, "repaired")
    assert models.pointed(GROUP).publication == Publication("repaired")


def test_an_answer_that_got_lost_is_no_conflict(s3_objects: S3Objects) -> None:
    """The client tries again, and finds the pointer moved: by itself."""
    models = StoredModels(s3_objects)
    models.publish(GROUP, *tiny_model(1.0)[:2], version="one")
    seen = models.pointed(GROUP)
    models.point(GROUP, Publication("two"), seen)
    models.point(GROUP, Publication("two"), seen)
    with pytest.raises(ConflictError, match=r"published/.*somebody else.*three is not published"):
        models.point(GROUP, Publication("three"), seen)


def test_other_files_beside_the_versions_are_none(objects: ObjectStore) -> None:
    objects.put(f"models/{GROUP}/README", b"by hand")
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.keep(GROUP, version, ModelFiles(npz, card))
    assert models.versions(GROUP, whole=False) == [version]


def test_what_is_left_of_a_broken_removal_is_no_version(objects: ObjectStore) -> None:
    models = StoredModels(objects)
    npz, card, version = tiny_model()
    models.keep(GROUP, version, ModelFiles(npz, card, "{}"))
    objects.delete(model_keys(GROUP, version)[1])
    assert models.versions(GROUP) == []
    assert models.versions(GROUP, whole=False) == [version]
    models.forget(GROUP, version)
    assert models.versions(GROUP, whole=False) == []
    assert list(objects.keys("models/")) == []


def test_a_pointer_to_nothing_is_a_model_error(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put(latest_key(GROUP), b'{"version": "gone"}')
    with pytest.raises(ModelError, match="missing"):
        StoredModels(objects).load(GROUP)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../etc", "a b:c%", "ä"])
def test_no_name_leaves_its_folder(name: str) -> None:
    part = quoted(name)
    assert "/" not in part
    assert part.strip(".")
    assert part.isascii()
