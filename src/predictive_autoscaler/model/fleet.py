"""Training many models: what is handed to a worker, and what comes back from it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np

from predictive_autoscaler.core.forest import FORMAT_VERSION
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.model.backends import Workers
from predictive_autoscaler.model.sources import hash_of_sources
from predictive_autoscaler.model.train import TrainOptions, libraries, train, used_part

_HAS_A_SAY = ("core/", "model/")


@dataclass(frozen=True, eq=False)
class Task:
    """One model to train. A worker needs nothing else: it reads no files.

    Attributes:
        samples: no more than what is learned from.
        options: with one thread for the forest; the fits themselves run side by side.
    """

    samples: Samples
    options: TrainOptions

    @classmethod
    def of(cls, samples: Samples, options: TrainOptions) -> Task:
        """Leave out what changes no bit of the model."""
        alone = replace(options, forest=replace(options.forest, jobs=1))
        return cls(used_part(samples, alone), alone)

    def key(self) -> str:
        """What the model's bytes depend on, as a hash: data, options, source and libraries."""
        facts = {
            "samples": _digest(self.samples),
            "options": asdict(self.options),
            "format": FORMAT_VERSION,
            "source": source_hash(),
            "libraries": libraries(),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Fit:
    """What a worker sends back.

    Attributes:
        card: the text of model.json.
        key: the task's, as the worker makes it: another one than ours comes of other versions.
        seconds: from beginning to end.
        cpu_seconds: of the thread that fitted.
    """

    npz: bytes
    card: str
    key: str
    seconds: float
    cpu_seconds: float


def fit_each(tasks: Iterable[Task], workers: Workers) -> Iterator[tuple[Task, Fit | str]]:
    """Train every model, in whatever order they are done; a text says why one failed.

    Raises:
        SourceError: the workers broke down.
    """
    return workers.each(fit, tasks)


def fit(task: Task) -> Fit | str:
    """Train one model; a text says why it failed, since one must not end the others."""
    begun, cpu_begun = time.perf_counter(), time.thread_time()
    try:
        trained = train(task.samples, task.options)
    except AutoscalerError as error:
        return str(error)
    except Exception as error:  # a bug that this group's data bring out
        return f"{type(error).__name__}: {error}"
    return Fit(
        npz=trained.npz,
        card=trained.card.to_json(),
        key=task.key(),
        seconds=time.perf_counter() - begun,
        cpu_seconds=time.thread_time() - cpu_begun,
    )


def _digest(samples: Samples) -> str:
    digest = hashlib.sha256(f"{utc_text(samples.start)} {samples.interval_seconds}".encode())
    for name, column in (samples.columns() | {"coverage": samples.coverage}).items():
        digest.update(f"\n{name} {len(column)}\n".encode())
        digest.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
    return digest.hexdigest()


@cache
def source_hash() -> str:
    """The package's source, all of it that has a say in a model."""
    return hash_of_sources(lambda name: name.startswith(_HAS_A_SAY))
