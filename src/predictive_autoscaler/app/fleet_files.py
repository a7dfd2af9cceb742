"""A trained group's files, and the record that says what they were made from.

The record is written last. It names the hashes of the other two, so whatever a killed run left
behind is either whole or seen not to be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from predictive_autoscaler.app.train import CARD_NAME, NPZ_NAME, write_artifact, write_whole
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.forest import sha256
from predictive_autoscaler.errors import ModelError

RECORD_NAME = "result.json"


@dataclass(frozen=True)
class Kept:
    """A model on disk, or on its way there.

    Attributes:
        better: than the baselines on held-back time; the card may say so because of --force.
        seconds: that training took, from beginning to end.
        cpu_seconds: of a core.
    """

    npz: bytes
    card: Card
    better: bool
    seconds: float
    cpu_seconds: float


def load_kept(folder: Path, key: str) -> Kept | None:
    """What an earlier run made from the same; None if it is absent, damaged or of another key."""
    try:
        record = json.loads((folder / RECORD_NAME).read_bytes())
        if record["key"] != key:
            return None
        npz, card = (folder / NPZ_NAME).read_bytes(), (folder / CARD_NAME).read_bytes()
        if [sha256(npz), sha256(card)] != [record["npz_sha256"], record["card_sha256"]]:
            return None
        return Kept(
            npz,
            Card.from_json(card.decode()),
            better=bool(record["better_than_baselines"]),
            seconds=float(record["seconds"]),
            cpu_seconds=float(record["cpu_seconds"]),
        )
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return None


def save_kept(folder: Path, key: str, kept: Kept) -> None:
    """Write model.npz, model.json and, last, result.json.

    Raises:
        OSError: the folder cannot be written to.
    """
    write_artifact(kept, folder)
    record = {
        "key": key,
        "group": kept.card.group,
        "npz_sha256": sha256(kept.npz),
        "card_sha256": sha256(kept.card.to_json().encode()),
        "better_than_baselines": kept.better,
        "scores": dict(kept.card.scores),
        "seconds": kept.seconds,
        "cpu_seconds": kept.cpu_seconds,
    }
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    write_whole(folder / RECORD_NAME, text.encode())
