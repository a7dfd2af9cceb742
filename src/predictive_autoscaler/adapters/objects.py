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
_LOCK = f".lock{_UNFINISHED}"
"""Held while a file is written or removed; named so that no listing shows it."""


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

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        """Write an object.

        Returns:
            False if it was to be `if_absent` and exists, or is just being written by someone
            else; of several such writers exactly one is told True.
        """
        ...

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        """Write an object if it still is what was read before.

        Returns:
            False if it has changed or gone since; of several such writers exactly one is
            told True.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is none to remove."""
        ...

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix` and sort behind `after`, in order."""
        ...

    def tags(self, prefix: str) -> dict[str, str]:
        """The tag of every object whose key begins with `prefix`, in one listing."""
        ...


class DirectoryObjects:
    """Objects as files below a directory, which is made with the first of them."""

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

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        """As ObjectStore says."""
        path = self._root / key
        with self._file_errors("write", key):
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._changing():
                if if_absent and path.exists():
                    return False
                return _replace(path, data)

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        """As ObjectStore says."""
        path = self._root / key
        with self._file_errors("write", key):
            if not self._root.is_dir():
                return False
            with self._changing():
                try:
                    unchanged = _tag(path.read_bytes()) == known.tag
                except FileNotFoundError:
                    return False
                return unchanged and _replace(path, data)

    def delete(self, key: str) -> None:
        """As ObjectStore says; its folder stays, since somebody may be about to write there."""
        path = self._root / key
        with self._file_errors("remove", key):
            if not path.exists():
                return
            with self._changing():
                path.unlink(missing_ok=True)

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
    def _changing(self) -> Iterator[None]:
        """One writer at a time, so that nothing changes between a look and the write that
        rests on it. The system lets go of the lock if its holder dies.
        """
        import fcntl  # Windows has none, and objects on S3 need none.

        with (self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _file_errors(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise SourceError(f"cannot {action} {self._root / key}: {reason}") from error


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(path: Path, data: bytes) -> bool:
    """Readers see the old bytes, if any, or the new ones, never a mixture or a part."""
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
