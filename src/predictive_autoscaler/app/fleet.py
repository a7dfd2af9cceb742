"""The use case of training many groups: what is done is kept, and no group ends the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from predictive_autoscaler.app.fleet_files import Kept, load_kept, save_kept
from predictive_autoscaler.app.settings import GroupSettings, Settings
from predictive_autoscaler.app.train import publish
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.model.backends import Workers
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.fleet import Fit, Task, fit_each
from predictive_autoscaler.model.train import TrainOptions
from predictive_autoscaler.ports import ModelStore


class State(Enum):
    """What became of a group."""

    TRAINED = "trained"
    KEPT = "kept"
    """An earlier run had made the very same model."""
    BORROWS = "borrows"
    """Its settings name another group's model, so it needs none."""
    FAILED = "failed"


@dataclass(frozen=True)
class FleetOptions:
    """How all of them are trained; what differs stands in each group's settings.

    Attributes:
        max_bins: the newest bins that rows are taken from.
        force: mark each model as wanted, whatever its scores.
    """

    max_bins: int = 8000
    seed: int = 1
    force: bool = False

    def of(self, group: GroupSettings, jobs: int = 1) -> TrainOptions:
        """The options of one group's training; the model does not depend on `jobs`."""
        return TrainOptions(
            group=group.name,
            boot_minutes=group.parameters.boot_minutes,
            parameters=group.parameters.features,
            max_bins=self.max_bins,
            forest=ForestOptions(seed=self.seed, jobs=jobs),
        )


@dataclass(frozen=True, eq=False)
class Reading:
    """A group's metrics, and what a reader of its scores must know about them."""

    samples: Samples
    note: str = ""


@dataclass(frozen=True)
class GroupResult:
    """What became of one group.

    Attributes:
        card: of its model; None if it has none.
        better: than every baseline on held-back time.
        seconds, cpu_seconds: that its training took, in this run or in the one that it was
            kept from.
        published: the version, if it was published now.
        error: why it failed, or why it was not published.
    """

    name: str
    state: State
    card: Card | None = None
    better: bool = False
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    published: str | None = None
    note: str = ""
    error: str | None = None


def train_fleet(
    settings: Settings,
    folder_of: Callable[[str], Path],
    read: Callable[[GroupSettings], Reading],
    options: FleetOptions,
    workers: Workers,
    store: ModelStore | None = None,
    finished: Callable[[GroupResult], None] = lambda result: None,
) -> list[GroupResult]:
    """Train every group that needs a model of its own and has not got it yet.

    Each group's files are written as soon as it is trained, and published after that.

    Args:
        folder_of: where a group's files go.
        read: a group's metrics; what it raises is that group's error.
        store: where skilled models are published; None publishes nothing.
        finished: told of each group as it is done.

    Returns:
        One result per group, in the order of the settings, those with wrong ones last.

    Raises:
        SourceError: the workers broke down.
    """
    run = _Run(folder_of, read, options, store, finished)
    for name, reason in settings.refused.items():
        run.add(GroupResult(name, State.FAILED, error=reason))
    for task, outcome in fit_each(run.tasks(settings.groups), workers):
        run.take(task, outcome)
    names = [*(group.name for group in settings.groups), *settings.refused]
    return [run.results[name] for name in names]


class _Run:
    """The groups' results so far."""

    def __init__(
        self,
        folder_of: Callable[[str], Path],
        read: Callable[[GroupSettings], Reading],
        options: FleetOptions,
        store: ModelStore | None,
        finished: Callable[[GroupResult], None],
    ) -> None:
        self.results: dict[str, GroupResult] = {}
        self._folder_of, self._read, self._finished = folder_of, read, finished
        self._options, self._store = options, store
        self._notes: dict[str, str] = {}

    def add(self, result: GroupResult) -> None:
        """Note a result, and tell of it."""
        self.results[result.name] = result
        self._finished(result)

    def tasks(self, groups: tuple[GroupSettings, ...]) -> Iterator[Task]:
        """What is to be trained; all that needs no training is settled on the way."""
        for group in groups:
            if group.model != group.name:
                note = f"uses the model of {group.model}"
                self.add(GroupResult(group.name, State.BORROWS, note=note))
                continue
            try:
                task = self._task(group)
            except Exception as error:  # whatever a group's file or metrics may bring about
                self._fail(group.name, error)
                continue
            if task is not None:
                yield task

    def take(self, task: Task, outcome: Fit | str) -> None:
        """Keep what a worker has made."""
        name, key = task.options.group, task.key()
        if isinstance(outcome, str):
            self._fail(name, outcome)
        elif outcome.key != key:
            self._fail(
                name,
                "the worker that trained it has another version of this package, of Python or of "
                "its libraries, so the model is not the one that would be made here",
            )
        else:
            card = Card.from_json(outcome.card)
            kept = Kept(
                outcome.npz, card, card.skilled, round(outcome.seconds, 3), outcome.cpu_seconds
            )
            self._settle(State.TRAINED, key, kept, is_written=False)

    def _task(self, group: GroupSettings) -> Task | None:
        """The group's training; None if it is not needed any more."""
        reading = self._read(group)
        self._notes[group.name] = reading.note
        task = Task.of(reading.samples, self._options.of(group))
        key = task.key()
        kept = load_kept(self._folder_of(group.name), key)
        if kept is None:
            return task
        self._settle(State.KEPT, key, kept, is_written=True)
        return None

    def _settle(self, state: State, key: str, found: Kept, *, is_written: bool) -> None:
        """Write what is not written yet, publish it, and note the result."""
        skilled = found.better or self._options.force
        kept = replace(found, card=replace(found.card, skilled=skilled))
        name = kept.card.group
        result = GroupResult(
            name,
            state,
            kept.card,
            kept.better,
            kept.seconds,
            kept.cpu_seconds,
            note=self._notes[name],
        )
        try:
            if not is_written or kept.card != found.card:
                save_kept(self._folder_of(name), key, kept)
            if self._store is not None and skilled:
                result = replace(result, published=publish(kept, self._store))
        except (AutoscalerError, OSError) as error:
            result = replace(result, error=_told(error))
        self.add(result)

    def _fail(self, name: str, error: Exception | str) -> None:
        told = error if isinstance(error, str) else _told(error)
        note = self._notes.get(name, "")
        self.add(GroupResult(name, State.FAILED, note=note, error=told))


def _told(error: Exception) -> str:
    """What a person is to read of an error."""
    if isinstance(error, AutoscalerError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}"
