"""`retrain`: train a challenger, judge it against the model in use, publish only the winner."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    Jobs,
    LoadBalancer,
    MaxBins,
    Region,
    Seed,
    StoreFolder,
    TargetGroup,
    Until,
    check_jobs,
    check_range,
    group_flags,
    print_json,
    settings_from,
    use_region,
    working,
)
from predictive_autoscaler.cli.retrain_report import as_dict, show
from predictive_autoscaler.cli.train_sources import from_csv, moment
from predictive_autoscaler.core.publication import LEAST_KEPT
from predictive_autoscaler.errors import (
    AutoscalerError,
    DataError,
    RefusedModelError,
    SettingsError,
    UsageError,
)
from predictive_autoscaler.folders import check_writable

if TYPE_CHECKING:
    from predictive_autoscaler.app.retrain import Judge, Plan, Retrained
    from predictive_autoscaler.app.settings import GroupSettings, Settings
    from predictive_autoscaler.core.types import Samples
    from predictive_autoscaler.ports import ModelArchive

MOST_NEWEST_DAYS = 7
"""More, and what is published would be older than it needs to be."""
MOST_TOLERANCE = 50
MOST_KEPT = 1000
Tell = Callable[[str], None]
Read = Callable[["GroupSettings", Tell], "Samples"]


@dataclass(frozen=True)
class Attempt:
    """What became of one group: retrained, or why not."""

    group: str
    result: Retrained | None = None
    error: str | None = None
    note: str = ""


def retrain(
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Learn from this file, as `train` takes it, instead of from CloudWatch. With "
            "--groups a folder that holds such a NAME.csv for each group.",
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups",
            metavar="FILE",
            help="Retrain every group of this file, JSON as AUTOSCALER_GROUPS takes it, one "
            "after the other. A group that fails does not stop the others.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=2, max=455, help="Days of CloudWatch metrics to look back.")
    ] = 28,
    until: Until = None,
    newest_days: Annotated[
        int,
        typer.Option(
            help="Days at the end that the challenger does not learn from, and on which both "
            f"models are judged; 1 to {MOST_NEWEST_DAYS}.",
        ),
    ] = 3,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance-percent",
            help="The challenger wins unless it costs more than the champion by more than this; "
            f"0 to {MOST_TOLERANCE}.",
        ),
    ] = 1.0,
    keep: Annotated[
        int,
        typer.Option(
            help="Versions that stay in the store; the published one and the one before it always "
            "do. Older ones are deleted after something was published. "
            f"{LEAST_KEPT} to {MOST_KEPT}.",
        ),
    ] = 5,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train and judge, but publish and delete nothing.")
    ] = False,
    fail_when_refused: Annotated[
        bool,
        typer.Option(
            "--fail-when-refused",
            help="End with exit code 3 where a challenger is refused, so that a scheduler tells "
            "somebody. Without it a refusal is a normal end.",
        ),
    ] = False,
    max_bins: MaxBins = 8000,
    seed: Seed = 1,
    jobs: Jobs = -1,
    store: StoreFolder = None,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Train anew; publish only what beats the model in use.

    Made for cron, a scheduled GitHub Action or the training container: without options it takes
    the group that the environment names (ASG_NAME, LOAD_BALANCER, S3_BUCKET, AUTOSCALER_…).

    A challenger learns from everything but the newest days. Over these, the controller's own
    control step decides with the champion (the published model), and again with the challenger.
    What counts is instance-hours plus 20 times the instance-hours that would have served the
    missed requests (or AUTOSCALER_MISS_PRICE times, where that is set). The challenger is
    published, to the byte as it was judged, if it is better than the baselines and does not cost
    more than the champion. With no champion that can be used, the baselines alone decide.

    Same metrics and options, same model, same verdict. The verdict lies beside the model.
    `rollback` undoes it. docs/retraining.md tells how to schedule it.

    Exit codes: 0 done, whether published or refused; 1 failed, the champion serves on; 2 wrong
    options; 3 refused, with --fail-when-refused.
    """
    check_jobs(jobs)
    check_range("--newest-days", newest_days, 1, MOST_NEWEST_DAYS)
    check_range("--tolerance-percent", tolerance, 0, MOST_TOLERANCE)
    check_range("--keep", keep, LEAST_KEPT, MOST_KEPT)
    if until is not None:
        moment(until)
    from predictive_autoscaler.wiring import model_archive

    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    use_region(region)
    settings = _settings(groups, flags, csv, store)
    if store is not None and not dry_run:
        check_writable(store, "--store")
    archive = model_archive(settings.bucket, store)
    read = _reader(settings, csv, groups is not None, days, until)

    def plan_of(group: GroupSettings) -> Plan:
        from predictive_autoscaler.app.fleet import FleetOptions
        from predictive_autoscaler.app.retrain import Plan
        from predictive_autoscaler.core.contest import MISS_PRICE, Rules

        training = FleetOptions(max_bins=max_bins, seed=seed).of(group, jobs)
        price = group.parameters.miss_price or MISS_PRICE
        rules = Rules(price, tolerance / 100)
        return Plan(training, newest_days, keep, rules, dry_run)

    alone = len(settings.groups) + len(settings.refused) == 1
    attempts = [Attempt(name, error=reason) for name, reason in settings.refused.items()]
    with working("retraining", quiet=as_json) as tell:
        for group in settings.groups:
            attempt = _attempted(group, archive, read, plan_of(group), tell, alone=alone)
            attempts.append(attempt)
            if not as_json:
                show(attempt, dry_run=dry_run)
    if as_json:
        print_json({"groups": [as_dict(attempt, dry_run=dry_run) for attempt in attempts]})
    _raise_for(attempts, fail_when_refused)


