"""`backtest`: what this autoscaler would have done on recorded traffic, against others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from predictive_autoscaler.cli.backtest_options import (
    Backend,
    read_aim,
    read_bounds,
    read_calendar,
    read_capacity,
    read_grain,
    read_interval,
    read_moment,
    read_scheduler,
)
from predictive_autoscaler.cli.backtest_sources import World, files, own_group
from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    Jobs,
    LoadBalancer,
    Origin,
    Region,
    Seed,
    TargetGroup,
    check_jobs,
    err,
    group_flags,
    out,
    print_json,
    working,
)
from predictive_autoscaler.errors import DataError, UsageError
from predictive_autoscaler.folders import sole_user_of

if TYPE_CHECKING:
    from predictive_autoscaler.cli.backtest_run import Outcome

DEFAULT_POLICIES = "predictive,target tracking 70 %"
EPILOG = """Examples:

predictive-autoscaler backtest traffic/*.csv --policies all --out out/lab

predictive-autoscaler backtest --from cloudwatch --days 14

predictive-autoscaler backtest shop.csv --what-if --instance-hour-price 0.1

predictive-autoscaler backtest shop.csv --settings a.env --settings b.env
"""


def backtest(
    context: typer.Context,
    traces: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings (CSV: timestamp,requests; more than 6 days)."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--out", help="Folder for decisions, summary and report.")
    ] = Path("out/backtest"),
    policies: Annotated[
        str,
        typer.Option(
            help="Names with commas between them, or all. The oracle always runs, as the "
            "yardstick of cost."
        ),
    ] = DEFAULT_POLICIES,
    boot_minutes: Annotated[
        float | None,
        typer.Option(min=1, max=60, help="Minutes until a new instance serves. Default: 5."),
    ] = None,
    interval_minutes: Annotated[
        int | None,
        typer.Option(min=1, max=60, help="Minutes between decisions. Default: 5."),
    ] = None,
    capacity: Annotated[
        float | None,
        typer.Option(
            "--capacity-per-instance",
            help="Requests per interval that one instance carries. Default: such that p99.9 of "
            "the evaluated part needs 30 instances.",
        ),
    ] = None,
    eval_start: Annotated[
        str | None,
        typer.Option(
            help="Evaluate from here (ISO 8601, with zone). Default: after the first 55 %, "
            "or 6 days if that is later."
        ),
    ] = None,
    low: Annotated[
        int | None, typer.Option("--min", min=0, max=1000, help="Fewest instances. Default: 1.")
    ] = None,
    high: Annotated[
        int | None, typer.Option("--max", min=1, max=1000, help="Most instances. Default: 60.")
    ] = None,
    miss_price: Annotated[
        float | None,
        typer.Option(
            help="Fixed price of a missed request, in the capacity that serves it. Give one of "
            "this, --budget and --quantile, or none for the shipped default."
        ),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Share of requests that may be missed, such as 1%.")
    ] = None,
    quantile: Annotated[
        str | None,
        typer.Option(
            help="Serve this quantile of the forecast's largest demand, such as 0.95 or 95%, "
            "whatever it costs."
        ),
    ] = None,
    what_if: Annotated[
        bool,
        typer.Option(
            "--what-if", help="Also replay a range of miss prices and budgets, and tell outlays."
        ),
    ] = False,
    settings_files: Annotated[
        list[Path] | None,
        typer.Option(
            "--settings",
            help="Replay the settings in this file (KEY=VALUE, as in the environment); give it "
            "twice to see two side by side.",
        ),
    ] = None,
    hour_price: Annotated[
        float | None,
        typer.Option(
            "--instance-hour-price",
            envvar="AUTOSCALER_INSTANCE_HOUR_PRICE",
            min=1e-4,
            max=1000,
            help="USD for an hour of an instance; tells outlays in money, too.",
        ),
    ] = None,
    origin: Annotated[
        Origin | None,
        typer.Option(
            "--from",
            help="Replay the group's own recorded metrics under its own settings (from the "
            "environment) and bounds, with --what-if.",
        ),
    ] = None,
    days: Annotated[
        int,
        typer.Option(min=1, max=455, help="Days of recorded metrics to look back, with --from."),
    ] = 14,
    calendar: Annotated[
        Path | None,
        typer.Option(
            help='Announced events (JSON: [{"name", "start", "end", "min_instances"}, …]) that '
            "our own policies know of, as in the group's control file."
        ),
    ] = None,
    grain: Annotated[
        int,
        typer.Option(
            help="5: misses counted by the interval. 1: by the minute, where the trace has "
            "minutes or a file of its name (.csv or .csv.gz) lies in a folder 'minute' beside it."
        ),
    ] = 5,
    forecast_scores: Annotated[
        bool | None,
        typer.Option(
            help="Score our forecasts against last value, seasonal naive and MSTL. Default: "
            "with --policies all."
        ),
    ] = None,
    origins: Annotated[
        int,
        typer.Option(
            help="Forecasts to make per trace, 60 to 200, of which the first 30 only "
            "calibrate; MSTL sets the pace."
        ),
    ] = 120,
    backend: Annotated[
        Backend, typer.Option(help="loky: this machine's cores. dask: a Dask cluster.")
    ] = Backend.LOKY,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of the Dask scheduler, such as tcp://10.0.0.5:8786; its workers need "
            "this package."
        ),
    ] = None,
    jobs: Jobs = -1,
    seed: Seed = 1,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Replay recordings under this autoscaler and under others.

    No policy sees the future. Our own runs through the production control step, refitted as
    time goes by. Writes TRACE/decisions.csv, summary.csv and report.html into the folder. A
    trace that cannot be used is told and left out.
    """
    from predictive_autoscaler.backtest import forecast_run, lab
    from predictive_autoscaler.cli import backtest_run
    from predictive_autoscaler.model.backends import working_on

    if bool(traces) == (origin is not None):
        raise UsageError("give either traces (CSV files) or --from cloudwatch")
    aim = read_aim(miss_price, budget, quantile)
    if traces:
        _refuse_with_traces(context)
    if settings_files:
        _refuse_with_settings(boot_minutes, interval_minutes, aim)
    check_jobs(jobs)
    address = read_scheduler(backend, scheduler)
    names = [name.strip() for name in policies.split(",")]
    if settings_files and policies == DEFAULT_POLICIES:
        names.remove("predictive")  # what is compared are the settings
    bounds = read_bounds(low, high)
    options = lab.LabOptions(
        policies=lab.chosen_policies(names),
        eval_start=read_moment(eval_start),
        grain_minutes=read_grain(grain),
        interval_minutes=read_interval(interval_minutes),
        boot_minutes=5.0 if boot_minutes is None else boot_minutes,
        capacity_per_instance=read_capacity(capacity),
        bounds=bounds or lab.LabOptions().bounds,
        parameters=dict(aim),
        calendar=read_calendar(calendar),
        seed=seed,
    )
    plan = backtest_run.Plan(
        what_if=what_if or origin is not None,
        score_forecasts="all" in names if forecast_scores is None else forecast_scores,
        origins=forecast_run.check_origins(origins),
        settings_files=tuple(settings_files or ()),
        jobs=jobs,
    )
    with (
        sole_user_of(output),
        working("reading the traffic", quiet=as_json) as tell,
        working_on(address),
    ):
        if origin is None:
            world = World(files(traces or []), options, hour_price)
        else:
            given = group_flags(asg_name, load_balancer, target_group, bucket) | {
                "AWS_REGION": region,
                "AUTOSCALER_INTERVAL_MINUTES": _text(interval_minutes),
                "AUTOSCALER_BOOT_MINUTES": _text(boot_minutes),
                "AUTOSCALER_CAPACITY_PER_INSTANCE": _text(capacity),
                "AUTOSCALER_INSTANCE_HOUR_PRICE": _text(hour_price),
            }
            world = own_group(options, bounds, aim, given, days, tell)
        outcome = backtest_run.run(plan, world, tell)
        # What an earlier run wrote is not replaced by nothing.
        report = backtest_run.write(outcome, output) if outcome.traffics else None
    if as_json:
        print_json(backtest_run.as_json(outcome) | {"out": str(output)})
    elif report:
        backtest_run.show(outcome)
        out.print(f"Report: {report}", soft_wrap=True, highlight=False)
    _tell_what_to_know(outcome)
    if outcome.failed:
        raise DataError(
            f"{len(outcome.failed)} of {len(world.sources)} traces could not be replayed in full"
        )


def _tell_what_to_know(outcome: Outcome) -> None:
    """What the traces lack, and which of them were left out."""
    for traffic in outcome.traffics:
        for remark in outcome.remarks[traffic.name]:
            err.print(
                f"[yellow]note[/] on {escape(traffic.name)}: {escape(remark)}", soft_wrap=True
            )
        if outcome.options.by_minute and traffic.per_minute is None:
            err.print(
                f"[yellow]no minutes[/] for {escape(traffic.name)}: misses are counted by the "
                "interval",
                soft_wrap=True,
            )
    for name, reason in outcome.failed.items():
        told = reason if reason.startswith(name) else f"{name}: {reason}"
        err.print(f"[yellow]left out:[/] {escape(told)}", soft_wrap=True)


def _refuse_with_traces(context: typer.Context) -> None:
    """What says where a group's metrics are means nothing beside files."""
    for name in ("days", "asg_name", "load_balancer", "target_group", "bucket", "region"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} goes with --from cloudwatch, not with files of traffic")


def _refuse_with_settings(
    boot_minutes: float | None, interval_minutes: int | None, aim: Mapping[str, float]
) -> None:
    """What the settings say must not be said beside them."""
    if boot_minutes is not None or interval_minutes is not None or aim:
        raise UsageError(
            "--settings excludes --boot-minutes, --interval-minutes, --miss-price, --budget and "
            "--quantile: these stand in the settings files"
        )


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:g}" if value == float(f"{value:g}") else repr(value)
