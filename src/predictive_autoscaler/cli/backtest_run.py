"""The work behind `backtest`: replay, write, show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from predictive_autoscaler.app.settings_file import names_in, read_settings_file
from predictive_autoscaler.backtest import forecast_run, lab
from predictive_autoscaler.backtest.csv_files import write_rows
from predictive_autoscaler.backtest.drawn import Extras, lab_report
from predictive_autoscaler.backtest.forecast_scores import ForecastScores
from predictive_autoscaler.backtest.from_settings import (
    NOT_REPLAYED,
    misbeliefs,
    options_believing,
    options_under,
)
from predictive_autoscaler.backtest.side_by_side import (
    Contender,
    Trial,
    run_trials,
    trial_rows,
)
from predictive_autoscaler.backtest.what_if import outlay_rows, what_if
from predictive_autoscaler.cli.backtest_sources import World, loaded
from predictive_autoscaler.cli.backtest_tables import print_summary, print_trials, print_what_if
from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.report.lab_page import write_lab

REPORT_NAME = "report.html"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to do with the traffic.

    Attributes:
        settings_files: each replayed as a policy of its own.
    """

    what_if: bool
    score_forecasts: bool
    origins: int
    settings_files: Sequence[Path]
    jobs: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything that came of it, by trace name.

    Attributes:
        notes: what a reader of the results must know of where the traffic comes from.
        remarks: what is wanting, of a trace or of settings.
    """

    options: lab.LabOptions
    traffics: Sequence[lab.LabTraffic]
    result: lab.LabResult
    scores: Mapping[str, ForecastScores]
    outlays: Mapping[str, Sequence[Outlay]]
    trials: Mapping[str, Sequence[Trial]]
    notes: Mapping[str, Sequence[str]]
    remarks: Mapping[str, Sequence[str]]
    failed: Mapping[str, str]

    @property
    def trial_outlays(self) -> dict[str, list[Outlay]]:
        return {name: [one.outlay for one in found] for name, found in self.trials.items()}


def run(plan: Plan, world: World, tell: Tell) -> Outcome:
    """Replay everything that is asked for.

    Raises:
        SettingsError, UsageError: the settings files cannot be used, alone or together.
    """
    options, contenders = read_contenders(plan.settings_files, world)
    traffics, failed = loaded(world.sources, options)
    result = lab.run_lab(traffics, options, plan.jobs, tell)
    failed = _joined(failed, result.failed)
    scores: Mapping[str, ForecastScores] = {}
    outlays: Mapping[str, Sequence[Outlay]] = {}
    if plan.score_forecasts and traffics:
        scores, wrong = forecast_run.score_traces(traffics, options, plan.origins, plan.jobs, tell)
        failed = _joined(failed, wrong)
    if plan.what_if and traffics:
        price = contenders[0].hour_price if contenders else world.hour_price
        outlays, wrong = what_if(traffics, options, price, plan.jobs, tell)
        failed = _joined(failed, wrong)
    entries = [(traffic, contender) for contender in contenders for traffic in traffics]
    trials, wrong = run_trials(entries, plan.jobs, tell) if entries else ({}, {})
    return Outcome(
        options,
        traffics,
        _with_trials(result, trials),
        scores,
        outlays,
        trials,
        world.notes,
        {one.name: [*one.remarks, *_told_of(contenders, one)] for one in traffics},
        _joined(failed, wrong),
    )


def read_contenders(paths: Sequence[Path], world: World) -> tuple[lab.LabOptions, list[Contender]]:
    """The world to replay in, and the settings files as policies in it.

    Without a group that is there, the first file says how long instances boot and what they
    carry.

    Raises:
        SettingsError, UsageError: with the file's name.
    """
    groups = [read_settings_file(path).groups[0] for path in paths]
    if not groups:
        return world.options, []
    first = options_under(groups[0], world.options)
    options = replace(
        world.options,
        interval_minutes=first.interval_minutes,
        boot_minutes=(world.options if world.of_group else first).boot_minutes,
        capacity_per_instance=world.options.capacity_per_instance or first.capacity_per_instance,
        parameters=first.parameters,
    )
    names = _names_of(paths)
    contenders = []
    for path, name, group in zip(paths, names, groups, strict=True):
        minutes = group.parameters.interval_seconds // 60
        if minutes != first.interval_minutes:
            raise UsageError(
                f"--settings {path}: AUTOSCALER_INTERVAL_MINUTES is {minutes}, in {paths[0]} it is "
                f"{first.interval_minutes}; only settings of the same interval can be compared"
            )
        price = group.instance_hour_price or world.hour_price
        unused = tuple(setting for setting in names_in(path) if setting in NOT_REPLAYED)
        contenders.append(Contender(name, options_believing(group, options), price, unused))
    return options, contenders


def _names_of(paths: Sequence[Path]) -> list[str]:
    """The files' stems, or folder and stem where stems are the same.

    Raises:
        UsageError: a name is taken.
    """
    stems = [path.stem for path in paths]
    names: list[str] = []
    for path in paths:
        shared = stems.count(path.stem) > 1
        name = f"{path.absolute().parent.name}/{path.stem}" if shared else path.stem
        if name in lab.known_policies() or name in names:
            raise UsageError(f"--settings {path}: {name!r} names another policy; rename the file")
        names.append(name)
    return names


def _told_of(contenders: Sequence[Contender], traffic: lab.LabTraffic) -> Iterator[str]:
    """What of the settings files is not as a reader may think, on a trace."""
    for one in contenders:
        for misbelief in misbeliefs(one.options, traffic.setting.capacity_per_instance):
            yield f"{one.name} {misbelief}."
        if one.unused:
            yield f"Of {one.name}, a replay has no use for {', '.join(one.unused)}."


def _with_trials(result: lab.LabResult, trials: Mapping[str, Sequence[Trial]]) -> lab.LabResult:
    """Trials as policies among the others."""
    results = dict(result.results)
    for name, found in trials.items():
        results[name] = [*(trial.result for trial in found), *results[name]]
    return replace(result, results=results)


def _joined(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """What went wrong, from both."""
    return {
        name: "; ".join(found[name] for found in (one, other) if name in found)
        for name in {**one, **other}
    }


def write(outcome: Outcome, folder: Path) -> Path:
    """Write tables and report; returns the report's path."""
    lab.write_results(outcome.result, outcome.traffics, folder)
    for name, rows in _tables(outcome).items():
        write_rows(folder / f"{name}.csv", rows)
    notes = {
        name: [*outcome.notes.get(name, ()), *remarks] for name, remarks in outcome.remarks.items()
    }
    extras = Extras(outcome.scores, outcome.outlays, outcome.trial_outlays, notes)
    report = lab_report(outcome.result, outcome.traffics, outcome.options, outcome.failed, extras)
    # The last of the settings is what one thinks of changing to, the first what it has to beat.
    newest = next((found[-1] for found in outcome.trials.values()), None)
    if newest is not None:
        report = replace(report, ours=newest.contender.name)
    write_lab(report, folder / REPORT_NAME)
    return folder / REPORT_NAME


def _tables(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    interval = outcome.options.interval_minutes
    return {
        "forecast_scores": forecast_run.score_rows(outcome.scores, interval),
        "what_if": outlay_rows(outcome.outlays),
        "side_by_side": trial_rows(outcome.trials),
    }


def as_json(outcome: Outcome) -> dict[str, Any]:
    """For machines."""
    return {
        "summary": lab.summary_rows(outcome.result),
        "failed": dict(outcome.failed),
        **_tables(outcome),
    }


def show(outcome: Outcome) -> None:
    """For people."""
    if outcome.traffics:
        print_summary(outcome.result)
    print_what_if(outcome.outlays)
    print_trials(outcome.trial_outlays)
