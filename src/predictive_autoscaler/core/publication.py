"""Which version of a model is published, which ones were before it, and which were taken back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import ModelError

LEAST_KEPT = 2
"""The version in use, and the one that a roll-back goes to."""


@dataclass(frozen=True)
class Publication:
    """What the pointer `published/GROUP.json` says.

    The controller reads `version` alone; the rest is for those who publish.

    Attributes:
        version: the one in use.
        former: those that were in use before it, the latest first.
        rolled_back: those that people went back from, the latest first. They stay out of use
            until a person names them.
    """

    version: str
    former: tuple[str, ...] = ()
    rolled_back: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All versions that it knows of."""
        return (self.version, *self.former, *self.rolled_back)

    def followed_by(self, version: str) -> Publication:
        """The publication of `version` after this one; the same one again changes nothing."""
        if version == self.version:
            return self
        return Publication(
            version,
            (self.version, *_without(self.former, version)),
            _without(self.rolled_back, version),
        )

    def back_to(self, version: str) -> Publication:
        """What it is after a person has gone back to `version`, whatever it was before.

        The version that is left counts as rolled back, and so do those that are passed over;
        unless this undoes a roll-back: then the one that is left had done nothing wrong.
        """
        if version == self.version:
            return self
        if version in self.rolled_back:
            return self.followed_by(version)
        if version not in self.former:
            return Publication(version, self.former, (self.version, *self.rolled_back))
        at = self.former.index(version)
        left = (self.version, *self.former[:at])
        return Publication(version, self.former[at + 1 :], (*left, *self.rolled_back))

    def kept(self, count: int, present: Iterable[str]) -> frozenset[str]:
        """Those that stay where `count` versions do.

        The version in use and the one before it do in any case; of the rest the newest, by
        their names, which begin with the end of the data that each has learned from.

        Args:
            count: at least LEAST_KEPT.
            present: versions that the store holds. There are some that no publication tells
                of: from before such things were written down, or of a run that lost or ended.
        """
        sure = {self.version, *self.former[: LEAST_KEPT - 1]}
        others = sorted({*present, *self.names} - sure, reverse=True)
        return frozenset(sure | set(others[: max(count, LEAST_KEPT) - len(sure)]))

    def knowing(self, names: Iterable[str]) -> Publication:
        """The same, having forgotten all versions but these."""
        known = set(names)
        return replace(
            self,
            former=tuple(name for name in self.former if name in known),
            rolled_back=tuple(name for name in self.rolled_back if name in known),
        )

    def to_json(self) -> str:
        """One line; what is empty is left out."""
        lists = {"former": self.former, "rolled_back": self.rolled_back}
        content: Json = {"version": self.version}
        content |= {name: list(versions) for name, versions in lists.items() if versions}
        return json.dumps(content) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Publication:
        """Read it back. Keys that are not known are left alone.

        Raises:
            ModelError: it is something else.
        """
        try:
            content = json.loads(text)
            version = content["version"]
            lists = [content.get(name, []) for name in ("former", "rolled_back")]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"cannot be read: {error!r}") from error
        if not isinstance(version, str) or not version:
            raise ModelError(f"has version {version!r}; a text is needed")
        if not all(isinstance(found, list) for found in lists) or not all(
            isinstance(name, str) and name for found in lists for name in found
        ):
            raise ModelError(f"has former and rolled_back {lists!r}; two lists of texts are needed")
        former, rolled_back = (tuple(found) for found in lists)
        return cls(version, former, rolled_back)


def _without(names: Iterable[str], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other != name)
