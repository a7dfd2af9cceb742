"""The use case of going back to an earlier version of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.errors import ModelError
from predictive_autoscaler.ports import ModelArchive


@dataclass(frozen=True)
class RolledBack:
    """A roll-back that was done, or would be."""

    group: str
    left: str
    version: str
    trained_until: datetime


@dataclass(frozen=True)
class Version:
    """One version in a list.

    Attributes:
        place: "published", "former", "rolled back", or "" for one that no pointer tells of.
    """

    name: str
    place: str
    trained_until: str
    fault: str = ""


def roll_back(
    group: str,
    archive: ModelArchive,
    version: str | None = None,
    confirm: Callable[[RolledBack], bool] = lambda planned: True,
) -> RolledBack | None:
    """Publish an earlier version again: the same bytes, from the controller's next step on.

    Args:
        version: the one to go to; by default, what was published before the present one.
        confirm: asked once it is sure that this version can be read.

    Returns:
        What was done; None if it was not confirmed.

    Raises:
        ModelError: there is no such version, or it cannot be read; names those there are.
        ConflictError: somebody else has published meanwhile. SourceError: the store failed.
    """
    seen = archive.pointed(group)
    names = archive.versions(group)
    present = seen.publication
    if present is None and not (version and seen.fault):
        raise ModelError(seen.fault or f"no model of group {group!r} has been published")
    if version is None:
        assert present is not None
        if not present.former:
            raise ModelError(
                f"the pointer of {group} does not tell what was published before "
                f"{present.version}; {_choice(names, present)}"
            )
        version = present.former[0]
    if version not in names:
        raise ModelError(f"there is no version {version!r} of {group}; {_choice(names, present)}")
    left = present.version if present else "?"
    if left == version:
        raise ModelError(f"{version} is the published version; {_choice(names, present)}")
    files = archive.files(group, version)
    card = load_model(files.npz, files.card).card
    planned = RolledBack(group, left, version, card.trained_until)
    if not confirm(planned):
        return None
    archive.point(group, present.back_to(version) if present else Publication(version), seen)
    # A retraining that had begun before may just have tidied up a version unknown to its pointer.
    archive.files(group, version)
    return planned


def _choice(names: list[str], present: Publication | None) -> str:
    others = [name for name in names if present is None or name != present.version]
    return f"there are {', '.join(others)}" if others else "there is no other"


def other_versions(group: str, archive: ModelArchive) -> list[str]:
    """Versions beside the published one, by their names: those that it has followed, the latest
    first, then those that no pointer tells of, then those that were rolled back.

    Raises:
        SourceError: the store did not answer.
    """
    publication = archive.pointed(group).publication
    kept = archive.versions(group)
    if publication is None:
        return kept
    unknown = [name for name in kept if name not in publication.names]
    ordered = (*publication.former, *unknown, *publication.rolled_back)
    return [name for name in ordered if name in kept]


def list_versions(group: str, archive: ModelArchive) -> list[Version]:
    """All versions that are kept: the published one, then those before it, then the others."""
    seen = archive.pointed(group)
    publication = seen.publication
    kept = archive.versions(group)
    told = list(publication.names) if publication else []
    order = [*(name for name in told if name in kept), *(name for name in kept if name not in told)]
    return [_listed(group, archive, name, publication) for name in order]


def _listed(
    group: str, archive: ModelArchive, name: str, publication: Publication | None
) -> Version:
    place = ""
    if publication is not None:
        places = {publication.version: "published"}
        places |= dict.fromkeys(publication.former, "former")
        places |= dict.fromkeys(publication.rolled_back, "rolled back")
        place = places.get(name, "")
    try:
        files = archive.files(group, name)
        card = load_model(files.npz, files.card).card
    except ModelError as error:
        return Version(name, place, "", str(error))
    return Version(name, place, utc_text(card.trained_until))
