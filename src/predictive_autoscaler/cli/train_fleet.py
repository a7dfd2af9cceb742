"""`train --groups`: many groups at once, on all cores or on a cluster."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.markup import escape

from predictive_autoscaler.adapters.stores.keys import quoted
from predictive_autoscaler.app.fleet import FleetOptions, GroupResult, Reading, State, train_fleet
from predictive_autoscaler.app.settings import GroupSettings, Settings
from predictive_autoscaler.app.settings_file import read_groups_file
from predictive_autoscaler.app.train import write_whole
from predictive_autoscaler.cli.console import err, out, print_json, use_region, working
from predictive_autoscaler.cli.train_fleet_report import (
    REPORT_NAME,
    SUMMARY_NAME,
    Totals,
    as_json,
    summary_rows,
    write_report,
)
from predictive_autoscaler.cli.train_sources import from_csv, interpolation_note, moment
from predictive_autoscaler.core.types import utc_from_text, utc_text
from predictive_autoscaler.errors import (
    DataError,
    SettingsError,
    UnskilledModelError,
    UsageError,
)
from predictive_autoscaler.folders import sole_user_of
from predictive_autoscaler.model.backends import workers
from predictive_autoscaler.ports import ModelStore

Tell = Callable[[str], None]
Read = Callable[[GroupSettings], Reading]
UNFINISHED_NAME = "unfinished.json"
GOES_ON_WITHIN = timedelta(days=1)
"""A run that was ended goes on with metrics up to the same time if it is no longer ago."""
SMALL_FLEET = 20
QUIET_SECONDS = 2.0
OURS = (REPORT_NAME, SUMMARY_NAME, UNFINISHED_NAME, ".in-use")


@dataclass(frozen=True)
class Request:
    """What the command line asks for.

    Attributes:
        groups: the JSON file.
        csv: folder of NAME.csv; None reads from CloudWatch.
        environment: variables laid over those of the process, by name.
        jobs: processes; of no account with a scheduler.
    """

    groups: Path
    csv: Path | None
    environment: Mapping[str, str]
    region: str | None
    days: int
    until: str | None
    folder: Path
    options: FleetOptions
    publish: bool
    jobs: int
    scheduler: str | None
    as_json: bool


def train_groups(request: Request) -> None:
    """Train, write, publish and report.

    Raises:
        UsageError, SettingsError: the options or the file cannot be used.
        SourceError: the workers cannot be reached, or broke down.
        DataError: groups failed.
        UnskilledModelError: none did, but some that were to be published are no better than
            the baselines.
    """
    use_region(request.region)
    if request.until is not None:
        moment(request.until)  # wrong for all is not wrong for each
    environment = dict(os.environ) | dict(request.environment)
    needs_bucket = request.publish or request.csv is None
    if needs_bucket and not environment.get("S3_BUCKET"):
        why = "--publish" if request.publish else "--from cloudwatch"
        raise SettingsError(f"S3_BUCKET is not set; {why} needs it")
    if request.csv is not None and not request.csv.is_dir():
        raise UsageError(
            f"--csv is {request.csv}; with --groups it takes a folder that holds NAME.csv for "
            "each group"
        )
    settings = read_groups_file(request.groups, environment, on_aws=request.csv is None)
    with sole_user_of(request.folder):
        results, totals = _trained(request, settings)
        rows = summary_rows(results)
        report = write_report(request.folder, rows, totals)
        (request.folder / UNFINISHED_NAME).unlink(missing_ok=True)
    if request.as_json:
        print_json(as_json(rows, totals) | {"out": str(request.folder)})
    else:
        _show(results, totals, report)
    _raise_for(results, request)


def _trained(request: Request, settings: Settings) -> tuple[list[GroupResult], Totals]:
    """Every group's result, and what all of them took."""
    store: ModelStore | None = None
    if request.publish:
        from predictive_autoscaler.wiring import aws_models

        store = aws_models(settings.bucket)
    read = _reader(request, settings)
    begun, cpu_begun = time.monotonic(), time.process_time()
    with (
        working("training", quiet=request.as_json) as tell,
        workers(request.scheduler, request.jobs) as pool,
    ):
        progress = Progress(len(settings.groups) + len(settings.refused), tell)
        results = train_fleet(
            settings,
            lambda name: folder_of(request.folder, name),
            read,
            request.options,
            pool,
            store,
            progress.finished,
        )
    return results, Totals.of(results, time.monotonic() - begun, time.process_time() - cpu_begun)


