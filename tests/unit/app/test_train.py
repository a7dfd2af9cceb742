"""Keeping and publishing what was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictive_autoscaler.adapters.memory import MemoryModelStore
from predictive_autoscaler.app.train import CARD_NAME, NPZ_NAME, insisted, publish, write_artifact
from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.errors import ModelNotFoundError, SourceError, UnskilledModelError
from predictive_autoscaler.model.train import TrainedModel
from tests.helpers.shop import GROUP, model


def unskilled() -> TrainedModel:
    return replace(model(), card=replace(model().card, skilled=False))


def test_the_files_are_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    write_artifact(model(), folder)
    assert {path.name for path in folder.iterdir()} == {"model.npz", "model.json"}
    read = load_model((folder / NPZ_NAME).read_bytes(), (folder / CARD_NAME).read_text())
    assert read.card == model().card


def test_writing_again_replaces_both(tmp_path: Path) -> None:
    write_artifact(model(seed=2), tmp_path)
    write_artifact(model(), tmp_path)
    load_model((tmp_path / NPZ_NAME).read_bytes(), (tmp_path / CARD_NAME).read_text())


def test_publishing_moves_latest_to_it() -> None:
    store = MemoryModelStore()
    assert publish(model(seed=2), store) == model(seed=2).card.model_id
    version = publish(model(), store)
    assert version == model().card.model_id
    assert store.load(GROUP).card == model().card


def test_publishing_the_same_again_is_no_trouble() -> None:
    """A training that is run twice."""
    store = MemoryModelStore()
    assert publish(model(), store) == publish(model(), store)


def test_a_model_without_skill_is_not_published() -> None:
    store = MemoryModelStore()
    with pytest.raises(UnskilledModelError, match="--force publishes it all the same"):
        publish(unskilled(), store)
    with pytest.raises(ModelNotFoundError):
        store.load(GROUP)


def test_unless_a_person_insists_and_then_it_is_used_too() -> None:
    store = MemoryModelStore()
    publish(insisted(unskilled()), store)
    assert store.load(GROUP).card.skilled


def test_a_store_that_refuses_is_told() -> None:
    class Full(MemoryModelStore):
        def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
            raise SourceError("s3: refused")

    with pytest.raises(SourceError, match="refused"):
        publish(model(), Full())
