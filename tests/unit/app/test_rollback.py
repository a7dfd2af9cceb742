from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.adapters.memory import MemoryModelStore
from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.adapters.stores import StoredModels
from predictive_autoscaler.adapters.stores.keys import latest_key, model_keys
from predictive_autoscaler.app.rollback import RolledBack, list_versions, other_versions, roll_back
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.errors import ConflictError, ModelError
from tests.adapters.examples import tiny_model

GROUP = "web"
Store = MemoryModelStore | StoredModels


@pytest.fixture(params=["memory", "directory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Three versions, published one after the other."""
    made: Store = (
        MemoryModelStore()
        if request.param == "memory"
        else StoredModels(DirectoryObjects(tmp_path))
    )
    for name, label in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        made.publish(GROUP, *tiny_model(label, GROUP)[:2], version=name)
    return made


def bytes_of(label: float) -> bytes:
    return tiny_model(label, GROUP)[0]


def served(archive: Store) -> bytes:
    """The bytes that the controller computes with, made anew from what it holds."""
    return archive.load(GROUP).forecaster.to_bytes()


def test_it_goes_to_the_one_before_byte_for_byte(archive: Store) -> None:
    assert served(archive) == bytes_of(3.0)
    done = roll_back(GROUP, archive)
    assert done is not None
    assert (done.left, done.version) == ("c", "b")
    assert served(archive) == bytes_of(2.0)
    roll_back(GROUP, archive)
    assert served(archive) == bytes_of(1.0)
    assert archive.versions(GROUP) == ["c", "b", "a"]


def test_it_goes_to_a_named_one_and_there_again(archive: Store) -> None:
    roll_back(GROUP, archive, "a")
    assert served(archive) == bytes_of(1.0)
    roll_back(GROUP, archive, "c")
    assert served(archive) == bytes_of(3.0)
    assert archive.pointed(GROUP).publication == Publication("c", ("a",), ("b",))


def test_it_asks_before_and_a_no_changes_nothing(archive: Store) -> None:
    asked: list[RolledBack] = []

    def refuse(planned: RolledBack) -> bool:
        asked.append(planned)
        return False

    assert roll_back(GROUP, archive, confirm=refuse) is None
    assert asked[0].version == "b"
    assert asked[0].trained_until.year == 2026
    assert served(archive) == bytes_of(3.0)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("x", "there is no version 'x' of web; there are b, a"),
        ("c", "c is the published version; there are b, a"),
        ("", "there is no version '' of web; there are b, a"),
    ],
)
def test_a_wrong_version_names_those_there_are(archive: Store, version: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        roll_back(GROUP, archive, version)
    assert served(archive) == bytes_of(3.0)


def test_there_must_be_one_before(archive: Store) -> None:
    roll_back(GROUP, archive, "a")
    with pytest.raises(ModelError, match="does not tell what was published before a; there are c"):
        roll_back(GROUP, archive)
    with pytest.raises(ModelError, match="no model of group 'other' has been published"):
        roll_back("other", archive)


def test_one_that_is_damaged_is_not_gone_to(tmp_path: Path) -> None:
    archive = StoredModels(DirectoryObjects(tmp_path))
    for name, label in (("a", 1.0), ("b", 2.0)):
        archive.publish(GROUP, *tiny_model(label, GROUP)[:2], version=name)
    (tmp_path / model_keys(GROUP, "a")[0]).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="SHA-256"):
        roll_back(GROUP, archive)
    assert served(archive) == bytes_of(2.0)
    listed = {one.name: one for one in list_versions(GROUP, archive)}
    assert "SHA-256" in listed["a"].fault
    assert listed["b"].fault == ""


def test_a_broken_pointer_is_mended_by_naming_a_version(tmp_path: Path) -> None:
    archive = StoredModels(DirectoryObjects(tmp_path))
    archive.publish(GROUP, *tiny_model(1.0, GROUP)[:2], version="a")
    (tmp_path / latest_key(GROUP)).write_bytes(b"{")
    with pytest.raises(ModelError, match=r"published/web\.json cannot be read"):
        roll_back(GROUP, archive)
    roll_back(GROUP, archive, "a")
    assert served(archive) == bytes_of(1.0)


def test_a_publication_in_between_stands(archive: Store) -> None:
    def publish_meanwhile(planned: RolledBack) -> bool:
        archive.publish(GROUP, *tiny_model(4.0, GROUP)[:2], version="d")
        return True

    with pytest.raises(ConflictError):
        roll_back(GROUP, archive, confirm=publish_meanwhile)
    assert served(archive) == bytes_of(4.0)


def test_the_list_has_the_published_one_first(archive: Store) -> None:
    roll_back(GROUP, archive)
    assert [(one.name, one.place) for one in list_versions(GROUP, archive)] == [
        ("b", "published"),
        ("a", "former"),
        ("c", "rolled back"),
    ]
    assert list_versions(GROUP, archive)[0].trained_until == "2026-11-15T00:00:00Z"
    assert list_versions("other", archive) == []


def test_the_versions_to_go_to_begin_with_the_one_that_it_takes_by_itself(archive: Store) -> None:
    assert other_versions(GROUP, archive) == ["b", "a"]
    roll_back(GROUP, archive)
    assert other_versions(GROUP, archive) == ["a", "c"]
    archive.forget(GROUP, "a")
    assert other_versions(GROUP, archive) == ["c"]
    assert other_versions("another", archive) == []