def folder_of(folder: Path, name: str) -> Path:
    """Where a group's files lie below the folder of all.

    Raises:
        UsageError: it is named like one of our own files there.
    """
    if name in OURS:
        raise UsageError(f"a group's files cannot lie in {folder / name}: that is a file of ours")
    return folder / quoted(name)


# ---- Metrics ---------------------------------------------------------------------------


def _reader(request: Request, settings: Settings) -> Read:
    if request.csv is not None:
        return _csv_reader(request.csv, request.until)
    from predictive_autoscaler.wiring import aws_histories

    history = aws_histories(settings)
    end = end_of_metrics(request.folder, request.until)
    return lambda group: Reading(history(group, end, request.days, lambda day: None))


def _csv_reader(folder: Path, until: str | None) -> Read:
    def read(group: GroupSettings) -> Reading:
        path = folder / f"{quoted(group.name)}.csv"
        samples, facts = from_csv(path, group.parameters.interval_seconds, until)
        return Reading(samples, interpolation_note(facts))

    return read


def end_of_metrics(folder: Path, until: str | None) -> datetime:
    """Up to when metrics are used.

    A run that goes on where another was ended takes that one's: metrics that had moved on
    would make every finished model one of other data.
    """
    if until is not None:
        return moment(until)
    now, path = datetime.now(UTC).replace(microsecond=0), folder / UNFINISHED_NAME
    try:
        begun = utc_from_text(json.loads(path.read_text())["until"])
    except (OSError, ValueError, KeyError, TypeError):
        begun = None
    if begun is not None and timedelta() <= now - begun <= GOES_ON_WITHIN:
        return begun
    write_whole(path, json.dumps({"until": utc_text(now)}).encode())
    return now


# ---- What is told ----------------------------------------------------------------------


class Progress:
    """Tells how far the work is, at what rate, and about how long it still takes.

    Args:
        groups: how many there are.
        quiet_seconds: what must lie between two lines, unless there are few groups or the
            lines replace each other.
    """

    def __init__(
        self,
        groups: int,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
        quiet_seconds: float | None = None,
    ) -> None:
        many = groups > SMALL_FLEET and not err.is_terminal
        self._quiet = (QUIET_SECONDS if many else 0.0) if quiet_seconds is None else quiet_seconds
        self._groups, self._tell, self._clock = groups, tell, clock
        self._begun = clock()
        self._told_at = -float("inf")
        self._done = self._trained = self._kept = 0

    def finished(self, result: GroupResult) -> None:
        """Count a group, and say so if it is time."""
        self._done += 1
        self._trained += result.state is State.TRAINED
        self._kept += result.state is State.KEPT
        now = self._clock()
        if now - self._told_at >= self._quiet or self._done == self._groups:
            self._told_at = now
            self._tell(self._line(result, now - self._begun))

    def _line(self, result: GroupResult, seconds: float) -> str:
        what = "failed" if result.error else result.state.value
        line = f"{self._done} of {self._groups}: {result.name} {what}"
        if self._kept:
            line += f"; {self._kept} kept from an earlier run"
        if self._trained and seconds > 0:
            rate = self._trained / seconds
            left = (self._groups - self._done) / rate / 60
            line += f"; {60 * rate:.1f} trained a minute"
            line += f", about {left:.1f} minutes left" if self._done < self._groups else ""
        return line


def _show(results: Sequence[GroupResult], totals: Totals, report: Path) -> None:
    for result in results:
        if result.error:
            told = f"{result.name}: {result.error}"
            err.print(f"[red]failed:[/] {escape(told)}", soft_wrap=True, highlight=False)
        elif result.card and not result.better:
            err.print(
                f"[yellow]no better than the baselines:[/] {escape(result.name)}",
                soft_wrap=True,
                highlight=False,
            )
    for line in totals.lines():
        out.print(line, soft_wrap=True, highlight=False)
    out.print(f"Report: {escape(str(report))}", soft_wrap=True, highlight=False)


def _raise_for(results: Sequence[GroupResult], request: Request) -> None:
    failed = sum(result.error is not None for result in results)
    if failed:
        raise DataError(f"{failed} of {len(results)} groups failed; the others are done")
    poor = sum(result.card is not None and not result.better for result in results)
    if poor and request.publish and not request.options.force:
        raise UnskilledModelError(
            f"{poor} of {len(results)} models are not better than the baselines on held-back time, "
            "so they are not published; --force publishes them all the same"
        )
