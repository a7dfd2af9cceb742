"""The same metrics make the same bytes, the same verdict and the same store, each time anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.adapters.stores import StoredModels
from tests.helpers.retraining import run, sound, spoilt


@pytest.mark.slow
def test_two_stores_of_two_runs_are_the_same(tmp_path: Path) -> None:
    verdicts = []
    for name in "ab":
        archive = StoredModels(DirectoryObjects(tmp_path / name))
        run(archive, sound(9))
        verdicts.append(run(archive, spoilt()).verdict.to_json())
        verdicts.append(run(archive, sound(12)).verdict.to_json())
    assert verdicts[:2] == verdicts[2:]
    first, second = (content(tmp_path / name) for name in "ab")
    assert first == second
    assert len(first) == 2 * len(("model.npz", "model.json", "verdict.json")) + 1


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a store."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".part"
    }
