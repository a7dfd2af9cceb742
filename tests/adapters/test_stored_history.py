from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.adapters.stores import StoredHistory
from predictive_autoscaler.adapters.stores.keys import history_key
from tests.adapters.examples import DAY, GROUP, day_of_samples


def test_the_same_day_gives_the_same_bytes(tmp_path: Path) -> None:
    kept = []
    for name in ("one", "two"):
        StoredHistory(DirectoryObjects(tmp_path / name)).save(GROUP, DAY, day_of_samples())
        kept.append((tmp_path / name / history_key(GROUP, DAY)).read_bytes())
    assert kept[0] == kept[1]
    time_in_header = kept[0][4:8]
    assert time_in_header == bytes(4)
    assert gzip.decompress(kept[0]).startswith(b"timestamp,requests,")


def damaged(packed: bytes) -> list[bytes]:
    return [
        b"",
        b"not gzip",
        packed[: len(packed) // 2],
        packed[:20] + bytes([packed[20] ^ 255]) + packed[21:],
        gzip.compress(b"\xff\xfe"),
        gzip.compress(b"timestamp,requests\n"),
        gzip.compress(b"a,b\n1,2\n"),
        gzip.compress(b"".join(gzip.decompress(packed).splitlines(keepends=True)[:-1])),
    ]


@pytest.mark.parametrize("number", range(8))
def test_a_file_that_cannot_be_read_is_absent(tmp_path: Path, number: int) -> None:
    objects = DirectoryObjects(tmp_path)
    history = StoredHistory(objects)
    history.save(GROUP, DAY, day_of_samples())
    found = objects.get(history_key(GROUP, DAY))
    assert found is not None
    objects.put(history_key(GROUP, DAY), damaged(found.data)[number])
    assert history.load(GROUP, [DAY], 3600) == {}


def test_a_file_of_another_day_is_absent(tmp_path: Path) -> None:
    history = StoredHistory(DirectoryObjects(tmp_path))
    history.save(GROUP, DAY, day_of_samples(DAY - timedelta(days=1)))
    assert history.load(GROUP, [DAY], 3600) == {}


def test_files_named_otherwise_are_not_listed(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    history = StoredHistory(objects)
    history.save(GROUP, DAY, day_of_samples())
    objects.put(f"{history_key(GROUP, DAY)}.bak", b"")
    assert history.days(GROUP) == [DAY]
