from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore, StoredObject
from predictive_autoscaler.errors import AccessDeniedError, SourceError, ThrottledError
from tests.adapters.fakes import client_error, failing


def test_what_was_put_is_got(objects: ObjectStore) -> None:
    assert objects.put("a/b.json", b"one")
    assert objects.put("a/b.json", b"two")
    found = objects.get("a/b.json")
    assert found is not None
    assert found.data == b"two"


def test_an_absent_object_is_none(objects: ObjectStore) -> None:
    assert objects.get("a/b.json") is None


def test_an_unchanged_object_is_the_known_one(objects: ObjectStore) -> None:
    objects.put("a", b"one")
    known = objects.get("a")
    assert objects.get("a", known) is known
    objects.put("a", b"two")
    changed = objects.get("a", known)
    assert changed is not known
    assert changed is not None
    assert changed.data == b"two"


def test_if_absent_keeps_the_first(objects: ObjectStore) -> None:
    assert objects.put("a", b"one", if_absent=True)
    assert not objects.put("a", b"two", if_absent=True)
    found = objects.get("a")
    assert found is not None
    assert found.data == b"one"


def test_of_eight_creators_one_wins(objects: ObjectStore) -> None:
    for attempt in range(5):
        key = f"race/{attempt}"
        with ThreadPoolExecutor(8) as pool:
            won = list(
                pool.map(lambda n, k=key: objects.put(k, b"%d" % n, if_absent=True), range(8))
            )
        assert sum(won) == 1
        found = objects.get(key)
        assert found is not None
        assert found.data == b"%d" % won.index(True)


def test_a_replacement_needs_what_was_read(objects: ObjectStore) -> None:
    objects.put("a", b"one")
    known = objects.get("a")
    assert known is not None
    assert objects.replace("a", b"two", known)
    assert not objects.replace("a", b"three", known)
    assert content(objects, "a") == b"two"


def test_what_has_gone_is_not_replaced(objects: ObjectStore) -> None:
    objects.put("a", b"one")
    known = objects.get("a")
    assert known is not None
    objects.delete("a")
    assert not objects.replace("a", b"two", known)
    assert objects.get("a") is None


def test_of_eight_replacers_one_wins(objects: ObjectStore) -> None:
    objects.put("race", b"old")
    for attempt in range(5):
        known = objects.get("race")
        assert known is not None
        with ThreadPoolExecutor(8) as pool:
            texts = [b"%d %d" % (attempt, number) for number in range(8)]
            won = list(pool.map(lambda text, k=known: objects.replace("race", text, k), texts))
        assert sum(won) == 1
        assert content(objects, "race") == texts[won.index(True)]


def test_a_replacer_that_died_leaves_no_lock(tmp_path: Path) -> None:
    """Another process takes the lock and ends without a word."""
    objects = DirectoryObjects(tmp_path)
    objects.put("a", b"one")
    dying = (
        "import os, sys, pathlib; from predictive_autoscaler.adapters.objects import *; "
        "held = DirectoryObjects(pathlib.Path(sys.argv[1]))._changing(); held.__enter__(); "
        "os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False)
    assert ended.returncode == 9
    known = objects.get("a")
    assert known is not None
    assert objects.replace("a", b"two", known)


def test_what_was_deleted_is_gone(objects: ObjectStore) -> None:
    for key in ("m/a/x", "m/a/y", "m/b/x"):
        objects.put(key, b"1")
    objects.delete("m/a/x")
    objects.delete("m/a/x")
    objects.delete("never/was")
    assert list(objects.keys("m/")) == ["m/a/y", "m/b/x"]
    assert objects.get("m/a/x") is None
    assert objects.put("m/a/x", b"2", if_absent=True)


def content(objects: ObjectStore, key: str) -> bytes:
    found = objects.get(key)
    assert found is not None
    return found.data


def test_keys_come_in_order_by_prefix(objects: ObjectStore) -> None:
    for key in ("d/3", "d/1", "d/2", "e/1", "d/sub/x", "d.x"):
        objects.put(key, b"")
    assert list(objects.keys("d/")) == ["d/1", "d/2", "d/3", "d/sub/x"]
    assert list(objects.keys("d/", after="d/1")) == ["d/2", "d/3", "d/sub/x"]
    assert list(objects.keys("none/")) == []


def test_a_missing_bucket_says_what_to_check(aws: Clients) -> None:
    objects = S3Objects(aws.s3, "nowhere")
    with pytest.raises(SourceError, match=r"s3:GetObject on s3://nowhere/a.*S3_BUCKET"):
        objects.get("a")
    with pytest.raises(SourceError, match=r"s3:PutObject.*NoSuchBucket"):
        objects.put("a", b"", if_absent=True)
    with pytest.raises(SourceError, match=r"s3:ListBucket.*NoSuchBucket"):
        list(objects.keys("a"))
    with pytest.raises(SourceError, match=r"s3:DeleteObject.*NoSuchBucket"):
        objects.delete("a")
    with pytest.raises(SourceError, match=r"s3:PutObject.*NoSuchBucket"):
        objects.replace("a", b"", StoredObject(b"", '"0"'))


def test_a_file_in_the_way_is_a_source_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    objects = DirectoryObjects(tmp_path)
    with pytest.raises(SourceError, match="cannot write"):
        objects.put("models/a", b"")
    with pytest.raises(SourceError, match="cannot read"):
        objects.get("models/a")
    objects = DirectoryObjects(tmp_path / "models")
    assert not objects.replace("a", b"", StoredObject(b"", ""))
    objects.delete("a")


def test_a_failed_write_leaves_the_old_bytes_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put("a", b"old")

    class FullDisk(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    def full(handle: int, *_: object) -> FullDisk:
        os.close(handle)
        return FullDisk()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(SourceError, match="No space left"):
        objects.put("a", b"new")
    with pytest.raises(SourceError, match="No space left"):
        objects.put("b", b"new", if_absent=True)
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert list(objects.keys("")) == ["a"]
    assert objects.put("b", b"new", if_absent=True)


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409)]
)
def test_both_ways_of_losing_a_race_on_s3(code: str, status: int) -> None:
    objects = S3Objects(failing(client_error(code, status=status)), "b")
    assert not objects.put("a", b"", if_absent=True)
    assert not objects.replace("a", b"", StoredObject(b"", '"0"'))
    with pytest.raises(SourceError, match=code):
        objects.put("a", b"")


def test_another_conflict_on_s3_is_an_error() -> None:
    objects = S3Objects(failing(client_error("OperationAborted", status=409)), "b")
    with pytest.raises(SourceError, match="OperationAborted"):
        objects.put("a", b"", if_absent=True)


def test_s3_failures_are_told_apart() -> None:
    with pytest.raises(ThrottledError, match=r"s3:GetObject on s3://b/a"):
        S3Objects(failing(client_error("SlowDown", status=503)), "b").get("a")
    with pytest.raises(AccessDeniedError, match=r"s3:ListBucket"):
        S3Objects(failing(client_error("AccessDenied", status=403)), "b").get("a")
