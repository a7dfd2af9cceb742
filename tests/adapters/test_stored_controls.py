from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects, StoredObject
from predictive_autoscaler.adapters.stores import StoredControls
from predictive_autoscaler.core.types import CalendarEvent
from predictive_autoscaler.errors import AutoscalerError, DataError, SourceError
from predictive_autoscaler.ports import GroupControl

EVENT: dict[str, Any] = {
    "name": "sale",
    "start": "2026-11-27T08:00:00+01:00",
    "end": "2026-11-27T23:00:00Z",
    "min_instances": 8,
}


def load(tmp_path: Path, text: str) -> GroupControl:
    objects = DirectoryObjects(tmp_path)
    objects.put("control/web.json", text.encode())
    control = StoredControls(objects).load_each(["web"])["web"]
    if isinstance(control, AutoscalerError):
        raise control
    return control


def test_times_are_read_with_their_zone(tmp_path: Path) -> None:
    control = load(tmp_path, json.dumps({"mode": "observe", "calendar": [EVENT]}))
    start = datetime(2026, 11, 27, 7, tzinfo=UTC)
    end = datetime(2026, 11, 27, 23, tzinfo=UTC)
    assert control == GroupControl("observe", (CalendarEvent("sale", start, end, 8),))


@pytest.mark.parametrize("text", ["{}", '{"mode": null}', '{"calendar": []}'])
def test_both_keys_may_be_left_out(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == GroupControl()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"mode": "on"}, "mode is 'on'; allowed is off, observe, full"),
        ({"mode": ["full"]}, "mode is"),
        ({"modus": "full"}, "unknown key 'modus'; known are calendar, mode"),
        ({"calendar": {}}, "calendar is"),
        ({"calendar": ["sale"]}, r"calendar\[0\] is 'sale'"),
        ({"calendar": [EVENT, EVENT | {"max": 3}]}, r"calendar\[1\] has the unknown key 'max'"),
        ({"calendar": [{"name": "sale"}]}, r"calendar\[0\] has no end"),
        ({"calendar": [EVENT | {"start": "2026-11-27T08:00:00"}]}, r"\[0\]\.start .* zone"),
        ({"calendar": [EVENT | {"end": 5}]}, r"\[0\]\.end is 5"),
        ({"calendar": [EVENT | {"end": EVENT["start"]}]}, "not after its start"),
        ({"calendar": [EVENT | {"min_instances": -1}]}, "min_instances is -1"),
        ({"calendar": [EVENT | {"min_instances": True}]}, "min_instances is True"),
        ({"calendar": [EVENT | {"min_instances": 1.5}]}, r"min_instances is 1\.5"),
        ({"calendar": [EVENT | {"name": None}]}, "name is None"),
        ([], "the file is"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, json.dumps(content))
    assert str(caught.value).startswith("control/web.json: ")


def test_text_that_is_not_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"control/web\.json: not JSON"):
        load(tmp_path, "mode: full")


def test_what_cannot_be_read_is_written_over_and_its_bytes_are_kept(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    garbage = b'{"mode": "full", "calendar": [\xff'
    objects.put("control/web.json", garbage)
    controls = StoredControls(objects)
    kept = controls.save_over_unreadable("web", GroupControl("observe"))
    assert controls.load_each(["web"])["web"] == GroupControl("observe")
    assert kept.startswith("control/web.json.")
    found = objects.get(kept)
    assert found is not None
    assert found.data == garbage


@pytest.mark.parametrize("text", [None, '{"mode": "full"}'])
def test_what_can_be_read_by_now_is_not_written_over(tmp_path: Path, text: str | None) -> None:
    objects = DirectoryObjects(tmp_path)
    if text is not None:
        objects.put("control/web.json", text.encode())
    with pytest.raises(SourceError, match=r"control/web\.json has been changed by somebody else"):
        StoredControls(objects).save_over_unreadable("web", GroupControl("observe"))
    assert list(objects.keys("control/")) == ([] if text is None else ["control/web.json"])


def test_an_edit_between_the_look_and_the_writing_stays(tmp_path: Path) -> None:
    mended = b'{"mode": "full"}'

    class Raced(DirectoryObjects):
        def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
            self.put(key, mended)
            return super().replace(key, data, known)

    objects = Raced(tmp_path)
    objects.put("control/web.json", b"{bad")
    with pytest.raises(SourceError, match="try again"):
        StoredControls(objects).save_over_unreadable("web", GroupControl("observe"))
    found = objects.get("control/web.json")
    assert found is not None
    assert found.data == mended
