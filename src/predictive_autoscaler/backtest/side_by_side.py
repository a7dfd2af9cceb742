"""The same traffic under several settings, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib

from predictive_autoscaler.backtest.lab import (
    OURS,
    LabOptions,
    LabTraffic,
    PolicyResult,
    run_policy,
)
from predictive_autoscaler.core.outlay import Outlay, difference
from predictive_autoscaler.errors import AutoscalerError


@dataclass(frozen=True)
class Contender:
    """Settings by the name of their file, and the price that they name.

    Attributes:
        options: the world, and in its parameters what the settings make of it.
        unused: names of settings in the file that change nothing in a replay.
    """

    name: str
    options: LabOptions
    hour_price: float | None = None
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Trial:
    """One contender on one trace."""

    traffic: LabTraffic
    contender: Contender
    result: PolicyResult

    @property
    def outlay(self) -> Outlay:
        return Outlay(
            self.contender.name, self.result.score, self.traffic.days, self.contender.hour_price
        )


def run_trials(
    entries: Sequence[tuple[LabTraffic, Contender]],
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[dict[str, list[Trial]], dict[str, str]]:
    """Replay each contender on its view of each trace.

    Returns:
        Trials in the order given, and what went wrong, both by trace name. A trace on
        which one failed has none: there is nothing to compare it with.
    """
    progress(f"replaying {len(entries)} settings and traces")
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_attempt)(traffic, contender) for traffic, contender in entries
    )
    trials: dict[str, list[Trial]] = {}
    failed: dict[str, str] = {}
    for count, ((traffic, contender), outcome) in enumerate(zip(entries, done, strict=True), 1):
        progress(f"{count} of {len(entries)}: {contender.name} on {traffic.name}")
        if isinstance(outcome, str):
            failed[traffic.name] = outcome
        else:
            trials.setdefault(traffic.name, []).append(Trial(traffic, contender, outcome))
    return {name: found for name, found in trials.items() if name not in failed}, failed


def _attempt(traffic: LabTraffic, contender: Contender) -> PolicyResult | str:
    try:
        found = run_policy(traffic, OURS, contender.options)
    except (AutoscalerError, ValueError, ArithmeticError) as error:
        return f"{contender.name}: {error}"
    return replace(found, policy=contender.name)


def trial_rows(trials: Mapping[str, Sequence[Trial]]) -> list[dict[str, Any]]:
    """One row per trace and contender, with what it takes more or less than the first."""
    return [
        _row(trace, trial.outlay, None if trial is found[0] else found[0].outlay)
        for trace, found in trials.items()
        for trial in found
    ]


def _row(trace: str, outlay: Outlay, first: Outlay | None) -> dict[str, Any]:
    more = difference(outlay, first) if first else None
    return {
        "trace": trace,
        "settings": outlay.name,
        "missed_share": outlay.score.missed_share,
        "instance_hours": outlay.score.instance_hours,
        "instance_hours_per_day": outlay.hours_per_day,
        "usd_per_day": outlay.usd_per_day,
        "usd_per_30_days": outlay.usd_per_month,
        "actions": outlay.score.actions,
        "against": first.name if first else None,
        "more_missed_share": more.missed_share if more else None,
        "more_hours_per_day": more.hours_per_day if more else None,
        "more_usd_per_30_days": more.usd_per_month if more else None,
        "more_actions": more.actions if more else None,
    }
