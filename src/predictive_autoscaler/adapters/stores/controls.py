"""What operators set at run time, as a small JSON file that is checked key by key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from predictive_autoscaler.adapters.objects import ObjectStore
from predictive_autoscaler.adapters.stores.followed import Followed
from predictive_autoscaler.adapters.stores.keys import CONTROLS, control_key, kept_control_key
from predictive_autoscaler.core.types import CalendarEvent, utc_from_text, utc_text
from predictive_autoscaler.errors import AutoscalerError, DataError, SourceError
from predictive_autoscaler.ports import MODES, GroupControl

_KEYS = {"mode", "calendar"}
_EVENT_KEYS = {"name", "start", "end", "min_instances"}


class StoredControls:
    """A ControlStore over objects."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._files = Followed(objects, CONTROLS, _parsed)

    def load_each(self, groups: Sequence[str]) -> dict[str, GroupControl | AutoscalerError]:
        """As the port says; no file gives the defaults.

        A DataError names the key, the value and what is allowed.
        """
        found = self._files.read([control_key(group) for group in groups])
        return {group: found.get(control_key(group), GroupControl()) for group in groups}

    def save(
        self, group: str, control: GroupControl, *, instead_of: GroupControl | None = None
    ) -> None:
        """As the port says. Raises DataError where what is there cannot be read."""
        key = control_key(group)
        data = _to_bytes(control)
        if instead_of is None:
            self._objects.put(key, data)
            return
        found = self._objects.get(key)
        written = False
        if (_parsed(key, found.data) if found else GroupControl()) == instead_of:
            if found is None:
                written = self._objects.put(key, data, if_absent=True)
            else:
                written = self._objects.replace(key, data, found)
        if not written:
            raise _changed(key)

    def save_over_unreadable(self, group: str, control: GroupControl) -> str:
        """As the port says. The same bytes are kept once, however often this is tried."""
        key = control_key(group)
        found = self._objects.get(key)
        if found is None or _is_readable(key, found.data):
            raise _changed(key)
        kept = kept_control_key(group, hashlib.sha256(found.data).hexdigest()[:12])
        # First: whatever happens between the two, nothing of what somebody wrote is lost.
        self._objects.put(kept, found.data)
        if not self._objects.replace(key, _to_bytes(control), found):
            raise _changed(key)
        return kept


def _changed(key: str) -> SourceError:
    return SourceError(f"{key} has been changed by somebody else just now; try again")


def _is_readable(key: str, data: bytes) -> bool:
    try:
        _parsed(key, data)
    except DataError:
        return False
    return True


def _to_bytes(control: GroupControl) -> bytes:
    return (json.dumps(control_to_json(control), indent=2) + "\n").encode()


def _parsed(key: str, data: bytes) -> GroupControl:
    try:
        return control_from_json(json.loads(data))
    except ValueError as error:
        raise DataError(f"{key}: not JSON: {error}") from error
    except DataError as error:
        raise DataError(f"{key}: {error}") from error


def control_to_json(control: GroupControl) -> dict[str, Any]:
    """The form that `control_from_json` reads."""
    content: dict[str, Any] = {"mode": control.mode} if control.mode else {}
    content["calendar"] = [
        {
            "name": event.name,
            "start": utc_text(event.start),
            "end": utc_text(event.end),
            "min_instances": event.min_instances,
        }
        for event in control.calendar
    ]
    return content


def control_from_json(content: object) -> GroupControl:
    """Check and read {"mode": …, "calendar": [{name, start, end, min_instances}]}.

    Both keys may be left out; a mode of null is none.

    Raises:
        DataError: anything else.
    """
    fields = _object(content, "the file", _KEYS)
    mode = fields.get("mode")
    if mode is not None and mode not in MODES:
        raise DataError(f"mode is {mode!r}; allowed is {', '.join(MODES)}")
    calendar = fields.get("calendar", [])
    if not isinstance(calendar, list):
        raise DataError(f"calendar is {calendar!r}; a list of events is needed")
    events = (_event(event, f"calendar[{index}]") for index, event in enumerate(calendar))
    return GroupControl(mode, tuple(events))


def _event(content: object, where: str) -> CalendarEvent:
    fields = _object(content, where, _EVENT_KEYS)
    missing = sorted(_EVENT_KEYS - fields.keys())
    if missing:
        raise DataError(f"{where} has no {missing[0]}")
    name, instances = fields["name"], fields["min_instances"]
    if not isinstance(name, str):
        raise DataError(f"{where}.name is {name!r}; a text is needed")
    if type(instances) is not int or instances < 0:
        raise DataError(f"{where}.min_instances is {instances!r}; a whole number from 0 is needed")
    start = _time(fields["start"], f"{where}.start")
    end = _time(fields["end"], f"{where}.end")
    if start >= end:
        raise DataError(f"{where} ends at {utc_text(end)}, not after its start {utc_text(start)}")
    return CalendarEvent(name, start, end, instances)


def _object(content: object, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DataError(f"{where} is {content!r}; an object is needed")
    unknown = sorted(content.keys() - known)
    if unknown:
        raise DataError(
            f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    return content


def _time(value: object, where: str) -> datetime:
    try:
        return utc_from_text(value)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} is {value!r}: {error}") from error
