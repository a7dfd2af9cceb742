"""`backtest`: what this autoscaler would have done on recorded traffic, against others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.cli.backtest_options import (
    read_aim,
    read_bounds,
    read_grain,
    read_moment,
)
from predictive_autoscaler.cli.console import (
    AsJson,
    Jobs,
    Seed,
    check_jobs,
    check_writable,
    err,
    out,
    print_json,
    working,
)
from predictive_autoscaler.errors import AutoscalerError, DataError

if TYPE_CHECKING:
    from predictive_autoscaler.backtest.forecast_scores import ForecastScores
    from predictive_autoscaler.backtest.lab import LabOptions, LabResult, LabTraffic

REPORT_NAME = "report.html"
MINUTE_FOLDER = "minute"


def backtest(
    traces: Annotated[
        list[Path], typer.Argument(help="Recordings (CSV: timestamp,requests; at least 6 days).")
    ],
    output: Annotated[
        Path, typer.Option("--out", help="Folder for decisions, summary and report.")
    ] = Path("out/backtest"),
    policies: Annotated[
        str,
        typer.Option(
            help="Names with commas between them, or all. The oracle always runs, as the "
            "yardstick of cost."
        ),
    ] = "predictive,target tracking 70 %",
    boot_minutes: Annotated[
        float, typer.Option(min=1, max=60, help="Minutes until a new instance serves.")
    ] = 5.0,
    interval_minutes: Annotated[
        int, typer.Option(min=1, max=60, help="Minutes between decisions.")
    ] = 5,
    capacity: Annotated[
        float | None,
        typer.Option(
            "--capacity-per-instance",
            min=1e-9,
            help="Requests per interval that one instance carries. Default: such that p99.9 of "
            "the evaluated part needs 30 instances.",
        ),
    ] = None,
    eval_start: Annotated[
        str | None,
        typer.Option(
            help="Evaluate from here (ISO 8601, with zone). Default: after the first 55 %, and "
            "at least 6 days."
        ),
    ] = None,
    low: Annotated[int, typer.Option("--min", min=0, max=1000, help="Fewest instances.")] = 1,
    high: Annotated[int, typer.Option("--max", min=1, max=1000, help="Most instances.")] = 60,
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
    grain: Annotated[
        int,
        typer.Option(
            help="5: misses counted by the interval. 1: by the minute, where a file of the same "
            "name lies in a folder 'minute' beside the trace."
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
        int, typer.Option(help="Forecasts to score per trace, 31 to 200; MSTL sets the pace.")
    ] = 60,
    jobs: Jobs = -1,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Replay recordings under this autoscaler and under others, never seeing the future.

    Our own policy runs through the production control step, refitted as time goes by.
    Writes TRACE/decisions.csv, summary.csv and report.html into the folder. A trace that
    cannot be used is told and left out.
    """
    from predictive_autoscaler.backtest import forecast_run, lab
    from predictive_autoscaler.backtest.csv_files import write_rows
    from predictive_autoscaler.backtest.drawn import lab_report
    from predictive_autoscaler.report.lab_page import write_lab

    check_jobs(jobs)
    check_writable(output)
    forecast_run.check_origins(origins)
    names = [name.strip() for name in policies.split(",")]
    options = lab.LabOptions(
        policies=lab.chosen_policies(names),
        boot_minutes=boot_minutes,
        interval_minutes=interval_minutes,
        capacity_per_instance=capacity,
        eval_start=read_moment(eval_start),
        bounds=read_bounds(low, high),
        parameters=read_aim(miss_price, budget, quantile),
        grain_minutes=read_grain(grain),
        seed=seed,
    )
    traffics, failed = _load(traces, options)
    wants_scores = "all" in names if forecast_scores is None else forecast_scores
    with working("replaying", quiet=as_json) as tell:
        result = lab.run_lab(traffics, options, jobs, tell)
        failed |= result.failed
        scores: dict[str, ForecastScores] = {}
        if wants_scores:
            scores, unscored = forecast_run.score_traces(traffics, options, origins, jobs, tell)
            failed |= {
                name: "; ".join(filter(None, [failed.get(name), why]))
                for name, why in unscored.items()
            }
    lab.write_results(result, traffics, output)
    score_rows = forecast_run.score_rows(scores, interval_minutes)
    write_rows(output / "forecast_scores.csv", score_rows)
    write_lab(lab_report(result, traffics, options, failed, scores), output / REPORT_NAME)
    if as_json:
        summary = lab.summary_rows(result)
        found = {"summary": summary, "forecast_scores": score_rows, "failed": failed}
        print_json(found | {"out": str(output)})
    else:
        _print(result, output)
    for name, reason in failed.items():
        err.print(f"[yellow]left out:[/] {escape(name)}: {escape(reason)}")
    if failed:
        raise DataError(f"{len(failed)} of {len(traces)} traces could not be replayed in full")


def _load(paths: Sequence[Path], options: LabOptions) -> tuple[list[LabTraffic], dict[str, str]]:
    from predictive_autoscaler.backtest.lab import load_traffic

    traffics: list[LabTraffic] = []
    failed: dict[str, str] = {}
    for path in paths:
        minutes = path.parent / MINUTE_FOLDER / f"{path.stem}.csv.gz"
        wanted = minutes if options.grain_minutes == 1 and minutes.exists() else None
        try:
            if any(traffic.name == path.stem for traffic in traffics):
                raise DataError(f"another trace is called {path.stem!r} too")
            traffics.append(load_traffic(path, options, wanted))
        except AutoscalerError as error:
            failed[str(path)] = str(error)
    return traffics, failed


def _print(result: LabResult, output: Path) -> None:
    from predictive_autoscaler.backtest.lab import summary_rows

    table = Table()
    table.add_column("trace")
    table.add_column("policy")
    for heading in ("missed", "instance-hours", "cost / oracle", "actions"):
        table.add_column(heading, justify="right")
    for row in summary_rows(result):
        table.add_row(
            str(row["trace"]),
            str(row["policy"]),
            f"{100 * float(row['missed_share']):.3f} %",
            f"{float(row['instance_hours']):.1f}",
            f"{float(row['cost']):.3f}",
            str(row["actions"]),
        )
    out.print(table)
    out.print(f"Report: {output / REPORT_NAME}", soft_wrap=True, highlight=False)
