"""The training use case: train, keep the artifact, publish it if it has earned that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from predictive_autoscaler.errors import UnskilledModelError
from predictive_autoscaler.model.train import TrainedModel
from predictive_autoscaler.ports import ModelStore

NPZ_NAME = "model.npz"
CARD_NAME = "model.json"


def write_artifact(trained: TrainedModel, folder: Path) -> None:
    """Write `model.npz` and `model.json`; the card last, since it vouches for the other."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((NPZ_NAME, trained.npz), (CARD_NAME, trained.card.to_json().encode())):
        partial = folder / f"{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)


def insisted(trained: TrainedModel) -> TrainedModel:
    """The same model, marked as wanted by a person whatever its scores."""
    return replace(trained, card=replace(trained.card, skilled=True))


def publish(trained: TrainedModel, store: ModelStore) -> str:
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
