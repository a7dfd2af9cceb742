"""The training use case: train, keep the artifact, publish it if it has earned that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.errors import UnskilledModelError
from predictive_autoscaler.model.train import TrainedModel
from predictive_autoscaler.ports import ModelStore

NPZ_NAME = "model.npz"
CARD_NAME = "model.json"


class Artifact(Protocol):
    """A model's arrays and its card, wherever they come from."""

    @property
    def npz(self) -> bytes: ...

    @property
    def card(self) -> Card: ...


def write_artifact(trained: Artifact, folder: Path) -> None:
    """Write `model.npz` and `model.json`; the card last, since it vouches for the other."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / NPZ_NAME, trained.npz)
    write_whole(folder / CARD_NAME, trained.card.to_json().encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; an earlier one is replaced at once or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def insisted(trained: TrainedModel) -> TrainedModel:
    """The same model, marked as wanted by a person whatever its scores."""
    return replace(trained, card=replace(trained.card, skilled=True))


def publish(trained: Artifact, store: ModelStore) -> str:
    """Publish under a new version, named after the model's end of data and hash.

    Returns:
        The version.

    Raises:
        UnskilledModelError: it is not better than the baselines on held-back time.
        SourceError: the store did not take it.
    """
    if not trained.card.skilled:
        raise UnskilledModelError(
            "the model is not better than the baselines on held-back time, so it is not "
            "published; --force publishes it all the same"
        )
    version = trained.card.model_id
    store.publish(trained.card.group, trained.npz, trained.card.to_json(), version)
    return version
