"""`demo`: rehearse everything on this machine, with no account."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from predictive_autoscaler.cli.console import (
    RECORDS_NAME,
    AsJson,
    Seed,
    checked_bounds,
    end_when_told,
    err,
    keep_records,
    out,
    own_name,
    print_json,
    training_script,
)
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.folders import sole_user_of

if TYPE_CHECKING:
    from predictive_autoscaler.demo.run import DemoResult
    from predictive_autoscaler.demo.run import Progress as DemoProgress
    from predictive_autoscaler.report.replay import PolicyRun

REPORT_NAME = "report.html"


def demo(
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            help="Replay the last full UTC day of this recording (CSV: timestamp,requests; at "
            "least 4 days) instead of a generated shop's.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--out", help="Folder for the report, the model and the records.")
    ] = Path("out/demo"),
    capacity: Annotated[
        float | None,
        typer.Option(
            "--capacity-per-instance",
            min=1e-6,
            help="Requests per 5 minutes that one instance carries. Default: such that p99.9 of "
            "the replayed day needs 30 instances.",
        ),
    ] = None,
    low: Annotated[int, typer.Option("--min", min=0, max=1000, help="Fewest instances.")] = 1,
    high: Annotated[int, typer.Option("--max", min=1, max=1000, help="Most instances.")] = 60,
    boot_minutes: Annotated[
        int, typer.Option(min=1, max=20, help="Minutes until a new instance serves.")
    ] = 5,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Scale through one day of traffic, without an AWS account.

    A moto server on this machine stands for AWS. The history goes into its CloudWatch, the
    real training script trains and publishes, and the real Lambda handler is called for
    every five minutes of the day, while instances boot. Target tracking at 70 % and an
    oracle do the same day beside it.
    """
    from predictive_autoscaler.demo import run, traffic
    from predictive_autoscaler.report.page import write

    end_when_told()
    bounds = checked_bounds(low, high)
    source = traffic.from_file(trace) if trace else traffic.generated(seed)
    options = run.DemoOptions(
        out=output,
        seed=seed,
        capacity_per_instance=capacity,
        bounds=bounds,
        boot_minutes=boot_minutes,
        training_script=training_script(),
    )
    with sole_user_of(output):
        with _bars(quiet=as_json) as bars:
            result = run.run_demo(source, options, _progress(bars, quiet=as_json))
        report = output / REPORT_NAME
        write(result.report, report)
        keep_records(result.records, output / RECORDS_NAME)
    if as_json:
        print_json(_facts(result, report))
    else:
        _print(result, report)


def _bars(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
    )


def _progress(bars: Progress, *, quiet: bool) -> DemoProgress:
    """Steps as lines, decisions as a bar, or as a few lines where there is no terminal."""
    from predictive_autoscaler.demo import run

    bar = bars.add_task("replaying the day", total=None, visible=False)

    def step(text: str) -> None:
        if not quiet:
            err.print(f"• {escape(text)}", highlight=False)

    def advance(done: int, total: int) -> None:
        bars.update(bar, completed=done, total=total, visible=True)
        if not quiet and not err.is_terminal and done % (total // 4) == 0:
            err.print(f"  {done} of {total} decisions", highlight=False)

    return run.Progress(step, advance)


def _figures(runs: dict[str, PolicyRun], name: str) -> dict[str, float]:
    score = runs[name].score
    return {
        "missed_share": score.missed_share,
        "missed_requests": score.missed_requests,
        "instance_hours": score.instance_hours,
        "cost_against_oracle": score.cost_against(runs["oracle"].score),
        "actions": score.actions,
    }


def _facts(result: DemoResult, report: Path) -> dict[str, object]:
    runs = {run.name: run for run in result.report.runs}
    return {
        "report": str(report),
        "published": result.published,
        "runs": {name: _figures(runs, name) for name in runs},
        "notes": list(result.report.notes),
    }


def _print(result: DemoResult, report: Path) -> None:
    from predictive_autoscaler.report.replay import largest_change

    runs = {run.name: run for run in result.report.runs}
    table = Table(title=escape(result.report.title), title_justify="left")
    table.add_column("policy")
    for heading in ("missed", "instance-hours", "cost / oracle", "actions"):
        table.add_column(heading, justify="right")
    for name in runs:
        figures = _figures(runs, name)
        table.add_row(
            name,
            f"{100 * figures['missed_share']:.3f} %",
            f"{figures['instance_hours']:.1f}",
            f"{figures['cost_against_oracle']:.3f}",
            f"{figures['actions']:.0f}",
        )
    out.print(table)
    for note in result.report.notes:
        out.print(f"[yellow]Note:[/] {escape(note)}")
    if changed := largest_change(result.report.decisions):
        records = shlex.quote(str(report.with_name(RECORDS_NAME)))
        told = f"{own_name()} explain --record {records} {utc_text(changed.decision.slot)}"
        out.print("Why it changed capacity most where it did:", highlight=False)
        out.print(f"  {told}", soft_wrap=True, highlight=False, markup=False)
    out.print(f"Report: {report}", soft_wrap=True, highlight=False)