def _attempted(
    group: GroupSettings,
    archive: ModelArchive,
    read: Read,
    plan: Plan,
    tell: Tell,
    *,
    alone: bool,
) -> Attempt:
    """One group's result. Where there are others, its failure is kept for the end."""
    from predictive_autoscaler.app.retrain import retrain as retrain_group

    if group.model != group.name and not alone:
        return Attempt(group.name, note=f"uses the model of {group.model}")

    def tell_of(step: str) -> None:
        tell(step if alone else f"{group.name}: {step}")

    try:
        samples = read(group, tell_of)
        result = retrain_group(samples, group, archive, plan, _judge(group, tell_of), tell_of)
    except AutoscalerError as error:
        if alone:
            raise
        return Attempt(group.name, error=str(error))
    return Attempt(group.name, result)


def _judge(group: GroupSettings, tell: Tell) -> Judge:
    """Replays with the lab's machinery, which the use case itself does not know."""
    from predictive_autoscaler.backtest.contest import course_of, play

    def judge(model: Any, samples: Samples, first: int, who: str) -> Any:
        told = -1

        def progress(share: float) -> None:
            nonlocal told
            quarter = int(4 * share)
            if quarter > told:
                told = quarter
                tell(f"replaying {who}: {25 * quarter} %")

        return play(model, course_of(samples, first, group), progress)

    return judge


# ---- Settings and metrics --------------------------------------------------------------


def _settings(
    groups: Path | None, flags: Mapping[str, str | None], csv: Path | None, store: Path | None
) -> Settings:
    """The groups to retrain.

    Raises:
        SettingsError, UsageError: with what is missing or does not fit together.
    """
    from predictive_autoscaler.app.settings_file import read_groups_file

    if csv is not None and csv.is_dir() != (groups is not None):
        wanted = "a folder that holds NAME.csv for each group" if groups else "a file"
        raise UsageError(
            f"--csv is {csv}; {'with' if groups else 'without'} --groups it takes {wanted}"
        )
    given = {name: text for name, text in flags.items() if text}
    if store is None and not given.get("S3_BUCKET"):
        raise SettingsError("S3_BUCKET is not set; it names the bucket of the models (or --store)")
    if groups is not None:
        environment = dict(os.environ) | given
        return read_groups_file(groups, environment, on_aws=csv is None)
    if csv is not None:
        # What only says where metrics are to be found, a file does without.
        given = {"ASG_NAME": "default", "LOAD_BALANCER": "app/none/none"} | given
        given.setdefault("S3_BUCKET", "none")
    return settings_from(**given)


def _reader(settings: Settings, csv: Path | None, many: bool, days: int, until: str | None) -> Read:
    from predictive_autoscaler.adapters.stores.keys import quoted

    if csv is not None:
        folder_or_file = csv

        def from_file(group: GroupSettings, tell: Tell) -> Samples:
            tell("reading the metrics")
            path = folder_or_file / f"{quoted(group.name)}.csv" if many else folder_or_file
            return from_csv(path, group.parameters.interval_seconds, until)[0]

        return from_file
    from predictive_autoscaler.wiring import aws_histories

    histories = aws_histories(settings)
    now = moment(until) if until else datetime.now(UTC)

    def from_cloudwatch(group: GroupSettings, tell: Tell) -> Samples:
        return histories(group, now, days, lambda day: tell(f"reading the metrics of {day}"))

    return from_cloudwatch


def _raise_for(attempts: list[Attempt], fail_when_refused: bool) -> None:
    failed = [attempt for attempt in attempts if attempt.error]
    if failed:
        told = "; ".join(f"{attempt.group}: {attempt.error}" for attempt in failed[:3])
        more = ", …" if len(failed) > 3 else ""
        raise DataError(
            f"{len(failed)} of {len(attempts)} groups failed, the others are done: {told}{more}"
        )
    refused = [
        attempt.group
        for attempt in attempts
        if attempt.result and not attempt.result.verdict.published and not attempt.result.unchanged
    ]
    if refused and fail_when_refused:
        raise RefusedModelError(
            f"the new model of {', '.join(refused)} is refused; the one in use serves on"
        )
