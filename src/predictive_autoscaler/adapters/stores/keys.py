"""Where each object lies. The same layout on S3 and on a disk."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import quote, unquote

CONTROLS = "control/"
DECISIONS = "decisions/"
PUBLISHED = "published/"
HISTORY_SUFFIX = ".csv.gz"
_SLOT = "%Y-%m-%dT%H-%M-%SZ"


def quoted(name: str) -> str:
    """A name as one part of a key: no slash, nothing odd, and never `.` or `..`."""
    part = quote(name, safe="")
    return part if part.strip(".") else part.replace(".", "%2E")


def latest_key(group: str) -> str:
    """The pointer to the published version; apart from the versions, so that one listing
    tells which of many pointers have moved.
    """
    return f"{PUBLISHED}{quoted(group)}.json"


def model_keys(group: str, version: str) -> tuple[str, str]:
    """Arrays and card of one version."""
    folder = f"{versions_prefix(group)}{quoted(version)}"
    return f"{folder}/model.npz", f"{folder}/model.json"


def verdict_key(group: str, version: str) -> str:
    """Why a version was published, beside its files."""
    return f"{versions_prefix(group)}{quoted(version)}/verdict.json"


def versions_prefix(group: str) -> str:
    """The folder of a group's versions."""
    return f"models/{quoted(group)}/"


def version_of(key: str) -> str:
    """The version that a file below `versions_prefix` belongs to."""
    return unquote(key.split("/")[2])


def decision_key(slot: datetime) -> str:
    """Sorts by time; without colons, which some file systems refuse."""
    return f"{DECISIONS}{slot.astimezone(UTC):{_SLOT}}.json"


def decision_slot(key: str) -> datetime | None:
    """The slot of a key that `decision_key` made; None of any other."""
    try:
        text = key.removeprefix(DECISIONS).removesuffix(".json")
        slot = datetime.strptime(text, _SLOT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return slot if decision_key(slot) == key else None


def control_key(group: str) -> str:
    """What operators set."""
    return f"{CONTROLS}{quoted(group)}.json"


def kept_control_key(group: str, tag: str) -> str:
    """What somebody set and nobody could read, beside what has replaced it. It ends otherwise
    than what any group is read from.
    """
    return f"{control_key(group)}.unreadable-{tag}"


def history_prefix(group: str) -> str:
    """The folder of a group's finished days."""
    return f"history/{quoted(group)}/"


def history_key(group: str, day: date) -> str:
    """One finished day, UTC."""
    return f"{history_prefix(group)}{day.isoformat()}{HISTORY_SUFFIX}"
