from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore
from predictive_autoscaler.adapters.stores import StoredModels
from predictive_autoscaler.adapters.stores.keys import latest_key, model_keys, quoted
from predictive_autoscaler.errors import ModelError, SourceError
from tests.adapters.examples import GROUP, tiny_model
from tests.adapters.stores import CountingObjects


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
    assert objects.calls == [f"get {latest_key(GROUP)}"]
    assert objects.sent == []


def test_304_is_what_s3_answers(s3_objects: S3Objects) -> None:
    statuses: list[int] = []
    events = s3_objects._client.meta.events
    events.register(
        "after-call.s3.GetObject",
        lambda http_response, **_: statuses.append(http_response.status_code),
    )
    models = StoredModels(s3_objects)
    models.publish(GROUP, *tiny_model())
    models.load(GROUP)
    models.load(GROUP)
    assert statuses == [200, 200, 200, 304]


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
    assert objects.calls == [f"put {key}" for key in keys]


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
    assert pointer.data == b'{"version": "two"}\n'


@pytest.mark.parametrize("pointer", [b"", b"[]", b"{}", b'{"version": 3}', b'{"version": ""}'])
def test_a_strange_pointer_is_a_model_error(tmp_path: Path, pointer: bytes) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put(latest_key(GROUP), pointer)
    with pytest.raises(ModelError, match=r"latest\.json"):
        StoredModels(objects).load(GROUP)


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
