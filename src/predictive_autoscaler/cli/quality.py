"""`quality`: the measurement behind the README's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from predictive_autoscaler.cli.console import (
    AsJson,
    Jobs,
    check_jobs,
    err,
    out,
    print_json,
    working,
)
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.folders import sole_user_of

CACHE_FOLDER = "cache"


def quality(
    traces: Annotated[
        Path, typer.Option(help="Folder of the named recordings; minutes in its folder 'minute'.")
    ] = Path("traces"),
    output: Annotated[
        Path, typer.Option("--out", help="Folder for summary, report, tables and cache.")
    ] = Path("out/quality"),
    jobs: Jobs = 2,
    as_json: AsJson = False,
) -> None:
    """Measure every policy on the README's recordings.

    Finished replays are kept in the folder's `cache`; a run that was stopped goes on where
    it was. An aim that is not met is no error, a recording that cannot be used is one.
    """
    from predictive_autoscaler.backtest.quality.cache import Cache
    from predictive_autoscaler.backtest.quality.run import load_traces, measure
    from predictive_autoscaler.backtest.quality.written import REPORT, write_quality

    check_jobs(jobs)
    with sole_user_of(output):
        traffics = load_traces(traces)
        with working("replaying", quiet=as_json) as tell:
            measured = measure(traffics, Cache(output / CACHE_FOLDER), jobs, tell)
        aims = write_quality(measured, output)
    if as_json:
        lines = [{"line": aim.line(), "value": aim.value, "met": aim.met} for aim in aims]
        print_json({"aims": lines, "failed": measured.failed, "out": str(output)})
    else:
        for aim in aims:
            out.print(escape(aim.line()), soft_wrap=True, highlight=False)
        out.print(f"Report: {output / REPORT}", soft_wrap=True, highlight=False)
    for name, reason in measured.failed.items():
        err.print(f"[yellow]failed:[/] {escape(name)}: {escape(reason)}")
    if measured.failed:
        raise DataError(f"{len(measured.failed)} recordings could not be replayed in full")
