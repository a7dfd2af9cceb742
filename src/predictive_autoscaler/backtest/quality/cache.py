"""Finished replays on disk, so that a run that was stopped goes on where it was.

A result is found again only if the recording, the world, the policy with its parameters,
the libraries and the source that decides are all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from predictive_autoscaler.backtest.lab import LabOptions, LabTraffic
from predictive_autoscaler.backtest.quality.plan import Variant
from predictive_autoscaler.core.types import FloatArray, utc_text
from predictive_autoscaler.model.sources import hash_of_sources

LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "statsmodels")
NO_SAY = ("backtest/quality/", "cli/", "demo/", "report/")
"""Parts of the package that show results and have no say in a decision."""


class Cache:
    """Capacity asked for, by key, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> FloatArray | None:
        """Capacity asked for in each evaluated bin, shape (bins,); None if not known."""
        try:
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return np.asarray(stored["asked"], dtype=np.float64)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None  # absent or damaged: it is measured anew

    def save(self, key: str, asked: FloatArray) -> None:
        """Keep a result; a run that is killed meanwhile leaves no half of it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"{key}.{os.getpid()}.partial"
        with unfinished.open("wb") as file:
            np.savez_compressed(file, asked=asked)
        unfinished.replace(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"


def key_of(traffic: LabTraffic, variant: Variant, options: LabOptions) -> str:
    """What a replay's result depends on, as a hash."""
    setting = traffic.setting
    facts = {
        "trace": hashlib.sha256(traffic.demand.requests.tobytes()).hexdigest(),
        "start": utc_text(traffic.demand.start),
        "first": traffic.first,
        "capacity": setting.capacity_per_instance,
        "bounds": [setting.bounds.min_instances, setting.bounds.max_instances],
        "interval_seconds": setting.interval_seconds,
        "boot_minutes": options.boot_minutes,
        "seed": options.seed,
        "policy": variant.policy,
        "parameters": variant.parameters,
        "source": source_hash(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def source_hash() -> str:
    """The package's source, all of it that has a say in a decision."""
    return hash_of_sources(lambda name: not name.startswith(NO_SAY))
