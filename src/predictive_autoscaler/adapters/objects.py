"""Named blobs of bytes: the little that our stores need of S3, and the same on a disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from predictive_autoscaler.errors import SourceError

_UNFINISHED = ".part"


@dataclass(frozen=True, eq=False)
class StoredObject:
    """The bytes of an object, and a tag that changes with them."""

    data: bytes
    tag: str


class ObjectStore(Protocol):
    """Keys are paths with slashes. All methods raise SourceError if the store fails."""

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        """The object, or None if there is none.

        If it still has the tag of `known`, the answer is `known` itself, and its bytes
        are not sent again.
        """
        ...

    def put(
        self, key: str, data: bytes, *, if_absent: bool = False, if_tag: str | None = None
    ) -> bool:
        """Write an object.

        Returns:
            False if it was to be `if_absent` and exists, or no longer has the tag `if_tag`
            (or is just being written by someone else); of several such writers exactly one
            is told True.
        """
        ...

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix` and sort behind `after`, in order."""
        ...

    def tags(self, prefix: str) -> dict[str, str]:
        """The tag of every object whose key begins with `prefix`, in one listing."""
        ...


class DirectoryObjects:
    """Objects as files below a directory, which is made with the first of them.

    Files know no tags: between looking at one and replacing it, another writer can come.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        """As ObjectStore says."""
        with self._file_errors("read", key):
            try:
                data = (self._root / key).read_bytes()
            except FileNotFoundError:
                return None
        tag = _tag(data)
        return known if known is not None and known.tag == tag else StoredObject(data, tag)

    def put(
        self, key: str, data: bytes, *, if_absent: bool = False, if_tag: str | None = None
    ) -> bool:
        """As ObjectStore says."""
        if if_tag is not None:
            present = self.get(key)
            if present is None or present.tag != if_tag:
                return False
        path = self._root / key
        with self._file_errors("write", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            return _create(path, data) if if_absent else _replace(path, data)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """As ObjectStore says."""
        folder = self._root / prefix.rpartition("/")[0]
        with self._file_errors("list", prefix):
            found = [path.relative_to(self._root).as_posix() for path in _files_below(folder)]
        return iter(sorted(key for key in found if key.startswith(prefix) and key > after))

    def tags(self, prefix: str) -> dict[str, str]:
        """As ObjectStore says."""
        found = {}
        for key in self.keys(prefix):
            with self._file_errors("read", key), suppress(FileNotFoundError):
                found[key] = _tag((self._root / key).read_bytes())
        return found

    @contextmanager
    def _file_errors(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise SourceError(f"cannot {action} {self._root / key}: {reason}") from error


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _create(path: Path, data: bytes) -> bool:
    """Only one opener can create a file; a reader may for a moment see it half written."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _replace(path: Path, data: bytes) -> bool:
    """Readers see the old bytes or the new ones, never a mixture."""
    handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return True


def _files_below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (
            path for path in folder.rglob("*") if path.suffix != _UNFINISHED and path.is_file()
        )
