"""Published models: immutable versions, and a pointer to the one in use."""

from __future__ import annotations

import json
from dataclasses import dataclass

from predictive_autoscaler.adapters.objects import ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores.keys import latest_key, model_keys
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.errors import ModelError, ModelNotFoundError, SourceError


@dataclass(frozen=True)
class _Loaded:
    pointer: StoredObject
    version: str
    model: Model


class StoredModels:
    """A ModelStore over objects.

    It remembers the last good model of each group, and asks the store only whether the
    pointer has changed. Versions never change, so neither does a model behind the same one.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._loaded: dict[str, _Loaded] = {}

    def load(self, group: str) -> Model:
        """As the port says. What failed to load is tried anew at the next call."""
        loaded = self._loaded.get(group)
        pointer = self._objects.get(latest_key(group), loaded.pointer if loaded else None)
        if pointer is None:
            raise ModelNotFoundError(
                f"no model of group {group!r} has been published; `train` makes one"
            )
        if loaded is not None and pointer is loaded.pointer:
            return loaded.model
        version = _version(pointer.data, latest_key(group))
        if loaded is None or loaded.version != version:
            model = self._read(group, version)
        else:
            model = loaded.model
        self._loaded[group] = _Loaded(pointer, version, model)
        return model

    def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
        """As the port says. The same version may be published again with the same bytes only.

        The pointer is moved last, so that it never points at half a model.
        """
        npz_key, card_key = model_keys(group, version)
        self._keep(npz_key, npz)
        self._keep(card_key, card.encode())
        pointer = json.dumps({"version": version}) + "\n"
        self._objects.put(latest_key(group), pointer.encode())

    def _keep(self, key: str, data: bytes) -> None:
        if self._objects.put(key, data, if_absent=True):
            return
        present = self._objects.get(key)
        if present is None or present.data != data:
            raise SourceError(f"{key} exists with other content; a published version never changes")

    def _read(self, group: str, version: str) -> Model:
        npz_key, card_key = model_keys(group, version)
        return load_model(self._bytes(npz_key), self._bytes(card_key).decode(errors="replace"))

    def _bytes(self, key: str) -> bytes:
        found = self._objects.get(key)
        if found is None:
            raise ModelError(f"{key} is missing, though latest.json points to its version")
        return found.data


def _version(pointer: bytes, key: str) -> str:
    try:
        version = json.loads(pointer)["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{key} cannot be read: {error!r}") from error
    if not isinstance(version, str) or not version:
        raise ModelError(f"{key} has version {version!r}; a text is needed")
    return version
