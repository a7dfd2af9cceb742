"""Whether ours did better, in one sentence that is the same whichever way it went."""

from __future__ import annotations

from dataclasses import dataclass

from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.numbers import hours, percent
from predictive_autoscaler.report.replay import PolicyRun, ReplayReport

ORACLE = "oracle"
RIVAL = "target tracking"


@dataclass(frozen=True)
class Verdict:
    """What to think of the day.

    Attributes:
        short: the judgement in a few words.
        long: the figures that it rests on.
    """

    short: str
    long: str

    def __str__(self) -> str:
        return f"{self.short}: {self.long}"


def oracle_of(report: ReplayReport) -> PolicyRun | None:
    """The run that knew the future."""
    return next((run for run in report.runs if run.name == ORACLE), None)


def rival_of(report: ReplayReport) -> PolicyRun | None:
    """The run to beat: target tracking, or else the first that is neither ours nor the oracle."""
    others = [run for run in report.runs[1:] if run.name != ORACLE]
    named = (run for run in others if run.name.lower().startswith(RIVAL))
    return next(named, others[0] if others else None)


def verdict(report: ReplayReport) -> Verdict:
    """Judge the first run by its misses and its hours, next to the run to beat."""
    if not report.runs:
        return Verdict("Nothing to judge", "no policy was run.")
    ours, rival = report.runs[0], rival_of(report)
    if ours.score.total_requests <= 0:
        return _without_traffic(ours, rival)
    if rival is None:
        return Verdict("Nothing to compare with", f"{_figures(ours)}.")
    fewer_missed = _compared(_missed_key(ours.score), _missed_key(rival.score))
    fewer_hours = _compared(_hours_key(ours.score), _hours_key(rival.score))
    return Verdict(
        _judgement(fewer_missed, fewer_hours),
        f"{_figures(ours)}; {rival.name} missed {percent(rival.score.missed_share)} "
        f"with {hours(rival.score.instance_hours)}.",
    )


def _figures(run: PolicyRun) -> str:
    return (
        f"{run.name} missed {percent(run.score.missed_share)} of requests "
        f"with {hours(run.score.instance_hours)} instance-hours"
    )


def _without_traffic(ours: PolicyRun, rival: PolicyRun | None) -> Verdict:
    used = f"{ours.name} used {hours(ours.score.instance_hours)} instance-hours"
    short = "No request arrived, so only the cost can be judged"
    if rival is None:
        return Verdict(short, f"{used}.")
    return Verdict(short, f"{used}, {rival.name} {hours(rival.score.instance_hours)}.")


def _missed_key(score: ScalingScore) -> tuple[str, float]:
    return percent(score.missed_share), score.missed_share


def _hours_key(score: ScalingScore) -> tuple[str, float]:
    return hours(score.instance_hours), score.instance_hours


def _compared(ours: tuple[str, float], theirs: tuple[str, float]) -> int:
    """1 if ours is less, -1 if more, 0 if a reader of the printed figures sees no difference."""
    if ours[0] == theirs[0]:
        return 0
    return 1 if ours[1] < theirs[1] else -1


def _judgement(fewer_missed: int, fewer_hours: int) -> str:
    return {
        (1, 1): "Better on both counts",
        (1, 0): "Better: fewer misses at the same cost",
        (0, 1): "Better: the same misses at a lower cost",
        (0, 0): "No difference",
        (1, -1): "Mixed: fewer misses, but a higher cost",
        (-1, 1): "Mixed: a lower cost, but more misses",
        (0, -1): "Worse: the same misses at a higher cost",
        (-1, 0): "Worse: more misses at the same cost",
        (-1, -1): "Worse on both counts",
    }[fewer_missed, fewer_hours]
