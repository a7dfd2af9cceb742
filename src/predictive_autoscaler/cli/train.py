"""`train`: fit the forecaster, show how good it is, publish it if it has earned that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from predictive_autoscaler.app.settings import check_setting
from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    Jobs,
    LoadBalancer,
    MaxBins,
    Origin,
    Region,
    Seed,
    TargetGroup,
    Until,
    check_jobs,
    err,
    out,
    print_json,
    settings_from,
    working,
)
from predictive_autoscaler.cli.train_sources import (
    from_cloudwatch,
    from_csv,
    interpolation_note,
)
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.errors import SettingsError, UnskilledModelError, UsageError
from predictive_autoscaler.folders import check_writable

DEFAULT_GROUP = "default"
DEFAULT_FOLDER = Path("out/model")
DEFAULT_FLEET_FOLDER = Path("out/models")


def train(
    context: typer.Context,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="Train from this file: timestamp,requests and optionally response_time, "
            "cpu_utilization, capacity, refused, errors; bins of 1, 5, 10, 15, 30 or 60 minutes. "
            "With --groups a folder that holds such a NAME.csv for each group.",
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups",
            metavar="FILE",
            help="Train every group of this file, JSON as AUTOSCALER_GROUPS takes it: "
            '{"defaults": {…}, "groups": {NAME: {…}}}. What a group says itself wins over the '
            "defaults, and these over options and environment.",
        ),
    ] = None,
    origin: Annotated[
        Origin | None, typer.Option("--from", help="Train from the group's recorded metrics.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=455, help="Days of CloudWatch metrics to look back.")
    ] = 28,
    until: Until = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for model.npz and model.json, out/model by default; with --groups for "
            "NAME/model.npz and so on, report.html and summary.csv, out/models by default.",
        ),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the model into S3 and move `latest` to it.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish even if the baselines are as good.")
    ] = False,
    interval_minutes: Annotated[
        int,
        typer.Option(envvar="AUTOSCALER_INTERVAL_MINUTES", min=1, max=60, help="Length of a bin."),
    ] = 5,
    boot_minutes: Annotated[
        float,
        typer.Option(
            envvar="AUTOSCALER_BOOT_MINUTES",
            min=1,
            max=20,
            help="Minutes from asking for an instance until it serves.",
        ),
    ] = 5.0,
    metric_delay_seconds: Annotated[
        int,
        typer.Option(
            envvar="AUTOSCALER_METRIC_DELAY_SECONDS",
            min=0,
            max=900,
            help="How late the metrics are; with the boot time it sets how far to look ahead.",
        ),
    ] = 120,
    timezone: Annotated[
        str, typer.Option(envvar="AUTOSCALER_TIMEZONE", help="Zone of the users' hours.")
    ] = "UTC",
    max_bins: MaxBins = 8000,
    seed: Seed = 1,
    jobs: Jobs = -1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --groups: train on the Dask cluster of this scheduler, tcp://HOST:PORT, "
            "whose workers have this package installed; --jobs is of no account then.",
        ),
    ] = None,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Train the forecaster from a CSV file or from CloudWatch.

    Prints how it does on held-back time against last value and seasonal naive, and writes
    model.npz and model.json. With --publish a model that beats both goes into S3.

    With --groups, one model for each group, side by side; a model does not depend on how many
    at once, nor where. Each is written as soon as it is trained: the same command again goes on
    where a run was ended, and trains only what is absent or made from other metrics or options.
    A group that fails does not stop the others.

    Exit codes: 0 done, 1 failed (with --groups: any of them), 2 wrong options or
    settings, 3 trained, but not published because it is no better than the baselines (with
    --groups: some of them), 130 interrupted.
    """
    check_jobs(jobs)
    check_setting("AUTOSCALER_INTERVAL_MINUTES", str(interval_minutes))
    check_setting("AUTOSCALER_TIMEZONE", timezone)
    given: dict[str, str | None] = {
        "LOAD_BALANCER": load_balancer,
        "TARGET_GROUP": target_group,
        "S3_BUCKET": bucket,
    }
    if groups is not None:
        from predictive_autoscaler.app.fleet import FleetOptions
        from predictive_autoscaler.cli.train_fleet import Request, train_groups

        _refuse_for_groups(csv, origin, context)
        defaults = {
            "AUTOSCALER_INTERVAL_MINUTES": str(interval_minutes),
            "AUTOSCALER_BOOT_MINUTES": repr(boot_minutes),
            "AUTOSCALER_METRIC_DELAY_SECONDS": str(metric_delay_seconds),
            "AUTOSCALER_TIMEZONE": timezone,
        }
        train_groups(
            Request(
                groups=groups,
                csv=csv,
                environment=defaults | {name: text for name, text in given.items() if text},
                region=region,
                days=days,
                until=until,
                folder=output or DEFAULT_FLEET_FOLDER,
                options=FleetOptions(max_bins=max_bins, seed=seed, force=force),
                publish=publish,
                jobs=jobs,
                scheduler=scheduler,
                as_json=as_json,
            )
        )
        return
    output = output or DEFAULT_FOLDER
    from predictive_autoscaler.app.train import insisted, write_artifact
    from predictive_autoscaler.app.train import publish as publish_model
    from predictive_autoscaler.model.fit import ForestOptions
    from predictive_autoscaler.model.train import TrainOptions
    from predictive_autoscaler.model.train import train as fit

    _refuse_for_one(csv, origin, scheduler)
    flags = given | {"ASG_NAME": asg_name, "AWS_REGION": region}
    parameters = _parameters(interval_minutes, boot_minutes, metric_delay_seconds, timezone)
    if publish:
        _check_publishable(bucket, asg_name)
    check_writable(output)
    with working("reading the metrics", quiet=as_json) as tell:
        if csv is not None:
            samples, facts = from_csv(csv, parameters.interval_seconds, until)
        else:
            samples, facts = from_cloudwatch(settings_from(**flags), days, until, tell)
        options = TrainOptions(
            group=asg_name or DEFAULT_GROUP,
            boot_minutes=boot_minutes,
            parameters=parameters,
            max_bins=max_bins,
            forest=ForestOptions(seed=seed, jobs=jobs),
        )
        trained = fit(samples, options, tell)
        if force:
            trained = insisted(trained)
        write_artifact(trained, output)
    facts |= {
        "model": str(output),
        "model_id": trained.card.model_id,
        "rows": trained.card.rows,
        "filled_bins": trained.dataset.filled_bins,
        "masked_bins": trained.dataset.masked_bins,
        "censored_bins": trained.dataset.censored_bins,
        "absent_features": list(trained.card.absent_features),
        "better_than_baselines": trained.better_than_baselines,
        "scores": dict(trained.card.scores),
        "published": None,
    }
    refusal: UnskilledModelError | None = None
    if publish:
        from predictive_autoscaler.wiring import aws_models

        assert bucket is not None
        try:
            facts["published"] = publish_model(trained, aws_models(bucket))
        except UnskilledModelError as error:
            refusal = error
    if as_json:
        print_json(facts)
    else:
        _print(facts)
    if refusal:
        raise refusal


