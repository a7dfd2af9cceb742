"""Published models: immutable versions, and a pointer to the one in use."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from predictive_autoscaler.adapters.objects import ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores.followed import Followed
from predictive_autoscaler.adapters.stores.keys import (
    PUBLISHED,
    latest_key,
    model_keys,
    verdict_key,
    version_of,
    versions_prefix,
)
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.errors import (
    AutoscalerError,
    ConflictError,
    ModelError,
    ModelNotFoundError,
    SourceError,
)
from predictive_autoscaler.ports import ModelFiles, Pointed

CACHE_BYTES = 100_000_000
AHEAD = 4
"""Models that are fetched while another is being used."""


@dataclass(frozen=True)
class _Loaded:
    version: str
    model: Model
    size_bytes: int


@dataclass(frozen=True)
class _Files:
    npz: bytes
    card: str


class StoredModels:
    """A ModelStore and a ModelArchive over objects.

    It remembers models, and asks the store only whether a pointer has moved: versions never
    change, so neither does a model behind the same one. When the cache is full, further
    models pass through without being kept, and the kept ones stay: groups come round in
    the same order every tick, so putting the oldest out would always put out the next one
    that is needed.

    Args:
        cache_bytes: how much the arrays of the kept models may take together.
    """

    def __init__(self, objects: ObjectStore, cache_bytes: int = CACHE_BYTES) -> None:
        self._objects = objects
        self._cache_bytes = cache_bytes
        self._loaded: dict[str, _Loaded] = {}
        self._pointers = Followed(objects, PUBLISHED, _version)

    @property
    def kept_bytes(self) -> int:
        """What the kept models take."""
        return sum(loaded.size_bytes for loaded in self._loaded.values())

    def load(self, group: str) -> Model:
        """As the port says. What failed to load is tried anew at the next call."""
        _, model = next(self.load_each([group]))
        if isinstance(model, AutoscalerError):
            raise model
        return model

    def load_each(self, groups: Sequence[str]) -> Iterator[tuple[str, Model | AutoscalerError]]:
        """As the port says; a few are fetched ahead while their predecessors are in use."""
        try:
            found = self._pointers.read([latest_key(group) for group in groups])
        except SourceError as error:
            yield from ((group, error) for group in groups)
            return
        versions = {group: found.get(latest_key(group)) for group in groups}
        self._forget(versions)
        absent = {
            group: version
            for group, version in versions.items()
            if isinstance(version, str) and group not in self._loaded
        }
        with ThreadPoolExecutor(AHEAD) as pool:
            to_fetch = iter([group for group in groups if group in absent])
            coming: deque[Future[_Files]] = deque()

            def fetch(how_many: int) -> None:
                for group in islice(to_fetch, how_many):
                    coming.append(pool.submit(self._fetch, group, absent[group]))

            fetch(AHEAD)
            try:
                for group in groups:
                    if group in absent:
                        files = coming.popleft()
                        fetch(1)
                        yield group, self._fetched(group, absent[group], files)
                    else:
                        yield group, self._at_hand(group, versions[group])
            finally:
                for files in coming:
                    files.cancel()

    def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
        """As the port says. The same version may be published again with the same bytes only.

        The pointer is moved last, so that it never points at half a model.
        """
        seen = self.pointed(group)
        self.keep(group, version, ModelFiles(npz, card))
        before = seen.publication
        after = before.followed_by(version) if before else Publication(version)
        if after != before:
            self.point(group, after, seen)

    def pointed(self, group: str) -> Pointed:
        """As the port says."""
        key = latest_key(group)
        found = self._objects.get(key)
        if found is None:
            return Pointed(None)
        try:
            return Pointed(Publication.from_json(found.data), found)
        except ModelError as error:
            return Pointed(None, found, f"{key} {error}")

    def point(self, group: str, publication: Publication, seen: Pointed) -> None:
        """As the port says.

        If the answer to our own write got lost, the client's second try finds the pointer
        moved: one that says what we wanted to say is as good as ours.
        """
        key, data = latest_key(group), publication.to_json().encode()
        if isinstance(seen.mark, StoredObject):
            moved = self._objects.replace(key, data, seen.mark)
        else:
            moved = self._objects.put(key, data, if_absent=True)
        if moved:
            return
        present = self._objects.get(key)
        if present is None or present.data != data:
            raise ConflictError(
                f"{key} has been changed by somebody else in the meantime, another retraining or "
                f"a roll-back; theirs stays, and {publication.version} is not published"
            )

    def versions(self, group: str, *, whole: bool = True) -> list[str]:
        """As the port says."""
        prefix = versions_prefix(group)
        # Somebody else's files beside the versions' folders are no versions.
        keys = {key for key in self._objects.keys(prefix) if "/" in key.removeprefix(prefix)}
        named = sorted({version_of(key) for key in keys}, reverse=True)
        return [name for name in named if not whole or keys.issuperset(model_keys(group, name))]

    def files(self, group: str, version: str) -> ModelFiles:
        """As the port says."""
        npz_key, card_key = model_keys(group, version)
        verdict = self._objects.get(verdict_key(group, version))
        return ModelFiles(
            self._bytes(npz_key, "there is no such version"),
            self._bytes(card_key, "there is no such version").decode(errors="replace"),
            verdict.data.decode(errors="replace") if verdict else None,
        )

    def keep(self, group: str, version: str, files: ModelFiles) -> None:
        """As the port says. Of a verdict, which is no part of the model, the newest stays."""
        npz_key, card_key = model_keys(group, version)
        self._keep(npz_key, files.npz)
        if files.verdict is not None:
            self._objects.put(verdict_key(group, version), files.verdict.encode())
        self._keep(card_key, files.card.encode())

    def forget(self, group: str, version: str) -> None:
        """As the port says."""
        npz_key, card_key = model_keys(group, version)
        for key in (card_key, verdict_key(group, version), npz_key):
            self._objects.delete(key)

    def _forget(self, versions: dict[str, str | AutoscalerError | None]) -> None:
        """Make room: models whose pointer has moved on or gone."""
        for group in versions.keys() & self._loaded.keys():
            version = versions[group]
            if not isinstance(version, AutoscalerError) and version != self._loaded[group].version:
                del self._loaded[group]

    def _at_hand(
        self, group: str, version: str | AutoscalerError | None
    ) -> Model | AutoscalerError:
        if isinstance(version, AutoscalerError):
            return version
        if version is None:
            return ModelNotFoundError(
                f"no model of group {group!r} has been published; `train` makes one"
            )
        return self._loaded[group].model

    def _fetched(self, group: str, version: str, files: Future[_Files]) -> Model | AutoscalerError:
        try:
            got = files.result()
            model = load_model(got.npz, got.card)
        except AutoscalerError as error:
            return error
        size = model.forecaster.size_bytes
        if group not in self._loaded and self.kept_bytes + size <= self._cache_bytes:
            self._loaded[group] = _Loaded(version, model, size)
        return model

    def _keep(self, key: str, data: bytes) -> None:
        if self._objects.put(key, data, if_absent=True):
            return
        present = self._objects.get(key)
        if present is None or present.data != data:
            raise SourceError(f"{key} exists with other content; a published version never changes")

    def _fetch(self, group: str, version: str) -> _Files:
        npz_key, card_key = model_keys(group, version)
        return _Files(self._bytes(npz_key), self._bytes(card_key).decode(errors="replace"))

    def _bytes(self, key: str, why: str = "though the published version is that one") -> bytes:
        found = self._objects.get(key)
        if found is None:
            raise ModelError(f"{key} is missing, {why}")
        return found.data


def _version(key: str, pointer: bytes) -> str:
    """All that matters for serving; a fault in the rest of a pointer must not end that."""
    try:
        version = json.loads(pointer)["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{key} cannot be read: {error!r}") from error
    if not isinstance(version, str) or not version:
        raise ModelError(f"{key} has version {version!r}; a text is needed")
    return version
