"""Which of several runs is the yardstick, and which is the one to beat."""

from __future__ import annotations

from collections.abc import Sequence

from predictive_autoscaler.report.replay import PolicyRun

ORACLE = "oracle"
RIVAL = "target tracking"
_USUAL_TARGET = "70"


def oracle_of(runs: Sequence[PolicyRun]) -> PolicyRun | None:
    """The run that knew the future."""
    return run_named(runs, ORACLE)


def run_named(runs: Sequence[PolicyRun], name: str) -> PolicyRun | None:
    """The run of that name."""
    return next((run for run in runs if run.name == name), None)


def rival_of(
    runs: Sequence[PolicyRun], ours: PolicyRun | None, named: str = ""
) -> PolicyRun | None:
    """The run to beat: the one that is named, if it ran.

    Else target tracking, at 70 % if there are several; without one, the first run that is
    neither ours nor the oracle.
    """
    if (chosen := run_named(runs, named)) is not None:
        return chosen
    others = [run for run in runs if run is not ours and run.name != ORACLE]
    tracking = [run for run in others if run.name.lower().startswith(RIVAL)]
    usual = [run for run in tracking if _USUAL_TARGET in run.name]
    return next(iter([*usual, *tracking, *others]), None)