def _refuse_for_one(csv: Path | None, origin: Origin | None, scheduler: str | None) -> None:
    """What does not fit together where one model is trained."""
    if (csv is None) == (origin is None):
        raise UsageError("give either --csv FILE or --from cloudwatch")
    if csv is not None and csv.is_dir():
        raise UsageError(f"--csv is {csv}, a folder; that takes --groups FILE, too")
    if scheduler is not None:
        raise UsageError("--scheduler is for many groups; give --groups FILE, too")


def _refuse_for_groups(csv: Path | None, origin: Origin | None, context: typer.Context) -> None:
    """What does not fit together where many models are trained."""
    if (csv is None) == (origin is None):
        raise UsageError("with --groups, give either --csv FOLDER or --from cloudwatch")
    named = context.get_parameter_source("asg_name")
    if named is not None and named.name == "COMMANDLINE":
        raise UsageError("--asg-name and --groups exclude each other; the file names the groups")


def _parameters(
    interval_minutes: int, boot_minutes: float, metric_delay_seconds: int, timezone: str
) -> FeatureParameters:
    return ControlParameters(
        interval_seconds=interval_minutes * 60,
        boot_minutes=boot_minutes,
        metric_delay_seconds=metric_delay_seconds,
        timezone=timezone,
    ).features


def _check_publishable(bucket: str | None, asg_name: str | None) -> None:
    for variable, value in (("S3_BUCKET", bucket), ("ASG_NAME", asg_name)):
        if not value:
            raise SettingsError(f"{variable} is not set; --publish needs it")


def _print(facts: dict[str, Any]) -> None:
    table = Table(title="On held-back time", title_justify="left")
    for heading, justify in (
        ("forecast", "left"),
        ("WAPE", "right"),
        ("pinball loss", "right"),
        ("coverage of the 90 % band", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for name, score in facts["scores"].items():
        if score is None:
            table.add_row(name, "no answer", "", "")
            continue
        table.add_row(
            name,
            f"{100 * score['wape']:.2f} %",
            f"{100 * score['pinball']:.3f} %",
            f"{100 * score['coverage']:.1f} %",
        )
    out.print(table)
    out.print(
        f"{facts['rows']:,} intervals learned; {facts['filled_bins']} absent ones filled, "
        f"{facts['masked_bins']} left out, {facts['censored_bins']} overloaded (lower bounds)."
    )
    if note := interpolation_note(facts):
        out.print(f"[yellow]Note:[/] {note}.")
    if facts["absent_features"]:
        out.print(f"Not in the data, so not used: {', '.join(facts['absent_features'])}.")
    out.print(f"Model {facts['model_id']} is in {facts['model']}.")
    if facts["published"]:
        out.print(f"Published as version {facts['published']}.")
    elif not facts["better_than_baselines"]:
        err.print("[yellow]It is not better than the baselines.[/]")
