"""Replaying everything of the plan, side by side, with what is finished kept on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import joblib

from predictive_autoscaler.backtest.lab import (
    LabOptions,
    LabResult,
    LabTraffic,
    PolicyResult,
    judged,
    load_traffic,
    run_policies,
)
from predictive_autoscaler.backtest.quality.cache import Cache, key_of
from predictive_autoscaler.backtest.quality.plan import TRACES, Work, variants, work_list
from predictive_autoscaler.backtest.replay import replay_together
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import AutoscalerError, DataError

MINUTE_FOLDER = "minute"
WORLD = LabOptions(grain_minutes=1)
"""Boot 5, interval 5, 1 to 60 instances; minutes are read where there are any."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Capacity asked for, by trace and variant's label, and what failed by trace."""

    traffics: Sequence[LabTraffic]
    asked: dict[tuple[str, str], FloatArray]
    failed: dict[str, str]

    def judged(self, grain_minutes: int) -> LabResult:
        """Everything scored, with misses counted by the interval (5) or the minute (1).

        At grain 1 only recordings that have minutes are in it. A decision never depends
        on the grain.
        """
        results: dict[str, list[PolicyResult]] = {}
        for traffic in self.traffics:
            if grain_minutes == 1 and traffic.per_minute is None:
                continue
            world = traffic if grain_minutes == 1 else replace(traffic, per_minute=None)
            results[traffic.name] = [
                judged(world, variant.label, self.asked[traffic.name, variant.label])
                for variant in variants(traffic.name)
                if (traffic.name, variant.label) in self.asked
            ]
        return LabResult(results, self.failed)


def load_traces(folder: Path, options: LabOptions = WORLD) -> list[LabTraffic]:
    """The named recordings that lie in the folder, in the plan's order.

    Raises:
        DataError: there is none, or one cannot be used; told before hours of work.
    """
    present = [name for name in TRACES if (folder / f"{name}.csv").is_file()]
    if not present:
        raise DataError(
            f"{folder}: none of the recordings is here; wanted are files of the names "
            f"{', '.join(TRACES)} with the ending .csv"
        )
    return [_load(folder, name, options) for name in present]


def _load(folder: Path, name: str, options: LabOptions) -> LabTraffic:
    minutes = folder / MINUTE_FOLDER / f"{name}.csv.gz"
    return load_traffic(folder / f"{name}.csv", options, minutes if minutes.is_file() else None)


def measure(
    traffics: Sequence[LabTraffic],
    cache: Cache,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
    options: LabOptions = WORLD,
) -> Measured:
    """Replay all that is not yet known; one that fails does not end the others."""
    work = work_list(traffics)
    asked, todo = _known(work, cache, options)
    if asked:
        told = sum(len(item.variants) for item in work)
        progress(f"{len(asked)} of {told} replays are known from before")
    failed: dict[str, str] = {}
    clock = _Clock(todo)
    if todo:
        progress(clock.beginning(joblib.effective_n_jobs(jobs)))
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(
        joblib.delayed(_attempt)(position, item, options, cache)
        for position, item in enumerate(todo)
    )
    for position, outcome in done:
        item = todo[position]
        name = item.traffic.name
        if isinstance(outcome, str):
            told_of = f"{item.variants[0].label}: {outcome}"
            failed[name] = "; ".join(filter(None, [failed.get(name), told_of]))
        else:
            labels = [variant.label for variant in item.variants]
            asked |= {(name, label): one for label, one in zip(labels, outcome, strict=True)}
        progress(clock.tick(item))
    return Measured(traffics, asked, failed)


def _known(
    work: Sequence[Work], cache: Cache, options: LabOptions
) -> tuple[dict[tuple[str, str], FloatArray], list[Work]]:
    """What the cache has, and what is left to do."""
    asked: dict[tuple[str, str], FloatArray] = {}
    todo: list[Work] = []
    for item in work:
        left = []
        for variant in item.variants:
            found = cache.load(key_of(item.traffic, variant, options))
            if found is None:
                left.append(variant)
            else:
                asked[item.traffic.name, variant.label] = found
        if left:
            todo.append(replace(item, variants=tuple(left)))
    return asked, sorted(todo, key=lambda item: -item.seconds)


def _attempt(
    position: int, work: Work, options: LabOptions, cache: Cache
) -> tuple[int, list[FloatArray] | str]:
    try:
        asked = _replayed(work, options)
    except (AutoscalerError, ValueError, ArithmeticError) as error:
        return position, str(error)
    for variant, one in zip(work.variants, asked, strict=True):
        cache.save(key_of(work.traffic, variant, options), one)
    return position, asked


def _replayed(work: Work, options: LabOptions) -> list[FloatArray]:
    """Capacity asked for by each variant, in their order."""
    traffic = work.traffic
    if not work.is_ours:
        policies = [one.policy for one in work.variants]
        return [found.asked for found in run_policies(traffic, policies, options)]
    replays = [
        replace(options, parameters=dict(one.parameters)).of_replay(traffic.setting, one.policy)
        for one in work.variants
    ]
    return [one.asked for one in replay_together(traffic.demand, traffic.first, replays)]


class _Clock:
    """Tells how far the work is, and about how long it still takes."""

    def __init__(self, todo: Sequence[Work]) -> None:
        self._begun = time.monotonic()
        self._all, self._done = len(todo), 0
        self._left = sum(item.seconds for item in todo)
        self._longest = max((item.seconds for item in todo), default=0.0)
        self._past = 0.0

    def beginning(self, jobs: int) -> str:
        """The words to show before anything has ended, which is a while."""
        minutes = max(self._left / jobs, self._longest) / 60
        return f"{self._all} goes, the longest first; about {minutes:.0f} minutes"

    def tick(self, item: Work) -> str:
        """The words to show when a replay has ended."""
        self._done += 1
        self._left -= item.seconds
        self._past += item.seconds
        spent = time.monotonic() - self._begun
        minutes = max(self._left, 0.0) * spent / self._past / 60 if self._past > 0 else 0.0
        return f"{self._done} of {self._all}: {item.words}; about {minutes:.0f} minutes left"
